"""A site's effect on features: its shift and spread, raw and shrunk towards a common prior."""

import numpy as np

CONVERGED = 1e-4
"""Relative change of all effects below which the empirical Bayes estimate has converged."""

MOST_ROUNDS = 1000


def raw_effects(Z, sites, names):
    """Return each site's mean and variance of every standardised feature.

    Parameters
    ----------
    Z : ndarray of shape (n_patients, n_features)
        May hold NaN.
    sites : ndarray of shape (n_patients,)
    names : ndarray of shape (n_sites,)

    Returns
    -------
    shift, spread : ndarray of shape (n_sites, n_features)
        0 and 1 where a site has too few values to estimate them.
    counts : ndarray of shape (n_sites, n_features)
        Number of available values.
    """
    present = ~np.isnan(Z)
    counts = np.stack([present[sites == name].sum(axis=0) for name in names])
    shift, spread = np.zeros(counts.shape), np.ones(counts.shape)
    for row, name in enumerate(names):
        values = np.where(present, Z, 0)[sites == name]
        there = present[sites == name]
        some, several = counts[row] > 0, counts[row] > 1
        shift[row, some] = values.sum(axis=0)[some] / counts[row, some]
        square = np.where(there, (values - shift[row]) ** 2, 0).sum(axis=0)
        spread[row, several] = square[several] / (counts[row, several] - 1)
    return shift, spread, counts


def shrink_effects(Z, inside, shift, spread, counts):
    """Shrink one site's effects towards the distribution over all its features.

    A site's shift has a normal prior over the features and its variance an inverse gamma prior,
    both estimated from the features; the posterior means are found iteratively. (Johnson et al.
    2007, section 3.)

    Parameters
    ----------
    Z : ndarray of shape (n_patients, n_features)
    inside : ndarray of bool, shape (n_patients,)
        The site's patients.
    shift, spread, counts : ndarray of shape (n_features,)
        From `raw_effects`.

    Returns
    -------
    shift, spread : ndarray of shape (n_features,)
    """
    known = counts > 1
    if known.sum() < 2 or np.ptp(shift[known]) == 0 or np.ptp(spread[known]) == 0:
        return shift, spread  # one feature gives no prior
    mean, variance = shift[known].mean(), shift[known].var(ddof=1)
    m, s2 = spread[known].mean(), spread[known].var(ddof=1)
    shape, scale = (2 * s2 + m**2) / s2, (m * s2 + m**3) / s2
    values = Z[inside]
    new_shift, new_spread = shift.copy(), spread.copy()
    for _ in range(MOST_ROUNDS):
        before = np.concatenate([new_shift, new_spread])
        new_shift = (counts * variance * shift + new_spread * mean) / (
            counts * variance + new_spread
        )
        square = np.nansum((values - new_shift) ** 2, axis=0)
        new_spread = (scale + square / 2) / (counts / 2 + shape - 1)
        after = np.concatenate([new_shift, new_spread])
        if np.all(np.abs(after - before) <= CONVERGED * np.maximum(np.abs(before), CONVERGED)):
            break
    return np.where(known, new_shift, shift), np.where(known, new_spread, spread)
