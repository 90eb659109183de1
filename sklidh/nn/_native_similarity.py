"""Divergences of two codes' distributions, with their derivatives by hand, compiled.

Shapes, names and definitions as in `_native_losses`: p is the softmax of code `a`, q that of `b`.
"""

import numpy as np

from sklidh.nn._compiled import compiled
from sklidh.nn._losses import CMD_MOMENTS


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
