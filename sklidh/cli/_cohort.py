"""From the options to the patients: read, checked to the last image, and the ones asked for."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import typer
from rich.markup import escape

from sklidh.cli._examination import (
    asked_for,
    examine_table,
    image_problems,
    patients_in_words,
    print_notes,
)
from sklidh.cli._mutations import mutations
from sklidh.cli._options import Cohort, Extraction, Method
from sklidh.cli._output import console, errors
from sklidh.cli._parsing import as_columns, parse_groups
from sklidh.cli._recipe import PAPER_MODALITIES, Recipe


def read_cohort(
    cases: Path,
    cohort: Cohort,
    method: Extraction,
    *,
    jobs: int,
    target_needed: bool = True,
    where: str = "",
    folds: int | None = None,
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
    where : str, default=""
        As `asked_for` takes it.
    folds : int, default=None
        Of a cross-validation, each of which wants a patient of each class.

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

    examined = examine_table(
        cases,
        cohort,
        target=cohort.target if target_needed else cohort.target_or_none,
        classes=target_needed or bool(cohort.wildtype),
        where=where,
    )
    X, y, problems = examined.X, examined.y, examined.problems
    groups = parse_groups(cohort.groups)
    try:
        there = () if groups else paper_modalities(X)
    except CohortError as error:
        problems, there = [*problems, *error.problems], ()
        groups = tuple((name,) for name in examined.modalities if name in X)
    recipe = Recipe.of(groups, there, cohort, method, jobs)
    console.print(patients_in_words(X, recipe.modalities), highlight=False)
    images = {"label": recipe.label, "missing": recipe.missing, "jobs": jobs}
    problems = [
        *problems,
        *image_problems(examined, recipe.modalities, recipe.reference, **images),
    ]
    if problems:
        raise CohortError(problems, cases)
    refuse_folds(y, folds)
    # Its engine may be absent or unable, which else is found once all is registered.
    recipe.extractor().fit(X[[recipe.modalities[0], "mask"]])
    return X, y, recipe


def paper_modalities(X: pd.DataFrame) -> tuple[str, ...]:
    """Return those of the paper's sequences that the table has, and tell of other images in it.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)

    Returns
    -------
    tuple of str

    Raises
    ------
    CohortError
        The table has none of them, or an image's heading is nearly one of them.
    """
    from sklidh.datasets import near_misses
    from sklidh.images import image_columns
    from sklidh.utils import CohortError, listed

    found = tuple(name for name in PAPER_MODALITIES if name in X.columns)
    unused = [name for name in image_columns(X) if name not in found]
    near = {
        heading: name
        for name in PAPER_MODALITIES
        if name not in found
        for heading in near_misses(name, unused)
    }
    if near:
        raise CohortError(
            f"column {heading!r} holds images; did you mean {name}? Rename it, give --columns "
            f"{name}={heading}, or name the sequences to use by --groups"
            for heading, name in near.items()
        )
    if not found:
        raise CohortError(
            [
                f"no column is called {', '.join(PAPER_MODALITIES)}; rename "
                f"{listed(unused) or 'the columns of images'}, map them by --columns, or name them "
                "by --groups"
            ]
        )
    if unused:
        errors.print(
            f"[yellow]Warning:[/] {escape(listed(unused))} holds images and is not used: the "
            f"sequences are called {', '.join(PAPER_MODALITIES)}; to use the column, name it by "
            "--groups or map it by --columns",
            highlight=False,
            soft_wrap=True,
        )
    return found


def refuse_folds(y: pd.Series | None, folds: int | None):
    """Raise where a class has fewer patients than folds; a class of one is told of later."""
    if folds and y is not None and 1 < (fewest := y.value_counts().min()) < folds:
        raise typer.BadParameter(
            f"--folds {folds}: a class of {y.name} has {fewest} patients, and each fold wants one; "
            f"give at most {fewest}"
        )


def read_features(
    features: Path,
    cohort: Cohort,
    method: Method,
    *,
    jobs: int,
    where: str = "",
    folds: int | None = None,
) -> tuple[pd.DataFrame, pd.Series, Recipe]:
    """Load a table of features, from which nothing needs to be extracted.

    Parameters
    ----------
    features : Path
    cohort : Cohort
    method : Method
    jobs : int
    where : str, default=""
    folds : int, default=None
        All as in `read_cohort`.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
    recipe : Recipe
    """
    groups = parse_groups(cohort.groups)
    known = tuple(name for group in groups for name in group) or PAPER_MODALITIES
    X, y, there = read_feature_columns(
        features, target=cohort.target, wildtype=cohort.wildtype, modalities=known,
        columns=cohort.columns, where=where,
    )  # fmt: skip
    refuse_folds(y, folds)
    if absent := [name for name in known if groups and name not in there]:
        others = dict.fromkeys(name.split("__")[0] for name in X.columns if "__" in name)
        raise typer.BadParameter(
            f"--groups: {features} has no features of {', '.join(absent)}; it has those of "
            f"{', '.join(others)}"
        )
    recipe = Recipe.of(groups, there, cohort, method, jobs)
    console.print(f"{len(X)} patients, features of {', '.join(recipe.modalities)}", highlight=False)
    return X, y, replace(recipe, reference=None)


def read_feature_columns(
    features: Path,
    *,
    target: str,
    wildtype: str,
    modalities: tuple[str, ...],
    columns: str = "",
    where: str = "",
) -> tuple[pd.DataFrame, pd.Series, tuple[str, ...]]:
    """Read a table of features, print what was recognised in it, and code the target.

    Parameters
    ----------
    features : Path
    target, wildtype : str
        Its column, and as `mutations` takes it.
    modalities : tuple of str
        Whose features are looked for.
    columns : str, default=""
        As `as_columns` takes it.
    where : str, default=""
        As `asked_for` takes it.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of int, shape (n_patients,)
    modalities : tuple of str
        Those that have features.

    Raises
    ------
    CohortError
        All that is wrong with the table, at once.
    """
    from sklidh.baselines import examine_feature_table
    from sklidh.utils import CohortError

    examined = examine_feature_table(
        features, target=target, modalities=modalities, columns=as_columns(columns)
    )
    print_notes(examined.notes)
    examined = asked_for(examined, where)
    y, problems = examined.y, examined.problems
    try:
        if y is not None:
            y = mutations(examined.X, y, wildtype)
    except CohortError as error:
        problems = [*problems, *examined.located(error.problems)]
    if problems:
        raise CohortError(problems, features)
    return examined.X, y, tuple(examined.modalities)


def read_patients(
    *, cases: Path | None, features: Path | None, cohort: Cohort, method: Method, **settings
) -> tuple[pd.DataFrame, pd.Series, Recipe]:
    """Read a cohort of images or a table of features.

    Parameters
    ----------
    cases, features : Path or None
        One of the two.
    cohort : Cohort
    method : Method
    **settings
        ``jobs``, ``where`` and ``folds`` as in `read_cohort`.

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
        return read_features(features, cohort, method, **settings)
    return read_cohort(cases, cohort, method, **settings)
