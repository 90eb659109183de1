"""The options that several commands share, each defined once."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from sklidh.cli import values
from sklidh.cli.values import Columns, Groups, Names, Regions, Where


def option(text, *names, **how):
    """Return an option of one command with its help text."""
    return typer.Option(*names, help=text, **how)


in_cohort = partial(option, rich_help_panel="Cohort")
in_method = partial(option, rich_help_panel="Method")
in_work = partial(option, rich_help_panel="Work")


def argument(text, **how):
    """Return an argument that names something on the disk."""
    return typer.Argument(help=text, exists=True, **how)


Cases = Annotated[
    Path,
    argument(
        "Table of patients (a column 'patient', one column of image paths per modality, 'mask' and "
        "the target; paths relative to the table), or a folder of images."
    ),
]
OptionalCases = Annotated[
    Path | None, argument("Table of patients, as for sklidh run; not needed with --features.")
]
Features = Annotated[
    Path | None,
    in_cohort(
        "Table of features MOD__name, as sklidh extract writes it; replaces the images.",
        exists=True,
        dir_okay=False,
    ),
]
ResultsFolder = Annotated[Path, option("Folder of the results.")]
WhereOption = Annotated[
    Where,
    in_cohort(
        "Use only the patients with this value.", parser=values.parse_where, metavar="COLUMN=VALUE"
    ),
]
Target = Annotated[str, in_cohort("Column of the IDH status, or of another target.")]
TARGET_OR_NONE = "Column of the IDH status; 'none' if it is not known."
"""Help of a command that needs no target."""

Wildtype = Annotated[
    str,
    in_cohort(
        "Target value that means wild type; all other values are mutant. Default: known words "
        "(wildtype, WT, negative, mutant, IDH1 p.R132H, ...), or 0 for wild types and 1 for "
        "mutants."
    ),
]
Positive = Annotated[
    str,
    in_cohort(
        "Value of another target's positive class, such as methylated. Not needed for 0 and 1, nor "
        "for three or more values, which are as many classes."
    ),
]
GroupsOption = Annotated[
    Groups,
    in_cohort(
        "Modalities, separated by commas; those joined by + enter the fusion as one block. "
        "Default: T1+T1CE,T2+FLAIR if the table has all four (the recommended model keeps them "
        "apart), else one block per modality.",
        parser=values.parse_groups,
        metavar="GROUPS",
    ),
]
ColumnsOption = Annotated[
    Columns,
    in_cohort(
        "Headings that are not recognised, such as T1CE=t1_gd,mask=seg.",
        parser=values.parse_columns,
        metavar="NAME=HEADING,...",
    ),
]
Clinical = Annotated[
    Names,
    in_cohort(
        "Clinical columns that enter the fusion beside the images, such as age,sex. In empty "
        "cells the training patients' median or most frequent word is used.",
        parser=values.parse_names,
        metavar="COLUMNS",
    ),
]
PatientColumn = Annotated[
    str,
    in_method(
        "Column of the patients where rows are scans: all scans of a patient stay on the same "
        "side of every split."
    ),
]
Folds = Annotated[int, in_method("Outer folds of the cross-validation.", min=2)]
Repeats = Annotated[int, in_method("Number of times the cross-validation is repeated.", min=1)]
TablesOption = Annotated[
    Names,
    option(
        "The paper's tables, separated by commas; 'others' are systems that the paper does not "
        "compare with.",
        parser=values.parse_tables,
        metavar="TABLES",
    ),
]
Model = Annotated[
    Literal["recommended", "model-1", "model-2", "model-3", "model-4", "model-4-radiomics"],
    in_method(
        "The recommended configuration; or the paper's Model 1 (SA-Net), 2 (radiomics), 3 (late "
        "fusion) or 4 (proposed); or Model 4 on radiomics alone."
    ),
]
Threshold = Annotated[
    object,
    in_method(
        "Probability from which a patient is predicted mutant, or a rule that chooses it in inner "
        "folds of the training patients: 'youden', 'precision>=0.9' or 'sensitivity>=0.9'.",
        parser=values.parse_threshold,
        metavar="NUMBER|RULE",
    ),
]
Seed = Annotated[int, in_method("Random seed.", min=0, max=2**32 - 1)]


@dataclass(frozen=True)
class Folder:
    """How a folder of images is read."""

    layout: Annotated[
        Literal["auto", "brats", "tcga", "ucsf-pdgm", "bids"],
        in_cohort("Naming scheme of the images in a folder."),
    ] = "auto"
    patients: Annotated[
        Path | None,
        in_cohort(
            "For a folder of images: table of its patients with the IDH status.",
            exists=True,
            dir_okay=False,
        ),
    ] = None
    columns: ColumnsOption = ""
    label: Annotated[
        Names,
        in_cohort(
            "Labels of the tumour in the masks, by number or structure name, separated by commas. "
            "Default: the label of the parameter file, else every label above 0.",
            parser=values.parse_labels,
            metavar="LABELS",
        ),
    ] = ""
    # The model decides these in the one command that has no option for them, predict.
    groups = Groups()
    missing = "nan"

    def __post_init__(self):
        """Parse values given as text in Python; Typer passes parsed ones."""
        parsers = {"columns": values.parse_columns, "label": values.parse_labels}
        for name, parse in {**parsers, "groups": values.parse_groups}.items():
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, parse(value))


@dataclass(frozen=True)
class Cohort(Folder):
    """Which patients, and which of their images."""

    target: Target = "idh"
    wildtype: Wildtype = ""
    positive: Positive = ""
    groups: GroupsOption = ""
    reference: Annotated[
        str,
        in_cohort(
            "Modality on which the masks were drawn and to which the others are registered; "
            "'none' if the images are aligned. Default: T2 if the table has it, else none."
        ),
    ] = ""
    missing: Annotated[
        Literal["nan", "raise"],
        in_cohort("Missing sequences: predict from the rest (nan) or fail (raise)."),
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
        in_method(
            "Preset 'paper', 'full', 'ibsi' or 'ibsi-a' to 'ibsi-e', or a PyRadiomics parameter "
            "file (YAML or JSON).",
            callback=values.parse_radiomics,
        ),
    ] = "paper"
    engine: Annotated[Literal["native", "pyradiomics"], in_method("Radiomics engine.")] = "native"
    regions: Annotated[
        Regions,
        in_method(
            "Regions of the masks with features of their own, by labels, such as "
            "core=1+4,oedema=2. Default: one region, see --label.",
            parser=values.parse_regions,
            metavar="NAME=LABELS,...",
        ),
    ] = ""
    perturbations: Annotated[
        int,
        in_method(
            "Perturbed copies of each training image and mask. Features that differ between them "
            "(ICC below 0.75) are dropped. 0: none.",
            min=0,
        ),
    ] = 0

    def __post_init__(self):
        """Parse a value given as text in Python; Typer passes a parsed one."""
        if isinstance(self.regions, str):
            object.__setattr__(self, "regions", values.parse_regions(self.regions))


@dataclass(frozen=True)
class Method(Extraction):
    """How models are built."""

    epochs: Annotated[int, in_method("Epochs of each self-attention network.", min=1)] = 8
    slice_size: Annotated[
        int, in_method("Side of the tumour slices in pixels; 72 in the paper.", min=16)
    ] = 72
    train_features: Annotated[
        Literal["in_sample", "out_of_fold"],
        in_method(
            "Deep features of the training patients: from the network trained on them (the paper), "
            "or from one trained on other patients."
        ),
    ] = "in_sample"
    seed: Seed = 0


@dataclass(frozen=True)
class Work:
    """How the work is distributed."""

    jobs: Annotated[
        int,
        in_work(
            "Patients processed at the same time; -1 for all cores.", callback=values.parse_jobs
        ),
    ] = 2
    scheduler: Annotated[
        str,
        in_work(
            "Address of a dask scheduler, such as tcp://host:8786, whose workers do the work; they "
            "must see the same files."
        ),
    ] = ""

    @property
    def timeout(self) -> float | None:
        """The time limit (s) per patient: joblib waits forever for a dask worker that died."""
        return 3600.0 if self.scheduler else None
