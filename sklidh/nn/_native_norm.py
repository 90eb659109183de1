"""Batch normalisation and ReLU over the columns of a matrix, and halving of maps, compiled.

Shapes: n rows (the pixels of all images, or pairs of them) and C columns (channels). What comes as
(n * C,) is a matrix row after row, whose last row may be short: so several short rows can be taken
for a long one. Sums over rows are taken in float64, whatever the matrix holds.
"""

import numpy as np

from sklidh.nn._compiled import compiled


@compiled
def sums(x, y, total, product):
    """Add the sums of rows, and those of their products with others, to `total` and `product`.

    Parameters
    ----------
    x, y : ndarray of shape (n * C,)
    total, product : ndarray of shape (C,), float64
    """
    C = len(total)
    # Four rows a pass: a quarter of the loads and stores of the sums.
    fours = len(x) - len(x) % (4 * C)
    for start in range(0, fours, 4 * C):
        x0, x1 = x[start : start + C], x[start + C : start + 2 * C]
        x2, x3 = x[start + 2 * C : start + 3 * C], x[start + 3 * C : start + 4 * C]
        y0, y1 = y[start : start + C], y[start + C : start + 2 * C]
        y2, y3 = y[start + 2 * C : start + 3 * C], y[start + 3 * C : start + 4 * C]
        for c in range(C):
            a, b, d, e = np.float64(x0[c]), np.float64(x1[c]), np.float64(x2[c]), np.float64(x3[c])
            total[c] += (a + b) + (d + e)
            product[c] += (a * y0[c] + b * y1[c]) + (d * y2[c] + e * y3[c])
    for start in range(fours, len(x), C):
        row, other = x[start : start + C], y[start : start + C]
        for c in range(len(row)):
            part = np.float64(row[c])
            total[c] += part
            product[c] += part * other[c]


@compiled
def rectify(x, slope, offset, y):
    """Write max(slope * x + offset, 0) to `y`.

    Parameters
    ----------
    x, y : ndarray of shape (n * C,)
    slope, offset : ndarray of shape (C,)
    """
    C = len(slope)
    zero = y.dtype.type(0)
    for start in range(0, len(x), C):
        row, out = x[start : start + C], y[start : start + C]
        for c in range(len(row)):
            value = slope[c] * row[c] + offset[c]
            # Not a number is neither: it stays.
            out[c] = zero if value < 0 else value


@compiled
def rectify_here(x, slope, offset):
    """Write max(slope * x + offset, 0) over `x`; shapes as in `rectify`."""
    C = len(slope)
    zero = x.dtype.type(0)
    for start in range(0, len(x), C):
        row = x[start : start + C]
        for c in range(len(row)):
            value = slope[c] * row[c] + offset[c]
            row[c] = zero if value < 0 else value


@compiled
def combine(x, grad, slope, tilt, level, other):
    """Write slope * grad + tilt * x + level + other to `grad`; `other` may be empty.

    Parameters
    ----------
    x, grad : ndarray of shape (n * C,)
    slope, tilt, level : ndarray of shape (C,)
    other : ndarray of shape (n * C,) or (0,)
    """
    C = len(slope)
    for start in range(0, len(x), C):
        row, out = x[start : start + C], grad[start : start + C]
        for c in range(len(row)):
            out[c] = slope[c] * out[c] + tilt[c] * row[c] + level[c]
        if len(other):
            more = other[start : start + C]
            for c in range(len(row)):
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
