"""DeLong's estimates of an AUC, or of the difference of two, and of their variance."""

import numpy as np
from scipy.stats import rankdata

from sklidh.evaluation._checks import check_scores


def placements(y_true, score) -> tuple[np.ndarray, np.ndarray]:
    """Tell which part of the other class stands on the right side of each patient.

    Parameters
    ----------
    y_true : ndarray of bool of shape (n_patients,)
    score : ndarray of shape (n_patients,)

    Returns
    -------
    v10 : ndarray of shape (n_mutants,)
        Part of the wild types that score lower than this mutant, ties counted half.
    v01 : ndarray of shape (n_wildtypes,)
        Part of the mutants that score higher than this wild type.
    """
    mutant, wildtype = score[y_true], score[~y_true]
    m, n = len(mutant), len(wildtype)
    ranks = rankdata(np.concatenate([mutant, wildtype]))
    # A score's rank among all, less its rank in its own class, counts the other class below it.
    return (ranks[:m] - rankdata(mutant)) / n, 1 - (ranks[m:] - rankdata(wildtype)) / m


def delong_variance(y_true, score) -> tuple[float, float]:
    """Estimate the AUC and its variance without assumptions on the scores' distributions.

    With m mutants and n wild types, the AUC is the mean over all m n pairs of
    1 (mutant scored higher), 1/2 (tie) or 0. V10 averages these over the wild types for one
    mutant, V01 over the mutants for one wild type; the variance is var(V10)/m + var(V01)/n.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    score : array-like of shape (n_patients,)
        A probability, or anything else that is higher for likelier mutants.

    Returns
    -------
    auc, variance : float
        The variance is NaN where a class has a single patient.

    References
    ----------
    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Biometrics 44(3), 1988. Ranks instead of
    pairs: X. Sun, W. Xu, IEEE Signal Processing Letters 21(11), 2014.
    """
    return _mean_and_variance(*placements(*check_scores(y_true, score)))


def delong_difference(y_true, first, second) -> tuple[float, float]:
    """Estimate the difference of two AUCs on the same patients, and its variance.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    first, second : array-like of shape (n_patients,)
        Scores of the two models.

    Returns
    -------
    difference, variance : float
        The variance is NaN where a class has a single patient.
    """
    y_true, first = check_scores(y_true, first)
    _, second = check_scores(y_true, second)
    v10, v01 = (
        a - b for a, b in zip(placements(y_true, first), placements(y_true, second), strict=True)
    )
    return _mean_and_variance(v10, v01)


def _mean_and_variance(v10, v01) -> tuple[float, float]:
    mean = float(v10.mean())
    if min(len(v10), len(v01)) < 2:
        return mean, float("nan")
    return mean, float(v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01))
