"""The layers of the fusion network and their derivatives, compiled.

Patients are the innermost axis of every array, (n_features, n_patients): each row is one run
through memory, and a batch of one network stays in the processor's first cache.
"""

import numpy as np

from sklidh.nn._compiled import compiled

LAYER_NORM_EPS = 1e-5


@compiled
def affine(n_in, weight, bias, x, out):
    """Write bias + weight' x to `out`.

    Parameters
    ----------
    n_in : int
        Rows of `weight` and `x` beyond it are not read.
    weight : ndarray of shape (n_in or more, n_out)
    bias : ndarray of shape (n_out,)
    x : ndarray of shape (n_in or more, n_patients)
    out : ndarray of shape (n_out, n_patients)
    """
    n_out, n = out.shape
    # Four rows a pass: a quarter of the loads and stores of `out`.
    fours = n_in - n_in % 4
    for o in range(n_out):
        for t in range(n):
            out[o, t] = bias[o]
        for i in range(0, fours, 4):
            a, b, c, d = weight[i, o], weight[i + 1, o], weight[i + 2, o], weight[i + 3, o]
            for t in range(n):
                out[o, t] += a * x[i, t] + b * x[i + 1, t] + c * x[i + 2, t] + d * x[i + 3, t]
        for i in range(fours, n_in):
            a = weight[i, o]
            for t in range(n):
                out[o, t] += a * x[i, t]


@compiled
def affine_weights_back(n_in, x, d_out, d_weight, d_bias):
    """Add the derivatives of `affine` by its weights, given those by its output.

    Parameters
    ----------
    n_in : int
    x : ndarray of shape (n_in or more, n_patients)
    d_out : ndarray of shape (n_out, n_patients)
    d_weight : ndarray of shape (n_in or more, n_out)
    d_bias : ndarray of shape (n_out,)
    """
    n_out, n = d_out.shape
    pairs = n_out - n_out % 2
    for o in range(n_out):
        total = 0.0
        for t in range(n):
            total += d_out[o, t]
        d_bias[o] += total
    for i in range(n_in):
        for o in range(0, pairs, 2):
            a, b = 0.0, 0.0
            for t in range(n):
                a += x[i, t] * d_out[o, t]
                b += x[i, t] * d_out[o + 1, t]
            d_weight[i, o] += a
            d_weight[i, o + 1] += b
        for o in range(pairs, n_out):
            a = 0.0
            for t in range(n):
                a += x[i, t] * d_out[o, t]
            d_weight[i, o] += a


@compiled
def affine_input_back(weight, d_out, d_x):
    """Add the derivative of `affine` by its input, given that by its output."""
    n_in, n_out = weight.shape
    n = d_out.shape[1]
    pairs = n_out - n_out % 2
    for i in range(n_in):
        for o in range(0, pairs, 2):
            a, b = weight[i, o], weight[i, o + 1]
            for t in range(n):
                d_x[i, t] += a * d_out[o, t] + b * d_out[o + 1, t]
        for o in range(pairs, n_out):
            a = weight[i, o]
            for t in range(n):
                d_x[i, t] += a * d_out[o, t]


@compiled
def layer_norm(x, scale, shift, normal, inverse, out):
    """Bring each patient's features in `x` to mean 0 and variance 1, then scale and shift them.

    Parameters
    ----------
    x, normal, out : ndarray of shape (n_features, n_patients)
        `normal` is the result before scale and shift.
    scale, shift : ndarray of shape (n_features,)
    inverse : ndarray of shape (n_patients,)
        Becomes one over the standard deviation.
    """
    n_features, n = x.shape
    mean = np.zeros(n)
    inverse[:] = 0.0
    for p in range(n_features):
        for t in range(n):
            mean[t] += x[p, t] / n_features
    for p in range(n_features):
        for t in range(n):
            inverse[t] += (x[p, t] - mean[t]) ** 2 / n_features
    for t in range(n):
        inverse[t] = 1.0 / np.sqrt(inverse[t] + LAYER_NORM_EPS)
    for p in range(n_features):
        for t in range(n):
            normal[p, t] = (x[p, t] - mean[t]) * inverse[t]
            out[p, t] = normal[p, t] * scale[p] + shift[p]


@compiled
def layer_norm_back(normal, inverse, scale, d_out, d_scale, d_shift):
    """Turn `d_out`, by the output of `layer_norm`, into the derivative by its input, in place."""
    n_features, n = normal.shape
    mean, projection = np.zeros(n), np.zeros(n)
    for p in range(n_features):
        by_shift, by_scale = 0.0, 0.0
        for t in range(n):
            by_shift += d_out[p, t]
            by_scale += d_out[p, t] * normal[p, t]
            d_out[p, t] *= scale[p] / n_features
            mean[t] += d_out[p, t]
            projection[t] += d_out[p, t] * normal[p, t]
        d_shift[p] += by_shift
        d_scale[p] += by_scale
    for p in range(n_features):
        for t in range(n):
            d_out[p, t] = inverse[t] * (
                d_out[p, t] * n_features - mean[t] - normal[p, t] * projection[t]
            )


@compiled
def log_softmax(h, log_p, p):
    """Write the softmax over the rows of `h`, and its logarithm."""
    n_features, n = h.shape
    for t in range(n):
        largest = h[0, t]
        for i in range(1, n_features):
            largest = max(largest, h[i, t])
        total = 0.0
        for i in range(n_features):
            p[i, t] = np.exp(h[i, t] - largest)
            total += p[i, t]
        offset = largest + np.log(total)
        for i in range(n_features):
            log_p[i, t] = h[i, t] - offset
            p[i, t] /= total


@compiled
def adam(weights, gradient, first, second, step, lr):
    """Take one step of Adam, with torch's defaults, in place.

    Parameters
    ----------
    weights, gradient, first, second : ndarray of shape (n_parameters,)
        `first` and `second` are the running moments.
    step : int
        From 1.
    lr : float
    """
    size = lr / (1 - 0.9**step)
    root = np.sqrt(1 - 0.999**step)
    for i in range(len(weights)):
        first[i] += 0.1 * (gradient[i] - first[i])
        second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i]
        weights[i] -= size * first[i] / (np.sqrt(second[i]) / root + 1e-8)
