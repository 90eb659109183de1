"""What is wrong with a cohort, in its table, its target and its images, before any work."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import typer
from rich.markup import escape

from sklidh.cli._mutations import mutations
from sklidh.cli._options import Cohort
from sklidh.cli._output import errors, verbosity
from sklidh.cli._parsing import as_columns, parse_groups


def patients_in_words(X: pd.DataFrame, modalities) -> str:
    """Tell how many patients there are, of what sequences, and how many lack one of them.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    modalities : sequence of str

    Returns
    -------
    str
        Such as "30 patients, T1, T1CE; 1 without T1CE".
    """
    from sklidh.utils import is_missing

    without = {name: sum(map(is_missing, X[name])) for name in modalities if name in X.columns}
    lacking = ", ".join(f"{n} without {name}" for name, n in without.items() if n)
    return f"{len(X)} patients, {', '.join(modalities)}" + (f"; {lacking}" if lacking else "")


def examine_table(
    cases: Path, cohort: Cohort, *, target: str | None, classes: bool = True, where: str = ""
):
    """Read a cohort's table and find everything that is wrong with it, but for its images.

    What was recognised under another heading is printed.

    Parameters
    ----------
    cases : Path
        Table or folder.
    cohort : Cohort
    target : str or None
        None: the table has none.
    classes : bool, default=True
        Whether the target becomes 0 and 1 (`mutations`); else it stays as it is.
    where : str, default=""
        As `asked_for` takes it; what is wrong with the others is told all the same.

    Returns
    -------
    sklidh.datasets.ExaminedCohort
    """
    from sklidh.datasets import examine_cohort
    from sklidh.utils import CohortError, check_target

    examined = examine_cohort(
        cases,
        target=target,
        modalities=[name for group in parse_groups(cohort.groups) for name in group] or None,
        columns=as_columns(cohort.columns),
        missing=cohort.missing,
        layout=cohort.layout,
        patients=cohort.patients,
        cells=False,
    )
    print_notes(examined.notes)
    examined = asked_for(examined, where)
    X, y, problems = examined.X, examined.y, []
    try:
        if y is not None and classes:
            y = mutations(X, y, cohort.wildtype)
        elif y is not None:
            check_target(y, X)
    except CohortError as error:
        problems = examined.located(error.problems)
    return replace(examined, y=y, problems=[*examined.problems, *problems])


def print_notes(notes):
    """Print what was recognised in a table or passed over."""
    for note in notes:
        errors.print(f"[cyan]Note:[/] {escape(note)}", highlight=False, soft_wrap=True)


def asked_for(examined, where: str):
    """Keep the patients that ``--where`` asks for.

    Parameters
    ----------
    examined : sklidh.datasets.ExaminedCohort
    where : str
        "COLUMN=VALUE", or empty for all.

    Returns
    -------
    sklidh.datasets.ExaminedCohort
    """
    if not where:
        return examined
    from sklidh.datasets import matches
    from sklidh.utils import category_text

    X = examined.X
    asked, separator, value = (part.strip() for part in where.partition("="))
    images = {*examined.modalities, "mask"}
    others = [name for name in X.columns if name not in images and "__" not in name]
    column = next(iter(matches(asked, others)), None)
    if not separator or column is None:
        from sklidh.utils import listed

        raise typer.BadParameter(
            f"--where {where!r}: expected COLUMN=VALUE with a column of the table; available "
            f"columns: {listed(others) or 'none'}"
        )
    texts = X[column].map(category_text)
    kept = (texts == value).to_numpy()
    if not kept.any():
        raise typer.BadParameter(
            f"--where {where!r}: no patient; {column} is one of "
            f"{', '.join(sorted(texts.unique())[:20])}"
        )
    lines = [line for line, is_kept in zip(examined.lines, kept, strict=False) if is_kept]
    y = None if examined.y is None else examined.y[kept]
    return replace(examined, X=X[kept], y=y, lines=lines)


def image_problems(examined, modalities, reference, *, label, missing: str, jobs: int) -> list[str]:
    """Read every image before the work starts, and find all that cannot be used.

    ``sklidh check`` makes the same checks, and shows the images. An image that two patients have is
    told as a warning.

    Parameters
    ----------
    examined : sklidh.datasets.ExaminedCohort
    modalities : sequence of str
    reference : str or None
    label : int, str, sequence of these, or None
    missing : {"raise", "nan"}
        All as `sklidh.datasets.check_images` takes them.
    jobs : int
        Patients read at the same time.

    Returns
    -------
    list of str
        One line each.
    """
    from sklidh.datasets import check_images
    from sklidh.utils import cache_folder

    # What comes next writes there.
    cache_folder(None, "")
    how = {"label": label, "reference": reference, "missing": missing, "n_jobs": jobs}
    problems, doubts = check_images(examined.X, modalities, **how, verbose=verbosity())
    for line in doubts:
        errors.print(f"[yellow]Warning:[/] {escape(line)}", highlight=False, soft_wrap=True)
    return examined.located(problems)
