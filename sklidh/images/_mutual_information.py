"""Mutual information of two images under an affine map, and its derivative."""

import numpy as np

from sklidh.images._interpolation import interpolate
from sklidh.utils import kernel

# Fraction of brightest voxels that share one bin: vessels and artefacts would otherwise leave few
# bins for tissue.
CLIPPED_SHARE = 0.001

# Minimum fraction of samples inside the moving image: a few at its rim agree by chance.
LEAST_INSIDE = 0.1


def bin_positions(values, n_bins):
    """Scale intensities to positions on a histogram axis.

    Parameters
    ----------
    values : ndarray of float32
    n_bins : int

    Returns
    -------
    ndarray of float32, of the shape of `values`
        From 1 up to less than `n_bins` - 2: a cubic B-spline there stays within the histogram.
    """
    # Every seventh voxel gives almost the same range as all of them, in less time.
    low, high = np.quantile(
        values.ravel()[:: 7 if values.size > 10**5 else 1], [0, 1 - CLIPPED_SHARE]
    )
    step = max(high - low, np.finfo(np.float32).tiny)
    return scale(values, low, step, n_bins - 3.01)


@kernel
def scale(values, low, step, largest):
    """Return 1 plus the fraction of the way from `low` to `low + step`, times `largest`."""
    scaled = np.empty(values.shape, np.float32)
    flat, out = values.ravel(), scaled.ravel()
    for i in range(flat.size):
        out[i] = 1 + min(max((flat[i] - low) / step, 0.0), 1.0) * largest
    return scaled


@kernel
def mutual_information(fixed, offsets, moving, matrix, shift, n_bins):
    """Return the mutual information of sampled voxels, and its derivative with respect to the map.

    The joint histogram counts a fixed voxel in its bin, and spreads a moving intensity over four
    bins by a cubic B-spline, so that it changes smoothly with the map.

    Parameters
    ----------
    fixed : ndarray of int64 of shape (n_samples,)
        The fixed image's bins.
    offsets : ndarray of float64 of shape (n_samples, 3)
        Sample positions, in mm from the centre of rotation.
    moving : ndarray of float32 of shape (n_z, n_y, n_x)
        The moving image, as `bin_positions` scales it.
    matrix : ndarray of float64 of shape (3, 3)
    shift : ndarray of float64 of shape (3,)
        ``matrix @ offset + shift`` is a position in the moving image, in voxels, x first.
    n_bins : int

    Returns
    -------
    value : float
        In nats; 0 if fewer than `LEAST_INSIDE` of the samples fall into the moving image.
    by_matrix : ndarray of shape (3, 3)
    by_shift : ndarray of shape (3,)

    References
    ----------
    D. Mattes et al., "PET-CT image registration in the chest using free-form deformations", IEEE
    Transactions on Medical Imaging 22(1), 2003. P. Thevenaz and M. Unser, "Optimization of mutual
    information for multiresolution image registration", IEEE Transactions on Image Processing
    9(12), 2000.
    """
    n_samples = len(fixed)
    depth, height, width = moving.shape
    flat, row_length, area = moving.ravel(), np.uint64(width), np.uint64(width * height)
    position = np.empty(n_samples, np.float32)
    slope = np.empty((n_samples, 3), np.float32)
    joint = np.zeros((n_bins, n_bins))
    inside = 0
    for i in range(n_samples):
        a, b, c = offsets[i]
        x = matrix[0, 0] * a + matrix[0, 1] * b + matrix[0, 2] * c + shift[0]
        y = matrix[1, 0] * a + matrix[1, 1] * b + matrix[1, 2] * c + shift[1]
        z = matrix[2, 0] * a + matrix[2, 1] * b + matrix[2, 2] * c + shift[2]
        if not (0 <= x <= width - 1 and 0 <= y <= height - 1 and 0 <= z <= depth - 1):
            position[i] = -1
            continue
        inside += 1
        # The last voxel belongs to the cell before it, so that it has a neighbour.
        j, k, m = min(int(x), width - 2), min(int(y), height - 2), min(int(z), depth - 2)
        corner = np.uint64(m) * area + np.uint64(k) * row_length + np.uint64(j)
        u, v, w = np.float32(x - j), np.float32(y - k), np.float32(z - m)
        value, slope[i, 0], slope[i, 1], slope[i, 2] = interpolate(
            flat, corner, row_length, area, u, v, w
        )
        position[i] = value
        first, t = int(value) - 1, value - np.float32(int(value))
        s, square, cube = 1 - t, t * t, t * t * t
        joint[fixed[i], first] += s * s * s / 6
        joint[fixed[i], first + 1] += (3 * cube - 6 * square + 4) / 6
        joint[fixed[i], first + 2] += (-3 * cube + 3 * square + 3 * t + 1) / 6
        joint[fixed[i], first + 3] += cube / 6

    by_matrix, by_shift = np.zeros((3, 3)), np.zeros(3)
    if inside < LEAST_INSIDE * n_samples:
        return 0.0, by_matrix, by_shift
    joint /= inside
    information, weight = information_of(joint)
    weight /= 2 * inside
    # Twelve scalars, since LLVM keeps those in registers and arrays in memory.
    x0 = y0 = z0 = xa = xb = xc = ya = yb = yc = za = zb = zc = 0.0
    for i in range(n_samples):
        if position[i] < 0:
            continue
        first, t = int(position[i]) - 1, position[i] - int(position[i])
        row = weight[fixed[i]]
        change = (
            -row[first] * (1 - t) * (1 - t)
            + row[first + 1] * (3 * t - 4) * t
            + row[first + 2] * ((2 - 3 * t) * t + 1)
            + row[first + 3] * t * t
        )
        a, b, c = offsets[i]
        x, y, z = change * slope[i, 0], change * slope[i, 1], change * slope[i, 2]
        x0, xa, xb, xc = x0 + x, xa + x * a, xb + x * b, xc + x * c
        y0, ya, yb, yc = y0 + y, ya + y * a, yb + y * b, yc + y * c
        z0, za, zb, zc = z0 + z, za + z * a, zb + z * b, zc + z * c
    by_shift[:] = x0, y0, z0
    by_matrix[0], by_matrix[1], by_matrix[2] = (xa, xb, xc), (ya, yb, yc), (za, zb, zc)
    return information, by_matrix, by_shift


@kernel
def information_of(joint):
    """Return the mutual information of a joint histogram and its derivative.

    The derivative is log p(f, m) / p(m): the term for the fixed image cancels, since the counts of
    its bins do not change.
    """
    of_fixed, of_moving = joint.sum(axis=1), joint.sum(axis=0)
    weight = np.zeros(joint.shape)
    value = 0.0
    for f in range(joint.shape[0]):
        for m in range(joint.shape[1]):
            if joint[f, m] > 0:
                weight[f, m] = np.log(joint[f, m] / of_moving[m])
                value += joint[f, m] * (weight[f, m] - np.log(of_fixed[f]))
    return value, weight
