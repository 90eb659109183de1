"""GLRLM: how long the grey level stays the same along a line (grey level run length matrix)."""

import numpy as np

from sklidh.radiomics._kernels import kernel
from sklidh.radiomics._size_tables import SizeTables, size_sums

# Tables counted into in turns: the next voxel need not wait for the same cell's last increment.
TURNS = 4


def glrlm_features(grey, roi, directions, *, weights=None):
    """Compute the 16 GLRLM features of PyRadiomics, each the mean over the directions.

    P(i, j) is the number of runs of grey level i that are j voxels long: consecutive voxels of one
    grey level along a direction. A direction along which no line holds two voxels of the region
    does not count (a region of one slice has no direction out of it).

    Parameters
    ----------
    grey : GreyLevels
    roi : Roi
    directions : ndarray of int, shape (n_directions, 3)
        From `half_directions`, distance 1.
    weights : ndarray of float, shape (n_directions,), or None
        Weight of each direction's matrix (``weightingNorm``): the matrices are summed first.

    Returns
    -------
    dict of str to float
    """
    counts = run_lengths(grey, roi, directions)
    if weights is not None:
        counts = np.tensordot(weights, counts, 1)[None]
    s = size_sums(SizeTables.from_dense(counts, grey.level))
    return {
        "ShortRunEmphasis": s["small"],
        "LongRunEmphasis": s["large"],
        "LowGrayLevelRunEmphasis": s["low"],
        "HighGrayLevelRunEmphasis": s["high"],
        "ShortRunLowGrayLevelEmphasis": s["small_low"],
        "ShortRunHighGrayLevelEmphasis": s["small_high"],
        "LongRunLowGrayLevelEmphasis": s["large_low"],
        "LongRunHighGrayLevelEmphasis": s["large_high"],
        "GrayLevelNonUniformity": s["level_non_uniformity"],
        "GrayLevelNonUniformityNormalized": s["level_non_uniformity_normalized"],
        "RunLengthNonUniformity": s["size_non_uniformity"],
        "RunLengthNonUniformityNormalized": s["size_non_uniformity_normalized"],
        "GrayLevelVariance": s["level_variance"],
        "RunVariance": s["size_variance"],
        "RunEntropy": s["entropy"],
        "RunPercentage": s["percentage"],
    }


def run_lengths(grey, roi, directions):
    """Count runs: counts[d, rank, length]; nothing where no line along d holds two voxels."""
    counts = _count_runs(grey.image, roi.spans, directions, grey.level.size, max(roi.inside.shape))
    counts[~roi.has_lines(directions)] = 0
    return counts


@kernel
def _count_runs(image, spans, directions, n_levels, longest):
    """Count the runs that end at each voxel, one direction after the other, row by row.

    A run's length at a voxel is one more than at the voxel before, where the levels are equal. It
    counts where it ends; a voxel that ends no run is counted under length 0, and background under
    rank 0, which nobody reads: so the counting has no branch.
    """
    levels, area, n_columns = image.reshape(-1), image.shape[1] * image.shape[2], image.shape[2]
    length = np.zeros(image.size, np.uint16)
    ending = np.empty(n_columns, np.uint16)
    counts = np.zeros((directions.shape[0], n_levels + 1, longest + 1), np.int32)
    tables = np.empty((TURNS, n_levels + 1, longest + 1), np.int32)
    for d in range(directions.shape[0]):
        offset = directions[d, 0] * area + directions[d, 1] * n_columns + directions[d, 2]
        tables[:] = 0
        for s in range(spans.shape[0]):
            # Unsigned: a signed index may count from the end, and testing for that is slow.
            at, n = np.uint64(spans[s, 0]), np.uint64(spans[s, 1])
            before, after = at - np.uint64(offset), at + np.uint64(offset)
            # Products with 0 or 1 instead of branches, so that the loop is vector code.
            for v in range(n):
                level = levels[at + v]
                goes_on = np.uint16(level == levels[before + v])
                now = np.uint16(1) + length[before + v] * goes_on
                length[at + v] = now
                ending[v] = now * np.uint16(level != levels[after + v])
            for v in range(n):
                tables[v % np.uint64(TURNS), levels[at + v], ending[v]] += 1
        for turn in range(TURNS):
            counts[d] += tables[turn]
    return counts
