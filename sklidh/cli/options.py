"""The options that several commands share, each defined once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from sklidh.cli import values
from sklidh.cli.values import Columns, Groups, Names, Where

COHORT, METHOD, WORK = "Cohort", "Method", "Work"

Cases = Annotated[
    Path,
    typer.Argument(
        help="Table of patients (a column 'patient', one column of image paths per modality, "
        "'mask' and the target; paths relative to the table), or a folder of images.",
        exists=True,
    ),
]
OptionalCases = Annotated[
    Path | None,
    typer.Argument(
        help="Table of patients, as for sklidh run; not needed with --features.", exists=True
    ),
]
Features = Annotated[
    Path | None,
    typer.Option(
        help="Table of features MOD__name, as sklidh extract writes it; replaces the images.",
        exists=True,
        dir_okay=False,
        rich_help_panel=COHORT,
    ),
]
WhereOption = Annotated[
    Where,
    typer.Option(
        parser=values.parse_where,
        metavar="COLUMN=VALUE",
        help="Use only the patients with this value.",
        rich_help_panel=COHORT,
    ),
]
Target = Annotated[
    str,
    typer.Option(
        help="Column of the IDH status.",
        rich_help_panel=COHORT,
    ),
]
TARGET_OR_NONE = "Column of the IDH status; 'none' if it is not known."
"""Of a command that needs no target."""

Wildtype = Annotated[
    str,
    typer.Option(
        help="Target value that means wild type; all other values are mutant. Default: known words "
        "(wildtype, WT, negative, mutant, IDH1 p.R132H, ...), or 0 for wild types and 1 for "
        "mutants.",
        rich_help_panel=COHORT,
    ),
]
GroupsOption = Annotated[
    Groups,
    typer.Option(
        parser=values.parse_groups,
        metavar="GROUPS",
        help="Modalities, separated by commas; those joined by + enter the fusion as one block. "
        "Default: T1+T1CE,T2+FLAIR if the table has all four (the recommended model keeps them "
        "apart), else one block per modality.",
        rich_help_panel=COHORT,
    ),
]
ColumnsOption = Annotated[
    Columns,
    typer.Option(
        parser=values.parse_columns,
        metavar="NAME=HEADING,...",
        help="Headings that are not recognised, such as T1CE=t1_gd,mask=seg.",
        rich_help_panel=COHORT,
    ),
]
Clinical = Annotated[
    Names,
    typer.Option(
        parser=values.parse_names,
        metavar="COLUMNS",
        help="Clinical columns that enter the fusion beside the images, such as age,sex. In empty "
        "cells the training patients' median or most frequent word is used.",
        rich_help_panel=COHORT,
    ),
]
PatientColumn = Annotated[
    str,
    typer.Option(
        help="Column of the patients where rows are scans: all scans of a patient stay on the "
        "same side of every split.",
        rich_help_panel=METHOD,
    ),
]
Folds = Annotated[
    int, typer.Option(min=2, help="Outer folds of the cross-validation.", rich_help_panel=METHOD)
]
Repeats = Annotated[
    int,
    typer.Option(
        min=1, help="Number of times the cross-validation is repeated.", rich_help_panel=METHOD
    ),
]
TablesOption = Annotated[
    Names,
    typer.Option(
        parser=values.parse_tables,
        metavar="TABLES",
        help="The paper's tables, separated by commas; 'others' are systems that the paper does "
        "not compare with.",
    ),
]
TestSize = Annotated[
    float,
    typer.Option(
        min=0.05,
        max=0.9,
        help="Fraction of patients held out for testing.",
        rich_help_panel=METHOD,
    ),
]
Model = Annotated[
    Literal["recommended", "model-1", "model-2", "model-3", "model-4", "model-4-radiomics"],
    typer.Option(
        help="The recommended configuration; or the paper's Model 1 (SA-Net), 2 (radiomics), 3 "
        "(late fusion) or 4 (proposed); or Model 4 on radiomics alone.",
        rich_help_panel=METHOD,
    ),
]
Tune = Annotated[
    bool,
    typer.Option(
        "--tune/--no-tune",
        help="Search alpha, beta and gamma of the constraints inside every fold.",
        rich_help_panel=METHOD,
    ),
]
Threshold = Annotated[
    object,
    typer.Option(
        parser=values.parse_threshold,
        metavar="NUMBER|RULE",
        help="Probability from which a patient is predicted mutant, or a rule that chooses it in "
        "inner folds of the training patients: 'youden', 'precision>=0.9' or 'sensitivity>=0.9'.",
        rich_help_panel=METHOD,
    ),
]
Seed = Annotated[
    int,
    typer.Option(help="Random seed.", rich_help_panel=METHOD),
]


@dataclass(frozen=True)
class Folder:
    """How a folder of images is read."""

    layout: Annotated[
        Literal["auto", "brats", "tcga", "ucsf-pdgm", "bids"],
        typer.Option(help="Naming scheme of the images in a folder.", rich_help_panel=COHORT),
    ] = "auto"
    patients: Annotated[
        Path | None,
        typer.Option(
            help="For a folder of images: table of its patients with the IDH status.",
            exists=True,
            dir_okay=False,
            rich_help_panel=COHORT,
        ),
    ] = None
    columns: ColumnsOption = ""
    label: Annotated[
        Names,
        typer.Option(
            parser=values.parse_labels,
            metavar="LABELS",
            help="Labels of the tumour in the masks, by number or structure name, separated by "
            "commas. Default: the label of the parameter file, else every label above 0.",
            rich_help_panel=COHORT,
        ),
    ] = ""

    def __post_init__(self):
        """Parse values given as text in Python; Typer passes parsed ones."""
        parsers = {
            "columns": values.parse_columns,
            "label": values.parse_labels,
            "groups": values.parse_groups,
        }
        for name, parse in parsers.items():
            if isinstance(value := getattr(self, name, None), str):
                object.__setattr__(self, name, parse(value))


@dataclass(frozen=True)
class Cohort(Folder):
    """Which patients, and which of their images."""

    target: Target = "idh"
    wildtype: Wildtype = ""
    groups: GroupsOption = ""
    reference: Annotated[
        str,
        typer.Option(
            help="Modality on which the masks were drawn and to which the others are registered; "
            "'none' if the images are aligned. Default: T2 if the table has it, else none.",
            rich_help_panel=COHORT,
        ),
    ] = ""
    missing: Annotated[
        Literal["nan", "raise"],
        typer.Option(
            help="Missing sequences: predict from the rest (nan) or fail (raise).",
            rich_help_panel=COHORT,
        ),
    ] = "nan"

    @property
    def target_or_none(self) -> str | None:
        """The target's column; None where the patients have none."""
        return None if self.target.lower() == "none" else self.target


@dataclass(frozen=True)
class Extraction:
    """Which radiomics features, and how."""

    radiomics: Annotated[
        str,
        typer.Option(
            callback=values.parse_radiomics,
            help="Preset 'paper' or 'full', or a PyRadiomics parameter file (YAML or JSON).",
            rich_help_panel=METHOD,
        ),
    ] = "paper"
    engine: Annotated[
        Literal["native", "pyradiomics"],
        typer.Option(help="Radiomics engine.", rich_help_panel=METHOD),
    ] = "native"


@dataclass(frozen=True)
class Method(Extraction):
    """How models are built."""

    epochs: Annotated[
        int,
        typer.Option(min=1, help="Epochs of each self-attention network.", rich_help_panel=METHOD),
    ] = 8
    slice_size: Annotated[
        int,
        typer.Option(
            min=16,
            help="Side of the tumour slices in pixels; 72 in the paper.",
            rich_help_panel=METHOD,
        ),
    ] = 72
    train_features: Annotated[
        Literal["in_sample", "out_of_fold"],
        typer.Option(
            help="Deep features of the training patients: from the network trained on them (the "
            "paper), or from one trained on other patients.",
            rich_help_panel=METHOD,
        ),
    ] = "in_sample"
    seed: Seed = 0


@dataclass(frozen=True)
class Work:
    """How the work is distributed."""

    jobs: Annotated[
        int,
        typer.Option(
            callback=values.parse_jobs,
            help="Patients processed at the same time; -1 for all cores.",
            rich_help_panel=WORK,
        ),
    ] = 2
    scheduler: Annotated[
        str,
        typer.Option(
            help="Address of a dask scheduler, such as tcp://host:8786, whose workers do the work; "
            "they must see the same files.",
            rich_help_panel=WORK,
        ),
    ] = ""
