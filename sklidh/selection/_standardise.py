"""Standardise columns."""

import numpy as np


def standardise(X):
    """Scale every column to mean 0 and standard deviation 1, ignoring NaN.

    Parameters
    ----------
    X : ndarray of shape (n_patients, n_features)
        May hold NaN.

    Returns
    -------
    ndarray of shape (n_patients, n_features)
        NaN where X has NaN; constant columns become 0.
    """
    present = ~np.isnan(X)
    n_present = np.maximum(present.sum(axis=0), 1)
    # Dividing by the largest magnitude avoids overflow and keeps rounding errors near eps.
    largest = np.max(np.abs(X), axis=0, where=present, initial=0)
    Z = X / np.where(largest > 0, largest, 1)
    Z -= np.sum(Z, axis=0, where=present) / n_present
    scale = np.sqrt(np.sum(Z**2, axis=0, where=present) / n_present)
    # The mean of a constant column is off by rounding; the remainder is not a signal.
    constant = scale <= 10 * np.finfo(float).eps
    Z /= np.where(constant, 1, scale)
    Z[:, constant] *= 0
    return Z
