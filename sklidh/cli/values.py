"""The values of options, parsed once from the text of the command line or of a file."""

import shlex
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import typer

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
    """The heading of each column that has another name: {"T1CE": "t1_gd"} for "T1CE=t1_gd"."""

    def __str__(self):
        return ",".join(f"{name}='{heading}'" for name, heading in self.items())


class Regions(dict):
    """The labels of each region: {"core": [1, 4]} for "core=1+4"."""

    def __str__(self):
        return ",".join(f"{name}={'+'.join(map(str, labels))}" for name, labels in self.items())


class Names(tuple):
    """Names, or numbers of labels, separated by commas."""

    def __str__(self):
        return ",".join(map(str, self))


class Where(NamedTuple):
    """The patients to use: those with this value in this column; all, if both are empty."""

    column: str = ""
    value: str = ""

    def __str__(self):
        return f"{self.column}={self.value}" if self.column else ""


def parse_jobs(number: int) -> int:
    """Refuse 0 jobs, and fewer than -1."""
    if number == 0 or number < -1:
        raise typer.BadParameter(f"{number} is not accepted; give 1 or more, or -1 for all cores")
    return number


def parse_csv(path: Path | None) -> Path | None:
    """Refuse a file name of another format, such as .xlsx."""
    if path is not None and path.suffix.lower() != ".csv":
        stem = path.stem.removesuffix(".csv").strip(".") or "table"
        raise typer.BadParameter(
            f"{path}: the table is written as CSV, which every spreadsheet opens; name a file that "
            f"ends in .csv, such as {stem}.csv"
        )
    return path


def parse_radiomics(text: str) -> str:
    """Return a preset's name as it is, and a parameter file's path made absolute."""
    from sklidh.radiomics import PRESET_NAMES

    if text not in PRESET_NAMES and not Path(text).is_file():
        raise typer.BadParameter(
            f"{text!r} is neither a preset ({', '.join(PRESET_NAMES)}) nor an existing file"
        )
    return text if text in PRESET_NAMES else str(Path(text).absolute())


def parse_groups(text: str) -> Groups:
    """Read "T1+T1CE,FLAIR"."""
    groups = [tuple(map(str.strip, group.split("+"))) for group in str(text).split(",") if text]
    names = Groups(groups).modalities
    if "" in names or len(set(names)) < len(names):
        raise typer.BadParameter(
            f"{text!r}: expected different modalities, joined by + inside a group and separated "
            "by commas, such as T1+T1CE,T2+FLAIR"
        )
    return Groups(groups)


def parse_columns(text: str) -> Columns:
    """Read "T1CE=t1_gd,mask='my seg'"."""
    columns = Columns()
    words = shlex.shlex(str(text), posix=True)
    words.whitespace, words.whitespace_split, words.escape, words.commenters = ",", True, "", ""
    for part in words:
        name, _, heading = map(str.strip, part.partition("="))
        if not (name and heading) or name in columns:
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
    labels = Names(int(word) if word.isdecimal() else word for word in parse_names(text))
    if 0 in labels:
        raise typer.BadParameter("0 is the background; omit --label to use every label above 0")
    return labels


def parse_regions(text: str) -> Regions:
    """Read "core=1+4,oedema=2"."""
    regions = Regions()
    for part in filter(None, str(text).split(",")):
        name, _, labels = map(str.strip, part.partition("="))
        if not name or not labels or name in regions or "__" in name:
            raise typer.BadParameter(
                f"{text!r}: expected NAME=LABELS, separated by commas, each NAME once, such as "
                "core=1+4,oedema=2"
            )
        regions[name] = list(parse_labels(labels.replace("+", ",")))
    return regions


def parse_tables(text: str) -> Names:
    """Read "I,III" as names of tables."""
    names = parse_names(text)
    if unknown := [name for name in names if name not in TABLES]:
        raise typer.BadParameter(f"{', '.join(map(repr, unknown))} is not among {','.join(TABLES)}")
    return names


def parse_where(text: str) -> Where:
    """Read "COLUMN=VALUE"."""
    column, separator, value = map(str.strip, str(text).partition("="))
    if str(text) and not (separator and column):
        raise typer.BadParameter(f"{text!r}: expected COLUMN=VALUE, such as collection=LGG")
    return Where(column, value)


def parse_threshold(text: str) -> float | str:
    """Read a probability, or a rule of `choose_threshold`."""
    from sklidh.evaluation import check_threshold

    value = text
    with suppress(ValueError):
        value = float(text)
    try:
        check_threshold(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return value
