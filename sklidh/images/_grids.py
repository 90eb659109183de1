"""Compare the grids of two images, and transfer a mask from one to the other."""

import warnings
from itertools import product

import numpy as np
import SimpleITK as sitk

from sklidh.images._errors import EmptyROI, GeometryMismatch, ImageWarning

GEOMETRY_TOLERANCE = 0.05
"""Maximum corner distance of equal grids, in shortest voxel edges; allows for rounded headers."""

NOTICED_LOSS = 0.05
"""Fraction of a mask's volume whose loss causes a warning."""

LARGEST_LOSS = 0.5
"""Fraction of a mask's volume whose loss is an error."""


def grid_difference(one: sitk.Image, other: sitk.Image, tolerance: float | None = None) -> str:
    """Describe how the grids of two images differ.

    Parameters
    ----------
    one, other : SimpleITK.Image
    tolerance : float, default=None
        Used instead of `GEOMETRY_TOLERANCE` if it is larger.

    Returns
    -------
    str
        The first of size, spacing, direction and origin that differs, with both values; empty if
        no voxel is displaced by more than the tolerance.
    """
    if one.GetSize() != other.GetSize():
        return f"sizes {one.GetSize()} and {other.GetSize()} voxels"
    apart = np.abs(_corners(one) - _corners(other)).max()
    if apart <= max(GEOMETRY_TOLERANCE, tolerance or 0) * min(one.GetSpacing()):
        return ""
    for name, unit in (("Spacing", " mm"), ("Direction", ""), ("Origin", " mm")):
        a, b = getattr(one, f"Get{name}")(), getattr(other, f"Get{name}")()
        if name == "Origin" or not np.allclose(a, b, rtol=1e-4, atol=1e-4):
            return f"{name.lower()} {a} and {b}{unit}"
    raise AssertionError("the loop returns at the origin")


def on_grid_of(mask: sitk.Image, like: sitk.Image, where: str) -> sitk.Image:
    """Return a mask on the grid of an image, where both share their voxels.

    A mask cropped to its extent, or stored with other axes first or reversed, has the same voxels.

    Parameters
    ----------
    mask, like : SimpleITK.Image
    where : str
        Names the mask in a warning.

    Returns
    -------
    SimpleITK.Image
        The original mask where the voxels differ.

    Raises
    ------
    EmptyROI, GeometryMismatch
        As `check_kept`.
    """
    if mask.GetSize() == like.GetSize() and not grid_difference(mask, like):
        same = sitk.Image(mask)
        same.CopyInformation(like)
        return _with_metadata_of(mask, same)
    index = _to_index(_corners(mask), like)
    rounded = np.rint(index)
    sides = np.abs(rounded[[1, 2, 4]] - rounded[0])
    # Each mask axis runs along one image axis, with as many steps as the mask has.
    turned = np.count_nonzero(sides, axis=1) <= 1
    steps = np.array(mask.GetSize()) - 1
    if (
        np.abs(index - rounded).max() > GEOMETRY_TOLERANCE
        or not turned.all()
        or not np.array_equal(sides.max(axis=1), steps)
    ):
        return mask
    moved = carry(mask, like)
    check_kept(volume_of(mask), volume_of(moved), where)
    return moved


def correct_mask(mask: sitk.Image, like: sitk.Image) -> sitk.Image:
    """Resample a mask on the grid of an image, as PyRadiomics does with ``correctMask``.

    Raises
    ------
    EmptyROI, GeometryMismatch
        The box around the tumour reaches beyond the image, or no voxel is left.
    """
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(mask)
    first, size = np.reshape(statistics.GetBoundingBox(1), (2, 3))
    ends = [
        like.TransformPhysicalPointToContinuousIndex(
            mask.TransformContinuousIndexToPhysicalPoint(corner.tolist())
        )
        for corner in (first - 0.5, first + size - 0.5)
    ]
    last = np.array(like.GetSize()) - 0.5
    if np.min(ends) < -0.5 - 1e-3 or (np.max(ends, axis=0) > last + 1e-3).any():
        raise GeometryMismatch(
            f"correctMask: the box around the tumour, {np.round(np.min(ends, axis=0), 1)} to "
            f"{np.round(np.max(ends, axis=0), 1)} in voxels (x, y, z), reaches beyond the image "
            f"of {like.GetSize()} voxels"
        )
    moved = carry(mask, like)
    if not np.any(sitk.GetArrayViewFromImage(moved)):
        raise EmptyROI("correctMask: the tumour is too small to meet a voxel of the image")
    return moved


def carry(mask: sitk.Image, like: sitk.Image) -> sitk.Image:
    """Resample a mask on the grid of an image, using nearest-neighbour labels.

    Returns
    -------
    SimpleITK.Image
        With the metadata of `mask`.
    """
    moved = sitk.Resample(mask, like, sitk.Transform(), sitk.sitkNearestNeighbor)
    return _with_metadata_of(mask, moved)


def _with_metadata_of(source: sitk.Image, image: sitk.Image) -> sitk.Image:
    """Copy the names of labels, which SimpleITK drops when it resamples."""
    for key in source.GetMetaDataKeys():
        image.SetMetaData(key, source.GetMetaData(key))
    return image


def volume_of(mask: sitk.Image) -> float:
    """Return the volume of all labels above 0, in ml."""
    n_voxels = np.count_nonzero(sitk.GetArrayViewFromImage(mask))
    return float(n_voxels * np.prod(mask.GetSpacing()) / 1000)


def check_kept(before: float, after: float, where: str = "") -> None:
    """Refuse a mask that lost much of its volume on another grid, and warn about smaller losses.

    Parameters
    ----------
    before, after : float
        Volumes in ml.
    where : str, default=""
        Names the mask in the warning; if empty, the caller issues the warning.

    Raises
    ------
    EmptyROI
        Nothing is left.
    GeometryMismatch
        More than `LARGEST_LOSS` is lost.

    Warns
    -----
    ImageWarning
        More than `NOTICED_LOSS` is lost.
    """
    if after == 0:
        raise EmptyROI("no voxel of the mask lies within the reference image: another patient's?")
    if after < (1 - LARGEST_LOSS) * before:
        raise GeometryMismatch(lost_in_words(before, after))
    if where and is_noticed(before, after):
        warnings.warn(f"{where}: {lost_in_words(before, after)}", ImageWarning, stacklevel=3)


def is_noticed(before: float, after: float) -> bool:
    """Return whether a mask lost enough of its volume, in ml, for a warning."""
    return after < (1 - NOTICED_LOSS) * before


def lost_in_words(before: float, after: float) -> str:
    """Describe how much of a mask is left; volumes in ml."""
    return (
        f"only {after:.3g} of the mask's {before:.3g} ml are left on the grid of the image: the "
        "mask reaches beyond it, or its voxels are much smaller; choose an image that shows the "
        "whole tumour"
    )


def _corners(image: sitk.Image) -> np.ndarray:
    """Return the centres of the corner voxels in mm, shape (8, 3); x varies fastest."""
    last = np.array(image.GetSize()) - 1
    index = np.array([(x, y, z) for z, y, x in product((0, 1), repeat=3)]) * last
    axes = np.reshape(image.GetDirection(), (3, 3))
    return index * image.GetSpacing() @ axes.T + image.GetOrigin()


def _to_index(points: np.ndarray, image: sitk.Image) -> np.ndarray:
    """Convert points in mm, shape (n, 3), to voxels of an image."""
    axes = np.reshape(image.GetDirection(), (3, 3))
    return (points - image.GetOrigin()) @ axes / image.GetSpacing()
