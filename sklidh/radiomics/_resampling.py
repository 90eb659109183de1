"""Resample image and region the way PyRadiomics does through ITK.

ITK's order of operations is kept throughout, because the last bit matters: integer images are
truncated, not rounded, and where the two grids share points the interpolated value is an integer
except for that bit; nearest neighbours half way between voxels are just as sensitive.
"""

import math
from itertools import product

import numpy as np
import SimpleITK as sitk

from sklidh.radiomics._roi import bounding_box

SPLINE_POLE = math.sqrt(3.0) - 2.0
SPLINE_TOLERANCE = 1e-10
# Distance in voxels beyond which the pole's powers have no effect in double precision.
SPLINE_REACH = 64
MOST_VOXELS = 2**28


def check_n_voxels(n_voxels, spacing):
    """Refuse a resampled region with too many voxels; `spacing` is along (z, y, x)."""
    if n_voxels > MOST_VOXELS:
        raise ValueError(
            f"resampledPixelSpacing={[float(step) for step in spacing[::-1]]} gives {n_voxels:.1e} "
            f"voxels around the region, above the maximum of {MOST_VOXELS:.1e}; choose larger "
            "voxels"
        )


def resample(volume, mask, spacing, new_spacing, *, interpolator, margin):
    """Resample the surroundings of the region.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    mask : ndarray of bool, same shape
    spacing : sequence of float
        Voxel size along (z, y, x), mm.
    new_spacing : sequence of float
        Requested voxel size along (z, y, x), mm; 0 keeps the image's own. Axes along which the
        region is one voxel thick keep it too.
    interpolator : str
        One of PyRadiomics' ten, for the image; the region always uses the nearest neighbour.
    margin : int
        ``padDistance``: voxels of the new grid kept around the region.

    Returns
    -------
    volume : ndarray, of the same type
    mask : ndarray of bool
    spacing : tuple of float, shape (3,)
    """
    old = np.asarray(spacing, float)
    box = bounding_box(mask)
    first = np.array([side.start for side in box])
    thickness = np.array([side.stop - side.start for side in box])
    new = np.where(np.asarray(new_spacing) == 0, old, new_spacing)
    new = np.where(thickness == 1, old, new)
    if np.allclose(old, new):
        around = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in box)
        return volume[around], mask[around], tuple(old)
    ratio = old / new
    low = np.maximum(0, np.floor((first - 0.5) * ratio - margin))
    high = np.ceil((first + thickness - 0.5) * ratio + margin)
    high = np.minimum(high, np.ceil(np.array(volume.shape) * ratio) - 1)
    # The outer edges of the two grids coincide, not the centres of their first voxels.
    origin = (0.5 * (new - old) / old + low / ratio) * old
    sizes = (high - low + 1).astype(int)
    check_n_voxels(np.prod(high - low + 1), new)
    places = [
        _places(origin[axis], sizes[axis], new[axis], old[axis], along_line=axis == 2)
        for axis in range(3)
    ]
    z, y, x = (
        (at >= -0.5) & (at < size - 0.5) for at, size in zip(places, volume.shape, strict=True)
    )
    outside = ~(z[:, None, None] & y[:, None] & x)
    if interpolator in NATIVE:
        image = NATIVE[interpolator](volume, places)
        image[outside] = 0
        if volume.dtype.kind in "iu":
            limits = np.iinfo(volume.dtype)
            image = np.trunc(image).clip(limits.min, limits.max)
    else:
        image = _by_itk(volume, old, origin, sizes, new, interpolator)
    region = nearest(mask, places)
    region[outside] = False
    return image.astype(volume.dtype), region, tuple(float(step) for step in new)


def _by_itk(volume, old, origin, sizes, new, interpolator):
    """Resample with ITK itself: these interpolators are rarely used."""
    stored = volume.astype(np.uint8) if volume.dtype == bool else volume
    image = sitk.GetImageFromArray(stored)
    image.SetSpacing(old[::-1].tolist())
    return sitk.GetArrayFromImage(
        sitk.Resample(
            image,
            size=sizes[::-1].tolist(),
            interpolator=getattr(sitk, interpolator),
            outputOrigin=origin[::-1].tolist(),
            outputSpacing=new[::-1].tolist(),
        )
    )


def _places(origin, size, new, old, *, along_line):
    """Return the positions of the new voxels along one axis, in voxels of the old grid."""
    k = np.arange(size)
    if not along_line:
        return (origin + k * new) * (1 / old)
    # ITK computes only the ends of a line along x and divides it.
    start, end = origin * (1 / old), (origin + size * new) * (1 / old)
    return start + (end - start) * (k / size)


def nearest(volume, places):
    return volume[
        np.ix_(
            *(
                np.floor(at + 0.5).astype(int).clip(0, size - 1)
                for at, size in zip(places, volume.shape, strict=True)
            )
        )
    ]


def linear(volume, places):
    """Interpolate along x, then y, then z; values are constant beyond the last voxel's centre."""
    result = volume
    for axis in (2, 1, 0):
        last = volume.shape[axis] - 1
        below = np.floor(places[axis]).astype(int).clip(0, last)
        part = np.maximum(places[axis] - below, 0).reshape(
            [-1 if a == axis else 1 for a in range(3)]
        )
        low = result.take(below, axis).astype(np.float64)
        high = result.take(np.minimum(below + 1, last), axis)
        result = low + (high - low) * part
    return result


def cubic_spline(volume, places):
    box = [
        slice(max(0, int(at[0]) - SPLINE_REACH), int(at[-1]) + SPLINE_REACH + 2) for at in places
    ]
    coefficients = spline_coefficients(volume[tuple(box)])
    neighbours, weights = [], []
    for at, side, size in zip(places, box, volume.shape, strict=True):
        at = at.clip(-1, size)  # beyond the image the result is not used
        first = np.floor(at.astype(np.float32)).astype(int) - 1  # ITK's single precision
        w = at - (first + 1)
        w3 = (1 / 6) * w * w * w
        w0 = (1 / 6) + 0.5 * w * (w - 1) - w3
        w2 = w + w0 - 2 * w3
        weights.append((w0, 1 - w0 - w2 - w3, w2, w3))
        near = np.abs(first + np.arange(4)[:, None])  # mirrored at the first voxel ...
        near = np.where(near >= size, 2 * (size - 1) - near, near)  # ... and the last one
        neighbours.append(near - side.start)
    result = np.zeros([at.size for at in places])
    for z, y, x in product(range(4), repeat=3):
        weight = weights[2][x] * weights[1][y][:, None] * weights[0][z][:, None, None]
        result += (
            weight * coefficients[np.ix_(neighbours[0][z], neighbours[1][y], neighbours[2][x])]
        )
    return result


NATIVE = {"sitkBSpline": cubic_spline, "sitkLinear": linear, "sitkNearestNeighbor": nearest}


def spline_coefficients(volume):
    """Return the coefficients of the cubic B-spline through every voxel, mirrored at the ends.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)

    Returns
    -------
    ndarray of float64, same shape

    References
    ----------
    .. [1] Unser, "Splines: a perfect fit for signal and image processing", IEEE Signal Process.
           Mag. 16(6), 1999.
    """
    z = SPLINE_POLE
    horizon = math.ceil(math.log(SPLINE_TOLERANCE) / math.log(-z))
    result = volume.astype(np.float64)
    for axis in (2, 1, 0):
        c = np.moveaxis(result, axis, 0)
        n = len(c)
        if n == 1:
            continue
        c *= (1 - z) * (1 - 1 / z)
        c[0] = _start_of_recursion(c, z, min(horizon, n)) if horizon < n else _whole_mirror(c, z)
        for k in range(1, n):
            c[k] += z * c[k - 1]
        c[n - 1] = (z / (z * z - 1)) * (z * c[n - 2] + c[n - 1])
        for k in range(n - 2, -1, -1):
            c[k] = z * (c[k + 1] - c[k])
    return result


def _start_of_recursion(c, z, horizon):
    total, power = c[0].copy(), z
    for k in range(1, horizon):
        total += power * c[k]
        power *= z
    return total


def _whole_mirror(c, z):
    """Return the start value for a line too short for the powers of the pole to vanish."""
    n = len(c)
    power, back = z, z ** (n - 1)
    total = c[0] + back * c[n - 1]
    back *= back * (1 / z)
    for k in range(1, n - 1):
        total += (power + back) * c[k]
        power *= z
        back *= 1 / z
    return total / (1 - power * power)
