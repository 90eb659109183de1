"""GLDM: how many neighbours have a similar grey level (grey level dependence matrix)."""

import numpy as np

from sklidh.radiomics._size_tables import SizeTables, size_sums
from sklidh.utils import kernel


def gldm_features(grey, roi, directions, *, alpha=0):
    """Compute the 14 GLDM features of PyRadiomics (IBSI's neighbouring grey level dependence).

    P(i, j) is the number of voxels of grey level i with j - 1 dependent neighbours, that is,
    neighbours in the region whose grey level differs by at most `alpha`.

    Parameters
    ----------
    grey : GreyLevels
    roi : Roi
    directions : ndarray of int, shape (n_directions, 3)
        From `half_directions`; neighbours on both sides are counted.
    alpha : int
        Maximum difference of dependent grey levels (``gldm_a``).
    """
    s = size_sums(SizeTables.from_dense(dependences(grey, roi, directions, alpha), grey.level))
    return {
        "SmallDependenceEmphasis": s["small"],
        "LargeDependenceEmphasis": s["large"],
        "LowGrayLevelEmphasis": s["low"],
        "HighGrayLevelEmphasis": s["high"],
        "SmallDependenceLowGrayLevelEmphasis": s["small_low"],
        "SmallDependenceHighGrayLevelEmphasis": s["small_high"],
        "LargeDependenceLowGrayLevelEmphasis": s["large_low"],
        "LargeDependenceHighGrayLevelEmphasis": s["large_high"],
        "GrayLevelNonUniformity": s["level_non_uniformity"],
        "DependenceNonUniformity": s["size_non_uniformity"],
        "DependenceNonUniformityNormalized": s["size_non_uniformity_normalized"],
        "GrayLevelVariance": s["level_variance"],
        "DependenceVariance": s["size_variance"],
        "DependenceEntropy": s["entropy"],
    }


def dependences(grey, roi, directions, alpha=0):
    """Return counts[0, rank, 1 + number of dependent neighbours] of voxels."""
    offsets = roi.offsets(directions)
    offsets = np.concatenate([offsets, -offsets])
    # _count_equal stores a voxel's number of dependent neighbours in 16 bits.
    if alpha == 0 and len(offsets) < np.iinfo(np.uint16).max:
        return _count_equal(grey.image.reshape(-1), roi.segments, offsets, grey.level.size)
    levels = grey.level_image.reshape(-1)
    return _count_similar(
        grey.image.reshape(-1), levels, roi.segments, offsets, grey.level.size, alpha
    )


@kernel
def _count_equal(image, segments, offsets, n_levels):
    """Count dependences for alpha 0: equal ranks, which background never has."""
    counts = np.zeros((1, n_levels + 1, offsets.size + 2), np.int64)
    dependent = np.empty(image.size, np.uint16)
    for s in range(segments.shape[0]):
        start, n = np.uint64(segments[s, 0]), np.uint64(segments[s, 1])
        for v in range(n):
            dependent[v] = 1
        for d in range(offsets.size):
            neighbour = np.uint64(segments[s, 0] + offsets[d])
            for v in range(n):
                dependent[v] += np.uint16(image[start + v] == image[neighbour + v])
        for v in range(n):
            rank = image[start + v]
            if rank > 0:
                counts[0, rank, dependent[v]] += 1
    return counts


@kernel
def _count_similar(image, levels, segments, offsets, n_levels, alpha):
    """Count dependences for any alpha, using grey levels instead of ranks."""
    counts = np.zeros((1, n_levels + 1, offsets.size + 2), np.int64)
    for s in range(segments.shape[0]):
        for at in range(segments[s, 0], segments[s, 0] + segments[s, 1]):
            if image[at] == 0:
                continue
            dependent = 1
            for d in range(offsets.size):
                neighbour = at + offsets[d]
                if image[neighbour] > 0 and abs(levels[neighbour] - levels[at]) <= alpha:
                    dependent += 1
            counts[0, image[at], dependent] += 1
    return counts
