"""Batch normalisation and ReLU over the columns of a matrix, and halving of maps, compiled.

Shapes: n rows (the pixels of all images) and C columns (channels). Sums over rows are taken in
float64, whatever the matrix holds.
"""

import numpy as np

from sklidh.nn._compiled import compiled


@compiled
def moments(x, mean, variance):
    """Write the mean and the biased variance of each column of `x` (n, C)."""
    n, C = x.shape
    # Differences from the first row: the squares of a column far from 0 would cancel.
    total, squares = np.zeros(C), np.zeros(C)
    for i in range(n):
        row = x[i]
        for c in range(C):
            difference = np.float64(row[c]) - np.float64(x[0, c])
            total[c] += difference
            squares[c] += difference * difference
    for c in range(C):
        centre = total[c] / n
        mean[c] = centre + x[0, c]
        variance[c] = max(squares[c] / n - centre * centre, 0.0)


@compiled
def rectify(x, slope, offset, y):
    """Write max(slope * x + offset, 0) to `y`, both (n, C)."""
    n, C = x.shape
    zero = y.dtype.type(0)
    for i in range(n):
        row, out = x[i], y[i]
        for c in range(C):
            value = slope[c] * row[c] + offset[c]
            # Not a number is neither: it stays.
            out[c] = zero if value < 0 else value


@compiled
def rectify_back(x, y, grad, total, product):
    """Set the gradient to 0 where `y` is; add its sum, and that of its product with `x`.

    Parameters
    ----------
    x, y, grad : ndarray of shape (n, C)
    total, product : ndarray of shape (C,), float64
    """
    n, C = x.shape
    zero = grad.dtype.type(0)
    for i in range(n):
        row, rectified, out = x[i], y[i], grad[i]
        for c in range(C):
            part = zero if rectified[c] <= 0 else out[c]
            out[c] = part
            total[c] += part
            product[c] += np.float64(part) * np.float64(row[c])


@compiled
def combine(x, grad, slope, tilt, level, other):
    """Write slope * grad + tilt * x + level + other to `grad`; `other` may have no rows.

    Parameters
    ----------
    x, grad : ndarray of shape (n, C)
    slope, tilt, level : ndarray of shape (C,)
    other : ndarray of shape (n, C) or (0, C)
    """
    n, C = x.shape
    for i in range(n):
        row, out = x[i], grad[i]
        for c in range(C):
            out[c] = slope[c] * out[c] + tilt[c] * row[c] + level[c]
        if len(other):
            more = other[i]
            for c in range(C):
                out[c] += more[c]


@compiled
def rectify_halve(x, slope, offset, y, place):
    """Write max(slope * x + offset, 0) to `y`, the largest of each square of 2 x 2 pixels.

    Parameters
    ----------
    x : ndarray of shape (B, H, W, C)
    slope, offset : ndarray of shape (C,)
    y : ndarray of shape (B, H // 2, W // 2, C)
    place : ndarray of int8, as `y`
        Becomes which of the four pixels was the largest, the first of equals; 4 where all are
        below 0.
    """
    B, H, W, C = y.shape
    zero = y.dtype.type(0)
    for b in range(B):
        for i in range(H):
            for j in range(W):
                out, which = y[b, i, j], place[b, i, j]
                for p in range(4):
                    row = x[b, 2 * i + p // 2, 2 * j + p % 2]
                    for c in range(C):
                        value = slope[c] * row[c] + offset[c]
                        # Not a number is the largest, as in torch.
                        if p == 0 or value > out[c] or value != value:
                            out[c] = value
                            which[c] = p
                for c in range(C):
                    if out[c] <= 0:
                        out[c] = zero
                        which[c] = 4


@compiled
def halve_sums(x, place, grad, total, product):
    """Add the sum of the gradients that reach `x`, and that of their products with `x`."""
    B, H, W, C = grad.shape
    for b in range(B):
        for i in range(H):
            for j in range(W):
                out, which = grad[b, i, j], place[b, i, j]
                for p in range(4):
                    row = x[b, 2 * i + p // 2, 2 * j + p % 2]
                    for c in range(C):
                        part = np.float64(out[c]) if which[c] == p else 0.0
                        total[c] += part
                        product[c] += part * row[c]


@compiled
def halve_back(x, place, grad, slope, tilt, level, grad_x):
    """Write slope * gradient + tilt * x + level to `grad_x`, of the shape of `x`."""
    B, H, W, C = grad.shape
    zero = grad.dtype.type(0)
    for b in range(B):
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                row, out = x[b, i, j], grad_x[b, i, j]
                for c in range(C):
                    out[c] = tilt[c] * row[c] + level[c]
                if i < 2 * H and j < 2 * W:
                    p = 2 * (i % 2) + j % 2
                    given, which = grad[b, i // 2, j // 2], place[b, i // 2, j // 2]
                    for c in range(C):
                        out[c] += slope[c] * given[c] if which[c] == p else zero
