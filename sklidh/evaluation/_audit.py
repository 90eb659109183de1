"""Look for leaks: without a signal there must be none, and no test patient may be seen at fit."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from joblib import parallel_config
from scipy.stats import norm
from sklearn.base import BaseEstimator

from sklidh.evaluation._checks import check_confidence
from sklidh.evaluation._cross_validation import holdout
from sklidh.evaluation._fold_auc import inflation
from sklidh.evaluation._row_spy import fitted_before, watched_fits, who_saw
from sklidh.evaluation._splits import check_two_classes
from sklidh.utils import progress

VISIBLE = 0.75
"""Mean AUC without a signal that an audit must be able to tell from one half."""


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

    In each round the patients are divided anew and every model is evaluated twice: on labels that
    were permuted, and on columns of numbers that were replaced by noise. Either way there is
    nothing to find, and the mean AUC of the rounds must be one half within its interval. How far
    an AUC strays by chance is known without a single measurement: of m mutants and n wild types,
    its variance is (m + n + 1) / (12 m n), as Mann and Whitney derived it; the mean over the folds
    of a cross-validation has the variance that `Evaluation.auc_interval` uses, and the mean of r
    rounds has the r-th part of that. Where even an AUC of 0.75 would not stand out, the rounds are
    too few to clear a model. Meanwhile a spy looks at every estimator that is fitted: none may be
    given a patient who is predicted afterwards.

    Parameters
    ----------
    models : dict of str to classifier
    X : DataFrame of shape (n_patients, n_columns)
        Features, or cases. Noise takes the place of columns of numbers alone: images are audited
        by permuted labels and the spy.
    y : array-like of shape (n_patients,)
    evaluate : callable, default=holdout
        ``evaluate(model, X, y, random_state=...)`` returns an Evaluation; hand your own procedure
        over to audit it too.
    n_rounds : int, default=10
        More rounds, narrower intervals.
    confidence : float, default=0.95
        That of all intervals together: each one's is raised as Bonferroni does.
    random_state : int, default=0
        Seed of permutations, noise and splits.
    verbose : int, default=0
        1 shows a progress bar over the models.

    Returns
    -------
    DataFrame
        One row a model. ``permuted``, ``permuted low``, ``permuted high``: mean AUC and interval,
        cut off at 0 and 1; ``noise``, ...: the same, NaN where X has no numbers that the model
        reads; ``saw test rows``: the estimators that did; ``fitted before``: parts of which nobody
        can tell whom they saw; ``verdict``: "no leak found", "too few rounds to tell" with the
        number that would do, "LEAK" with the reason, or "failed" with the error.

    Raises
    ------
    ValueError
        No rounds, or a confidence outside 0 to 1.
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
    >>> audit({"naive Bayes": GaussianNB()}, X, y).loc["naive Bayes", "verdict"]
    'no leak found'
    >>> few = X.groupby(y).head(20)
    >>> audit({"naive Bayes": GaussianNB()}, few, y[few.index], n_rounds=1)["verdict"].item()
    'too few rounds to tell: 3 would show an AUC of 0.75'
    """
    labels = check_two_classes(X, y)
    check_confidence(confidence)
    if n_rounds < 1:
        raise ValueError(f"n_rounds={n_rounds}: one or more are needed")
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
        # One model's failure is its row's verdict; the others are audited all the same.
        except Exception as error:
            rows[name] = {"verdict": f"failed: {type(error).__name__}: {error}"}
            continue
        row = {}
        for kind, values in aucs.items():
            row |= _interval(kind, values, z * np.sqrt(variance / n_rounds))
        row |= {"saw test rows": ", ".join(dict.fromkeys(seen)), "fitted before": ", ".join(before)}
        enough = int(np.ceil(variance * (z / (VISIBLE - 0.5)) ** 2))
        rows[name] = row | {"verdict": _verdict(row, enough if n_rounds < enough else None)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _trials(X, labels, numbers, n_rounds, random_state):
    """Yield data without a signal: the round, the kind, X and y; the same for every model."""
    rng = np.random.default_rng(random_state)
    for seed in range(n_rounds):
        yield seed, "permuted", X, pd.Series(rng.permutation(labels), X.index)
        if len(numbers):
            noise = rng.standard_normal((len(X), len(numbers)))
            noisy = X.assign(**dict(zip(numbers, noise.T, strict=True)))
            yield seed, "noise", noisy, pd.Series(labels, X.index)


def _spied(evaluate, model, X, y, seed) -> tuple[float, float, list[str]]:
    # In this process, or the spy sees nothing.
    with watched_fits() as calls, parallel_config("sequential"):
        evaluation = evaluate(model, X, y, random_state=seed)
    splits = evaluation.predictions.groupby(["repeat", "fold"], sort=False)
    tested = [frozenset(split.index) for _, split in splits]
    variance = np.mean([_variance_without_signal(table) for table in evaluation.repeats])
    return evaluation.metrics["AUC"], float(variance), who_saw(calls, tested)


def _variance_without_signal(predictions) -> float:
    """Return the variance of the mean AUC of a repeat's folds where there is nothing to find."""
    folds = [fold["mutant"] for _, fold in predictions.groupby("fold")]
    counts = [(mutant.sum(), (~mutant).sum()) for mutant in folds if mutant.nunique() == 2]
    each = [(m + n + 1) / (12 * m * n) for m, n in counts]
    return inflation(predictions) * np.sum(each) / len(each) ** 2


def _interval(kind, aucs, half) -> dict[str, float]:
    if not aucs:
        return {kind: np.nan, f"{kind} low": np.nan, f"{kind} high": np.nan}
    mean = float(np.mean(aucs))
    low, high = np.clip([mean - half, mean + half], 0, 1).tolist()
    return {kind: mean, f"{kind} low": low, f"{kind} high": high}


def _verdict(row, rounds_needed) -> str:
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
        return f"too few rounds to tell: {rounds_needed} would show an AUC of {VISIBLE}"
    return "no leak found"
