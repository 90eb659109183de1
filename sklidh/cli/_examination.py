"""What is wrong with a cohort, in its table, its target and its images, before any work."""

from pathlib import Path

import pandas as pd
import typer
from rich.markup import escape

from sklidh.cli._options import Cohort
from sklidh.cli._output import console, errors, verbosity
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


def examine_table(
    cases: Path, cohort: Cohort, *, target: str | None, classes: bool = True
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
        Whether the target is made one of two classes by `mutations`; else it stays as it is.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,) or None
    modalities : list of str
        Those asked for by ``--groups``, else every column of images.
    problems : list of str
    """
    from sklidh.datasets import examine_cohort
    from sklidh.utils import CohortError

    X, y, modalities, problems = examine_cohort(
        cases,
        target=target,
        modalities=[name for group in parse_groups(cohort.groups) for name in group] or None,
        missing=cohort.missing,
        layout=cohort.layout,
        patients=cohort.patients,
        cells=False,
    )
    if y is not None and classes:
        try:
            y = mutations(X, y, cohort.wildtype)
        except CohortError as error:
            # Rows and labels were looked at before, in the same words.
            problems = [*dict.fromkeys([*problems, *error.problems])]
    return X, y, modalities, problems


def mutations(X: pd.DataFrame, y: pd.Series, wildtype: str) -> pd.Series:
    """Return a target of two classes, and say which of them is taken for the mutation.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
    wildtype : str
        The value of a wild type; empty: the target has two values, and the last is the mutation.

    Returns
    -------
    Series of shape (n_patients,)
        The target as it is, or 0 and 1 where `wildtype` was given.
    """
    from sklidh.evaluation import check_two_classes
    from sklidh.utils import CohortError, check_target

    check_target(y, X)
    values = sorted(set(y.astype(str)))
    if wildtype and wildtype not in values:
        raise typer.BadParameter(
            f"--wildtype {wildtype!r}: no patient; {y.name} is one of {', '.join(values[:20])}"
        )
    if wildtype:
        y = (y.astype(str) != wildtype).astype(int)
    elif len(values) > 2:
        raise CohortError(
            [
                f"the target {y.name} has {len(values)} values, {', '.join(values[:20])}; say by "
                "--wildtype which of them is the wild type: every other value then counts as "
                "mutant; drop the rows that are neither"
            ]
        )
    check_two_classes(X, y)
    (first, n_first), (last, n_last) = sorted(y.value_counts().items())
    console.print(
        f"{y.name}: {n_last} mutants ({last}), {n_first} wild types ({first})",
        highlight=False,
        markup=False,
    )
    return y


def image_problems(X: pd.DataFrame, modalities, reference, *, missing: str, jobs: int) -> list[str]:
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

    from sklidh.images import same_images
    from sklidh.utils import cache_folder, spread

    # What comes next writes there.
    cache_folder(None, "")
    there = [modality for modality in modalities if modality in X.columns]
    work = [delayed(examine_case)(case, there, reference, missing) for _, case in X.iterrows()]
    found = list(spread(work, "checking the images", n_jobs=jobs, verbose=verbosity()))
    for line in same_images(dict(zip(X.index, (digests for _, digests in found), strict=True))):
        errors.print(f"[yellow]Warning:[/] {escape(line)}", highlight=False, soft_wrap=True)
    return [line for of_patient, _ in found for line in of_patient]


def examine_case(case: pd.Series, modalities, reference, missing) -> tuple[list[str], dict]:
    """Read one patient's images, and return what is wrong with them and digests of their voxels.

    Parameters
    ----------
    case : Series
    modalities : sequence of str
    reference : str or None
    missing : {"raise", "nan"}
        All as `sklidh.images.check_case` takes them.

    Returns
    -------
    problems : list of str
    digests : dict of str to str
    """
    from sklidh.images import ImageError, inspect_case, voxel_digests

    found = inspect_case(
        case, modalities, mask="mask", label=None, reference=reference, missing=missing
    )
    problems = [each for each in found.problems if isinstance(each, ImageError)]
    return [" ".join(str(each).split()) for each in problems], voxel_digests(found)
