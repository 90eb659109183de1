"""Discretise intensities into grey levels, with the same bits as PyRadiomics."""

from dataclasses import dataclass

import numpy as np

from sklidh.utils import kernel

MOST_BINS = 10_000_000
MOST_LEVELS = np.iinfo(np.uint16).max
MOST_LEVELS_OF = {"glcm": 4096, "ngtdm": 4096, "MCC": 2048}
"""Maximum number of grey levels per matrix or feature, a cost of a few seconds per image."""


@dataclass(frozen=True)
class GreyLevels:
    """One image of the region after discretisation.

    Attributes
    ----------
    image : ndarray of uint16, shape of the padded box
        0 outside the region; inside it the *rank* of the voxel's grey level among the levels that
        occur, from 1. Using ranks keeps every table free of empty rows, however far apart the
        levels are.
    level_image : ndarray of int32, same shape
        The grey levels themselves, 0 outside the region.
    level : ndarray of float64, shape (n_ranks,)
        Grey level of rank 1, 2, ...; the lowest is 1.
    count : ndarray of int64, shape (n_ranks,)
        Voxels of each rank.
    """

    image: np.ndarray
    level_image: np.ndarray
    level: np.ndarray
    count: np.ndarray

    @property
    def highest(self):
        """The highest grey level, N_g in the formulas."""
        return self.level[-1]


def bin_edges(values, dtype, *, bin_width=25, bin_count=None):
    """Return the edges of the grey-level bins, placed like PyRadiomics' ``getBinEdges``.

    The bins are half open, ``bin_width`` wide and aligned on 0, so the same intensity falls into
    the same bin in every image; with `bin_count` they divide the region's own range instead.

    Parameters
    ----------
    values : ndarray of float64, shape (n_voxels,)
        Intensities of the region.
    dtype : numpy dtype
        The image's storage type: the lowest edge is computed in its precision.
    bin_width : float
        Width of a bin, in units of intensity.
    bin_count : int or None
        Number of bins; overrides the width.

    Returns
    -------
    ndarray of float64, shape (n_bins + 1,)
    """
    dtype = np.dtype(dtype)
    if bin_count is not None:
        check_n_bins(bin_count)
        as_stored = values if dtype.kind in "iu" else values.astype(dtype)
        edges = np.histogram_bin_edges(as_stored, bin_count)
        edges[-1] += 1  # the maximum belongs to the last bin
        return edges.astype(np.float64)
    # Python integers are used: in 8 bits, PyRadiomics' ``maximum + 2 * binWidth`` would overflow
    # under NumPy 2 and merge the brightest voxels.
    exact = int if dtype.kind in "iu" else dtype.type
    lowest, highest = exact(values.min()), exact(values.max())
    start = lowest - lowest % bin_width
    stop = highest + 2 * bin_width
    check_n_bins((float(stop) - float(start)) / bin_width, bin_width, (lowest, highest))
    edges = np.arange(start, stop, bin_width, dtype=None)
    if edges.size == 1:
        return np.array([edges[0] - 0.5, edges[0] + 0.5])
    return edges.astype(np.float64)


def check_n_bins(n_bins, bin_width=None, limits=None):
    """Refuse too many bins: a ``binCount``, or a width that divides the range `limits`."""
    if n_bins <= MOST_BINS:
        return
    if bin_width is None:
        raise ValueError(f"binCount={n_bins} is above the maximum of {MOST_BINS}")
    raise ValueError(
        f"binWidth={bin_width:g} divides intensities from {limits[0]} to {limits[1]} into more "
        f"than {MOST_BINS} grey levels; choose a wider binWidth, or a binCount"
    )


def check_levels(n_levels, values, most):
    """Refuse a region with too many grey levels to compute.

    Parameters
    ----------
    n_levels : int
    values : ndarray of float64, shape (n_voxels,)
        Intensities of the region.
    most : dict of str to int
        Maximum number of levels, by the matrix or feature it limits.
    """
    for what, limit in most.items():
        if n_levels > limit:
            width = np.ptp(values) / 64
            raise ValueError(
                f"the region has {n_levels} grey levels, but {what} is computed for at most "
                f"{limit}; choose a wider binWidth (binWidth={width:.3g} gives 64 levels for this "
                f"region's intensities, {values.min():g} to {values.max():g}), or a binCount"
                + ("" if what == "any feature" else f", or leave {what} out")
            )


def discretise(values, edges, roi, wanted=()):
    """Replace each voxel's intensity by the rank of its grey level.

    Parameters
    ----------
    values : ndarray of float64, shape (n_voxels,)
        Intensities of the region, in the order of ``roi.voxels``.
    edges : ndarray of float64, shape (n_bins + 1,)
        From `bin_edges`.
    roi : Roi
    wanted : collection of str
        Matrices and features to compute; see `MOST_LEVELS_OF`.

    Raises
    ------
    ValueError
        There are too many grey levels.
    """
    most = {what: limit for what, limit in MOST_LEVELS_OF.items() if what in wanted}
    most = {"any feature": MOST_LEVELS} | most
    level_of_voxel, count = _digitise(values, edges)
    occurring = np.flatnonzero(count)
    check_levels(occurring.size, values, most)
    rank = np.zeros(count.size, np.uint16)
    rank[occurring] = np.arange(1, occurring.size + 1)
    image, level_image = np.zeros(roi.shape, np.uint16), np.zeros(roi.shape, np.int32)
    _place(level_of_voxel, rank, roi.voxels, image.reshape(-1), level_image.reshape(-1))
    return GreyLevels(image, level_image, occurring.astype(np.float64), count[occurring])


@kernel
def _digitise(values, edges):
    """Return the grey level of every value (number of edges at or below it), and voxels per level.

    The edges are evenly spaced except for the last bit, so a multiplication finds the bin to within
    one, and comparing with the edges themselves makes it exact.
    """
    last = edges.size - 1
    inverse_width = last / (edges[last] - edges[0])
    levels = np.empty(values.size, np.int32)
    count = np.zeros(edges.size + 1, np.int64)
    for v in range(values.size):
        guess = min(max(int((values[v] - edges[0]) * inverse_width), 0), last)
        while guess < last and values[v] >= edges[guess + 1]:
            guess += 1
        while values[v] < edges[guess]:
            guess -= 1
        levels[v] = guess + 1
        count[guess + 1] += 1
    return levels, count


@kernel
def _place(level_of_voxel, rank, voxels, image, level_image):
    for v in range(np.uint64(voxels.size)):
        level = level_of_voxel[v]
        image[voxels[v]] = rank[level]
        level_image[voxels[v]] = level
