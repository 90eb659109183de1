"""Cubic B-spline interpolation of a stack of slices."""

import numpy as np

from sklidh.utils import kernel


@kernel
def weights_of(t):
    """Return the cubic B-spline's weights of four neighbours, for a position from 0 to 1."""
    s = np.float32(1) - t
    sixth, twice = np.float32(1 / 6), np.float32(2 / 3)
    half = np.float32(0.5)
    return (
        s * s * s * sixth,
        twice - t * t * (np.float32(1) - half * t),
        twice - s * s * (np.float32(1) - half * s),
        t * t * t * sixth,
    )


@kernel
def sample_slices(coefficients, matrix, offset, out):
    """Sample every slice at the same places, by its spline coefficients.

    Parameters
    ----------
    coefficients : ndarray of float32 of shape (n_slices, n_rows, n_columns)
        C-contiguous.
    matrix : ndarray of float64 of shape (2, 2)
    offset : ndarray of float64 of shape (2,)
        ``matrix @ (row, column) + offset`` is where a voxel of `out` lies in its slice.
    out : ndarray of float32 of the same shape
        Places outside take the value at the nearest edge.
    """
    n_rows, n_columns = coefficients.shape[1:]
    rows, columns = np.empty(4, np.int64), np.empty(4, np.int64)
    for j in range(n_rows):
        for i in range(n_columns):
            y = min(max(matrix[0, 0] * j + matrix[0, 1] * i + offset[0], 0.0), n_rows - 1.0)
            x = min(max(matrix[1, 0] * j + matrix[1, 1] * i + offset[1], 0.0), n_columns - 1.0)
            below, left = int(y), int(x)
            down = weights_of(np.float32(y - below))
            a, b, c, d = weights_of(np.float32(x - left))
            for n in range(4):
                # Coefficients are mirrored at the first and the last voxel.
                rows[n] = abs(below - 1 + n)
                columns[n] = abs(left - 1 + n)
                rows[n] = min(rows[n], max(2 * n_rows - 2 - rows[n], 0))
                columns[n] = min(columns[n], max(2 * n_columns - 2 - columns[n], 0))
            for k in range(coefficients.shape[0]):
                total = np.float32(0)
                for n in range(4):
                    line = coefficients[k, rows[n]]
                    total += down[n] * (
                        a * line[columns[0]]
                        + b * line[columns[1]]
                        + c * line[columns[2]]
                        + d * line[columns[3]]
                    )
                out[k, j, i] = total
