"""DeLong's estimates of an AUC, of the difference between two AUCs, and of their variance."""

import numpy as np
from scipy.stats import rankdata

from sklidh.evaluation._checks import check_scores


def placements(y_true, score) -> tuple[np.ndarray, np.ndarray]:
    """Compute, for each patient, the fraction of the other class that is ranked correctly.

    Parameters
    ----------
    y_true : ndarray of bool of shape (n_patients,)
    score : ndarray of shape (n_patients,)

    Returns
    -------
    v10 : ndarray of shape (n_mutants,)
        Fraction of wild types that score lower than each mutant; ties count half.
    v01 : ndarray of shape (n_wildtypes,)
        Fraction of mutants that score higher than each wild type; ties count half.
    """
    mutant, wildtype = score[y_true], score[~y_true]
    m, n = len(mutant), len(wildtype)
    ranks = rankdata(np.concatenate([mutant, wildtype]))
    # The rank among all scores minus the rank within the class counts lower scores of the other
    # class.
    return (ranks[:m] - rankdata(mutant)) / n, 1 - (ranks[m:] - rankdata(wildtype)) / m


def delong_variance(y_true, score) -> tuple[float, float]:
    """Estimate the AUC and its variance without assuming a distribution of the scores.

    With m mutants and n wild types, the AUC is the mean over all m n pairs of 1 (mutant scored
    higher), 1/2 (tie) or 0. V10 is the mean over the wild types for one mutant, V01 the mean over
    the mutants for one wild type; the variance is var(V10)/m + var(V01)/n.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    score : array-like of shape (n_patients,)
        Probabilities, or any score that is higher for likely mutants.

    Returns
    -------
    auc, variance : float
        The variance is NaN if a class has a single patient.

    References
    ----------
    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Biometrics 44(3), 1988. With ranks instead of
    pairs: X. Sun, W. Xu, IEEE Signal Processing Letters 21(11), 2014.
    """
    return _mean_and_variance(*placements(*check_scores(y_true, score)))


def delong_difference(y_true, first, second) -> tuple[float, float]:
    """Estimate the difference between two AUCs on the same patients, and its variance.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    first, second : array-like of shape (n_patients,)
        Scores of the two models.

    Returns
    -------
    difference, variance : float
        The variance is NaN if a class has a single patient.
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
