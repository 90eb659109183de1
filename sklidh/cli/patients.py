"""From the options to the patients: read, checked to the last image, and the ones asked for."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import typer

from sklidh.cli.console import note, say, verbosity, warn
from sklidh.cli.options import Cohort, Extraction, Folder, Work
from sklidh.cli.settings import Recipe
from sklidh.cli.values import EVERYBODY, Where
from sklidh.datasets import (
    ExaminedCohort,
    check_images,
    clinical_columns,
    examine_cohort,
    paper_modalities,
)
from sklidh.features import ClinicalFeatures
from sklidh.utils import IDH, CohortError, Target, cache_folder, check_target, is_missing


def patients_in_words(X: pd.DataFrame, modalities) -> str:
    """Return such as "30 patients, T1, T1CE; 1 without T1CE"."""
    without = {name: sum(map(is_missing, X[name])) for name in modalities if name in X.columns}
    lacking = ", ".join(f"{n} without {name}" for name, n in without.items() if n)
    found = f"{len(X)} patient{'s' * (len(X) != 1)}, {', '.join(modalities) or 'no images'}"
    return found + (f"; {lacking}" if lacking else "")


def examine_table(
    cases: Path,
    folder: Folder,
    *,
    target: str | None,
    wildtype: str | None = None,
    positive: str = "",
    where: Where = EVERYBODY,
) -> ExaminedCohort:
    """Find everything that is wrong with a cohort but for its images, and print what was noted.

    `wildtype` and `positive` are as `with_classes` takes them; problems of patients not asked for
    are listed, too.
    """
    examined = examine_cohort(
        cases,
        target=target,
        modalities=folder.groups.modalities or None,
        columns=folder.columns,
        missing=folder.missing,
        layout=folder.layout,
        patients=folder.patients,
        cells=False,
    )
    for line in examined.notes:
        note(line)
    return with_classes(asked_for(examined, where), wildtype, positive)


def asked_for(examined: ExaminedCohort, where: Where) -> ExaminedCohort:
    """Keep the patients that ``--where`` asks for."""
    try:
        return examined if where == EVERYBODY else examined.where(*where)
    except ValueError as error:
        raise typer.BadParameter(f"--where {where}: {error}") from error


def with_classes(
    examined: ExaminedCohort, wildtype: str | None, positive: str = ""
) -> ExaminedCohort:
    """Code the target, and print which of its values mean which; problems are the cohort's.

    `wildtype` is the value of wild types, `positive` that of another target's positive class;
    empty: known words, or 0 and 1, or several classes. A `wildtype` of None: the target stays.
    """
    if examined.y is None:
        return examined
    if wildtype is None:
        try:
            check_target(examined.y, examined.X)
        except CohortError as error:
            return examined.with_problems(error.problems)
        return examined
    coded = examined.with_classes(wildtype or None, positive or None)
    if len(coded.problems) > len(examined.problems):
        return coded
    (target, codes), words = Target.read(coded.y), []
    named = list(enumerate(target.classes))
    for code, name in reversed(named) if target.is_binary else named:
        counts = examined.y[codes == code].astype(str).value_counts()
        values = ", ".join(f"{value} {n}" for value, n in counts.items())
        values = counts.index[0] if len(counts) == 1 else values
        n = int(counts.sum())
        plural = "s" * (n > 1 and target == IDH)
        words.append(f"{n} {name}{plural}" + (f" ({values})" if values != name else ""))
    say(f"{coded.y.name}: {', '.join(words)}")
    return coded


def image_problems(
    examined: ExaminedCohort, modalities, reference, *, label, missing: str, jobs: int
) -> list[str]:
    """Read every image before the work starts, and return all that is wrong; print doubts.

    ``sklidh check`` makes the same checks, and shows the images.
    """
    # A cache that cannot be written is found before any work.
    cache_folder(None, "")
    how = {"label": label, "reference": reference, "missing": missing, "n_jobs": jobs}
    problems, doubts = check_images(examined.X, modalities, **how, verbose=verbosity())
    for line in doubts:
        warn(line)
    return examined.located(problems)


class Patients(NamedTuple):
    """What a command works on.

    `X` and `y` are the table and the target, `recipe` how models are built for them, and `split`
    the column that divides patients, if an option names one.
    """

    X: pd.DataFrame
    y: pd.Series | None
    recipe: Recipe
    split: pd.Series | None = None


def read_patients(
    cases: Path | None,
    cohort: Cohort,
    method: Extraction,
    work: Work,
    *,
    features: Path | None = None,
    target_needed: bool = True,
    where: Where = EVERYBODY,
    folds: int | None = None,
    clinical: tuple[str, ...] = (),
    patient_column: str = "",
    leave_out: str = "",
) -> Patients:
    """Load a cohort, read every image in it, and complete the options with what it has.

    Instead of `cases`, a table of `features` may be given. A target that is not needed is kept
    unchanged. Each of the `folds` of a cross-validation needs a patient of each class. Raises a
    CohortError with all problems of table, target and images, or, before any image is read, if a
    column that an option names is missing.
    """
    if (cases is None) == (features is None):
        raise typer.BadParameter(
            "name a table of cases, or a table of features with --features; not both: age, site "
            "and other columns are read from the same table"
        )
    if features is not None:
        examined = examine_features(features, cohort, where)
        X, y = examined.X, examined.y
        refuse_folds(y, folds)
        recipe = Recipe.of(cohort.groups, tuple(examined.modalities), cohort, method, work)
        say(f"{len(X)} patients, features of {', '.join(recipe.modalities)}")
        return Patients(X, y, replace(recipe, reference=None))
    examined = examine_table(
        cases,
        cohort,
        target=cohort.target if target_needed else cohort.target_or_none,
        wildtype=cohort.wildtype if target_needed or cohort.wildtype else None,
        positive=cohort.positive,
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
    recipe = Recipe.of(groups, there, cohort, method, work)
    found, wrong = clinical_columns(X, clinical, recipe.modalities, of=" (--clinical)")
    recipe = replace(recipe, clinical=tuple(found.values()))
    split = None
    try:
        if leave_out:
            split = examined.sites(leave_out, of=" (--leave-out)")
        elif patient_column:
            split = examined.categories(patient_column, of=" (--patient-column)")
        if recipe.clinical:
            ClinicalFeatures().fit(X[[*recipe.clinical]])
    except CohortError as error:
        wrong += error.problems
    if wrong or not {*cohort.groups.modalities} <= {*X.columns}:
        raise CohortError([*problems, *wrong], cases)
    say(patients_in_words(X, recipe.modalities))
    images = {"label": recipe.label, "missing": recipe.missing, "jobs": work.jobs}
    problems += image_problems(examined, recipe.modalities, recipe.reference, **images)
    if problems:
        raise CohortError(problems, cases)
    # Finds a missing or unsuitable engine before the registration.
    recipe.extractor().fit(X[[recipe.modalities[0], "mask"]])
    return Patients(X, y, recipe, split)


def threshold_for(y: pd.Series, threshold):
    """Return the threshold of a target of two classes; of several there is none."""
    if (n_classes := y.nunique()) == 2:
        return threshold
    if threshold not in (0.5, "0.5"):
        raise typer.BadParameter(
            f"--threshold {threshold} decides between two classes, and {y.name} has {n_classes}; "
            "omit it: the most probable class is predicted"
        )
    return None


def rule_in_words(target: Target, threshold) -> str:
    """Return from when a patient is predicted to be of which class."""
    if not target.is_binary:
        return "The most probable class is predicted"
    return f"Predicted {target.classes[1]} from a probability of {threshold:.3g}"


def refuse_folds(y: pd.Series | None, folds: int | None):
    """Raise where a class has fewer patients than folds; a class of one is reported later."""
    if folds and y is not None and 1 < (fewest := y.value_counts().min()) < folds:
        raise typer.BadParameter(
            f"--folds {folds}: a class of {y.name} has {fewest} patients, and each fold needs one; "
            f"give at most {fewest}"
        )


def examine_features(features: Path, cohort: Cohort, where: Where) -> ExaminedCohort:
    """Read a table of features, print what was recognised in it, and code the target."""
    from sklidh.baselines import examine_feature_table

    asked = {"modalities": cohort.groups.modalities or None, "columns": cohort.columns}
    examined = examine_feature_table(features, target=cohort.target, **asked)
    for line in examined.notes:
        note(line)
    examined = with_classes(asked_for(examined, where), cohort.wildtype, cohort.positive)
    if examined.problems:
        raise CohortError(examined.problems, features)
    prefixes = [str(name).split("__")[0] for name in examined.X if "__" in str(name)]
    unused = Counter(prefix for prefix in prefixes if prefix not in examined.modalities)
    if unused:
        counts = ", ".join(f"{prefix} ({n} columns)" for prefix, n in unused.items())
        warn(f"not used: the features of {counts}; to use them, name them with --groups")
    return examined
