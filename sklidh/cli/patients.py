"""From the options to the patients: read, checked to the last image, and the ones asked for."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import typer

from sklidh.cli.console import console, note, verbosity, warn
from sklidh.cli.options import Cohort, Columns, Extraction, Method, Where
from sklidh.cli.settings import Recipe
from sklidh.utils import PAPER_MODALITIES

EVERYBODY = Where()


def patients_in_words(X: pd.DataFrame, modalities) -> str:
    """Return how many patients there are, of what sequences, and how many lack one of them.

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
    found = f"{len(X)} patient{'s' * (len(X) != 1)}, {', '.join(modalities) or 'no images'}"
    return found + (f"; {lacking}" if lacking else "")


def examine_table(
    cases: Path,
    cohort: Cohort,
    *,
    target: str | None,
    classes: bool = True,
    where: Where = EVERYBODY,
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
    where : Where
        The patients to keep. Problems of the other patients are listed too.

    Returns
    -------
    sklidh.datasets.ExaminedCohort
    """
    from sklidh.datasets import examine_cohort

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


def with_classes(examined, wildtype: str | None):
    """Code the target, and add what is wrong with it to the problems.

    Parameters
    ----------
    examined : sklidh.datasets.ExaminedCohort
    wildtype : str or None
        As `mutations` takes it. None: the target stays as it is.

    Returns
    -------
    sklidh.datasets.ExaminedCohort
    """
    from sklidh.utils import CohortError, check_target

    X, y = examined.X, examined.y
    if y is None:
        return examined
    try:
        if wildtype is None:
            check_target(y, X)
            return examined
        return replace(examined, y=mutations(X, y, wildtype))
    except CohortError as error:
        problems = [*examined.problems, *examined.located(error.problems)]
        return replace(examined, problems=problems)


def mutations(X: pd.DataFrame, y: pd.Series, wildtype: str) -> pd.Series:
    """Return the IDH status as 0 and 1, and print which values mean which.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
    wildtype : str
        The value of wild types; empty: known words, or 0 and 1.

    Returns
    -------
    Series of int, shape (n_patients,)

    Raises
    ------
    CohortError
        As `sklidh.datasets.binary_target` and `check_target`.
    """
    from sklidh.utils import binary_target, check_target

    codes = binary_target(y, wildtype=wildtype or None)
    check_target(codes, X)
    words = []
    for code, name in ((1, "mutant"), (0, "wild type")):
        counts = y[codes == code].astype(str).value_counts()
        values = ", ".join(f"{value} {n}" for value, n in counts.items())
        values = counts.index[0] if len(counts) == 1 else values
        n = int(counts.sum())
        words.append(f"{n} {name}{'s' * (n > 1)} ({values})")
    console.print(f"{y.name}: {', '.join(words)}", highlight=False, markup=False, soft_wrap=True)
    return codes


def asked_for(examined, where: Where):
    """Keep the patients that ``--where`` asks for.

    Parameters
    ----------
    examined : sklidh.datasets.ExaminedCohort
    where : Where

    Returns
    -------
    sklidh.datasets.ExaminedCohort
    """
    if where == EVERYBODY:
        return examined
    from sklidh.datasets import matches
    from sklidh.utils import category_text, listed

    X = examined.X
    images = {*examined.modalities, "mask"}
    others = [name for name in X.columns if name not in images and "__" not in name]
    column = next(iter(matches(where.column, others)), None)
    if column is None:
        raise typer.BadParameter(
            f"--where {where}: no column is called {where.column!r}; available columns: "
            f"{listed(others) or 'none'}"
        )
    texts = X[column].map(category_text)
    kept = (texts == where.value).to_numpy()
    if not kept.any():
        raise typer.BadParameter(
            f"--where {where}: no patient; {column} is one of "
            f"{', '.join(sorted(texts.unique())[:20])}"
        )
    lines = [line for line, is_kept in zip(examined.lines, kept, strict=False) if is_kept]
    y = None if examined.y is None else examined.y[kept]
    return replace(examined, X=X[kept], y=y, lines=lines)


def column_of(X: pd.DataFrame, column: str) -> pd.Series:
    """Return a column that an option names; case does not matter, and no cell may be empty.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    column : str

    Returns
    -------
    Series of str, shape (n_patients,)

    Raises
    ------
    CohortError
        There is no such column, or a patient's cell is empty.
    """
    from sklidh.datasets import matches, not_found
    from sklidh.utils import CohortError, category_text

    found = next(iter(matches(column, X.columns)), None)
    if found is None:
        raise CohortError([not_found(column, X.columns)])
    texts = X[found].map(category_text)
    if (empty := texts.index[texts == ""]).size:
        raise CohortError(
            f"patient {each!r}, column {found!r}: the cell is empty" for each in empty
        )
    return texts


def image_problems(examined, modalities, reference, *, label, missing: str, jobs: int) -> list[str]:
    """Read every image before the work starts, and find all that cannot be used.

    ``sklidh check`` makes the same checks, and shows the images. Images that patients share are
    printed as warnings.

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
        Patients worked on at the same time.
    target_needed : bool, default=True
        Whether there must be a target, of two classes; without need it is kept as it is.
    where : Where
        The patients asked for.
    folds : int, default=None
        Of a cross-validation, each of which needs a patient of each class.
    clinical : tuple of str, default=()
        Clinical columns that models read.

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
    problems = [
        *problems,
        *image_problems(examined, recipe.modalities, recipe.reference, **images),
    ]
    if problems:
        raise CohortError(problems, cases)
    # Its engine may be absent or unable, which else is found once all is registered.
    recipe.extractor().fit(X[[recipe.modalities[0], "mask"]])
    return X, y, recipe


def clinical_columns(X: pd.DataFrame, names, images, *, of: str) -> tuple[dict, list[str]]:
    """Find clinical columns, and what is wrong with them.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    names : sequence of str
        As the user or a model calls them; case does not matter.
    images : sequence of str
        The columns of images, which are none.
    of : str
        Why they are needed, in brackets.

    Returns
    -------
    found : dict of str to str
        Name -> column.
    problems : list of str
    """
    from sklidh.datasets import matches
    from sklidh.utils import listed

    others = [name for name in X.columns if name not in (*images, "mask")]
    found = {name: next(iter(matches(name, others)), None) for name in names}
    problems = [
        f"clinical column {name!r}{of} not found; available columns: {listed(others) or 'none'}"
        for name, column in found.items()
        if column is None
    ]
    return {name: column for name, column in found.items() if column is not None}, problems


def unfit_clinical(X: pd.DataFrame, columns) -> list[str]:
    """Return what is wrong with clinical columns that models are to learn from."""
    from sklidh.features import ClinicalFeatures
    from sklidh.utils import CohortError

    problems = []
    for column in columns:
        try:
            ClinicalFeatures().fit(X[[column]])
        except CohortError as error:
            problems += error.problems
    return problems


def paper_modalities(X: pd.DataFrame) -> tuple[str, ...]:
    """Return those of the paper's sequences that the table has, and warn of other images in it.

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
            f"{name}={heading}, or name the sequences to use with --groups"
            for heading, name in near.items()
        )
    if not found:
        raise CohortError(
            [
                f"no column is called {', '.join(PAPER_MODALITIES)}; rename "
                f"{listed(unused) or 'the columns of images'}, map them with --columns, or name "
                "them with --groups"
            ]
        )
    if unused:
        warn(
            f"{listed(unused)} holds images and is not used: the sequences are called "
            f"{', '.join(PAPER_MODALITIES)}; to use the column, name it with --groups or map it "
            "with --columns"
        )
    return found


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
        Its column, and as `mutations` takes it.
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
    from sklidh.utils import CohortError

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
    """Read a cohort of images or a table of features, from which nothing needs to be extracted.

    Parameters
    ----------
    cases, features : Path or None
        One of the two.
    cohort : Cohort
    method : Method
    jobs : int
    where : Where
    folds : int, default=None
        All as in `read_cohort`.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
    recipe : Recipe
    """
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
