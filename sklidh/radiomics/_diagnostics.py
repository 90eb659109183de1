"""What PyRadiomics notes of image and mask beside the features: the numbers of `additionalInfo`."""

import numpy as np
from scipy.ndimage import label

DIAGNOSTICS = (
    "diagnostics_Image-original_Mean",
    "diagnostics_Image-original_Minimum",
    "diagnostics_Image-original_Maximum",
    "diagnostics_Mask-original_VoxelNum",
    "diagnostics_Mask-original_VolumeNum",
)
"""Names as PyRadiomics has them, in its order."""


def diagnose(volume, mask) -> dict[str, float]:
    """Describe an image and its mask as they were read.

    Parameters
    ----------
    volume : ndarray of shape (n_slices, n_rows, n_columns)
    mask : ndarray of bool, of the same shape

    Returns
    -------
    dict of str to float
        The image's mean, minimum and maximum; the region's voxels, and into how many parts it falls
        (voxels that share a corner are connected).
    """
    _, n_parts = label(mask, np.ones((3, 3, 3)))
    values = (volume.mean(), volume.min(), volume.max(), np.count_nonzero(mask), n_parts)
    return dict(zip(DIAGNOSTICS, map(float, values), strict=True))
