"""Laplacian of Gaussian of the region, equal to ITK's recursive filter."""

import math

import numpy as np

from sklidh.radiomics._deriche import any_occupied, filter_lines, recursive_gaussian
from sklidh.utils import kernel

# Distance in standard deviations beyond which a voxel has no effect in double precision.
REACH = 26.0
FEWEST_VOXELS = 4
# In voxels; below this the recursion's coefficients vanish, and so does their normalisation.
NARROWEST = 0.01


def log_image(volume, roi, spacing, sigma, *, occupied=None):
    """Return the summed second derivatives of the Gaussian-smoothed image, times sigma^2.

    The result equals SimpleITK's ``LaplacianRecursiveGaussian`` with normalisation across scale,
    bit for bit: one recursive pass along each axis, in double precision along a line and rounded to
    single precision between passes. Exactness matters because textures are counted after binning,
    where the last bit can move a voxel into the next bin.

    Work that cannot affect the result is skipped: lines, ends of lines and margins of the image
    that are zero, like most of a skull-stripped image, and results outside the region.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    roi : Roi
    spacing : sequence of float
        Voxel size along (z, y, x), mm.
    sigma : float
        Standard deviation of the Gaussian, mm.
    occupied : tuple of slice, shape (3,), or None
        The result of `occupied_box` for this volume and region, if already known.

    Returns
    -------
    ndarray of float32, shape of the bounding box
    """
    box = occupied if occupied is not None else occupied_box(volume, roi)
    box = tuple(map(_within_reach, box, roi.box, volume.shape, (sigma / step for step in spacing)))
    # Single precision holds 16-bit integers exactly, and its code is already compiled.
    exact = np.float32 if np.can_cast(volume.dtype, np.float32) else np.float64
    image = np.ascontiguousarray(volume[box], exact)
    keep = [(r.start - b.start, r.stop - b.start) for r, b in zip(roi.box, box, strict=True)]
    smooth = [recursive_gaussian(sigma, step, derivative=False) for step in spacing]
    second = [recursive_gaussian(sigma, step, derivative=True) for step in spacing]
    total = np.zeros(roi.inside.shape, np.float32)
    # ITK differentiates along one axis, then smooths along the other two, in this order.
    for axis, *others in ((2, 1, 0), (1, 2, 0), (0, 2, 1)):
        part = _filter_along(image, axis, keep, second[axis])
        for other in others:
            part = _filter_along(part, other, keep, smooth[other])
        _add_scaled(total, part, 1.0 / (spacing[axis] * spacing[axis]))
    return total


def check_room(shape, spacing, sigma):
    """Check that an image is large enough for the filter, like PyRadiomics.

    Parameters
    ----------
    shape : tuple of int, shape (3,)
    spacing : sequence of float
        mm.
    sigma : float
        mm.
    """
    for size, step in zip(shape, spacing, strict=True):
        needed = max(FEWEST_VOXELS, math.ceil(sigma / step) + 1)
        if size < needed:
            raise ValueError(
                f"the image has {size} voxels of {step:g} mm along an axis, too few for LoG with "
                f"sigma={sigma} mm, which needs {needed}; leave this sigma out"
            )
        if sigma / step < NARROWEST:
            raise ValueError(
                f"LoG with sigma={sigma} mm is not defined on voxels of {step:g} mm: it reaches "
                f"no other voxel; sigma must be at least {NARROWEST * step:g} mm"
            )


def occupied_box(volume, roi):
    """Return the smallest box with all non-zero voxels and the region.

    A margin of one zero voxel is kept: the filter extends a line with its last value, which must be
    that zero.
    """
    low, high = _occupied_range(volume)
    if not high.any():
        return roi.box
    return tuple(
        slice(max(0, min(region.start, first - 1)), min(size, max(region.stop, last + 1)))
        for first, last, region, size in zip(
            low.tolist(), high.tolist(), roi.box, volume.shape, strict=True
        )
    )


@kernel
def _occupied_range(volume):
    """Return the first and one past the last position, along (z, y, x), of non-zero voxels."""
    low, high = np.array(volume.shape), np.zeros(3, np.int64)
    for z in range(volume.shape[0]):
        for y in range(volume.shape[1]):
            row = volume[z, y]
            if any_occupied(row):
                low[0], low[1] = min(low[0], z), min(low[1], y)
                high[0], high[1] = max(high[0], z + 1), max(high[1], y + 1)
                while any_occupied(row[: low[2]]):
                    low[2] -= 1
                while any_occupied(row[high[2] :]):
                    high[2] += 1
    return low, high


def _within_reach(occupied, region, size, sigma):
    """Restrict a range of one axis to voxels that affect the region; `sigma` in voxels."""
    reach = math.ceil(REACH * sigma)
    start = max(occupied.start, region.start - reach)
    stop = min(occupied.stop, region.stop + reach)
    # The recursion needs four voxels to start; more do no harm.
    missing = max(0, FEWEST_VOXELS - (stop - start))
    start = max(0, start - missing)
    return slice(start, min(size, max(stop, start + FEWEST_VOXELS)))


def _filter_along(image, axis, keep, coefficients):
    first, last = keep[axis]
    shape = list(image.shape)
    shape[axis] = last - first
    result = np.empty(shape, np.float32)
    filter_lines(image, axis, first, last, coefficients, result)
    return result


@kernel
def _add_scaled(total, part, scale):
    """Add in double precision and round, the way ITK accumulates the three derivatives."""
    into, add = total.reshape(-1), part.reshape(-1)
    for v in range(into.size):
        into[v] = np.float32(float(into[v]) + float(add[v]) * scale)
