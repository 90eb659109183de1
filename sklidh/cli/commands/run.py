"""`sklidh run`: the models on your patients, with one split and a report."""

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import pandas as pd
import typer

from sklidh.cli import options
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
from sklidh.cli.settings import Recipe

SYNTHETIC = (
    "Synthetic patients show that every step runs and finds a planted signal; they cannot show "
    "which model is better on real patients, whose signals nobody planted."
)


@command(
    "sklidh run cases.csv --groups T1+T1CE,T2+FLAIR --jobs 4",
    "sklidh run UCSF-PDGM-v5 --patients metadata.csv --target IDH --wildtype wildtype",
    panel=EVALUATE,
)
def run(
    cases: options.Cases,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("sklidh-run"),
    cohort: options.Cohort,
    clinical: options.Clinical = "",
    test_size: options.TestSize = 0.25,
    method: options.Method,
    work: options.Work,
):
    """Run the paper's four models and the recommended one on your patients, one split."""
    X, y, recipe = read_cohort(cases, cohort, method, jobs=work.jobs, clinical=clinical)
    title, again = f"sklidh run: {cases.name}", "sklidh run --config config.yaml"
    return run_models(X, y, out, recipe, test_size=test_size, title=title, rerun=again)


def run_models(
    X: pd.DataFrame,
    y: pd.Series,
    out: Path,
    recipe: Recipe,
    *,
    test_size: float,
    title: str,
    rerun: str,
    synthetic: bool = False,
) -> dict:
    """Fit Models 1 to 4 and the recommended one, score them on held-out patients, write it all.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
    out : Path
        Folder of the results.
    recipe : Recipe
    test_size : float
        Fraction of patients held out for testing.
    title : str
        Heads the report.
    rerun : str
        Command that repeats the run, entered in `out`.
    synthetic : bool, default=False
        Whether the patients are phantoms, which a note then states.

    Returns
    -------
    dict
        ``table``, ``notes``, ``found`` and ``files``.
    """
    from sklidh.evaluation import compare, holdout
    from sklidh.reporting import write_results

    started = time.perf_counter()
    with TemporaryDirectory(prefix="sklidh-") as memory, warnings_once() as warned:
        # Models 3 and 4 share all but the last step: `memory` fits the rest once.
        comparison = compare(
            recipe.models(memory),
            X,
            y,
            partial(holdout, test_size=test_size, threshold=0.5, random_state=recipe.seed),
            on_model=lambda name: console.rule(f"[bold]{name}", align="left"),
        )
        *_, proposed = comparison.evaluations.values()
        notes = _notes(X, comparison, recipe)
        if synthetic:
            notes.insert(0, SYNTHETIC)
        files = write_results(
            out,
            title,
            comparison,
            X,
            y,
            pipeline=proposed.estimators[0],
            modalities=recipe.modalities,
            settings=asdict(recipe) | {"test_size": test_size},
            notes=notes,
            warnings=warning_lines(warned),
            command=rerun,
            verbose=verbosity(),
        )
    n_test = len(comparison.predictions)
    console.print()
    print_models(
        comparison.table,
        title=f"{len(X) - n_test} patients for training, {n_test} for testing",
    )
    for note in notes:
        console.print(f"- {note}", highlight=False, soft_wrap=True)
    console.print(f"\nFinished in {time.perf_counter() - started:.0f} s. Files written:")
    print_files(files)
    table = comparison.table.to_dict("index")
    return {"table": table, "notes": notes, "found": recipe.found, "files": files}


def _notes(X, comparison, recipe) -> list[str]:
    from sklidh.baselines import IN_SAMPLE
    from sklidh.utils import is_missing

    predictions = comparison.predictions
    mutants = int(predictions["mutant"].sum())
    notes = [
        f"One random split: {len(X) - len(predictions)} patients for training, "
        f"{len(predictions)} for testing ({mutants} mutant). With so few the figures are "
        "imprecise: rely on the intervals, not on the second decimal."
    ]
    if recipe.reference is None:
        notes.append("Images were not registered; they were assumed to be aligned.")
    absent = X[list(recipe.modalities)].map(is_missing).sum()
    if absent.any():
        listed = ", ".join(f"{name} of {n}" for name, n in absent.items() if n)
        notes.append(
            f"Sequences that some patients lack: {listed} of {len(X)} patients. No values "
            "were imputed: selection used the patients who have the sequence, and these "
            "patients were predicted from their other sequences."
        )
    if recipe.clinical:
        notes.append(
            f"{', '.join(recipe.clinical)} entered every model beside the images, but for Model 1, "
            "which sees images alone."
        )
    if recipe.train_features == "in_sample":
        notes.append(IN_SAMPLE)
    return notes
