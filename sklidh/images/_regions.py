"""Find the brain without a brain mask."""

import numpy as np

from sklidh.images._errors import EmptyROI


def brain_of(voxels) -> np.ndarray:
    """Return which voxels are brain: those that are not 0, or those brighter than the mean.

    Skull-stripped images are 0 outside the brain by convention. If fewer than 1% of the voxels are
    0, the image was not stripped and the voxels brighter than the mean are taken as the head.

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
        raise EmptyROI(f"every voxel is {voxels.min():g}, so no brain can be found")
    brain = voxels != 0
    return brain if brain.mean() < 0.99 else voxels > voxels.mean()
