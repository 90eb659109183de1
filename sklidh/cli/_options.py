"""The options that several commands share, and the texts that they are written in."""

from pathlib import Path
from typing import Annotated, Literal

import typer

COHORT, METHOD = "Cohort", "Method"
PRESETS = ("paper", "full")


def parse_jobs(number: int) -> int:
    """Refuse 0 jobs."""
    if number == 0:
        raise typer.BadParameter("0 jobs do no work; 1 or more, or -1 for all cores")
    return number


def parse_radiomics(text: str) -> str:
    """Return a preset's name as it is, and a parameter file's path made absolute."""
    if text in PRESETS:
        return text
    if not Path(text).is_file():
        raise typer.BadParameter(
            f"{text!r} is neither a preset ({', '.join(PRESETS)}) nor a file that is there"
        )
    return str(Path(text).absolute())


Cases = Annotated[
    Path,
    typer.Argument(
        help="Table of patients (a column 'patient', one column of image paths a modality, 'mask' "
        "and the target; paths relative to the table), or a folder of images."
    ),
]
OptionalCases = Annotated[
    Path | None,
    typer.Argument(help="Table of patients, as for sklidh run; not needed with --features."),
]
Features = Annotated[
    Path | None,
    typer.Option(
        help="Table of features MOD__name to start from, as sklidh extract writes it.",
        rich_help_panel=COHORT,
    ),
]
Where = Annotated[
    str,
    typer.Option(help="Keep the patients with COLUMN=VALUE only.", rich_help_panel=COHORT),
]
Folds = Annotated[
    int, typer.Option(min=2, help="Outer folds of the cross-validation.", rich_help_panel=METHOD)
]
Repeats = Annotated[
    int, typer.Option(min=1, help="How often the folds are drawn anew.", rich_help_panel=METHOD)
]
Layout = Annotated[
    Literal["auto", "brats", "tcga", "ucsf-pdgm", "bids"],
    typer.Option(help="How a folder names its images.", rich_help_panel=COHORT),
]
Patients = Annotated[
    Path | None,
    typer.Option(
        help="For a folder: table of its patients, with the target.", rich_help_panel=COHORT
    ),
]
Target = Annotated[str, typer.Option(help="Column of the IDH status.", rich_help_panel=COHORT)]
Groups = Annotated[
    str,
    typer.Option(
        help="Modalities, comma-separated; those joined by + enter the fusion as one. Default: "
        "T1+T1CE,T2+FLAIR if the table has them, else each column for itself.",
        rich_help_panel=COHORT,
    ),
]
Modalities = Annotated[
    str,
    typer.Option(
        help="Columns of images, comma-separated. Default: all that hold some.",
        rich_help_panel=COHORT,
    ),
]
Reference = Annotated[
    str,
    typer.Option(
        help="Modality that the others are registered to; 'none' for images that lie on one "
        "another already. Default: T2 where the table has it, else none.",
        rich_help_panel=COHORT,
    ),
]
Missing = Annotated[
    Literal["nan", "raise"],
    typer.Option(
        help="Empty cells: do with the other sequences (nan), or stop (raise).",
        rich_help_panel=COHORT,
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
    Literal["constraints", "regression", "radiomics", "sanet"],
    typer.Option(help="The paper's Model 4 (proposed), 3, 2 or 1.", rich_help_panel=METHOD),
]
Tune = Annotated[
    bool,
    typer.Option(
        "--tune/--no-tune",
        help="Search alpha, beta and gamma of Model 4 inside every fold.",
        rich_help_panel=METHOD,
    ),
]
RadiomicsSettings = Annotated[
    str,
    typer.Option(
        "--radiomics",
        callback=parse_radiomics,
        help="Preset 'paper' or 'full', or a PyRadiomics parameter file (YAML or JSON).",
        rich_help_panel=METHOD,
    ),
]
Engine = Annotated[
    Literal["native", "pyradiomics"],
    typer.Option(help="Radiomics engine.", rich_help_panel=METHOD),
]
Epochs = Annotated[
    int,
    typer.Option(min=1, help="Epochs of each self-attention network.", rich_help_panel=METHOD),
]
SliceSize = Annotated[
    int,
    typer.Option(
        min=16,
        help="Side of the tumour slices in pixels; the paper has 72.",
        rich_help_panel=METHOD,
    ),
]
TrainFeatures = Annotated[
    Literal["in_sample", "out_of_fold"],
    typer.Option(
        help="Deep features of the training patients: by the network that was trained on them "
        "(the paper), or by one that was not.",
        rich_help_panel=METHOD,
    ),
]
Threshold = Annotated[
    str,
    typer.Option(
        help="Probability from which a patient is called mutant, or 'youden': chosen on the "
        "training patients, predicted in an inner cross-validation.",
        rich_help_panel=METHOD,
    ),
]
Jobs = Annotated[
    int,
    typer.Option(callback=parse_jobs, help="Patients processed at the same time; -1: all cores."),
]
Seed = Annotated[int, typer.Option(help="Seed of the split and of every step that draws.")]


def parse_names(text: str) -> list[str] | None:
    """Read "T1, FLAIR" as ["T1", "FLAIR"], and nothing as None."""
    return [name.strip() for name in text.split(",")] if text else None


def parse_groups(text: str) -> tuple[tuple[str, ...], ...]:
    """Read "T1+T1CE,FLAIR" as (("T1", "T1CE"), ("FLAIR",))."""
    groups = tuple(
        tuple(name.strip() for name in group.split("+")) for group in text.split(",") if text
    )
    names = [name for group in groups for name in group]
    if "" in names or len(set(names)) < len(names):
        raise typer.BadParameter(
            f"--groups {text!r}: expected different modalities, joined by + inside a group and "
            "separated by commas, such as T1+T1CE,T2+FLAIR"
        )
    return groups


def parse_reference(text: str, modalities: tuple[str, ...]) -> str | None:
    """Return the modality that stays, T2 where nothing was said, or None for no registration."""
    if text.lower() == "none" or (not text and "T2" not in modalities):
        return None
    reference = text or "T2"
    if reference not in modalities:
        raise typer.BadParameter(
            f"--reference {reference!r} is not among the modalities {', '.join(modalities)}; name "
            "one of them, or none"
        )
    return reference


def parse_threshold(text: str) -> float | str:
    """Read a probability, or "youden"."""
    if text == "youden":
        return text
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise typer.BadParameter(
            f"--threshold {text!r}: a probability from 0 to 1, or 'youden', is accepted"
        )
    return value
