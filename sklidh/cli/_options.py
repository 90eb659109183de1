"""The options that several commands share, each defined once, in the groups that go together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from sklidh.cli._parsing import (
    as_labels,
    parse_columns,
    parse_jobs,
    parse_label,
    parse_radiomics,
)

COHORT, METHOD, WORK = "Cohort", "Method", "Work"

Cases = Annotated[
    Path,
    typer.Argument(
        help="Table of patients (a column 'patient', one column of image paths a modality, 'mask' "
        "and the target; paths relative to the table), or a folder of images.",
        exists=True,
    ),
]
OptionalCases = Annotated[
    Path | None,
    typer.Argument(help="Table of patients, as for sklidh run; or give --features.", exists=True),
]
Features = Annotated[
    Path | None,
    typer.Option(
        help="Table of features MOD__name to start from, as sklidh extract writes it, in the place "
        "of images.",
        exists=True,
        dir_okay=False,
        rich_help_panel=COHORT,
    ),
]
Where = Annotated[
    str,
    typer.Option(help="Keep the patients with COLUMN=VALUE only.", rich_help_panel=COHORT),
]
Target = Annotated[
    str,
    typer.Option(
        help="Column of the IDH status.",
        rich_help_panel=COHORT,
    ),
]
TARGET_OR_NONE = "Column of the IDH status; 'none' where it is not known."
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
Folds = Annotated[
    int, typer.Option(min=2, help="Outer folds of the cross-validation.", rich_help_panel=METHOD)
]
Repeats = Annotated[
    int, typer.Option(min=1, help="How often the folds are drawn anew.", rich_help_panel=METHOD)
]
Tables = Annotated[
    str,
    typer.Option(
        help="The paper's tables, comma-separated; others: systems that the paper does not "
        "compare with."
    ),
]
TestSize = Annotated[
    float,
    typer.Option(
        min=0.05,
        max=0.9,
        help="Fraction of patients that is only predicted.",
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
    str,
    typer.Option(
        help="Probability from which a patient is predicted mutant, or a rule that chooses it in "
        "inner folds of the training patients: 'youden', 'precision>=0.9' or 'sensitivity>=0.9'.",
        rich_help_panel=METHOD,
    ),
]
Seed = Annotated[
    int,
    typer.Option(help="Seed of every step that draws.", rich_help_panel=METHOD),
]


@dataclass(frozen=True)
class Folder:
    """How a folder of images is read."""

    layout: Annotated[
        Literal["auto", "brats", "tcga", "ucsf-pdgm", "bids"],
        typer.Option(help="How a folder names its images.", rich_help_panel=COHORT),
    ] = "auto"
    patients: Annotated[
        Path | None,
        typer.Option(
            help="For a folder: table of what is known of its patients.",
            exists=True,
            dir_okay=False,
            rich_help_panel=COHORT,
        ),
    ] = None
    columns: Annotated[
        str,
        typer.Option(
            callback=parse_columns,
            help="Headings of the table that are not recognised, as T1CE=t1_gd,mask=seg.",
            rich_help_panel=COHORT,
        ),
    ] = ""
    label: Annotated[
        str,
        typer.Option(
            callback=parse_label,
            help="Tumour's label in the masks, by number or by the name of a structure; several "
            "are comma-separated. Default: label of the parameter file, else every label above 0.",
            rich_help_panel=COHORT,
        ),
    ] = ""

    @property
    def labels(self) -> list | None:
        """The labels as numbers and names; None for all."""
        return as_labels(self.label)


@dataclass(frozen=True)
class Cohort(Folder):
    """Who takes part, and which of their images."""

    target: Target = "idh"
    wildtype: Wildtype = ""
    groups: Annotated[
        str,
        typer.Option(
            help="Modalities, comma-separated; those joined by + enter the fusion as one. Default: "
            "T1+T1CE,T2+FLAIR if the table has all four (the recommended model keeps them apart), "
            "else a group of each that it has.",
            rich_help_panel=COHORT,
        ),
    ] = ""
    reference: Annotated[
        str,
        typer.Option(
            help="Modality on which the masks were drawn and to which the others are registered; "
            "'none' for images that lie on one another already. Default: T2 where the table has "
            "it, else none.",
            rich_help_panel=COHORT,
        ),
    ] = ""
    missing: Annotated[
        Literal["nan", "raise"],
        typer.Option(
            help="Empty cells: do with the other sequences (nan), or stop (raise).",
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
            callback=parse_radiomics,
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
    ] = 20
    slice_size: Annotated[
        int,
        typer.Option(
            min=16,
            help="Side of the tumour slices in pixels; the paper has 72.",
            rich_help_panel=METHOD,
        ),
    ] = 72
    train_features: Annotated[
        Literal["in_sample", "out_of_fold"],
        typer.Option(
            help="Deep features of the training patients: by the network that was trained on them "
            "(the paper), or by one that was not.",
            rich_help_panel=METHOD,
        ),
    ] = "in_sample"
    seed: Seed = 0


@dataclass(frozen=True)
class Work:
    """Who does the work."""

    jobs: Annotated[
        int,
        typer.Option(
            callback=parse_jobs,
            help="Patients worked on at the same time; -1: all cores.",
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


QUICK = Method(epochs=8, slice_size=32)
"""Of the demo, which shall be done in two minutes."""

SMALLEST = Method(epochs=1, slice_size=16)
"""Of the audit: a leak shows in a network that has learned little, too."""

ONE_JOB = Work(jobs=1)
