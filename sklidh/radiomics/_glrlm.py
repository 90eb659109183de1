"""GLRLM: how long the grey level stays the same along a line (grey level run length matrix)."""

import numpy as np

from sklidh.radiomics._kernels import kernel
from sklidh.radiomics._size_tables import SizeTables, size_sums


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
    """Count the runs that end at each voxel, row by row, all directions in one walk.

    A run's length at a voxel is one more than at the voxel before, where the levels are equal. Only
    the rows of this slice and of the one before are remembered. A run counts where it ends; a voxel
    that ends none is counted under length 0, and background under rank 0, which nobody reads: so
    the counting has no branch.
    """
    n_directions = directions.shape[0]
    n_rows, n_columns = image.shape[1], image.shape[2]
    length = np.zeros((2, n_directions, n_rows, n_columns), np.uint16)
    ending = np.zeros((n_directions, n_columns), np.uint16)
    counts = np.zeros((n_directions, n_levels + 1, longest + 1), np.int32)
    for s in range(spans.shape[0]):
        z, rest = divmod(spans[s, 0], n_rows * n_columns)
        y, x = divmod(rest, n_columns)
        n = spans[s, 1]
        here = image[z, y, x : x + n]
        for d in range(n_directions):
            dz, dy, dx = directions[d, 0], directions[d, 1], directions[d, 2]
            before = image[z - dz, y - dy, x - dx : x - dx + n]
            after = image[z + dz, y + dy, x + dx : x + dx + n]
            length_before = length[(z - dz) % 2, d, y - dy, x - dx : x - dx + n]
            length_here = length[z % 2, d, y, x : x + n]
            ends = ending[d, :n]
            # Products with 0 or 1 instead of branches, so that both loops are vector code.
            for v in range(n):
                length_here[v] = np.uint16(1) + length_before[v] * np.uint16(here[v] == before[v])
            for v in range(n):
                ends[v] = length_here[v] * np.uint16(here[v] != after[v])
        for v in range(n):
            for d in range(n_directions):
                counts[d, here[v], ending[d, v]] += 1
    return counts
