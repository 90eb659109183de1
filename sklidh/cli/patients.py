"""From options to patients: read, checked to the last image, and the ones asked for."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import typer

from sklidh.cli.console import note, say, verbosity, warn
from sklidh.cli.options import Cohort, Extraction, Folder, Work
from sklidh.cli.settings import Recipe
from sklidh.cli.values import Where
from sklidh.datasets import (
    ExaminedCohort,
    check_images,
    clinical_columns,
    examine_cohort,
    paper_modalities,
)
from sklidh.features import ClinicalFeatures
from sklidh.utils import IDH, CohortError, Target, cache_folder, check_target, is_missing


class Patients(NamedTuple):
    """The table and target of a command, how models are built for them, and the splitting column.

    `split` is None if no option names such a column.
    """

    X: pd.DataFrame
    y: pd.Series | None
    recipe: Recipe
    split: pd.Series | None = None


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
    where: Where | None = None,
) -> ExaminedCohort:
    """Find every problem of a cohort except those of its images, and print the notes.

    `wildtype` and `positive` are as in `with_classes`. Problems of patients who are not asked for
    are listed too.
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
    return noted(examined, where, wildtype, positive)


def examine_features(features: Path, cohort: Cohort, where: Where) -> ExaminedCohort:
    """Read a table of features, print the notes, and raise an error if it has any problem."""
    from sklidh.baselines import examine_feature_table

    asked = {"modalities": cohort.groups.modalities or None, "columns": cohort.columns}
    examined = examine_feature_table(features, target=cohort.target, **asked)
    examined = noted(examined, where, cohort.wildtype, cohort.positive)
    if examined.problems:
        raise CohortError(examined.problems, features)
    prefixes = [str(name).split("__")[0] for name in examined.X if "__" in str(name)]
    unused = Counter(prefix for prefix in prefixes if prefix not in examined.modalities)
    if unused:
        counts = ", ".join(f"{prefix} ({n} columns)" for prefix, n in unused.items())
        warn(f"not used: the features of {counts}; to use them, name them with --groups")
    return examined


def noted(
    examined: ExaminedCohort, where: Where, wildtype: str | None, positive: str = ""
) -> ExaminedCohort:
    """Print the notes on a table, and keep the patients that ``--where`` asks for."""
    for line in examined.notes:
        note(line)
    try:
        asked = examined.where(*where) if where and where.column else examined
    except ValueError as error:
        raise typer.BadParameter(f"--where {where}: {error}") from error
    return with_classes(asked, wildtype, positive)


def with_classes(
    examined: ExaminedCohort, wildtype: str | None, positive: str = ""
) -> ExaminedCohort:
    """Code the target, and print how each of its values was read.

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


def image_problems(examined: ExaminedCohort, modalities, reference, **how) -> list[str]:
    """Read every image before the work starts, return all problems, and print doubts as warnings.

    `how` is as in `check_images`. ``sklidh check`` makes the same checks, and shows the images.
    """
    # A cache that cannot be written is found before any work.
    cache_folder(None, "")
    how |= {"reference": reference, "verbose": verbosity()}
    problems, doubts = check_images(examined.X, modalities, **how)
    for line in doubts:
        warn(line)
    return examined.located(problems)


def read_patients(
    cases: Path | None,
    cohort: Cohort,
    method: Extraction,
    work: Work,
    *,
    features: Path | None = None,
    target_needed: bool = True,
    where: Where | None = None,
    folds: int | None = None,
    clinical: tuple[str, ...] = (),
    patient_column: str = "",
    leave_out: str = "",
) -> Patients:
    """Load a cohort, read every image in it, and complete the options with what it has.

    Instead of `cases`, a table of `features` may be given. A target that is not needed is kept
    unchanged. Raises a CohortError with all problems of table, target and images; if a column that
    an option names is missing, before any image is read.
    """
    if (cases is None) == (features is None):
        raise typer.BadParameter(
            "name a table of cases, or a table of features with --features; not both: age, site "
            "and other columns are read from the same table"
        )
    if features is not None:
        examined = examine_features(features, cohort, where)
        refuse_folds(examined.y, folds)
        recipe = Recipe.of(cohort.groups, tuple(examined.modalities), cohort, method, work)
        say(f"{len(examined.X)} patients, features of {', '.join(recipe.modalities)}")
        return Patients(examined.X, examined.y, replace(recipe, reference=None))
    target = cohort.target if target_needed else cohort.target_or_none
    wildtype = cohort.wildtype if target_needed or cohort.wildtype else None
    examined = examine_table(
        cases, cohort, target=target, wildtype=wildtype, positive=cohort.positive, where=where
    )
    X, problems = examined.X, examined.problems
    refuse_folds(examined.y, folds)
    groups, there = cohort.groups, ()
    try:
        there = () if groups else paper_modalities(X)
    except CohortError as error:
        problems = [*problems, *error.problems]
        groups = tuple((name,) for name in examined.modalities if name in X)
    recipe = Recipe.of(groups, there, cohort, method, work)
    found, wrong = clinical_columns(X, clinical, recipe.modalities, of=" (--clinical)")
    recipe, split = replace(recipe, clinical=tuple(found.values())), None
    try:
        if leave_out:
            split = examined.categories(leave_out, of=" (--leave-out)", sites=True)
        elif patient_column:
            split = examined.categories(patient_column, of=" (--patient-column)")
        if recipe.clinical:
            ClinicalFeatures().fit(X[[*recipe.clinical]])
    except CohortError as error:
        wrong = [*wrong, *error.problems]
    if wrong or not {*cohort.groups.modalities} <= {*X.columns}:
        raise CohortError([*problems, *wrong], cases)
    say(patients_in_words(X, recipe.modalities))
    how = {"label": recipe.label, "missing": recipe.missing, "n_jobs": work.jobs}
    of_images = image_problems(examined, recipe.modalities, recipe.reference, **how)
    if problems := [*problems, *of_images]:
        raise CohortError(problems, cases)
    # Finds a missing or unsuitable engine before the registration.
    recipe.extractor().fit(X[[recipe.modalities[0], "mask"]])
    return Patients(X, examined.y, recipe, split)


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
