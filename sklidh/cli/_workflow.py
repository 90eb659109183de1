"""Compare the paper's four models on a cohort, and leave the results in a folder."""

import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from sklidh.cli._output import console, print_files, print_models, warnings_told_once


@dataclass(frozen=True)
class Options:
    """What a run was asked to do; written beside its results."""

    modalities: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...] | None
    reference: str | None
    test_size: float
    engine: str
    slice_size: int
    epochs: int
    train_features: str
    missing: str
    jobs: int
    seed: int


def run_models(X: pd.DataFrame, y: pd.Series, out: Path, options: Options, *, title: str):
    """Fit Models 1 to 4 on three quarters of the patients, score them on the rest, write it all.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
    out : Path
        Folder of the results.
    options : Options
    title : str
        Heads the report.
    """
    # Torch takes a second to load: not before the table was read and found sound.
    from sklidh.baselines import ablation_models
    from sklidh.evaluation import compare, holdout
    from sklidh.features import RadiomicsExtractor, SANetFeaturizer
    from sklidh.pipeline import make_idh_pipeline
    from sklidh.reporting import write_results

    started = time.perf_counter()
    shared = {"missing": options.missing, "verbose": 1}
    deep = SANetFeaturizer(
        size=options.slice_size,
        max_epochs=options.epochs,
        train_features=options.train_features,
        random_state=options.seed,
        **shared,
    )
    radiomics = RadiomicsExtractor(engine=options.engine, n_jobs=options.jobs, **shared)
    with TemporaryDirectory(prefix="sklidh-") as memory, warnings_told_once() as warned:
        # Models 3 and 4 share all but the last step: `memory` fits the rest once.
        build = partial(
            make_idh_pipeline,
            options.modalities,
            reference=options.reference,
            groups=options.groups,
            radiomics=radiomics,
            memory=memory,
            n_jobs=options.jobs,
            random_state=options.seed,
            **shared,
        )
        comparison = compare(
            ablation_models(build, deep=deep),
            X,
            y,
            partial(holdout, test_size=options.test_size, random_state=options.seed),
            on_model=lambda name: console.rule(f"[bold]{name}", align="left"),
        )
        *_, proposed = comparison.evaluations.values()
        notes = _notes(X, comparison, options)
        files = write_results(
            out,
            title,
            comparison,
            X,
            y,
            pipeline=proposed.estimators[0],
            modalities=options.modalities,
            settings=asdict(options),
            notes=[*notes, *_as_notes(warned)],
        )
    n_test = len(comparison.predictions)
    console.print()
    print_models(
        comparison.table,
        title=f"Trained on {len(X) - n_test} patients, tested on {n_test} others",
    )
    for note in notes:
        console.print(f"- {note}", highlight=False, soft_wrap=True)
    console.print(f"\nWritten in {time.perf_counter() - started:.0f} s:")
    print_files(files)


def _as_notes(warned: dict[str, int]) -> list[str]:
    return [
        f"Warning{f', {count} times' if count > 1 else ''}: {text}"
        for text, count in warned.items()
    ]


def _notes(X, comparison, options) -> list[str]:
    from sklidh.utils import is_missing

    predictions = comparison.predictions
    mutants = int(predictions["mutant"].sum())
    notes = [
        f"One random split, as in the paper: {len(X) - len(predictions)} patients trained, "
        f"{len(predictions)} tested ({mutants} mutant). With so few the figures are rough: read "
        "the intervals, not the second decimal."
    ]
    if options.reference is None:
        notes.append("Images were not registered: they were taken to lie on one another already.")
    absent = X[list(options.modalities)].map(is_missing).sum()
    if absent.any():
        listed = ", ".join(f"{name} of {n}" for name, n in absent.items() if n)
        notes.append(
            f"Sequences that some patients lack: {listed} of {len(X)} patients. Nothing was "
            "invented for them: selection used the patients who have the sequence, and these "
            "patients were predicted from their other sequences."
        )
    if options.train_features == "in_sample":
        notes.append(
            "Deep features of the training patients come from networks trained on those same "
            "patients (the paper's protocol), so models 3 and 4 may trust them too much; "
            "--train-features out_of_fold avoids that."
        )
    return notes
