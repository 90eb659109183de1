"""Look for leaks: an AUC other than 0.5 without a signal, or test patients seen in training."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from joblib import parallel_config
from scipy.stats import norm
from sklearn.base import BaseEstimator

from sklidh.evaluation._checks import check_confidence
from sklidh.evaluation._cross_validation import holdout
from sklidh.evaluation._fold_auc import inflation
from sklidh.evaluation._row_spy import estimators_that_saw, fitted_before, watched_fits
from sklidh.evaluation._splits import check_classes
from sklidh.utils import progress

DETECTABLE_AUC = 0.75
"""Mean AUC on data without a signal that an audit must be able to distinguish from 0.5."""


def audit(
    models: Mapping[str, BaseEstimator],
    X,
    y,
    *,
    evaluate: Callable = holdout,
    n_rounds=10,
    confidence=0.95,
    random_state=0,
    verbose=0,
) -> pd.DataFrame:
    """Look for leaks in models, or in the way they are evaluated.

    Each round draws a new split and evaluates every model twice: on permuted labels, and with
    numeric columns replaced by noise. Neither contains a signal, so the interval of the mean AUC
    over the rounds must include 0.5. The variance of an AUC under chance is known exactly: for m
    mutants and n wild types it is (m + n + 1) / (12 m n) (Mann and Whitney). The mean over the
    folds of a cross-validation has the variance that `Evaluation.auc_interval` uses, and the mean
    of r rounds has 1/r of that. With several classes the mean variance of their AUCs is used, which
    that of the mean AUC cannot exceed. If the interval is so wide that an AUC of 0.75 would lie
    within it, the rounds are too few to clear a model. In addition, every call of `fit` is
    recorded: no estimator may be fitted on a patient who is predicted afterwards.

    Parameters
    ----------
    models : dict of str to classifier
    X : DataFrame of shape (n_patients, n_columns)
        Features, or cases. Only numeric columns are replaced by noise; images are audited by
        permuted labels and recorded fits.
    y : array-like of shape (n_patients,)
    evaluate : callable, default=holdout
        ``evaluate(model, X, y, random_state=...)`` returns an Evaluation. Pass your own procedure
        to audit it too.
    n_rounds : int, default=10
        Number of rounds; more rounds give narrower intervals.
    confidence : float, default=0.95
        Joint confidence of all intervals; that of each interval is raised (Bonferroni).
    random_state : int, default=0
        Seed of the permutations, the noise and the splits.
    verbose : int, default=0
        1 shows a progress bar over the models.

    Returns
    -------
    DataFrame
        One row per model. ``permuted``, ``permuted low``, ``permuted high``: mean AUC and its
        interval, clipped to 0 to 1; ``noise``, ...: the same, NaN if X has no numeric columns;
        ``saw test rows``: estimators fitted on test patients; ``fitted before``: parts that were
        fitted before the audit, on unknown patients; ``result``: "no leak found", "inconclusive"
        with the number of rounds needed, "LEAK" with the reason, or "failed" with the error.

    Raises
    ------
    ValueError
        `n_rounds` is below 1, or `confidence` does not lie between 0 and 1.
    CohortError
        As `holdout`.

    References
    ----------
    S. Kapoor, A. Narayanan, Patterns 4(9), 2023: leaks in published models, and their kinds.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklidh.evaluation import audit
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> audit({"naive Bayes": GaussianNB()}, X, y).loc["naive Bayes", "result"]
    'no leak found'
    >>> few = X.groupby(y).head(20)
    >>> audit({"naive Bayes": GaussianNB()}, few, y[few.index], n_rounds=1)["result"].item()
    'inconclusive: at least 3 rounds are needed to detect an AUC of 0.75'
    """
    labels, _ = check_classes(X, y)
    check_confidence(confidence)
    if n_rounds < 1:
        raise ValueError(f"n_rounds={n_rounds}: must be at least 1")
    numbers = X.select_dtypes("number").columns
    n_checks = len(models) * (1 + bool(len(numbers)))
    z = norm.isf((1 - confidence) / n_checks / 2)
    rows = {}
    for name in progress(list(models), "audit", verbose=verbose):
        before, seen, aucs = fitted_before(models[name]), [], {"permuted": [], "noise": []}
        try:
            for seed, kind, *data in _trials(X, labels, numbers, n_rounds, random_state):
                auc, variance, named = _spied(evaluate, models[name], *data, seed)
                aucs[kind].append(auc)
                seen += named
        # A failure is recorded in this model's row; the other models are still audited.
        except Exception as error:
            rows[name] = {"result": f"failed: {type(error).__name__}: {error}"}
            continue
        row = {}
        for kind, values in aucs.items():
            row |= _interval(kind, values, z * np.sqrt(variance / n_rounds))
        row |= {"saw test rows": ", ".join(dict.fromkeys(seen)), "fitted before": ", ".join(before)}
        enough = int(np.ceil(variance * (z / (DETECTABLE_AUC - 0.5)) ** 2))
        rows[name] = row | {"result": _result(row, enough if n_rounds < enough else None)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _trials(X, labels, numbers, n_rounds, random_state):
    """Yield the round, the kind, X and y of data without a signal, the same for every model."""
    rng = np.random.default_rng(random_state)
    for seed in range(n_rounds):
        yield seed, "permuted", X, pd.Series(rng.permutation(labels), X.index)
        if len(numbers):
            noise = rng.standard_normal((len(X), len(numbers)))
            noisy = X.assign(**dict(zip(numbers, noise.T, strict=True)))
            yield seed, "noise", noisy, pd.Series(labels, X.index)


def _spied(evaluate, model, X, y, seed) -> tuple[float, float, list[str]]:
    # Fits in worker processes could not be recorded.
    with watched_fits() as calls, parallel_config("sequential"):
        evaluation = evaluate(model, X, y, random_state=seed)
    splits = evaluation.predictions.groupby(["repeat", "fold"], sort=False)
    tested = [frozenset(split.index) for _, split in splits]
    tables = [table for each in evaluation.by_class.values() for table in each.repeats]
    variance = np.mean([_variance_without_signal(table) for table in tables])
    return evaluation.metrics["AUC"], float(variance), estimators_that_saw(calls, tested)


def _variance_without_signal(predictions) -> float:
    """Return the variance of a repeat's mean AUC over its folds if there is no signal."""
    folds = [fold["true"] for _, fold in predictions.groupby("fold")]
    counts = [(mutant.sum(), (~mutant).sum()) for mutant in folds if mutant.nunique() == 2]
    each = [(m + n + 1) / (12 * m * n) for m, n in counts]
    return inflation(predictions) * np.sum(each) / len(each) ** 2


def _interval(kind, aucs, half) -> dict[str, float]:
    if not aucs:
        return {kind: np.nan, f"{kind} low": np.nan, f"{kind} high": np.nan}
    mean = float(np.mean(aucs))
    low, high = np.clip([mean - half, mean + half], 0, 1).tolist()
    return {kind: mean, f"{kind} low": low, f"{kind} high": high}


def _result(row, rounds_needed) -> str:
    reasons = []
    for kind, words in (("permuted", "permuted labels"), ("noise", "noise")):
        if not np.isnan(row[kind]) and not row[f"{kind} low"] <= 0.5 <= row[f"{kind} high"]:
            reasons.append(f"AUC {row[kind]:.2f} on {words}")
    if row["saw test rows"]:
        reasons.append(f"test patients seen by {row['saw test rows']}")
    if row["fitted before"]:
        reasons.append(f"fitted before: {row['fitted before']}")
    if reasons:
        return f"LEAK: {'; '.join(reasons)}"
    if rounds_needed is not None:
        return (
            f"inconclusive: at least {rounds_needed} rounds are needed to detect an AUC of "
            f"{DETECTABLE_AUC}"
        )
    return "no leak found"
