"""From the options to the patients: read, checked to the last image, and the ones asked for."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import typer
from rich.markup import escape

from sklidh.cli._options import Cohort, Extraction, Method
from sklidh.cli._output import console, errors, verbosity
from sklidh.cli._parsing import parse_groups
from sklidh.cli._recipe import PAPER_MODALITIES, Recipe


def paper_modalities(X: pd.DataFrame) -> tuple[str, ...]:
    """Return those of the paper's sequences that the table has, and tell of other images in it.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)

    Returns
    -------
    tuple of str
    """
    from sklidh.images import image_columns
    from sklidh.utils import listed

    found = tuple(name for name in PAPER_MODALITIES if name in X.columns)
    if not found:
        raise typer.BadParameter(
            f"no column is called {', '.join(PAPER_MODALITIES)}; rename the columns of images, or "
            "name them by --groups"
        )
    unused = [name for name in image_columns(X) if name not in found]
    if unused:
        errors.print(
            f"[yellow]Warning:[/] {escape(listed(unused))} holds images and is not used: the "
            f"sequences are called {', '.join(PAPER_MODALITIES)}; rename the column, or name it by "
            "--groups",
            highlight=False,
            soft_wrap=True,
        )
    return found


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


def image_problems(X: pd.DataFrame, modalities, reference, *, missing: str, jobs: int) -> list[str]:
    """Read every image before the work starts, and find all that cannot be used.

    One damaged file among hundreds would else end the work in its midst, and the next one the next
    time. ``sklidh check`` makes the same checks, and shows the images.

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

    from sklidh.images import ImageError, check_case
    from sklidh.utils import cache_folder, spread

    # What comes next writes there.
    cache_folder(None, "")
    there = [modality for modality in modalities if modality in X.columns]
    options = {"reference": reference, "missing": missing}
    work = [delayed(check_case)(case, there, **options) for _, case in X.iterrows()]
    found = spread(work, "checking the images", n_jobs=jobs, verbose=verbosity())
    return [
        " ".join(str(problem).split())
        for of_patient in found
        for problem in of_patient
        if isinstance(problem, ImageError)
    ]


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


def read_cohort(
    cases: Path,
    cohort: Cohort,
    method: Extraction,
    *,
    jobs: int,
    target_needed: bool = True,
) -> tuple[pd.DataFrame, pd.Series | None, Recipe]:
    """Load a cohort, look at every image in it, and complete the options by what it has.

    Parameters
    ----------
    cases : Path
        Table or folder.
    cohort : Cohort
    method : Extraction or Method
    jobs : int
        Patients worked on at the same time.
    target_needed : bool, default=True
        Whether there must be a target, of two classes; without need it is kept as it is.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,) or None
    recipe : Recipe

    Raises
    ------
    CohortError
        All that is wrong with table, target and images, at once.
    """
    from sklidh.utils import CohortError

    X, y, _, problems = examine_table(
        cases,
        cohort,
        target=cohort.target if target_needed else cohort.target_or_none,
        classes=target_needed or bool(cohort.wildtype),
    )
    groups = parse_groups(cohort.groups)
    recipe = Recipe.of(groups, () if groups else paper_modalities(X), cohort, method, jobs)
    console.print(patients_in_words(X, recipe.modalities), highlight=False)
    images = {"missing": recipe.missing, "jobs": jobs}
    problems = [*problems, *image_problems(X, recipe.modalities, recipe.reference, **images)]
    if problems:
        raise CohortError(problems)
    # Its engine may be absent or unable, which else is found once all is registered.
    recipe.extractor().fit(X[[recipe.modalities[0], "mask"]])
    return X, y, recipe


def read_features(
    features: Path, cohort: Cohort, method: Method, *, jobs: int
) -> tuple[pd.DataFrame, pd.Series, Recipe]:
    """Load a table of features, from which nothing needs to be extracted.

    Parameters
    ----------
    features : Path
    cohort : Cohort
    method : Method
    jobs : int
        All as in `read_cohort`.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
    recipe : Recipe
    """
    from sklidh.baselines import load_feature_table, modalities_of

    groups = parse_groups(cohort.groups)
    known = tuple(name for group in groups for name in group) or PAPER_MODALITIES
    X, y = load_feature_table(features, target=cohort.target, modalities=known)
    y = mutations(X, y, cohort.wildtype)
    there = modalities_of(X.columns, known)
    if absent := [name for name in known if groups and name not in there]:
        others = dict.fromkeys(name.split("__")[0] for name in X.columns if "__" in name)
        raise typer.BadParameter(
            f"--groups: {features} has no features of {', '.join(absent)}; it has those of "
            f"{', '.join(others)}"
        )
    recipe = Recipe.of(groups, there, cohort, method, jobs)
    console.print(f"{len(X)} patients, features of {', '.join(recipe.modalities)}", highlight=False)
    return X, y, replace(recipe, reference=None)


def read_patients(
    *,
    cases: Path | None,
    features: Path | None,
    where: str,
    cohort: Cohort,
    method: Method,
    jobs: int,
) -> tuple[pd.DataFrame, pd.Series, Recipe]:
    """Read a cohort of images or a table of features, and keep the patients asked for.

    Parameters
    ----------
    cases, features : Path or None
        One of the two.
    where : str
        "COLUMN=VALUE", or empty for all.
    cohort : Cohort
    method : Method
    jobs : int
        As in `read_cohort`.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
    recipe : Recipe
    """
    if (cases is None) == (features is None):
        raise typer.BadParameter(
            "name a table of cases, or a table of features by --features; not both: age, site and "
            "other columns are read from the same table"
        )
    if features is not None:
        X, y, recipe = read_features(features, cohort, method, jobs=jobs)
    else:
        X, y, recipe = read_cohort(cases, cohort, method, jobs=jobs)
    if not where:
        return X, y, recipe
    column, separator, value = where.partition("=")
    if not separator or column not in X.columns:
        raise typer.BadParameter(
            f"--where {where!r}: expected COLUMN=VALUE with a column of the table"
        )
    values = X[column].astype(str)
    if value not in set(values):
        raise typer.BadParameter(
            f"--where {where!r}: no patient; {column} is one of "
            f"{', '.join(sorted(values.unique())[:20])}"
        )
    return X[values == value], y[values == value], recipe
