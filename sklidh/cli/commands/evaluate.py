"""`sklidh evaluate`: one model, cross-validated, with everything chosen inside."""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from sklidh.cli import options
from sklidh.cli.columns import column_of
from sklidh.cli.command import EVALUATE, command
from sklidh.cli.console import (
    console,
    print_files,
    print_models,
    verbosity,
    warning_lines,
    warnings_once,
)
from sklidh.cli.patients import read_cohort


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
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("sklidh-evaluate"),
    cohort: options.Cohort,
    clinical: options.Clinical = "",
    model: options.Model = "recommended",
    tune: options.Tune = False,
    threshold: options.Threshold = "0.5",
    folds: options.Folds = 5,
    repeats: options.Repeats = 1,
    patient_column: options.PatientColumn = "",
    leave_out: Annotated[
        str,
        typer.Option(
            help="Column such as site: test on each of its values in turn, train on the others.",
            rich_help_panel=options.METHOD,
        ),
    ] = "",
    external: Annotated[
        Path | None,
        typer.Option(
            help="Table or folder of another cohort: train on all of CASES, test on this one.",
            exists=True,
            rich_help_panel=options.METHOD,
        ),
    ] = None,
    method: options.Method,
    work: options.Work,
):
    """Cross-validate one model: every choice is made on the training patients of each fold.

    Or test it on each site in turn (--leave-out), or on another cohort (--external).
    """
    if sum(map(bool, (patient_column, leave_out, external))) > 1:
        raise typer.BadParameter(
            "--patient-column, --leave-out and --external are three ways to split; give only one"
        )
    if patient_column and repeats > 1:
        raise typer.BadParameter("--patient-column draws its folds once; omit --repeats")
    protocol = {"folds": folds, "repeats": repeats, "threshold": threshold, "tune": tune}
    if protocol["tune"] and not model.startswith(("recommended", "model-4")):
        raise typer.BadParameter(
            "--tune searches the strengths of --model recommended, model-4 and model-4-radiomics; "
            f"{model} has none"
        )
    is_folded = not (leave_out or external)
    n_folds = folds if is_folded else None
    read = {"jobs": work.jobs, "clinical": clinical}
    X, y, recipe = read_cohort(cases, cohort, method, folds=n_folds, **read)
    from sklidh.baselines import IN_SAMPLE, STRENGTHS, tuned
    from sklidh.evaluation import Comparison
    from sklidh.reporting import write_results

    started = time.perf_counter()
    title, system = recipe.system(model)
    estimator = system.make()
    if protocol["tune"]:
        estimator = tuned(estimator, STRENGTHS, random_state=recipe.seed)
    other, shown = None, (X, y)
    if external is not None:
        same = replace(cohort, groups=recipe.found["groups"], reference=recipe.found["reference"])
        other = shown = read_cohort(external, same, method, **read)[:2]
    columns = {"patients": patient_column, "sites": leave_out}
    columns = {name: column_of(X, column) for name, column in columns.items() if column}
    with warnings_once() as warned:
        how = {"threshold": threshold, "folds": folds, "repeats": repeats, "seed": recipe.seed}
        evaluation, design = predicted(
            estimator, X, y, recipe.columns, other=other, **columns, **how
        )
        comparison = Comparison({title: evaluation})
        first = evaluation.estimators[0]
        notes = [
            f"{design}: every patient was predicted by a model that was trained, and whose choices "
            "were made, on others.",
            "The plots of selected features and of the loss show the first fold's model.",
            *choices(evaluation, protocol),
        ]
        if recipe.train_features == "in_sample" and model in ("model-3", "model-4"):
            notes.append(IN_SAMPLE)
        files = write_results(
            out,
            f"sklidh evaluate: {cases.name}",
            comparison,
            *shown,
            pipeline=getattr(first, "best_estimator_", first),
            modalities=recipe.modalities,
            settings=asdict(recipe) | protocol,
            notes=notes,
            warnings=warning_lines(warned),
            command="sklidh evaluate --config config.yaml",
            verbose=verbosity(),
        )
    console.print()
    print_models(comparison.table, title=f"{len(shown[0])} patients, {design}")
    for line in choices(evaluation, protocol):
        console.print(f"- {line}", highlight=False, soft_wrap=True)
    console.print(f"\nFinished in {time.perf_counter() - started:.0f} s. Files written:")
    print_files(files)
    table = comparison.table.to_dict("index")
    return {"table": table, "found": recipe.found, "files": files}


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
    """Evaluate a model by the split that was asked for.

    Parameters
    ----------
    estimator : classifier
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
    read : list of str
        The columns that the estimator reads.
    other : tuple of (DataFrame, Series), default=None
        The cohort to test on.
    patients : Series of shape (n_scans,), default=None
        The patient of each row.
    sites : Series of shape (n_patients,), default=None
        What is left out, one value at a time.
    threshold : float or str
    folds, repeats, seed : int

    Returns
    -------
    evaluation : Evaluation
    design : str
        The split in words.
    """
    from sklidh import evaluation

    how = {"threshold": threshold}
    if other is not None:
        return evaluation.external_test(estimator, X[read], y, other[0][read], other[1], **how), (
            f"trained on {len(X)} others"
        )
    if sites is not None:
        found = evaluation.leave_one_site_out(estimator, X, y, sites, verbose=verbosity(), **how)
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
    found = evaluation.cross_validate(
        estimator, X, y, random_state=seed, verbose=verbosity(), **how
    )
    return found, design


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
