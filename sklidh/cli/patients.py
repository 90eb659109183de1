"""From the options to the patients: read, checked to the last image, and the ones asked for."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import typer

from sklidh.cli.columns import asked_for, clinical_columns, paper_modalities, unfit_clinical
from sklidh.cli.console import console, note, verbosity, warn
from sklidh.cli.options import Cohort, Extraction, Method
from sklidh.cli.settings import Recipe
from sklidh.cli.values import EVERYBODY, Columns, Where
from sklidh.datasets import ExaminedCohort, check_images, examine_cohort
from sklidh.utils import CohortError, cache_folder, check_target, is_missing


def patients_in_words(X: pd.DataFrame, modalities) -> str:
    """Return such as "30 patients, T1, T1CE; 1 without T1CE"."""
    without = {name: sum(map(is_missing, X[name])) for name in modalities if name in X.columns}
    lacking = ", ".join(f"{n} without {name}" for name, n in without.items() if n)
    found = f"{len(X)} patient{'s' * (len(X) != 1)}, {', '.join(modalities) or 'no images'}"
    return found + (f"; {lacking}" if lacking else "")


def examine_table(
    cases: Path,
    cohort: Cohort,
    *,
    target: str | None,
    classes: bool = True,
    where: Where = EVERYBODY,
) -> ExaminedCohort:
    """Find everything that is wrong with a cohort but for its images, and print what was noted.

    Parameters
    ----------
    cases : Path
        Table or folder.
    cohort : Cohort
    target : str or None
        None: the table has none.
    classes : bool, default=True
        Whether the target becomes 0 and 1; else it stays as it is.
    where : Where
        The patients to keep. Problems of the other patients are listed too.
    """
    examined = examine_cohort(
        cases,
        target=target,
        modalities=cohort.groups.modalities or None,
        columns=cohort.columns,
        missing=cohort.missing,
        layout=cohort.layout,
        patients=cohort.patients,
        cells=False,
    )
    for line in examined.notes:
        note(line)
    return with_classes(asked_for(examined, where), cohort.wildtype if classes else None)


def with_classes(examined: ExaminedCohort, wildtype: str | None) -> ExaminedCohort:
    """Code the target, and print which of its values mean which.

    Parameters
    ----------
    examined : ExaminedCohort
    wildtype : str or None
        The value of wild types; empty: known words, or 0 and 1. None: the target stays as it is.

    Returns
    -------
    ExaminedCohort
        What is wrong with the target is among its problems.
    """
    if examined.y is None:
        return examined
    if wildtype is None:
        try:
            check_target(examined.y, examined.X)
        except CohortError as error:
            return examined.with_problems(error.problems)
        return examined
    coded = examined.with_classes(wildtype or None)
    if len(coded.problems) > len(examined.problems):
        return coded
    words = []
    for code, name in ((1, "mutant"), (0, "wild type")):
        counts = examined.y[coded.y == code].astype(str).value_counts()
        values = ", ".join(f"{value} {n}" for value, n in counts.items())
        values = counts.index[0] if len(counts) == 1 else values
        n = int(counts.sum())
        words.append(f"{n} {name}{'s' * (n > 1)} ({values})")
    text = f"{coded.y.name}: {', '.join(words)}"
    console.print(text, highlight=False, markup=False, soft_wrap=True)
    return coded


def image_problems(
    examined: ExaminedCohort, modalities, reference, *, label, missing: str, jobs: int
) -> list[str]:
    """Read every image before the work starts, and return all that is wrong; print doubts.

    ``sklidh check`` makes the same checks, and shows the images.

    Parameters
    ----------
    examined : ExaminedCohort
    modalities : sequence of str
    reference : str or None
    label : int, str, sequence of these, or None
    missing : {"raise", "nan"}
        All as `sklidh.datasets.check_images` takes them.
    jobs : int
        Patients read at the same time.
    """
    # A cache that cannot be written is found before any work.
    cache_folder(None, "")
    how = {"label": label, "reference": reference, "missing": missing, "n_jobs": jobs}
    problems, doubts = check_images(examined.X, modalities, **how, verbose=verbosity())
    for line in doubts:
        warn(line)
    return examined.located(problems)


def read_cohort(
    cases: Path,
    cohort: Cohort,
    method: Extraction,
    *,
    jobs: int,
    target_needed: bool = True,
    where: Where = EVERYBODY,
    folds: int | None = None,
    clinical: tuple[str, ...] = (),
) -> tuple[pd.DataFrame, pd.Series | None, Recipe]:
    """Load a cohort, look at every image in it, and complete the options by what it has.

    Parameters
    ----------
    cases : Path
        Table or folder.
    cohort : Cohort
    method : Extraction or Method
    jobs : int
        Patients processed at the same time.
    target_needed : bool, default=True
        Whether there must be a target, of two classes; without need it is kept as it is.
    where : Where
        The patients asked for.
    folds : int, default=None
        Of a cross-validation, each of which needs a patient of each class.
    clinical : tuple of str, default=()
        Clinical columns that models read.

    Raises
    ------
    CohortError
        All that is wrong with table, target and images, at once.
    """
    examined = examine_table(
        cases,
        cohort,
        target=cohort.target if target_needed else cohort.target_or_none,
        classes=target_needed or bool(cohort.wildtype),
        where=where,
    )
    X, y, problems = examined.X, examined.y, examined.problems
    refuse_folds(y, folds)
    groups = cohort.groups
    try:
        there = () if groups else paper_modalities(X)
    except CohortError as error:
        problems, there = [*problems, *error.problems], ()
        groups = tuple((name,) for name in examined.modalities if name in X)
    recipe = Recipe.of(groups, there, cohort, method, jobs)
    found, absent = clinical_columns(X, clinical, recipe.modalities, of=" (--clinical)")
    recipe = replace(recipe, clinical=tuple(found.values()))
    problems = [*problems, *absent, *unfit_clinical(X, recipe.clinical)]
    console.print(patients_in_words(X, recipe.modalities), highlight=False)
    images = {"label": recipe.label, "missing": recipe.missing, "jobs": jobs}
    problems += image_problems(examined, recipe.modalities, recipe.reference, **images)
    if problems:
        raise CohortError(problems, cases)
    # Finds a missing or unsuitable engine before the registration.
    recipe.extractor().fit(X[[recipe.modalities[0], "mask"]])
    return X, y, recipe


def refuse_folds(y: pd.Series | None, folds: int | None):
    """Raise where a class has fewer patients than folds; a class of one is reported later."""
    if folds and y is not None and 1 < (fewest := y.value_counts().min()) < folds:
        raise typer.BadParameter(
            f"--folds {folds}: a class of {y.name} has {fewest} patients, and each fold needs one; "
            f"give at most {fewest}"
        )


def read_feature_columns(
    features: Path,
    *,
    target: str,
    wildtype: str,
    groups: tuple = (),
    columns: Columns | None = None,
    where: Where = EVERYBODY,
) -> tuple[pd.DataFrame, pd.Series, tuple[str, ...]]:
    """Read a table of features, print what was recognised in it, and code the target.

    Parameters
    ----------
    features : Path
    target, wildtype : str
        The target's column, and as `with_classes` takes it.
    groups : tuple of tuple of str, default=()
        The modalities to use; empty: every one that has features.
    columns : Columns, default=None
        The user's headings.
    where : Where
        The patients asked for.

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

    asked = [name for group in groups for name in group] or None
    examined = examine_feature_table(features, target=target, modalities=asked, columns=columns)
    for line in examined.notes:
        note(line)
    examined = with_classes(asked_for(examined, where), wildtype)
    if examined.problems:
        raise CohortError(examined.problems, features)
    prefixes = [str(name).split("__")[0] for name in examined.X if "__" in str(name)]
    unused = Counter(prefix for prefix in prefixes if prefix not in examined.modalities)
    if unused:
        counts = ", ".join(f"{prefix} ({n} columns)" for prefix, n in unused.items())
        warn(f"not used: the features of {counts}; to use them, name them with --groups")
    return examined.X, examined.y, tuple(examined.modalities)


def read_patients(
    *,
    cases: Path | None,
    features: Path | None,
    cohort: Cohort,
    method: Method,
    jobs: int,
    where: Where = EVERYBODY,
    folds: int | None = None,
) -> tuple[pd.DataFrame, pd.Series, Recipe]:
    """Read a cohort of images, or the table of features that replaces it; as `read_cohort`."""
    if (cases is None) == (features is None):
        raise typer.BadParameter(
            "name a table of cases, or a table of features with --features; not both: age, site "
            "and other columns are read from the same table"
        )
    if features is None:
        return read_cohort(cases, cohort, method, jobs=jobs, where=where, folds=folds)
    names = {"target": cohort.target, "wildtype": cohort.wildtype, "columns": cohort.columns}
    X, y, there = read_feature_columns(features, **names, groups=cohort.groups, where=where)
    refuse_folds(y, folds)
    recipe = Recipe.of(cohort.groups, there, cohort, method, jobs)
    console.print(f"{len(X)} patients, features of {', '.join(recipe.modalities)}", highlight=False)
    return X, y, replace(recipe, reference=None)
