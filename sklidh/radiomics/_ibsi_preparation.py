"""Prepare an image and its mask for IBSI features: chapter 2 of the IBSI manual.

The mask becomes two: the interpolated morphological mask, used for the shape, and within it the
intensity mask, which excludes voxels outside a range or far from the mean.
"""

import math
from dataclasses import dataclass

import numpy as np

from sklidh.radiomics._discretisation import check_n_bins
from sklidh.radiomics._preprocessing import resegment
from sklidh.radiomics._resampling import (
    MOST_VOXELS,
    check_n_voxels,
    cubic_spline,
    linear,
    nearest,
)
from sklidh.radiomics._roi import check_region

PEAK_RADIUS = 10 * (3 / (4 * math.pi)) ** (1 / 3)
"""Radius of a sphere of 1 cm3, mm: intensities are read up to this distance from the region."""


@dataclass(frozen=True)
class Prepared:
    """The surroundings of a region, after interpolation and re-segmentation.

    Attributes
    ----------
    volume : ndarray of float64, shape (n_slices, n_rows, n_columns)
    morphological, intensity : ndarray of bool, same shape
    spacing : tuple of float
        Voxel size along (z, y, x), mm.
    """

    volume: np.ndarray
    morphological: np.ndarray
    intensity: np.ndarray
    spacing: tuple[float, float, float]


def spacing_of(spacing, setting):
    """Return the voxel size along (z, y, x) after interpolation, mm."""
    wanted = setting["resampledPixelSpacing"]
    if wanted is None:
        return tuple(spacing)
    return tuple(float(new or old) for new, old in zip(wanted[::-1], spacing, strict=True))


def prepare(volume, mask, spacing, setting, margin=0):
    """Interpolate, round and resegment the region and the surroundings that features use.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    mask : ndarray of bool, same shape
    spacing : sequence of float
        Voxel size along (z, y, x), mm.
    setting : dict
    margin : float
        Voxels of the interpolated image that filters need around the region; infinite for all.

    Returns
    -------
    Prepared
    """
    box = check_region(mask)
    wanted, new = setting["resampledPixelSpacing"], spacing_of(spacing, setting)
    reaches = [min(peak + margin, MOST_VOXELS) for peak in peak_reach(new)]
    if wanted is None:
        around = tuple(
            slice(max(0, side.start - reach), side.stop + reach)
            for side, reach in zip(box, reaches, strict=True)
        )
        volume, mask = volume[around].astype(np.float64), mask[around]
    else:
        places = [
            along[(along > side.start - 1 - reach) & (along < side.stop + reach)]
            for along, side, reach in zip(
                grid_places(volume.shape, spacing, new),
                box,
                (n * step / old for n, step, old in zip(reaches, new, spacing, strict=True)),
                strict=True,
            )
        ]
        if not all(along.size for along in places):
            raise ValueError(
                f"resampledPixelSpacing={list(wanted)} (x, y, z) leaves no voxel of the region; "
                "choose smaller voxels"
            )
        check_n_voxels(math.prod(along.size for along in places), new)
        volume, mask = interpolate(volume, mask, places, setting["interpolator"])
    if setting["roundIntensities"]:
        volume = np.rint(volume)
    check_region(mask)
    kept = mask
    if setting["resegmentRange"]:
        kept = resegment(volume, mask, setting["resegmentRange"], "absolute")
    if setting["outlierSigma"]:
        # Mean and deviation use only the voxels within the range.
        kept = resegment(volume, kept, (-setting["outlierSigma"], setting["outlierSigma"]), "sigma")
    check_region(kept)
    return Prepared(volume, mask, kept, new)


def peak_reach(spacing):
    """Return the number of voxels along each axis that `PEAK_RADIUS` covers."""
    return [math.ceil(PEAK_RADIUS / step) for step in spacing]


def grid_places(shape, spacing, new_spacing):
    """Return the positions of a new grid's voxels along each axis, in voxels of the old one.

    The grids share their centre; the new one is large enough to cover the old one (IBSI 2.4).
    """
    places = []
    for n, old, new in zip(shape, spacing, new_spacing, strict=True):
        n_new = math.ceil(n * old / new - 1e-6)
        places.append((n - 1) / 2 + (np.arange(n_new) - (n_new - 1) / 2) * (new / old))
    return places


def interpolate(volume, mask, places, interpolator):
    """Interpolate an image and its mask; mask voxels of one half or more are kept."""
    if interpolator == "sitkNearestNeighbor":
        return nearest(volume, places).astype(np.float64), nearest(mask, places)
    if interpolator == "sitkBSpline":
        # A spline needs a neighbour to mirror, so an axis of one voxel is padded with copies.
        thin = [2 if n == 1 else 0 for n in volume.shape]
        padded = np.pad(volume, [(n, n) for n in thin], mode="edge")
        image = cubic_spline(padded, [at + n for at, n in zip(places, thin, strict=True)])
    else:
        image = linear(volume, places)
    return image, linear(mask.astype(np.float64), places) >= 0.5


def grey_level_edges(values, setting):
    """Return the edges of the grey-level bins (IBSI 2.7).

    A fixed number divides the region's own range. Bins of a fixed size start at the lower end of
    the resegmentation range, or at the region's lowest intensity if there is no range.
    """
    low, high = values.min(), values.max()
    if setting["binCount"] is not None:
        n, start = setting["binCount"], low
        check_n_bins(n)
        edges = low + (high - low) * np.arange(n + 1) / n
    else:
        width, limits = setting["binWidth"], setting["resegmentRange"]
        start = min(limits) if limits else low
        n = (high - start) // width + 1
        check_n_bins(n, width, (start, high))
        edges = start + width * np.arange(n + 1)
    if low == high and setting["binCount"] is not None:
        return np.array([low - 0.5, low + 0.5])
    # The highest intensity belongs to the last bin.
    edges[-1] = max(edges[-1], np.nextafter(high, np.inf))
    return edges
