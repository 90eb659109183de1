"""What is wrong with a cohort, in its table, its target and its images, before any work."""

from pathlib import Path

import pandas as pd
import typer
from rich.markup import escape

from sklidh.cli._mutations import mutations
from sklidh.cli._options import Cohort
from sklidh.cli._output import errors, verbosity
from sklidh.cli._parsing import parse_groups


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


def renamings(columns, names) -> dict[str, str]:
    """Return how absent columns are written in a table: t1 for T1.

    Parameters
    ----------
    columns : sequence of str
        The table's.
    names : sequence of str
        The columns it should have.

    Returns
    -------
    dict of str to str
        The absent names that are there but for case and spaces, each with the table's own heading.
    """
    written = {str(column).strip().casefold(): column for column in columns}
    absent = [name for name in names if name not in columns]
    return {name: written[name.casefold()] for name in absent if name.casefold() in written}


def examine_table(
    cases: Path, cohort: Cohort, *, target: str | None, classes: bool = True, where: str = ""
) -> tuple[pd.DataFrame, pd.Series | None, list[str], list[str]]:
    """Read a cohort's table and find everything that is wrong with it, but for its images.

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
    X : DataFrame of shape (n_kept, n_columns)
    y : Series of shape (n_kept,) or None
    modalities : list of str
        Those asked for by ``--groups``, else every column of images.
    problems : list of str
    """
    from sklidh.datasets import examine_cohort
    from sklidh.utils import CohortError, check_target

    X, y, modalities, problems = examine_cohort(
        cases,
        target=target,
        modalities=[name for group in parse_groups(cohort.groups) for name in group] or None,
        missing=cohort.missing,
        layout=cohort.layout,
        patients=cohort.patients,
        cells=False,
    )
    X, y = asked_for(X, y, where)
    try:
        if y is not None and classes:
            y = mutations(X, y, cohort.wildtype)
        elif y is not None:
            check_target(y, X)
    except CohortError as error:
        problems = [*problems, *error.problems]
    return X, y, modalities, problems


def asked_for(
    X: pd.DataFrame, y: pd.Series | None, where: str
) -> tuple[pd.DataFrame, pd.Series | None]:
    """Keep the patients that ``--where`` asks for.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,) or None
    where : str
        "COLUMN=VALUE", or empty for all.

    Returns
    -------
    X : DataFrame of shape (n_kept, n_columns)
    y : Series of shape (n_kept,) or None
    """
    if not where:
        return X, y
    column, separator, value = where.partition("=")
    if not separator or column not in X.columns:
        from sklidh.images import image_columns
        from sklidh.utils import listed

        images = {*image_columns(X), "mask"}
        there = listed(name for name in X.columns if name not in images and "__" not in name)
        raise typer.BadParameter(
            f"--where {where!r}: expected COLUMN=VALUE with a column of the table; beside images "
            f"and features it has {there or 'none'}"
        )
    values = X[column].astype(str)
    if value not in set(values):
        raise typer.BadParameter(
            f"--where {where!r}: no patient; {column} is one of "
            f"{', '.join(sorted(values.unique())[:20])}"
        )
    kept = values == value
    return X[kept], None if y is None else y[kept]


def image_problems(
    X: pd.DataFrame, modalities, reference, *, label, missing: str, jobs: int
) -> list[str]:
    """Read every image before the work starts, and find all that cannot be used.

    One damaged file among hundreds would else end the work in its midst, and the next one the next
    time. ``sklidh check`` makes the same checks, and shows the images. What is odd across patients,
    an image that two of them have, is told as a warning.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    modalities : sequence of str
        Those that X lacks are passed over.
    reference : str or None
    label : int, str, sequence of these, or None
    missing : {"raise", "nan"}
        All as `sklidh.images.check_case` takes them.
    jobs : int
        Patients read at the same time.

    Returns
    -------
    list of str
        One line each.
    """
    from joblib import delayed

    from sklidh.images import inspection_entry, same_images
    from sklidh.utils import spread_kept

    there = [modality for modality in modalities if modality in X.columns]
    how = reference, label, missing
    work = [delayed(examine_case)(case, there, *how) for _, case in X.iterrows()]
    entries = [inspection_entry(None, case, [*there, "mask"], *how) for _, case in X.iterrows()]
    found = spread_kept(
        work,
        "checking the images",
        entries,
        # Problems are looked for each time: a file may have been put right since.
        keeps=lambda result: not result[0],
        n_jobs=jobs,
        verbose=verbosity(),
    )
    for line in same_images(dict(zip(X.index, (digests for _, digests in found), strict=True))):
        errors.print(f"[yellow]Warning:[/] {escape(line)}", highlight=False, soft_wrap=True)
    return [line for of_patient, _ in found for line in of_patient]


def examine_case(case: pd.Series, modalities, reference, label, missing) -> tuple[list[str], dict]:
    """Read one patient's images, and return what is wrong with them and digests of their voxels.

    Parameters
    ----------
    case : Series
    modalities : sequence of str
    reference : str or None
    label : int, str, sequence of these, or None
    missing : {"raise", "nan"}
        All as `sklidh.images.check_case` takes them.

    Returns
    -------
    problems : list of str
    digests : dict of str to str
    """
    from sklidh.images import ImageError, inspect_case, voxel_digests

    found = inspect_case(
        case, modalities, mask="mask", label=label, reference=reference, missing=missing
    )
    problems = [each for each in found.problems if isinstance(each, ImageError)]
    return [" ".join(str(each).split()) for each in problems], voxel_digests(found)
