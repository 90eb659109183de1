"""Comparisons of two codes patient by patient, with their derivatives by hand, compiled.

Shapes, names and definitions as in `_native_losses`.
"""

import numpy as np

from sklidh.nn._compiled import compiled
from sklidh.nn._losses import ROUND_DISTANCE, ROUND_NORM


@compiled
def distance(a, b, share, factor, d_a, d_b):
    """Rounded Euclidean distance: d/da is the difference over the length."""
    n_features, n = a.shape
    length = lengths(n_features, a, b)
    total = 0.0
    for t in range(n):
        total += share[t] * (length[t] - ROUND_DISTANCE)
        length[t] = factor * share[t] / length[t]
    for i in range(n_features):
        for t in range(n):
            slope = length[t] * (a[i, t] - b[i, t])
            d_a[i, t] += slope
            d_b[i, t] -= slope
    return total


@compiled
def lengths(n_rows, a, b):
    """Return the rounded distances over the first `n_rows` features, of shape (n_patients,)."""
    n = a.shape[1]
    length = np.full(n, ROUND_DISTANCE**2)
    for i in range(n_rows):
        for t in range(n):
            length[t] += (a[i, t] - b[i, t]) ** 2
    for t in range(n):
        length[t] = np.sqrt(length[t])
    return length


@compiled
def scalar_product(normed, a, b, share, factor, d_a, d_b):
    """Squared scalar product, or with `normed` squared cosine."""
    n_features, n = a.shape
    total = 0.0
    for t in range(n):
        product, of_a, of_b = 0.0, 1.0, 1.0
        for i in range(n_features):
            product += a[i, t] * b[i, t]
        if normed:
            of_a, of_b = ROUND_NORM**2, ROUND_NORM**2
            for i in range(n_features):
                of_a += a[i, t] ** 2
                of_b += b[i, t] ** 2
        value = product**2 / (of_a * of_b)
        total += share[t] * value
        scale = 2 * factor * share[t]
        along, shrink = product / (of_a * of_b), value if normed else 0.0
        for i in range(n_features):
            d_a[i, t] += scale * (along * b[i, t] - shrink / of_a * a[i, t])
            d_b[i, t] += scale * (along * a[i, t] - shrink / of_b * b[i, t])
    return total
