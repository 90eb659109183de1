"""Where the brain is, without a mask of it."""

import numpy as np

from sklidh.images._errors import EmptyROI


def brain_of(voxels) -> np.ndarray:
    """Tell which voxels are brain: those that are not 0, or brighter than the mean.

    Skull-stripped images, by custom, are 0 outside the brain. Where fewer than a hundredth of the
    voxels are 0, nothing was stripped, and what is brighter than the mean is taken for the head.

    Parameters
    ----------
    voxels : ndarray of shape (n_z, n_y, n_x)

    Returns
    -------
    ndarray of bool, of the same shape

    Raises
    ------
    EmptyROI
        All voxels have the same intensity.
    """
    if voxels.min() == voxels.max():
        raise EmptyROI(f"every voxel is {voxels.min():g}: there is no brain in it")
    brain = voxels != 0
    return brain if brain.mean() < 0.99 else voxels > voxels.mean()
