"""The constraints of `_losses` with their derivatives by hand, compiled.

Every function compares two codes `a` and `b` of shape (n_features, n_patients), returns the value,
and adds `factor` times the derivatives to `d_a` and `d_b`. `share` of shape (n_patients,) is each
patient's part of the mean. Definitions and names are those of `_losses`.
"""

import numpy as np

from sklidh.nn._compiled import compiled
from sklidh.nn._losses import (
    CMD_MOMENTS,
    DIFFERENCES,
    RECONSTRUCTIONS,
    ROUND_DISTANCE,
    ROUND_NORM,
    SIMILARITIES,
    VARIANCE_FLOOR,
)

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
def kl(log_p, p, log_q, q, share, factor, d_a, d_b):
    """Kullback-Leibler: d/da = p (log p - log q - KL), d/db = q - p."""
    n_features, n = p.shape
    here = np.zeros(n)
    for i in range(n_features):
        for t in range(n):
            here[t] += p[i, t] * (log_p[i, t] - log_q[i, t])
    for i in range(n_features):
        for t in range(n):
            scale = factor * share[t]
            d_a[i, t] += scale * p[i, t] * (log_p[i, t] - log_q[i, t] - here[t])
            d_b[i, t] += scale * (q[i, t] - p[i, t])
    total = 0.0
    for t in range(n):
        total += share[t] * here[t]
    return total


@compiled
def js(log_p, p, log_q, q, share, factor, d_a, d_b):
    """Jensen-Shannon: that of the middle cancels in d/da = p (log p/m - KL(p || m)) / 2."""
    n_features, n = p.shape
    total = 0.0
    for t in range(n):
        from_p, from_q = 0.0, 0.0
        for i in range(n_features):
            middle = np.logaddexp(log_p[i, t], log_q[i, t]) - np.log(2.0)
            from_p += p[i, t] * (log_p[i, t] - middle)
            from_q += q[i, t] * (log_q[i, t] - middle)
        total += share[t] * (from_p + from_q) / 2
        scale = factor * share[t] / 2
        for i in range(n_features):
            middle = np.logaddexp(log_p[i, t], log_q[i, t]) - np.log(2.0)
            d_a[i, t] += scale * p[i, t] * (log_p[i, t] - middle - from_p)
            d_b[i, t] += scale * q[i, t] * (log_q[i, t] - middle - from_q)
    return total


@compiled
def central_moments(p, share):
    """Return the mean, then the central moments 2 to `CMD_MOMENTS`, one row each."""
    n_features, n = p.shape
    moments = np.zeros((CMD_MOMENTS, n_features))
    for i in range(n_features):
        for t in range(n):
            moments[0, i] += share[t] * p[i, t]
        for t in range(n):
            centred = p[i, t] - moments[0, i]
            power = centred
            for order in range(1, CMD_MOMENTS):
                power *= centred
                moments[order, i] += share[t] * power
    return moments


@compiled
def add_by_moments(p, share, moments, direction, factor, d_h):
    """Add the derivative of sum(direction * central_moments) by the code whose softmax is p."""
    n_features, n = p.shape
    by_p = np.empty(n_features)
    for t in range(n):
        along = 0.0
        for i in range(n_features):
            centred = p[i, t] - moments[0, i]
            slope, power = direction[0, i], 1.0
            for order in range(1, CMD_MOMENTS):
                power *= centred  # to the `order`; its mean is 0 for the first
                mean = 0.0 if order == 1 else moments[order - 1, i]
                slope += direction[order, i] * (order + 1) * (power - mean)
            by_p[i] = slope
            along += p[i, t] * slope
        for i in range(n_features):
            d_h[i, t] += factor * share[t] * p[i, t] * (by_p[i] - along)


@compiled
def cmd(p, q, share, factor, d_a, d_b):
    """Central moment discrepancy: a distance of moments points along their difference."""
    moments_p, moments_q = central_moments(p, share), central_moments(q, share)
    direction = np.zeros(moments_p.shape)
    total = 0.0
    for order in range(CMD_MOMENTS):
        squared = 0.0
        for i in range(len(p)):
            squared += (moments_p[order, i] - moments_q[order, i]) ** 2
        length = np.sqrt(squared)
        total += length
        for i in range(len(p)):
            if length > 0:
                direction[order, i] = (moments_p[order, i] - moments_q[order, i]) / length
    add_by_moments(p, share, moments_p, direction, factor, d_a)
    add_by_moments(q, share, moments_q, direction, -factor, d_b)
    return total


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
