"""The options that several commands share, each defined once and parsed once into its value."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer

PRESETS = ("paper", "full")
TABLES = ("I", "II", "III", "IV", "V", "others")


class Groups(tuple):
    """Modalities as they enter the fusion: (("T1", "T1CE"), ("FLAIR",)) for "T1+T1CE,FLAIR"."""

    def __str__(self):
        return ",".join("+".join(group) for group in self)

    @property
    def modalities(self) -> tuple[str, ...]:
        """All of them, in their order."""
        return tuple(name for group in self for name in group)


class Columns(dict):
    """The heading of each column that is called otherwise: {"T1CE": "t1_gd"} for "T1CE=t1_gd"."""

    def __str__(self):
        return ",".join(f"{name}='{heading}'" for name, heading in self.items())


class Names(tuple):
    """Names, or numbers of labels, separated by commas."""

    def __str__(self):
        return ",".join(map(str, self))


class Where(NamedTuple):
    """The patients asked for: those with a value in a column; all, if both are empty."""

    column: str = ""
    value: str = ""

    def __str__(self):
        return f"{self.column}={self.value}" if self.column else ""


def parse_jobs(number: int) -> int:
    """Refuse 0 jobs."""
    if number == 0:
        raise typer.BadParameter("0 jobs do no work; 1 or more, or -1 for all cores")
    return number


def parse_csv(path: Path | None) -> Path | None:
    """Refuse a name by which a program would take the table for what it is not, such as .xlsx."""
    if path is not None and path.suffix.lower() != ".csv":
        stem = path.stem.removesuffix(".csv").strip(".") or "table"
        raise typer.BadParameter(
            f"{path}: the table is written as CSV, which every spreadsheet opens; "
            f"name a file that ends in .csv, such as {stem}.csv"
        )
    return path


def parse_radiomics(text: str) -> str:
    """Return a preset's name as it is, and a parameter file's path made absolute."""
    if text in PRESETS:
        return text
    if not Path(text).is_file():
        raise typer.BadParameter(
            f"{text!r} is neither a preset ({', '.join(PRESETS)}) nor an existing file"
        )
    return str(Path(text).absolute())


def parse_groups(text: str) -> Groups:
    """Read "T1+T1CE,FLAIR"."""
    groups = Groups(
        tuple(name.strip() for name in group.split("+")) for group in str(text).split(",") if text
    )
    names = groups.modalities
    if "" in names or len(set(names)) < len(names):
        raise typer.BadParameter(
            f"{text!r}: expected different modalities, joined by + inside a group and separated "
            "by commas, such as T1+T1CE,T2+FLAIR"
        )
    return groups


def parse_columns(text: str) -> Columns:
    """Read "T1CE=t1_gd,mask='my seg'"."""
    columns = Columns()
    words = shlex.shlex(str(text), posix=True)
    words.whitespace, words.whitespace_split, words.escape, words.commenters = ",", True, "", ""
    for part in words:
        name, separator, heading = (word.strip() for word in part.partition("="))
        if not (separator and name and heading) or name in columns:
            raise typer.BadParameter(
                f"{text!r}: expected NAME=HEADING, separated by commas, each NAME once, such as "
                "T1CE=t1_gd,mask=seg"
            )
        columns[name] = heading
    return columns


def parse_names(text: str) -> Names:
    """Read "age,sex"; a name that is given twice counts once."""
    return Names(dict.fromkeys(name.strip() for name in str(text).split(",") if name.strip()))


def parse_labels(text: str) -> Names:
    """Read "1,4" or "GTV"; 0 is the background."""
    words = [word.strip() for word in str(text).split(",") if word.strip()]
    labels = Names(int(word) if word.isdecimal() else word for word in words)
    if 0 in labels:
        raise typer.BadParameter("0 is the background; leave --label out for every label above 0")
    return labels


def parse_where(text: str) -> Where:
    """Read "COLUMN=VALUE"."""
    text = str(text)
    column, separator, value = (part.strip() for part in text.partition("="))
    if text and not (separator and column):
        raise typer.BadParameter(f"{text!r}: expected COLUMN=VALUE, such as collection=LGG")
    return Where(column, value)


def parse_threshold(text: str) -> float | str:
    """Read a probability, or a rule by which `choose_threshold` chooses one."""
    from sklidh.evaluation import check_threshold

    try:
        value = float(text)
    except ValueError:
        value = text
    try:
        check_threshold(value)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: {error}") from error
    return value


def parse_tables(text: str) -> Names:
    """Read "I,III" as names of tables."""
    names = parse_names(text)
    if unknown := [name for name in names if name not in TABLES]:
        raise typer.BadParameter(f"{', '.join(map(repr, unknown))} is not among {','.join(TABLES)}")
    return names


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
    typer.Argument(help="Table of patients, as for sklidh run; or give --features.", exists=True),
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
        parser=parse_where,
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
        parser=parse_groups,
        metavar="GROUPS",
        help="Modalities, comma-separated; those joined by + enter the fusion as one. Default: "
        "T1+T1CE,T2+FLAIR if the table has all four (the recommended model keeps them apart), "
        "else a group of each that it has.",
        rich_help_panel=COHORT,
    ),
]
ColumnsOption = Annotated[
    Columns,
    typer.Option(
        parser=parse_columns,
        metavar="NAME=HEADING,...",
        help="Headings of the table that are not recognised, as T1CE=t1_gd,mask=seg.",
        rich_help_panel=COHORT,
    ),
]
Clinical = Annotated[
    Names,
    typer.Option(
        parser=parse_names,
        metavar="COLUMNS",
        help="Clinical columns that enter the fusion beside the images, such as age,sex. An empty "
        "cell counts as the training patients' median or most frequent word.",
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
        parser=parse_tables,
        metavar="TABLES",
        help="The paper's tables, comma-separated; others: systems that the paper does not "
        "compare with.",
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
        parser=parse_threshold,
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
        typer.Option(help="How a folder names its images.", rich_help_panel=COHORT),
    ] = "auto"
    patients: Annotated[
        Path | None,
        typer.Option(
            help="For a folder: table of its patients, with the IDH status.",
            exists=True,
            dir_okay=False,
            rich_help_panel=COHORT,
        ),
    ] = None
    columns: ColumnsOption = ""
    label: Annotated[
        Names,
        typer.Option(
            parser=parse_labels,
            metavar="LABELS",
            help="Tumour's label in the masks, by number or by the name of a structure; several "
            "are comma-separated. Default: label of the parameter file, else every label above 0.",
            rich_help_panel=COHORT,
        ),
    ] = ""

    def __post_init__(self):
        """Parse what was written in Python as a text; Typer hands over values."""
        parsers = {"columns": parse_columns, "label": parse_labels, "groups": parse_groups}
        for name, parse in parsers.items():
            if isinstance(value := getattr(self, name, None), str):
                object.__setattr__(self, name, parse(value))


@dataclass(frozen=True)
class Cohort(Folder):
    """Who takes part, and which of their images."""

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
    """Who does the work."""

    jobs: Annotated[
        int,
        typer.Option(
            callback=parse_jobs,
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
