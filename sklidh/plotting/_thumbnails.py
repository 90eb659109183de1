"""Small pictures of a patient's images: the slice with most of the tumour, its outline drawn."""

import io

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import binary_erosion

from sklidh.plotting._axes import COLOURS

SIDE = 176
"""Pixels of a picture's longer side."""

OUTLINE = tuple(int(COLOURS[2][i : i + 2], 16) for i in (1, 3, 5))


def nearest(n_voxels: int, n_pixels: int) -> np.ndarray:
    """Return the voxel under each pixel's centre, where both fill the same length."""
    return ((np.arange(n_pixels) + 0.5) * n_voxels / n_pixels).astype(int)


def thumbnail(image: sitk.Image, mask: sitk.Image | None) -> bytes:
    """Draw the axial slice with the largest tumour area as a JPEG picture.

    Parameters
    ----------
    image : SimpleITK.Image
        In any grid.
    mask : SimpleITK.Image or None
        1 in the tumour; laid where it lies in space. None, or a mask elsewhere: the middle slice,
        without an outline.

    Returns
    -------
    bytes
    """
    from matplotlib.image import imsave

    image = sitk.DICOMOrient(image, "LPS")
    tumour = np.zeros(image.GetSize()[::-1], dtype=bool)
    if mask is not None:
        laid = sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor)
        tumour = sitk.GetArrayViewFromImage(laid).astype(bool)
    index = int(tumour.sum(axis=(1, 2)).argmax()) if tumour.any() else len(tumour) // 2
    extent = np.array(image.GetSize()[:2]) * image.GetSpacing()[:2]
    width, height = np.maximum(np.rint(extent / extent.max() * SIDE), 1).astype(int)
    rows = nearest(tumour.shape[1], height)
    columns = nearest(tumour.shape[2], width)
    grey = sitk.GetArrayViewFromImage(image)[index][np.ix_(rows, columns)].astype(np.float64)
    inside = tumour[index][np.ix_(rows, columns)]
    grey = np.nan_to_num(grey, nan=0, posinf=0, neginf=0)
    darkest, brightest = np.percentile(grey, [1, 99.5])
    share = np.clip((grey - darkest) / max(brightest - darkest, np.finfo(float).tiny), 0, 1)
    picture = np.repeat((255 * share).astype(np.uint8)[..., None], 3, axis=-1)
    picture[inside & ~binary_erosion(inside)] = OUTLINE
    buffer = io.BytesIO()
    imsave(buffer, picture, format="jpg")
    return buffer.getvalue()
