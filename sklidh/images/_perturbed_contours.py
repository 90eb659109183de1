"""Perturb the contour of a region: another volume, and another course along supervoxels."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

SUPERVOXEL = 500.0
"""Volume of a supervoxel in mm³, as in mirp; in small regions a twentieth of the region."""

SMALLEST = 8
"""Minimum volume of a supervoxel in voxels."""

COMPACTNESS = 0.05
"""Weight of the distance from a supervoxel's centre, against intensities scaled to 0 ... 1."""

ALWAYS, NEVER = 0.9, 0.2
"""Fractions of a supervoxel within the region from which it always belongs, and below which it
never does."""


def signed_distance(mask, spacing) -> np.ndarray:
    """Return the distance of every voxel from the region's surface in mm, negative inside."""
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing([float(step) for step in spacing[::-1]])
    distance = sitk.SignedMaurerDistanceMap(
        image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
    )
    return sitk.GetArrayFromImage(distance)


def resized(mask, distance, factor, accepted, rng) -> np.ndarray:
    """Grow or shrink a region to a multiple of its volume.

    The voxels nearest to the region's inside form the new one; among those at equal distance from
    the surface, chance decides.

    Parameters
    ----------
    mask : ndarray of bool of shape (n_slices, n_rows, n_columns)
    distance : ndarray of the same shape
        From `signed_distance`.
    factor : float
    accepted : ndarray of bool of the same shape
        Where the region may grow to.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of bool of the same shape
    """
    n_voxels = min(round(factor * np.count_nonzero(mask)), np.count_nonzero(accepted))
    if n_voxels == 0:
        return np.zeros_like(mask)
    order = np.where(accepted, distance + 1e-3 * rng.random(mask.shape, np.float32), np.inf)
    return order <= np.partition(order.ravel(), n_voxels - 1)[n_voxels - 1]


def supervoxels(volume, region, spacing) -> np.ndarray:
    """Divide an image into connected cells of similar intensity, by SLIC.

    Parameters
    ----------
    volume : ndarray of shape (n_slices, n_rows, n_columns)
    region : ndarray of bool of the same shape
        Its intensities set the scale.
    spacing : sequence of 3 float

    Returns
    -------
    ndarray of int of the same shape
        Numbers of the cells.

    References
    ----------
    R. Achanta et al., "SLIC superpixels compared to state-of-the-art superpixel methods", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 34(11), 2012.
    """
    low, high = volume[region].min(), volume[region].max()
    low, high = np.array([low, high], float) + 0.1 * (float(high) - float(low)) * np.array([-1, 1])
    scaled = (volume.clip(low, high).astype(np.float32) - low) / max(high - low, 1e-12)
    voxel = float(np.prod(spacing))
    cell = max(min(SUPERVOXEL, np.count_nonzero(region) * voxel / 20), SMALLEST * voxel)
    edges = np.maximum(np.rint(np.cbrt(cell) / np.asarray(spacing)), 1)
    slic = sitk.SLICImageFilter()
    # The sums over a cell, and so the cells, would depend on the number of threads.
    slic.SetNumberOfThreads(1)
    slic.SetSuperGridSize([int(edge) for edge in edges[::-1]])
    slic.SetSpatialProximityWeight(COMPACTNESS)
    return sitk.GetArrayFromImage(slic.Execute(sitk.GetImageFromArray(scaled.astype(np.float32))))


def redrawn(mask, cells, accepted, rng) -> np.ndarray:
    """Redraw a region along cells: each belongs to it with the probability of its overlap.

    Parameters
    ----------
    mask : ndarray of bool of shape (n_slices, n_rows, n_columns)
    cells : ndarray of int of the same shape
        From `supervoxels`.
    accepted : ndarray of bool of the same shape
        Where the region may reach.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of bool of the same shape
        With small gaps closed; at least the cell with the largest overlap, unless `mask` is empty.
    """
    n_all = np.bincount(cells.ravel())
    overlap = np.bincount(cells[mask], minlength=n_all.size) / np.maximum(n_all, 1)
    chance = np.where(overlap >= ALWAYS, 1.0, np.where(overlap < NEVER, 0.0, overlap))
    if overlap.any():
        chance[overlap.argmax()] = 1.0
    chosen = rng.random(n_all.size) < chance
    # A frame of background, because closing starts from outside the array.
    closed = ndimage.binary_closing(np.pad(chosen[cells], 1))[1:-1, 1:-1, 1:-1]
    return closed & accepted
