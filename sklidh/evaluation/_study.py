"""Evaluate many models on the same splits; splits are cached on disk, failures reported."""

import json
import os
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from joblib import delayed
from sklearn.base import clone

from sklidh.evaluation._comparison import Comparison
from sklidh.evaluation._evaluation import Evaluation
from sklidh.evaluation._prediction import Rows, predict_others, prediction_table
from sklidh.evaluation._splits import check_classes
from sklidh.evaluation._threshold import check_threshold
from sklidh.utils import (
    UserError,
    atomic_write,
    files_of,
    fingerprint,
    ignore_joblib,
    is_path,
    spread,
    sweep,
)

NOT_HASHED = ("memory", "n_jobs", "timeout", "verbose")
"""Parameters that do not affect predictions."""


class StudyError(UserError, RuntimeError):
    """None of the models could be evaluated."""


@dataclass(frozen=True)
class Study:
    """The outcome of each model.

    Parameters
    ----------
    comparison : Comparison
        The models that could be evaluated.
    failures : dict of str to str
        The other models, and why they failed.
    facts : dict of str to list of dict
        The results of `describe` for each split of each model.
    seconds : dict of str to float
        Total time spent on the splits of each model, including earlier runs.
    warned : dict of str to Counter
        The warnings of each model, with their counts.
    """

    comparison: Comparison
    failures: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, list] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    warned: Mapping[str, Counter] = field(default_factory=dict)


def run_study(
    models: Mapping[str, Callable],
    X,
    y,
    splits,
    folder,
    *,
    threshold=None,
    random_state=0,
    describe: Callable | None = None,
    n_jobs=None,
    verbose=0,
) -> Study:
    """Evaluate every model on every split, resuming an interrupted run.

    The outcome of each split of each model is stored in one file. It is reused if the model's
    parameters, the patients, the content of their images, the split and the threshold are
    unchanged. A model that failed is retried.

    Parameters
    ----------
    models : dict of str to callable
        Functions without arguments that return an unfitted classifier. If one raises a ValueError,
        its message becomes the reason in `Study.failures`.
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
    splits : list of Split
    folder : str or path
        Folder of the files; created if missing.
    threshold : float, str or None, default=None
        As in `cross_validate`.
    random_state : int or None, default=0
        Seed of the inner folds in which a threshold is chosen.
    describe : callable, default=None
        ``describe(model)`` returns a JSON-serialisable dict for each fitted model.
    n_jobs : int, default=None
        Number of splits evaluated in parallel.
    verbose : int, default=0
        1 shows a progress bar with the time left.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        All models failed.
    ValueError, CohortError
        As `cross_validate`.
    """
    labels, target = check_classes(X, y)
    check_threshold(threshold, len(target.classes))
    places = Counter(map(file_name, models))
    if alike := [name for name in models if places[file_name(name)] > 1]:
        raise ValueError(f"models {alike} would share a folder; give them distinct names")
    folder, failures, estimators = Path(folder), {}, {}
    for name, make in models.items():
        sweep(folder / file_name(name))
        try:
            estimators[name] = make()
        except ValueError as error:
            failures[name] = str(error)
    content = data_fingerprint(X, labels)
    done: dict[str, list] = {name: [] for name in estimators}
    # The first split of every model runs first, so that a model that cannot work fails early.
    for stage in (splits[:1], splits[1:]):
        tasks = [(name, split) for name in estimators if name not in failures for split in stage]
        jobs = [
            delayed(_evaluate_once)(
                estimators[name],
                X,
                labels,
                split,
                target,
                folder / file_name(name) / f"{split.repeat}-{split.fold}.json",
                content,
                (threshold, random_state),
                describe,
            )
            for name, split in tasks
        ]
        outcomes = spread(jobs, "splits", n_jobs=n_jobs, verbose=verbose)
        for (name, split), outcome in zip(tasks, outcomes, strict=True):
            if isinstance(outcome, str):
                failures.setdefault(name, f"{outcome} (repeat {split.repeat}, fold {split.fold})")
            else:
                done[name].append((split, outcome))
    finished = {name: parts for name, parts in done.items() if name not in failures}
    if not finished:
        reasons = "\n".join(f"  - {name}: {reason}" for name, reason in failures.items())
        raise StudyError(f"no model could be evaluated:\n{reasons}")
    return _combined(finished, failures, X, labels, target)


def _combined(finished, failures, X, labels, target) -> Study:
    """Combine the outcomes of all splits per model."""

    def evaluation(parts):
        tables = [
            prediction_table(
                Rows(X, labels).patients[split.test],
                labels[split.test],
                split,
                target,
                **{name: part[name] for name in ("score", "probability", "threshold", "called")},
            )
            for split, part in parts
        ]
        return Evaluation(pd.concat(tables), target=target)

    outcomes = {name: [part for _, part in parts] for name, parts in finished.items()}
    return Study(
        Comparison({name: evaluation(parts) for name, parts in finished.items()}),
        failures,
        facts={name: [part["facts"] for part in parts] for name, parts in outcomes.items()},
        seconds={name: sum(part["seconds"] for part in parts) for name, parts in outcomes.items()},
        warned={
            name: sum((Counter(part["warnings"]) for part in parts), Counter())
            for name, parts in outcomes.items()
        },
    )


def file_name(name: str) -> str:
    """Return a folder name for a model: "model-4-proposed" for "Model 4 (proposed)".

    Parameters
    ----------
    name : str

    Returns
    -------
    str
    """
    return re.sub(r"[^\w.]+", "-", name.casefold()).strip("-.")


def data_fingerprint(X, labels) -> str:
    """Return a digest of a table, its labels and the content of the files that it lists.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    labels : ndarray of shape (n_patients,)

    Returns
    -------
    str
    """
    text = X.select_dtypes(exclude="number") if hasattr(X, "columns") else pd.DataFrame()
    cells = [cell for cell in text.to_numpy().ravel() if is_path(cell) and str(cell)]
    files = [file for cell in cells if os.path.isfile(cell) for file in files_of(cell)]
    # Folders of DICOM slices have absolute paths; a relative one may be a site's name.
    files += [Path(cell) for cell in cells if os.path.isabs(cell) and os.path.isdir(cell)]
    return fingerprint(joblib.hash((X, labels)), *files)


def _evaluate_once(estimator, X, labels, split, target, path, content, decision, describe):
    """Return one split's outcome, from its file if that is still valid; a str if it failed."""
    # Caching and parallelism do not affect the results, so they are left out of the key.
    bare = clone(estimator)
    if hasattr(bare, "set_params"):
        places = [name for name in bare.get_params() if name.split("__")[-1] in NOT_HASHED]
        bare.set_params(**dict.fromkeys(places))
    key = fingerprint(
        version("sklidh"), content, joblib.hash((bare, split.train, split.test, decision))
    )
    if path.exists() and (kept := json.loads(path.read_text()))["key"] == key:
        return kept
    threshold, seed = decision
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ignore_joblib()
        try:
            everyone = Rows(X, labels)
            train, test = everyone.cut(split.train), everyone.cut(split.test)
            predicted, model = predict_others(
                estimator, train, test, target, threshold=threshold, seed=seed
            )
            facts = {} if describe is None else describe(model)
        # Any error is recorded as this model's result; the other models continue.
        except Exception as error:
            return _reason(error)
    outcome = {
        "key": key,
        "score": np.asarray(predicted["score"]).tolist(),
        "probability": np.asarray(predicted["probability"]).tolist(),
        "threshold": predicted["threshold"],
        "called": np.asarray(predicted["called"]).tolist(),
        "facts": facts,
        "seconds": time.perf_counter() - started,
        "warnings": Counter(str(warning.message) for warning in caught),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(outcome))
    return outcome


def _reason(error) -> str:
    return f"{type(error).__name__}: {error}"
