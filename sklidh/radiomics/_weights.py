"""How much each direction counts, where ``weightingNorm`` asks for it."""

import numpy as np


def direction_lengths(directions, spacing, norm):
    """Length of one step in each direction.

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
    """Weights of the GLCM's directions, exp(-length^2); None for the mean over directions."""
    if norm is None:
        return None
    if norm == "no_weighting":
        return np.ones(len(directions))
    return np.exp(-(direction_lengths(directions, spacing, norm) ** 2))


def run_weights(directions, spacing, norm):
    """Weights of the GLRLM's directions, a step's length; None for the mean over directions."""
    if norm is None:
        return None
    if norm == "no_weighting":
        return np.ones(len(directions))
    return direction_lengths(directions, spacing, norm)
