"""Linear interpolation between the voxels of an image.

Voxel indices are unsigned here: numba then omits the test for negative indices in every access.
"""

import numpy as np

from sklidh.utils import kernel


@kernel
def interpolate(voxels, corner, width, area, u, v, w):
    """Return the intensity within a cell of eight voxels, and its derivatives.

    Parameters
    ----------
    voxels : ndarray of shape (n_voxels,)
        The flat image.
    corner, width, area : uint64
        Index of the cell's first voxel; number of voxels per row and per slice.
    u, v, w : float32
        Position within the cell along x, y and z, from 0 to 1.

    Returns
    -------
    value, by_x, by_y, by_z : float32
    """
    one = np.uint64(1)
    a, b = np.float32(voxels[corner]), np.float32(voxels[corner + one])
    c, d = np.float32(voxels[corner + width]), np.float32(voxels[corner + width + one])
    corner += area
    e, f = np.float32(voxels[corner]), np.float32(voxels[corner + one])
    g, h = np.float32(voxels[corner + width]), np.float32(voxels[corner + width + one])
    near_left, near_right = a + (b - a) * u, c + (d - c) * u
    far_left, far_right = e + (f - e) * u, g + (h - g) * u
    near = near_left + (near_right - near_left) * v
    far = far_left + (far_right - far_left) * v
    near_slope, far_slope = (b - a) + (d - c - b + a) * v, (f - e) + (h - g - f + e) * v
    by_x = near_slope + (far_slope - near_slope) * w
    by_y = near_right - near_left
    by_y += (far_right - far_left - by_y) * w
    return near + (far - near) * w, by_x, by_y, far - near


@kernel
def steps_inside(start, step, n_steps, low, high):
    """Return the range of `i` below `n_steps` with low <= start + i step <= high."""
    if step == 0:
        return (0, n_steps) if low <= start <= high else (0, 0)
    first, last = (low - start) / step, (high - start) / step
    if step < 0:
        first, last = last, first
    first, last = max(np.ceil(first), 0.0), min(np.floor(last) + 1, float(n_steps))
    return (int(first), int(last)) if first < last else (0, 0)


@kernel
def locate(start, step, first, largest, cells, fractions):
    """Fill in the cell of each sample along one axis, and the position within it."""
    last_cell = np.int32(largest) - 1
    for i in range(cells.size):
        at = min(max(start + step * np.float64(np.int32(first) + np.int32(i)), 0.0), largest)
        # The last voxel belongs to the cell before it, so that it has a neighbour.
        cells[i] = min(np.int32(at), last_cell)
        fractions[i] = at - cells[i]


@kernel
def sample_affinely(voxels, matrix, shift, rounded, out):
    """Sample an image on another grid.

    Parameters
    ----------
    voxels : ndarray of shape (n_z, n_y, n_x)
        C-contiguous, two or more voxels along every axis.
    matrix : ndarray of float64 of shape (3, 3)
    shift : ndarray of float64 of shape (3,)
        ``matrix @ index + shift`` is where a voxel of `out` lies in `voxels`, x first.
    rounded : bool
        Whether `out` holds integers.
    out : ndarray of shape (m_z, m_y, m_x)
        Voxels that fall more than half a voxel outside keep their value; nearer ones take the
        border voxel's intensity.
    """
    shape = np.array(voxels.shape)[::-1]
    width, area = np.uint64(shape[0]), np.uint64(shape[0] * shape[1])
    flat = voxels.ravel()
    cells = np.empty((3, out.shape[2]), np.int32)
    fractions = np.empty((3, out.shape[2]), np.float32)
    for k in range(out.shape[0]):
        for j in range(out.shape[1]):
            first, last = 0, out.shape[2]
            for axis in range(3):
                start = matrix[axis, 1] * j + matrix[axis, 2] * k + shift[axis]
                inside = steps_inside(start, matrix[axis, 0], out.shape[2], -0.5, shape[axis] - 0.5)
                first, last = max(first, inside[0]), min(last, inside[1])
            n = max(last - first, 0)
            for axis in range(3):
                start = matrix[axis, 1] * j + matrix[axis, 2] * k + shift[axis]
                locate(
                    start,
                    matrix[axis, 0],
                    first,
                    shape[axis] - 1.0,
                    cells[axis, :n],
                    fractions[axis, :n],
                )
            line = out[k, j, first : first + n]
            for i in range(n):
                corner = np.uint64(cells[0, i]) + np.uint64(cells[1, i]) * width
                corner += np.uint64(cells[2, i]) * area
                value = interpolate(
                    flat, corner, width, area, fractions[0, i], fractions[1, i], fractions[2, i]
                )[0]
                line[i] = np.floor(value + np.float32(0.5)) if rounded else value
