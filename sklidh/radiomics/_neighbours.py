"""Neighbouring voxels: the directions along which textures count, and their weights."""

from itertools import product

import numpy as np


def half_directions(flat_dimension=None, distances=(1,)):
    """Return one of each pair of opposite directions, like PyRadiomics' ``generate_angles``.

    A direction belongs to distance ``d`` when its largest step is ``d`` voxels (infinity norm):
    13 directions in 3-D and 4 in a plane for distance 1.

    Parameters
    ----------
    flat_dimension : {0, 1, 2} or None
        Axis of (z, y, x) along which voxels are not neighbours (``force2D``), None for 3-D.
    distances : sequence of int
        Distances in voxels.

    Returns
    -------
    ndarray of int64, shape (n_directions, 3)
        Steps along (z, y, x); the first non-zero step of each is positive.
    """
    reach = range(max(distances), -max(distances) - 1, -1)
    return np.array(
        [
            step
            for step in product(reach, repeat=3)
            if step > (0, 0, 0)
            and max(map(abs, step)) in distances
            and (flat_dimension is None or step[flat_dimension] == 0)
        ],
        dtype=np.int64,
    )


def all_directions(flat_dimension=None, distances=(1,)):
    """Return both of each pair of opposite directions, shape (2 * n_directions, 3)."""
    half = half_directions(flat_dimension, distances)
    return np.concatenate([half, -half])


def flat_offsets(directions, shape):
    """Return each direction's offset in memory in a C-contiguous array of `shape`."""
    _, rows, columns = shape
    return directions @ np.array([rows * columns, columns, 1])


def direction_lengths(directions, spacing, norm):
    """Return the length of one step in each direction.

    Parameters
    ----------
    directions : ndarray of int, shape (n_directions, 3)
        Steps along (z, y, x), in voxels.
    spacing : sequence of float
        Voxel size along (z, y, x), mm.
    norm : {"euclidean", "manhattan", "infinity"}

    Returns
    -------
    ndarray of float64, shape (n_directions,)
        mm.
    """
    step = np.abs(directions) * np.asarray(spacing)
    match norm:
        case "euclidean":
            return np.sqrt((step**2).sum(1))
        case "manhattan":
            return step.sum(1)
        case "infinity":
            return step.max(1)


def co_occurrence_weights(directions, spacing, norm):
    """Return the GLCM weights of the directions, exp(-length^2); None for their mean."""
    if norm is None:
        return None
    if norm == "no_weighting":
        return np.ones(len(directions))
    return np.exp(-(direction_lengths(directions, spacing, norm) ** 2))


def run_weights(directions, spacing, norm):
    """Return the GLRLM weights of the directions, a step's length; None for their mean."""
    if norm is None:
        return None
    if norm == "no_weighting":
        return np.ones(len(directions))
    return direction_lengths(directions, spacing, norm)
