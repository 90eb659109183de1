"""Confidence intervals of measured figures: DeLong's of the AUC, bootstraps of all others."""

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import binomtest, bootstrap, norm
from sklearn import config_context

from sklidh.evaluation._checks import check_confidence, check_scores, check_truth
from sklidh.evaluation._delong import delong_variance


def auc_interval(y_true, score, *, confidence=0.95) -> tuple[float, float]:
    """Compute a confidence interval of the AUC, by DeLong's variance on the logit scale.

    The logit keeps the interval inside 0 to 1. Where the classes are separated perfectly, or one
    of them has a single patient, DeLong's variance says nothing, and the interval is the widest
    of binomial ones instead: that of the smaller class (Clopper and Pearson, 1934).

    Parameters
    ----------
    y_true : array-like of bool or 0/1, shape (n_patients,)
    score : array-like of shape (n_patients,)
    confidence : float, default=0.95

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        `confidence` does not lie between 0 and 1, or as `delong_variance`.

    References
    ----------
    G. Qin, L. Hotilovac, Statistical Methods in Medical Research 17(2), 2008, compare the
    intervals in use.

    Examples
    --------
    >>> from sklidh.evaluation import auc_interval
    >>> low, high = auc_interval([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.6, 0.3, 0.7, 0.9])
    >>> print(f"{low:.2f} to {high:.2f}")
    0.17 to 0.98
    """
    auc, variance = delong_variance(y_true, score)
    n_smaller = int(min(np.bincount(np.asarray(y_true, int))))
    return interval_around(auc, variance, n_smaller, confidence=confidence)


def interval_around(auc, variance, n_smaller, *, confidence=0.95) -> tuple[float, float]:
    """Compute the interval of `auc_interval` from an AUC and its variance.

    Parameters
    ----------
    auc, variance : float
    n_smaller : int
        Patients of the smaller class.
    confidence : float, default=0.95

    Returns
    -------
    low, high : float
    """
    check_confidence(confidence)
    if not variance > 0:
        return _exact_interval(auc, n_smaller, confidence)
    half = norm.ppf(0.5 + confidence / 2) * np.sqrt(variance) / (auc * (1 - auc))
    return float(expit(logit(auc) - half)), float(expit(logit(auc) + half))


def bootstrap_interval(
    metric, y_true, *predictions, n_resamples=1000, confidence=0.95, random_state=0
) -> tuple[float, float]:
    """Compute a percentile interval of any figure, by resampling the patients of each class.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, *predictions)`` returns a float.
    y_true : array-like of bool or 0/1, shape (n_patients,)
    *predictions : array-like of shape (n_patients,)
        What the metric takes besides: scores, probabilities, calls.
    n_resamples : int, default=1000
        Cohorts drawn with replacement; every one has as many mutants and wild types as there are.
    confidence : float, default=0.95
    random_state : int or None, default=0
        Seed of the draws.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        Fewer than two patients in a class, or as `auc_interval`.

    References
    ----------
    B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap, 1993.

    Examples
    --------
    >>> from sklearn.metrics import accuracy_score
    >>> from sklidh.evaluation import bootstrap_interval
    >>> low, high = bootstrap_interval(accuracy_score, [0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 1])
    >>> print(f"{low:.2f} to {high:.2f}")
    0.66 to 1.00
    """
    check_confidence(confidence)
    columns = [check_scores(y_true, column) for column in predictions]
    truth, columns = columns[0][0], np.array([column for _, column in columns])
    patients = np.flatnonzero(truth), np.flatnonzero(~truth)
    if min(map(len, patients)) < 2:
        raise ValueError("a class has a single patient, who cannot be resampled")

    def of_drawn(mutants, wildtypes):
        drawn = np.concatenate([mutants, wildtypes]).astype(int)
        return metric(truth[drawn], *columns[:, drawn])

    # The labels were checked once: a thousand metrics need not check them a thousand times.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        interval = bootstrap(
            patients,
            of_drawn,
            n_resamples=n_resamples,
            confidence_level=confidence,
            vectorized=False,
            method="percentile",
            rng=np.random.default_rng(random_state),
        ).confidence_interval
    return float(interval.low), float(interval.high)


def call_intervals(
    y_true, called, *, predicted=None, n_resamples=1000, confidence=0.95, random_state=0
) -> pd.DataFrame:
    """Compute the bootstrap intervals of everything that counts who was called mutant.

    The same as `bootstrap_interval` for four figures at once, and for several repeats, over which
    a figure is the mean: a drawn patient brings the calls of all repeats along. A repeat of which
    a draw holds no patient that counts is left out of that draw's mean. Where every draw gives
    the same figure, as when all calls are right, resampling says nothing, and the interval is the
    exact one of a binomial count instead (Clopper and Pearson, 1934).

    Parameters
    ----------
    y_true : array-like of bool or 0/1, shape (n_patients,)
    called : array-like of bool of shape (n_patients, n_repeats)
    predicted : array-like of bool of shape (n_patients, n_repeats), default=None
        Whether the patient was predicted in the repeat; None takes everybody. Who was not is in
        none of the repeat's counts, whatever `called` says.
    n_resamples : int, default=1000
    confidence : float, default=0.95
    random_state : int or None, default=0

    Returns
    -------
    DataFrame of shape (4, 2)
        Index: Accuracy, Precision, Recall, F1. Columns: low, high.
    """
    check_confidence(confidence)
    y_true, called = check_truth(y_true), np.asarray(called, bool)
    predicted = np.ones_like(called) if predicted is None else np.asarray(predicted, bool)
    called = (called & predicted).astype(float)
    rng = np.random.default_rng(random_state)
    drawn = np.zeros((n_resamples, len(y_true)))
    for members in (np.flatnonzero(y_true), np.flatnonzero(~y_true)):
        even = np.full(len(members), 1 / len(members))
        drawn[:, members] = rng.multinomial(len(members), even, size=n_resamples)
    n_patients, n_mutants = drawn @ predicted, (drawn * y_true) @ predicted
    true_positives = (drawn * y_true) @ called
    false_positives = (drawn * ~y_true) @ called
    wrong = false_positives + n_mutants - true_positives
    positives = true_positives + false_positives
    # 0 where nobody is called mutant, as in `classification_metrics`.
    figures = {
        "Accuracy": 1 - _ratio(wrong, n_patients),
        "Precision": _ratio(true_positives, np.where(n_patients > 0, np.maximum(positives, 1), 0)),
        "Recall": _ratio(true_positives, n_mutants),
        "F1": _ratio(2 * true_positives, positives + n_mutants),
    }
    mutants_predicted = int(predicted[y_true].sum(0).min())
    counted = {
        "Accuracy": int(predicted.sum(0).min()),
        "Precision": int(called.sum(0).min()),
        "Recall": mutants_predicted,
        "F1": mutants_predicted,
    }
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    intervals = {}
    for name, figure in figures.items():
        low, high = np.quantile(np.nanmean(figure, axis=1), ends)
        if low == high:
            low, high = _exact_interval(low, counted[name], confidence)
        intervals[name] = low, high
    return pd.DataFrame(intervals, index=["low", "high"]).T


def _ratio(numerator, denominator):
    """Divide; NaN where there is nothing to divide by."""
    unknown = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=unknown, where=denominator > 0)


def _exact_interval(part, n, confidence):
    """Clopper and Pearson's interval of a part of n patients; 0 to 1 where there are none."""
    if n == 0:
        return 0.0, 1.0
    exact = binomtest(round(part * n), int(n)).proportion_ci(confidence)
    return float(exact.low), float(exact.high)
