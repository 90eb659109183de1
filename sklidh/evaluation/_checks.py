"""What labels and predictions must look like before they are scored."""

from numbers import Real

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d


def check_truth(y_true) -> np.ndarray:
    """Return the labels as bool, or say what is wrong with them.

    Parameters
    ----------
    y_true : array-like of bool or 0/1, shape (n_patients,)

    Returns
    -------
    ndarray of bool of shape (n_patients,)

    Raises
    ------
    ValueError
        Other values than 0 and 1, or one class only.
    """
    y_true = column_or_1d(y_true)
    if not np.isin(y_true, [0, 1]).all():
        raise ValueError(
            f"y_true must hold 0 (wild-type) and 1 (mutant); got {np.unique(y_true)[:5].tolist()}"
        )
    y_true = y_true.astype(bool)
    if y_true.all() or not y_true.any():
        raise ValueError(
            f"all {len(y_true)} patients are of one class; AUC needs at least one of each"
        )
    return y_true


def check_scores(y_true, score) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as bool and finite scores, whatever their scale, as float64.

    Parameters
    ----------
    y_true : array-like of bool or 0/1, shape (n_patients,)
    score : array-like of shape (n_patients,)

    Returns
    -------
    y_true, score : ndarray of shape (n_patients,)

    Raises
    ------
    ValueError
        As `check_truth`, different lengths, or a score that is not finite.
    """
    y_true, score = check_truth(y_true), column_or_1d(score).astype(np.float64)
    check_consistent_length(y_true, score)
    if not np.isfinite(score).all():
        raise ValueError(f"scores must be finite; got {score[~np.isfinite(score)][0]}")
    return y_true, score


def check_probabilities(y_true, probability) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as bool and probabilities as float64.

    Parameters
    ----------
    y_true : array-like of bool or 0/1, shape (n_patients,)
    probability : array-like of shape (n_patients,)

    Returns
    -------
    y_true, probability : ndarray of shape (n_patients,)

    Raises
    ------
    ValueError
        As `check_scores`, or a probability outside 0 to 1.
    """
    y_true, probability = check_scores(y_true, probability)
    outside = (probability < 0) | (probability > 1)
    if outside.any():
        raise ValueError(f"probabilities must lie between 0 and 1; got {probability[outside][0]}")
    return y_true, probability


def check_confidence(confidence: float):
    """Raise ValueError unless `confidence` lies between 0 and 1."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")


def check_threshold(threshold):
    """Raise ValueError unless a threshold is "youden" or a probability."""
    chosen = isinstance(threshold, str) and threshold == "youden"
    if not chosen and not (isinstance(threshold, Real) and 0 <= threshold <= 1):
        raise ValueError(f"threshold must be 'youden' or lie between 0 and 1, got {threshold!r}")
