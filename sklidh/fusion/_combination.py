"""Arithmetic of late fusion: combine the probabilities of several blocks."""

import numpy as np
from sklearn.linear_model import LinearRegression


def fill_absent(probabilities, present):
    """Fill in missing blocks with the mean probability of the patient's other blocks.

    Parameters
    ----------
    probabilities : ndarray of shape (n_patients, n_blocks, n_classes)
        NaN where the block is missing.
    present : ndarray of bool of shape (n_patients, n_blocks)

    Returns
    -------
    ndarray of shape (n_patients, n_blocks, n_classes)
    """
    known = present[:, :, np.newaxis]
    total = np.where(known, probabilities, 0.0).sum(1, keepdims=True)
    return np.where(known, probabilities, total / known.sum(1, keepdims=True))


def regress(probabilities, y, n_classes):
    """Regress each class's indicator on the blocks' probabilities of that class, with a bias.

    Parameters
    ----------
    probabilities : ndarray of shape (n_patients, n_blocks, n_classes)
    y : ndarray of int of shape (n_patients,)
    n_classes : int

    Returns
    -------
    weights : ndarray of shape (n_classes, n_blocks)
    intercept : ndarray of shape (n_classes,)
    """
    models = [
        LinearRegression().fit(probabilities[:, :, label], y == label) for label in range(n_classes)
    ]
    return np.stack([model.coef_ for model in models]), np.array([m.intercept_ for m in models])


def combine(probabilities, weights, intercept):
    """Apply a regression of the blocks' probabilities.

    Parameters
    ----------
    probabilities : ndarray of shape (n_patients, n_blocks, n_classes)
        Without NaN.
    weights : ndarray of shape (n_blocks,), or (n_classes, n_blocks)
        With two classes, the weights for the second class; the first class gets the complement.
    intercept : float, or ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_patients, n_classes)
        Scores, which may lie outside 0 to 1.
    """
    if weights.ndim == 1:
        second = probabilities[:, :, 1] @ weights + intercept
        return np.column_stack([1 - second, second])
    return np.einsum("nbc,cb->nc", probabilities, weights) + intercept


def as_probabilities(scores):
    """Clip scores of shape (n_patients, n_classes) to [0, 1] and scale each row to sum to 1."""
    clipped = np.clip(scores, 0.0, 1.0)
    total = clipped.sum(1, keepdims=True)
    uniform = np.full_like(clipped, 1 / clipped.shape[1])
    return np.divide(clipped, total, out=uniform, where=total > 0)
