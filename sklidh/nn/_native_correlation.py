"""Comparisons of two codes' features over the patients, with derivatives by hand, compiled.

Shapes, names and definitions as in `_native_losses`.
"""

import numpy as np

from sklidh.nn._compiled import compiled
from sklidh.nn._losses import ROUND_NORM, VARIANCE_FLOOR


@compiled
def centred(h, share):
    """Return `h` with mean 0 over the patients."""
    n_features, n = h.shape
    out = np.empty((n_features, n))
    for i in range(n_features):
        mean = 0.0
        for t in range(n):
            mean += share[t] * h[i, t]
        for t in range(n):
            out[i, t] = h[i, t] - mean
    return out


@compiled
def covariances(a, b, share):
    """Return those of every feature of `a` with every one of `b`, both centred."""
    n_features, n = a.shape
    out = np.zeros((n_features, n_features))
    for i in range(n_features):
        for j in range(n_features):
            total = 0.0
            for t in range(n):
                total += share[t] * a[i, t] * b[j, t]
            out[i, j] = total
    return out


@compiled
def xcorr(a, b, share, factor, d_a, d_b):
    """Mean squared correlation S_ij^2 / (v_i w_j); S is the covariance, v and w the variances."""
    n_features, n = a.shape
    a, b = centred(a, share), centred(b, share)
    S, V, W = covariances(a, b, share), covariances(a, a, share), covariances(b, b, share)
    total = 0.0
    scale = 2 * factor / n_features**2
    # A derivative by centred codes is one by the codes: its own sum over the patients is 0.
    for i in range(n_features):
        for j in range(n_features):
            v, w = V[i, i] + VARIANCE_FLOOR, W[j, j] + VARIANCE_FLOOR
            slope = S[i, j] / (v * w)
            value = S[i, j] * slope
            total += value / n_features**2
            for t in range(n):
                d_a[i, t] += scale * share[t] * (slope * b[j, t] - value / v * a[i, t])
                d_b[j, t] += scale * share[t] * (slope * a[i, t] - value / w * b[j, t])
    return total


@compiled
def normalise(h):
    """Bring each patient's code to the rounded length 1, in place, and return what by."""
    n_features, n = h.shape
    factors = np.full(n, ROUND_NORM**2)
    for i in range(n_features):
        for t in range(n):
            factors[t] += h[i, t] ** 2
    for t in range(n):
        factors[t] = 1.0 / np.sqrt(factors[t])
    for i in range(n_features):
        for t in range(n):
            h[i, t] *= factors[t]
    return factors


@compiled
def misa(a, b, share, factor, d_a, d_b):
    """Mean squared S_ij, the covariance of centred codes of length 1; lengths are constants."""
    n_features = len(a)
    a, b = centred(a, share), centred(b, share)
    of_a, of_b = normalise(a), normalise(b)
    S = covariances(a, b, share)
    scale = 2 * factor / n_features**2
    add_by_covariances(S, b, of_a, share, scale, d_a)
    add_by_covariances(covariances(b, a, share), a, of_b, share, scale, d_b)
    total = 0.0
    for i in range(n_features):
        for j in range(n_features):
            total += S[i, j] ** 2
    return total / n_features**2


@compiled
def add_by_covariances(S, other, lengths, share, scale, d_h):
    """Add the derivative of sum(S^2) / 2 by the codes before they were centred and scaled."""
    n_features, n = d_h.shape
    slope = np.empty(n)
    for i in range(n_features):
        slope[:] = 0.0
        for j in range(n_features):
            for t in range(n):
                slope[t] += S[i, j] * other[j, t]
        total = 0.0
        for t in range(n):
            slope[t] *= scale * share[t] * lengths[t]
            total += slope[t]
        for t in range(n):
            d_h[i, t] += slope[t] - share[t] * total
