"""`sklidh evaluate`: one model, cross-validated, with everything chosen inside."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from sklidh.cli import options
from sklidh.cli.command import EVALUATE, command
from sklidh.cli.commands.run import write_models
from sklidh.cli.console import verbosity
from sklidh.cli.options import in_method
from sklidh.cli.patients import Patients, read_patients, threshold_for


@command(
    "sklidh evaluate cases.csv --folds 5 --repeats 3",
    "sklidh evaluate cases.csv --model model-2 --threshold precision>=0.9",
    "sklidh evaluate cases.csv --leave-out site",
    "sklidh evaluate cases.csv --external other-hospital.csv",
    panel=EVALUATE,
)
def evaluate(
    cases: options.Cases,
    *,
    out: options.ResultsFolder = Path("sklidh-evaluate"),
    cohort: options.Cohort,
    clinical: options.Clinical = "",
    model: options.Model = "recommended",
    tune: Annotated[
        bool,
        in_method("Search the strengths of the constraints in every fold.", "--tune/--no-tune"),
    ] = False,
    threshold: options.Threshold = "0.5",
    folds: options.Folds = 5,
    repeats: options.Repeats = 1,
    patient_column: options.PatientColumn = "",
    leave_out: Annotated[
        str, in_method("Column such as site: test on each site in turn, train on the others.")
    ] = "",
    external: Annotated[
        Path | None,
        in_method("Another cohort: train on all of CASES, test on this table.", exists=True),
    ] = None,
    method: options.Method,
    work: options.Work,
):
    """Cross-validate one model: every choice is made on the training patients of each fold.

    Or test it on each site in turn (--leave-out), or on another cohort (--external).
    """
    from sklidh.baselines import IN_SAMPLE, STRENGTHS, tuned
    from sklidh.evaluation import Comparison

    if sum(map(bool, (patient_column, leave_out, external, repeats > 1))) > 1:
        raise typer.BadParameter(
            "--patient-column, --leave-out, --external and --repeats are different ways to split; "
            "give only one"
        )
    if tune and not model.startswith(("recommended", "model-4")):
        raise typer.BadParameter(
            f"--tune: {model} has no constraints; choose --model recommended, model-4 or "
            "model-4-radiomics"
        )
    read = {"cohort": cohort, "method": method, "work": work}
    split = {"patient_column": patient_column, "leave_out": leave_out}
    split["folds"] = None if leave_out or external else folds
    patients = read_patients(cases, **read, clinical=clinical, **split)
    recipe, other = patients.recipe, None
    title, system = recipe.system(model)
    estimator = system.make()
    if tune:
        estimator = tuned(estimator, STRENGTHS, random_state=recipe.seed)
    if external is not None:
        read["cohort"] = replace(cohort, **recipe.found)
        other = read_patients(external, **read, clinical=recipe.clinical)
    threshold = threshold_for(patients.y, threshold)
    protocol = {"folds": folds, "repeats": repeats, "threshold": threshold, "tune": tune}
    evaluation, design = predicted(estimator, patients, other, bool(leave_out), protocol)
    notes = [
        f"{design}: every patient was predicted by a model that was trained, and whose choices "
        "were made, on others.",
        "The plots of selected features and of the loss show the first fold's model.",
        *choices(evaluation, protocol),
    ]
    if recipe.train_features == "in_sample" and model in ("model-3", "model-4"):
        notes.append(IN_SAMPLE)
    first, tested = evaluation.estimators[0], other or patients
    return write_models(
        Comparison({title: evaluation}),
        tested._replace(recipe=recipe),
        getattr(first, "best_estimator_", first),
        heading=f"{len(tested.X)} patients, {design}",
        settings=protocol,
        notes=notes,
        out=out,
        command="evaluate",
        cohort=cases.name,
    )


def predicted(
    estimator, patients: Patients, other: Patients | None, by_site: bool, protocol: dict
) -> tuple:
    """Evaluate a model with the split that was asked for; return evaluation and split in words.

    The model is tested on the `other` patients, `by_site` on each site in turn, or in folds.
    """
    from sklidh import evaluation

    X, y, recipe, split = patients
    folds, repeats, how = (
        protocol["folds"],
        protocol["repeats"],
        {"threshold": protocol["threshold"]},
    )
    if other is not None:
        named = dict(zip(other.recipe.clinical, recipe.clinical, strict=True))
        known, new = X[recipe.columns], other.X.rename(columns=named)[recipe.columns]
        tested = evaluation.external_test(estimator, known, y, new, other.y, **how)
        return tested, f"trained on {len(X)} others"
    how["verbose"] = verbosity()
    if by_site:
        tested = evaluation.leave_one_site_out(estimator, X, y, split, **how)
        return tested, f"each {split.name} left out in turn"
    design = f"{folds}-fold cross-validation"
    how |= {"cv": folds, "n_repeats": repeats, "random_state": recipe.seed}
    if split is not None:
        from sklearn.model_selection import StratifiedGroupKFold

        how["cv"] = StratifiedGroupKFold(folds, shuffle=True, random_state=recipe.seed)
        how["params"] = {"groups": split}
        design += f" of {split.nunique()} people"
    if repeats > 1:
        design += f", repeated {repeats} times"
    return evaluation.cross_validate(estimator, X, y, **how), design


def choices(evaluation, protocol: dict) -> list[str]:
    """Return what was chosen inside the folds, one value per fold."""
    lines = []
    if protocol["tune"]:
        found = pd.DataFrame([model.best_params_ for model in evaluation.estimators])
        chosen = (f"{name.split('__')[-1]} {', '.join(map(str, found[name]))}" for name in found)
        lines.append(f"Chosen in the folds: {'; '.join(chosen)}.")
    if isinstance(protocol["threshold"], str):
        folds = evaluation.predictions.groupby(["repeat", "fold"], sort=False)
        values = ", ".join(f"{value:.2f}" for value in folds["threshold"].first())
        lines.append(f"Thresholds of the folds ({protocol['threshold']}): {values}.")
    return lines
