"""How far a measured AUC can be trusted: DeLong's variance and the interval from it."""

import numpy as np
from scipy.special import expit, logit
from scipy.stats import binomtest, norm, rankdata

from sklidh.evaluation._metrics import check_predictions


def delong_variance(y_true, probability) -> tuple[float, float]:
    """Estimate the AUC and its variance without assumptions on the scores' distributions.

    With m mutants and n wild types, the AUC is the mean over all m n pairs of
    1 (mutant scored higher), 1/2 (tie) or 0. V10 averages these over the wild types for one
    mutant, V01 over the mutants for one wild type; the variance is var(V10)/m + var(V01)/n.

    Parameters
    ----------
    y_true : array-like of bool or 0/1, shape (n_patients,)
    probability : array-like of shape (n_patients,)

    Returns
    -------
    auc, variance : float
        The variance is NaN where a class has a single patient.

    References
    ----------
    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Biometrics 44(3), 1988. Ranks instead of
    pairs: X. Sun, W. Xu, IEEE Signal Processing Letters 21(11), 2014.
    """
    y_true, probability = check_predictions(y_true, probability)
    mutant, wildtype = probability[y_true], probability[~y_true]
    m, n = len(mutant), len(wildtype)
    ranks = rankdata(np.concatenate([mutant, wildtype]))
    # A score's rank among all, less its rank in its own class, counts the other class below it.
    v10 = (ranks[:m] - rankdata(mutant)) / n
    v01 = 1 - (ranks[m:] - rankdata(wildtype)) / m
    auc = float(v10.mean())
    if min(m, n) < 2:
        return auc, float("nan")
    return auc, float(v10.var(ddof=1) / m + v01.var(ddof=1) / n)


def auc_interval(y_true, probability, *, confidence=0.95) -> tuple[float, float]:
    """Compute a confidence interval of the AUC, by DeLong's variance on the logit scale.

    The logit keeps the interval inside 0 to 1. Where the classes are separated perfectly, or one
    of them has a single patient, DeLong's variance says nothing, and the interval is the widest
    of binomial ones instead: that of the smaller class (Clopper and Pearson, 1934).

    Parameters
    ----------
    y_true : array-like of bool or 0/1, shape (n_patients,)
    probability : array-like of shape (n_patients,)
    confidence : float, default=0.95

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        `confidence` does not lie between 0 and 1, or as `classification_metrics`.

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
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    auc, variance = delong_variance(y_true, probability)
    if not variance > 0:
        return _binomial_interval(auc, int(min(np.bincount(np.asarray(y_true, int)))), confidence)
    half = norm.ppf(0.5 + confidence / 2) * np.sqrt(variance) / (auc * (1 - auc))
    return float(expit(logit(auc) - half)), float(expit(logit(auc) + half))


def _binomial_interval(fraction: float, n: int, confidence: float) -> tuple[float, float]:
    interval = binomtest(round(fraction * n), n).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)
