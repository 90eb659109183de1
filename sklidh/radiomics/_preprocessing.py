"""Steps applied to an image and its region before any filter: normalise, crop, resegment."""

import numpy as np
import SimpleITK as sitk

from sklidh.radiomics._roi import bounding_box


def normalise(volume, *, scale=1.0, outliers=None):
    """Shift and scale the intensities of the whole image to mean 0 and standard deviation `scale`.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    scale : float
        ``normalizeScale``.
    outliers : float or None
        ``removeOutliers``: intensities farther from the mean than this many standard deviations are
        clipped to that distance.

    Returns
    -------
    ndarray of float64, same shape
    """
    if volume.min() == volume.max():
        raise ValueError("setting normalize: the image has a single intensity and cannot be scaled")
    stored = volume.astype(np.uint8) if volume.dtype == bool else volume
    # ITK's sums, as in PyRadiomics, but with one thread: with more, the last bit of the mean
    # depends on which thread ends first.
    statistics = sitk.StatisticsImageFilter()
    statistics.SetNumberOfThreads(1)
    statistics.Execute(sitk.GetImageFromArray(stored))
    x = (stored.astype(float) - statistics.GetMean()) * (1 / statistics.GetSigma())
    if outliers is not None:
        np.clip(x, -outliers, outliers, out=x)
    x *= scale
    return x


def crop(volume, mask, margin):
    """Crop image and mask to the region's box with a margin (``preCrop``, ``padDistance``)."""
    box = tuple(
        slice(max(0, side.start - margin), side.stop + margin) for side in bounding_box(mask)
    )
    return volume[box], mask[box]


def resegment(volume, mask, limits, mode):
    """Exclude voxels outside a range of intensities from the region.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    mask : ndarray of bool, same shape
    limits : sequence of float, shape (1,) or (2,)
        Lowest and highest intensity to keep (``resegmentRange``).
    mode : {"absolute", "relative", "sigma"}
        Whether the limits are intensities, multiples of the region's maximum, or standard
        deviations from its mean.

    Returns
    -------
    ndarray of bool, same shape
    """
    inside = volume[mask]
    if inside.dtype.kind in "iu":
        inside = inside.astype(np.int64)
    # In the image's precision, as in PyRadiomics, since a voxel may lie exactly on a limit.
    low, *high = sorted(limits)
    if mode == "relative":
        low, *high = (inside.max() * limit for limit in (low, *high))
    elif mode == "sigma":
        mean, deviation = inside.mean(), inside.std()
        low, *high = (mean + deviation * limit for limit in (low, *high))
    kept = inside >= low
    if high:
        kept &= inside <= high[0]
    if np.count_nonzero(kept) <= 1:
        raise ValueError(
            f"setting resegmentRange={list(limits)} ({mode}) leaves {np.count_nonzero(kept)} of "
            f"{kept.size} voxels in the region"
        )
    result = np.zeros_like(mask)
    result[mask] = kept
    return result
