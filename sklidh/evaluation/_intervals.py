"""Confidence intervals: DeLong's for the AUC, Wilson's for proportions."""

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import beta, binomtest, bootstrap, norm
from sklearn import config_context

from sklidh.evaluation._checks import check_calls, check_confidence, check_scores, check_truth
from sklidh.evaluation._delong import delong_variance


def auc_interval(y_true, score, *, confidence=0.95) -> tuple[float, float]:
    """Compute a confidence interval of the AUC from DeLong's variance on the logit scale.

    The logit keeps the interval between 0 and 1. If the classes are separated perfectly, all scores
    are equal, or a class has a single patient, DeLong's variance is 0 or undefined. The interval is
    then that of a proportion of the smaller class (Clopper and Pearson, 1934).

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
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
    G. Qin, L. Hotilovac, Statistical Methods in Medical Research 17(2), 2008, compare the intervals
    in use.

    Examples
    --------
    >>> from sklidh.evaluation import auc_interval
    >>> low, high = auc_interval([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.6, 0.3, 0.7, 0.9])
    >>> print(f"{low:.2f} to {high:.2f}")
    0.17 to 0.98
    """
    auc, variance = delong_variance(y_true, score)
    n_smaller = int(np.bincount(check_truth(y_true)).min())
    return interval_around(auc, variance, n_smaller, confidence=confidence)


def interval_around(auc, variance, n_smaller, *, confidence=0.95) -> tuple[float, float]:
    """Compute the interval of `auc_interval` from an AUC and its variance; NaN if the AUC is NaN.

    Parameters
    ----------
    auc, variance : float
    n_smaller : int
        Number of patients of the smaller class.
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
    """Compute a percentile interval of any figure by resampling the patients of each class.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, *predictions)`` returns a float.
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    *predictions : array-like of shape (n_patients,)
        Further arguments of the metric: scores, probabilities or predicted classes.
    n_resamples : int, default=1000
        Number of cohorts drawn with replacement, each with the original number of mutants and wild
        types.
    confidence : float, default=0.95
    random_state : int or None, default=0
        Random seed.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        A class has fewer than two patients, or as `auc_interval`.

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
        raise ValueError("each class needs at least two patients to be resampled")

    def resampled_metric(mutants, wildtypes):
        drawn = np.concatenate([mutants, wildtypes]).astype(int)
        return metric(truth[drawn], *columns[:, drawn])

    # The labels were checked above; the checks need not be repeated in every resample.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        interval = bootstrap(
            patients,
            resampled_metric,
            n_resamples=n_resamples,
            confidence_level=confidence,
            vectorized=False,
            method="percentile",
            rng=np.random.default_rng(random_state),
        ).confidence_interval
    return float(interval.low), float(interval.high)


def call_intervals(y_true, called, *, confidence=0.95) -> pd.DataFrame:
    """Compute Wilson's intervals of accuracy, precision, recall, F1 and specificity.

    Accuracy, precision, recall and specificity are proportions of all patients, of the patients
    predicted mutant, of the mutants and of the wild types. F1 is 2 J / (1 + J), where J is the
    proportion of true positives among the patients who are mutant or predicted mutant, so its
    interval is that of J, transformed.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    called : array-like of bool or 0/1, shape (n_patients,) or (n_patients, n_repeats)
        True where the patient is predicted mutant. With repeats, each end of an interval is the
        mean over the repeats.
    confidence : float, default=0.95

    Returns
    -------
    DataFrame of shape (5, 2)
        Index: Accuracy, Precision, Recall, F1, Specificity. Columns: low, high; 0 and 1 if the
        denominator is 0, as for the precision if no patient is predicted mutant.

    Raises
    ------
    ValueError
        As `auc_interval`, or `called` does not hold classes.

    References
    ----------
    E. B. Wilson, Journal of the American Statistical Association 22(158), 1927. L. D. Brown, T. T.
    Cai, A. DasGupta, Statistical Science 16(2), 2001, compare the intervals in use.

    Examples
    --------
    >>> from sklidh.evaluation import call_intervals
    >>> call_intervals([1] * 20 + [0] * 10, [1] * 19 + [0] * 11).loc["Recall"].round(2).to_dict()
    {'low': 0.76, 'high': 0.99}
    """
    check_confidence(confidence)
    y_true = check_truth(y_true)
    called = np.asarray(called)
    shape = (len(y_true), *called.shape[1:2])
    called = check_calls("called", called, shape).reshape(len(y_true), -1)
    tables = []
    for column in called.T:
        right = int((column & y_true).sum())
        either = int((column | y_true).sum())
        counts = {
            "Accuracy": (int((column == y_true).sum()), len(y_true)),
            "Precision": (right, int(column.sum())),
            "Recall": (right, int(y_true.sum())),
            "F1": (right, either),
            "Specificity": (len(y_true) - either, int((~y_true).sum())),
        }
        ends = {
            name: proportion_interval(*count, confidence=confidence)
            for name, count in counts.items()
        }
        ends["F1"] = tuple(2 * j / (1 + j) for j in ends["F1"])
        tables.append(pd.DataFrame(ends, index=["low", "high"]).T)
    return sum(tables) / len(tables)


def mean_interval(values, ends, correlation=None) -> tuple[float, float]:
    """Compute the interval of the mean of several figures from their own intervals.

    The distances from the figures to their ends are combined as standard errors would be (the
    method of variance estimates recovery); of a single figure the interval is its own.

    Parameters
    ----------
    values : array-like of shape (n_figures,)
    ends : array-like of shape (n_figures, 2)
    correlation : array-like of shape (n_figures, n_figures), default=None
        Of the figures' errors; None: they are independent.

    Returns
    -------
    low, high : float

    References
    ----------
    G. Y. Zou, A. Donner, Statistics in Medicine 27(10), 2008.
    """
    values, ends = np.asarray(values, float), np.asarray(ends, float)
    if len(values) == 1:
        return tuple(ends[0].tolist())
    away = ends - values[:, None]
    correlation = np.eye(len(values)) if correlation is None else correlation
    half = np.sqrt(np.sum(away * (correlation @ away), axis=0)) / len(values)
    return float(max(values.mean() - half[0], 0)), float(min(values.mean() + half[1], 1))


def proportion_interval(count: int, n: int, *, confidence=0.95) -> tuple[float, float]:
    """Compute Wilson's interval of a proportion; 0 and 1 if n is 0."""
    if n == 0:
        return 0.0, 1.0
    interval = binomtest(count, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def _exact_interval(proportion, n, confidence):
    """Return Clopper and Pearson's interval; `proportion` times n need not be an integer."""
    if n == 0 or np.isnan(proportion):
        return (np.nan, np.nan) if n else (0.0, 1.0)
    tail, count = (1 - confidence) / 2, proportion * n
    low = beta.ppf(tail, count, n - count + 1) if proportion > 0 else 0.0
    high = beta.isf(tail, count + 1, n - count) if proportion < 1 else 1.0
    return float(low), float(high)
