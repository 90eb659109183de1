"""`sklidh evaluate`: one model, cross-validated, with everything chosen inside."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from sklidh.cli import options
from sklidh.cli.columns import column_of
from sklidh.cli.command import EVALUATE, command
from sklidh.cli.commands.run import write_models
from sklidh.cli.console import verbosity
from sklidh.cli.options import in_method
from sklidh.cli.patients import read_patients


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
        in_method(
            "Search alpha, beta and gamma of the constraints inside every fold.", "--tune/--no-tune"
        ),
    ] = False,
    threshold: options.Threshold = "0.5",
    folds: options.Folds = 5,
    repeats: options.Repeats = 1,
    patient_column: options.PatientColumn = "",
    leave_out: Annotated[
        str,
        in_method("Column such as site: test on each of its values in turn, train on the others."),
    ] = "",
    external: Annotated[
        Path | None,
        in_method(
            "Table or folder of another cohort: train on all of CASES, test on this one.",
            exists=True,
        ),
    ] = None,
    method: options.Method,
    work: options.Work,
):
    """Cross-validate one model: every choice is made on the training patients of each fold.

    Or test it on each site in turn (--leave-out), or on another cohort (--external).
    """
    from sklidh.baselines import IN_SAMPLE, STRENGTHS, tuned
    from sklidh.evaluation import Comparison

    if sum(map(bool, (patient_column, leave_out, external))) > 1:
        raise typer.BadParameter(
            "--patient-column, --leave-out and --external are three ways to split; give only one"
        )
    if repeats > 1 and (patient_column or leave_out or external):
        raise typer.BadParameter(
            "--patient-column, --leave-out and --external split the patients once; omit --repeats"
        )
    if tune and not model.startswith(("recommended", "model-4")):
        raise typer.BadParameter(
            "--tune searches the strengths of --model recommended, model-4 and model-4-radiomics; "
            f"{model} has none"
        )
    n_folds = None if leave_out or external else folds
    read = (method, work)
    X, y, recipe = read_patients(cases, cohort, *read, folds=n_folds, clinical=clinical)
    title, system = recipe.system(model)
    estimator = system.make()
    if tune:
        estimator = tuned(estimator, STRENGTHS, random_state=recipe.seed)
    other, shown = None, (X, y)
    if external is not None:
        cohort = replace(cohort, **recipe.found)
        other = shown = read_patients(external, cohort, *read, clinical=clinical)[:2]
    columns = {"patients": patient_column, "sites": leave_out}
    columns = {name: column_of(X, column) for name, column in columns.items() if column}
    how = {"threshold": threshold, "folds": folds, "repeats": repeats, "seed": recipe.seed}
    evaluation, design = predicted(estimator, X, y, recipe.columns, other=other, **columns, **how)
    protocol = {"folds": folds, "repeats": repeats, "threshold": threshold, "tune": tune}
    notes = [
        f"{design}: every patient was predicted by a model that was trained, and whose choices "
        "were made, on others.",
        "The plots of selected features and of the loss show the first fold's model.",
        *choices(evaluation, protocol),
    ]
    if recipe.train_features == "in_sample" and model in ("model-3", "model-4"):
        notes.append(IN_SAMPLE)
    first = evaluation.estimators[0]
    return write_models(
        Comparison({title: evaluation}),
        *shown,
        recipe,
        pipeline=getattr(first, "best_estimator_", first),
        heading=f"{len(shown[0])} patients, {design}",
        settings=protocol,
        notes=notes,
        out=out,
        title=f"sklidh evaluate: {cases.name}",
        rerun="sklidh evaluate --config config.yaml",
    )


def predicted(
    estimator,
    X: pd.DataFrame,
    y: pd.Series,
    read: list[str],
    *,
    other: tuple | None = None,
    patients: pd.Series | None = None,
    sites: pd.Series | None = None,
    threshold: float | str,
    folds: int,
    repeats: int,
    seed: int,
) -> tuple:
    """Evaluate a model by the split that was asked for; return evaluation and split in words.

    The estimator reads the columns `read`. It is tested on the `other` cohort (X, y), on each of
    the `sites` in turn, or in folds, which keep the scans of each of the `patients` together.
    """
    from sklidh import evaluation

    how = {"threshold": threshold}
    if other is not None:
        found = evaluation.external_test(estimator, X[read], y, other[0][read], other[1], **how)
        return found, f"trained on {len(X)} others"
    how["verbose"] = verbosity()
    if sites is not None:
        found = evaluation.leave_one_site_out(estimator, X, y, sites, **how)
        return found, f"each {sites.name} left out in turn"
    if patients is not None:
        from sklearn.model_selection import StratifiedGroupKFold

        cv = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        how |= {"cv": cv, "params": {"groups": patients}}
        design = f"{folds}-fold cross-validation of {patients.nunique()} people"
    else:
        how |= {"cv": folds, "n_repeats": repeats}
        again = f", repeated {repeats} times" if repeats > 1 else ""
        design = f"{folds}-fold cross-validation{again}"
    return evaluation.cross_validate(estimator, X, y, random_state=seed, **how), design


def choices(evaluation, protocol: dict) -> list[str]:
    """Return what was chosen inside the folds, one value per fold."""
    lines = []
    if protocol["tune"]:
        found = [model.best_params_ for model in evaluation.estimators]
        chosen = (
            f"{name.split('__')[-1]} {', '.join(str(each[name]) for each in found)}"
            for name in found[0]
        )
        lines.append(f"Chosen in the folds: {'; '.join(chosen)}.")
    if isinstance(protocol["threshold"], str):
        folds = evaluation.predictions.groupby(["repeat", "fold"], sort=False)
        values = ", ".join(f"{value:.2f}" for value in folds["threshold"].first())
        lines.append(f"Thresholds of the folds ({protocol['threshold']}): {values}.")
    return lines
