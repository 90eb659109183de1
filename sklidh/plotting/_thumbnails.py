"""Small pictures for pages of many patients: slices with tumours, and saliency maps."""

import io

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import binary_erosion

from sklidh.plotting._axes import ON_MAP, OUTLINE
from sklidh.plotting._gradient_map import strength

SIDE = 176
"""Longer side of a picture in pixels."""

YELLOW, BLUE = (
    tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)) for colour in (OUTLINE, ON_MAP)
)


def nearest(n_voxels: int, n_pixels: int) -> np.ndarray:
    """Return the index of the voxel at each pixel's centre, for the same total length."""
    return ((np.arange(n_pixels) + 0.5) * n_voxels / n_pixels).astype(int)


def thumbnail(image: sitk.Image, mask: sitk.Image | None, side: int = SIDE) -> bytes:
    """Draw the axial slice with the largest tumour area as a JPEG picture.

    Parameters
    ----------
    image : SimpleITK.Image
        On any grid.
    mask : SimpleITK.Image or None
        1 in the tumour, drawn at its position in space. If it is None or outside the image, the
        middle slice is drawn without an outline.
    side : int, default=176
        Longer side of the picture in pixels.

    Returns
    -------
    bytes
    """
    image = sitk.DICOMOrient(image, "LPS")
    tumour = np.zeros(image.GetSize()[::-1], dtype=bool)
    if mask is not None:
        laid = sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor)
        tumour = sitk.GetArrayViewFromImage(laid).astype(bool)
    index = int(tumour.sum(axis=(1, 2)).argmax()) if tumour.any() else len(tumour) // 2
    extent = np.array(image.GetSize()[:2]) * image.GetSpacing()[:2]
    width, height = np.maximum(np.rint(extent / extent.max() * side), 1).astype(int)
    pixels = np.ix_(nearest(tumour.shape[1], height), nearest(tumour.shape[2], width))
    grey = sitk.GetArrayViewFromImage(image)[index][pixels].astype(np.float64)
    return jpeg(in_grey(grey), tumour[index][pixels], YELLOW)


def gradient_thumbnail(voxels: np.ndarray, mask: np.ndarray, gradient: np.ndarray) -> bytes:
    """Draw a slice with a saliency map over it, as a JPEG picture.

    Parameters
    ----------
    voxels : ndarray of shape (size, size)
    mask : ndarray of bool, the same shape
        The tumour, outlined unless it fills the slice.
    gradient : ndarray of the same shape
        The saliency map, without negative values; drawn as in `GradientMapDisplay`.

    Returns
    -------
    bytes
    """
    from matplotlib import colormaps

    influence = strength(gradient, blur=1.5)
    opacity = 0.65 * influence[..., None]
    heat = 255 * colormaps["inferno"](influence)[..., :3]
    picture = (1 - opacity) * in_grey(voxels) + opacity * heat
    pixels = np.ix_(*(nearest(n, SIDE) for n in mask.shape))
    inside = np.zeros_like(mask) if mask.all() else mask
    return jpeg(picture.astype(np.uint8)[pixels], inside[pixels], BLUE)


def in_grey(voxels: np.ndarray) -> np.ndarray:
    """Convert intensities to a grey picture of shape (height, width, 3)."""
    grey = np.nan_to_num(voxels, nan=0, posinf=0, neginf=0)
    darkest, brightest = np.percentile(grey, [1, 99.5])
    share = np.clip((grey - darkest) / max(brightest - darkest, np.finfo(float).tiny), 0, 1)
    return np.repeat((255 * share).astype(np.uint8)[..., None], 3, axis=-1)


def jpeg(picture: np.ndarray, inside: np.ndarray, colour) -> bytes:
    """Write a picture of shape (height, width, 3), with a region outlined 2 pixels wide."""
    from matplotlib.image import imsave

    picture[inside & ~binary_erosion(inside, iterations=2)] = colour
    buffer = io.BytesIO()
    # Without subsampling of colours, which would blur an outline of 2 pixels.
    imsave(buffer, picture, format="jpg", pil_kwargs={"quality": 80, "subsampling": 0})
    return buffer.getvalue()
