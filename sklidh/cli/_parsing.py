"""What the options' texts mean, and how a text that means nothing is refused."""

import csv
from pathlib import Path

import typer

PRESETS = ("paper", "full")
TABLES = ("I", "II", "III", "IV", "V", "others")


def parse_jobs(number: int) -> int:
    """Refuse 0 jobs."""
    if number == 0:
        raise typer.BadParameter("0 jobs do no work; 1 or more, or -1 for all cores")
    return number


def parse_csv(path: Path) -> Path:
    """Refuse a name by which a program would take the table for what it is not, such as .xlsx."""
    if path.suffix.lower() != ".csv":
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
            f"{text!r} is neither a preset ({', '.join(PRESETS)}) nor a file that is there"
        )
    return str(Path(text).absolute())


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
    """Read a probability, or a rule by which `choose_threshold` chooses one."""
    from sklidh.evaluation import check_threshold

    try:
        value = float(text)
    except ValueError:
        value = text
    try:
        check_threshold(value)
    except ValueError as error:
        raise typer.BadParameter(f"--threshold {text!r}: {error}") from error
    return value


def parse_tables(text: str) -> tuple[str, ...]:
    """Read "I,III" as names of tables, or say which there are."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if unknown := [name for name in names if name not in TABLES]:
        raise typer.BadParameter(
            f"--tables: {', '.join(map(repr, unknown))} is not among {','.join(TABLES)}"
        )
    return names


def as_columns(text: str) -> dict[str, str]:
    """Read "T1CE=t1_gd,mask='my seg'" as {"T1CE": "t1_gd", "mask": "my seg"}."""
    columns = {}
    for part in next(csv.reader([text], quotechar="'"), []):
        name, separator, heading = (word.strip(" '") for word in part.partition("="))
        if not (separator and name and heading) or name in columns:
            raise typer.BadParameter(
                f"--columns {text!r}: expected NAME=HEADING, separated by commas, each NAME once, "
                "such as T1CE=t1_gd,mask=seg"
            )
        columns[name] = heading
    return columns


def parse_columns(text: str) -> str:
    """Check ``--columns`` as it is read."""
    as_columns(text)
    return text


def as_labels(text: str) -> list | None:
    """Return ``--label`` as numbers and names; None where it is empty."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    return [int(word) if word.isdecimal() else word for word in words] or None


def parse_label(text: str) -> str:
    """Check ``--label`` as it is read; 0 is the background."""
    if 0 in (as_labels(text) or []):
        raise typer.BadParameter("0 is the background; leave --label out for every label above 0")
    return text
