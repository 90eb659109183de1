"""`sklidh evaluate`: one model, cross-validated, with everything chosen inside."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sklidh.cli import options
from sklidh.cli.command import EVALUATE, command
from sklidh.cli.console import (
    console,
    counted,
    print_files,
    print_models,
    verbosity,
    warnings_told_once,
)
from sklidh.cli.patients import read_cohort


@command(
    "sklidh evaluate cases.csv --folds 5 --repeats 3",
    "sklidh evaluate cases.csv --model model-2 --threshold precision>=0.9",
    panel=EVALUATE,
)
def evaluate(
    cases: options.Cases,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("sklidh-evaluate"),
    cohort: options.Cohort,
    model: options.Model = "recommended",
    tune: options.Tune = False,
    threshold: options.Threshold = "0.5",
    folds: options.Folds = 5,
    repeats: options.Repeats = 1,
    method: options.Method,
    work: options.Work,
):
    """Cross-validate one model: every choice is made on the training patients of each fold."""
    protocol = {"folds": folds, "repeats": repeats, "threshold": threshold, "tune": tune}
    if protocol["tune"] and not model.startswith(("recommended", "model-4")):
        raise typer.BadParameter(
            "--tune searches the strengths of --model recommended, model-4 and model-4-radiomics; "
            f"{model} has none"
        )
    X, y, recipe = read_cohort(cases, cohort, method, jobs=work.jobs, folds=folds)
    from sklidh.baselines import IN_SAMPLE, STRENGTHS, tuned
    from sklidh.evaluation import Comparison, cross_validate
    from sklidh.reporting import write_results

    started = time.perf_counter()
    title, system = recipe.system(model)
    estimator = system.make()
    if protocol["tune"]:
        estimator = tuned(estimator, STRENGTHS, random_state=recipe.seed)
    with warnings_told_once() as warned:
        evaluation = cross_validate(
            estimator,
            X,
            y,
            cv=protocol["folds"],
            n_repeats=protocol["repeats"],
            threshold=threshold,
            random_state=recipe.seed,
            verbose=verbosity(),
        )
        comparison = Comparison({title: evaluation})
        first = evaluation.estimators[0]
        again = f", {protocol['repeats']} times" if protocol["repeats"] > 1 else ""
        notes = [
            f"{protocol['folds']}-fold cross-validation{again}: every patient was predicted by a "
            "model that was trained, and whose choices were made, on others.",
            "The plots of selected features and of the loss show the first fold's model.",
            *choices(evaluation, protocol),
        ]
        if recipe.train_features == "in_sample" and model in ("model-3", "model-4"):
            notes.append(IN_SAMPLE)
        files = write_results(
            out,
            f"sklidh evaluate: {cases.name}",
            comparison,
            X,
            y,
            pipeline=getattr(first, "best_estimator_", first),
            modalities=recipe.modalities,
            settings=asdict(recipe) | protocol,
            notes=notes,
            warnings=counted(warned),
            verbose=verbosity(),
        )
    console.print()
    heading = f"{len(X)} patients, {protocol['folds']}-fold cross-validation"
    print_models(comparison.table, title=heading)
    for line in choices(evaluation, protocol):
        console.print(f"- {line}", highlight=False, soft_wrap=True)
    console.print(f"\nFinished in {time.perf_counter() - started:.0f} s. Files written:")
    print_files(files)
    table = comparison.table.to_dict("index")
    return {"table": table, "found": recipe.found, "files": files}


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
