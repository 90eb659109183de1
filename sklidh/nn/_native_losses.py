"""The constraints of `_losses` with their derivatives by hand, compiled.

Every function compares two codes `a` and `b` of shape (n_features, n_patients), returns the value,
and adds `factor` times the derivatives to `d_a` and `d_b`. `share` of shape (n_patients,) is each
patient's part of the mean. Definitions and names are those of `_losses`.
"""

from sklidh.nn._compiled import compiled
from sklidh.nn._losses import DIFFERENCES, RECONSTRUCTIONS, ROUND_DISTANCE, SIMILARITIES
from sklidh.nn._native_correlation import misa, xcorr
from sklidh.nn._native_distance import distance, lengths, scalar_product
from sklidh.nn._native_similarity import cmd, js, kl

# The compiled code tells definitions apart by number.
SIMILARITY = {name: number for number, name in enumerate(SIMILARITIES)}
DIFFERENCE = {name: number for number, name in enumerate(DIFFERENCES)}
RECONSTRUCTION = {name: number for number, name in enumerate(RECONSTRUCTIONS)}
KL, JEFFREYS, JS, CMD = (SIMILARITY[name] for name in ("kl", "jeffreys", "js", "cmd"))
DISTANCE, XCORR, COSINE, DOT, MISA = (
    DIFFERENCE[name] for name in ("distance", "xcorr", "cosine", "dot", "misa")
)
NORM = RECONSTRUCTION["norm"]


@compiled
def similarity(kind, log_p, p, log_q, q, share, factor, d_a, d_b):
    """Compare the softmax p of `a` and q of `b`; the derivatives are those by `a` and `b`."""
    if kind == KL:
        return kl(log_p, p, log_q, q, share, factor, d_a, d_b)
    if kind == JEFFREYS:
        there = kl(log_p, p, log_q, q, share, factor, d_a, d_b)
        return there + kl(log_q, q, log_p, p, share, factor, d_b, d_a)
    if kind == JS:
        return js(log_p, p, log_q, q, share, factor, d_a, d_b)
    return cmd(p, q, share, factor, d_a, d_b)


@compiled
def difference(kind, a, b, share, factor, d_a, d_b):
    """Compare two codes by the definition `kind`."""
    if kind == DISTANCE:
        return distance(a, b, share, factor, d_a, d_b)
    if kind == XCORR:
        return xcorr(a, b, share, factor, d_a, d_b)
    if kind == MISA:
        return misa(a, b, share, factor, d_a, d_b)
    return scalar_product(kind == COSINE, a, b, share, factor, d_a, d_b)


@compiled
def reconstruction(kind, n_rows, decoded, target, share, factor, d_decoded, d_target):
    """Compare the first `n_rows` features: their distance, or the mean of their squares."""
    n = decoded.shape[1]
    length = lengths(n_rows, decoded, target)
    total = 0.0
    for t in range(n):
        if kind == NORM:
            total += share[t] * (length[t] - ROUND_DISTANCE)
            length[t] = factor * share[t] / length[t]
        else:
            total += share[t] * (length[t] ** 2 - ROUND_DISTANCE**2) / n_rows
            length[t] = 2 * factor * share[t] / n_rows
    for i in range(n_rows):
        for t in range(n):
            slope = length[t] * (decoded[i, t] - target[i, t])
            d_decoded[i, t] += slope
            d_target[i, t] -= slope
    return total
