"""Checks of labels and predictions before they are scored."""

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from sklidh.utils import binary_target


def check_truth(y_true) -> np.ndarray:
    """Return the labels as bool, or raise if they are invalid.

    Parameters
    ----------
    y_true : array-like of shape (n_patients,)
        Bool, 0/1 or words, as in `binary_target`.

    Returns
    -------
    ndarray of bool of shape (n_patients,)

    Raises
    ------
    ValueError
        As `binary_target`, or all patients are of one class.
    """
    y_true = np.asarray(binary_target(y_true), bool)
    if y_true.all() or not y_true.any():
        raise ValueError(
            f"all {len(y_true)} patients are of one class; the AUC needs patients of both classes"
        )
    return y_true


def check_calls(name: str, called, shape) -> np.ndarray:
    """Return predicted classes as bool.

    Parameters
    ----------
    name : str
        Name of the predictions in messages.
    called : array-like of bool or 0/1
        True where the patient is predicted mutant.
    shape : tuple of int

    Returns
    -------
    ndarray of bool of this shape

    Raises
    ------
    ValueError
        `called` are probabilities, words or NaN, or have another shape.
    """
    called = np.asarray(called)
    known = called.dtype.kind in "biuf" or all(isinstance(each, bool) for each in called.flat)
    if not known or not np.isin(called, [0, 1]).all():
        raise ValueError(
            f"{name} must be predicted classes: True or 1 for mutant, False or 0 for wild type; "
            f"got {called.ravel()[:3].tolist()} ...; to convert probabilities, compare them with "
            "a threshold, as in probability >= 0.5"
        )
    if called.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, got {called.shape}")
    return called.astype(bool)


def check_scores(y_true, score) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as bool and finite scores of any scale as float64.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    score : array-like of shape (n_patients,)

    Returns
    -------
    y_true, score : ndarray of shape (n_patients,)

    Raises
    ------
    ValueError
        As `check_truth`, the lengths differ, or a score is not finite.
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
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    probability : array-like of shape (n_patients,)

    Returns
    -------
    y_true, probability : ndarray of shape (n_patients,)

    Raises
    ------
    ValueError
        As `check_scores`, or a probability is outside 0 to 1.
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
