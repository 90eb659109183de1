"""GLRLM: how long runs of one grey level are along a line (grey level run length matrix)."""

import numpy as np

from sklidh.radiomics._size_tables import SizeTables, size_sums
from sklidh.utils import kernel

# Number of tables used in turn, so that an increment need not wait for the previous one.
TURNS = 4


def glrlm_features(grey, roi, directions, *, weights=None):
    """Compute the 16 GLRLM features of PyRadiomics, each the mean over the directions.

    P(i, j) is the number of runs of grey level i and length j: consecutive voxels of the same level
    along a direction. A direction is skipped if no line along it has two voxels of the region (a
    region of one slice has no direction out of the slice).

    Parameters
    ----------
    grey : GreyLevels
    roi : Roi
    directions : ndarray of int, shape (n_directions, 3)
        From `half_directions`, distance 1.
    weights : ndarray of float, shape (n_directions,), or None
        Weight of each direction's matrix (``weightingNorm``); the matrices are then summed first.
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


def run_lengths(grey, roi, directions, *, single_voxels=False):
    """Return counts[d, rank, length] of runs.

    Directions without two voxels on a line have no runs unless `single_voxels` includes them.
    """
    places = _count_places(
        grey.image.reshape(-1),
        roi.segments,
        roi.joined_segments,
        roi.offsets(directions),
        grey.level.size,
        max(roi.inside.shape),
    )
    if not single_voxels:
        places[~roi.has_lines(directions)] = 0
    # A run of j voxels has one voxel at each position from 1 to j.
    return places[..., :-1] - places[..., 1:]


@kernel
def _count_places(levels, segments, joined_segments, offsets, n_levels, longest):
    """Count voxels by their position within their run, direction by direction.

    A voxel's position is one more than the previous voxel's if their levels are equal. Background,
    at position 0 of rank 0, is counted too but never read, which avoids branches.
    """
    place = np.zeros(levels.size, np.uint16)
    counts = np.zeros((offsets.size, n_levels + 1, longest + 2), np.int32)
    tables = np.empty((TURNS, longest + 2, n_levels + 1), np.int32)
    farthest = 0
    for d in range(offsets.size):
        # Long segments vectorise, except along x, where each voxel needs the one just before it.
        along = joined_segments if offsets[d] > 1 else segments
        reached = np.uint16(0)
        for s in range(along.shape[0]):
            stop = along[s, 0] + along[s, 1]
            piece = offsets[d] if offsets[d] > 1 else along[s, 1]
            for start in range(along[s, 0], stop, piece):
                at, before = np.uint64(start), np.uint64(start - offsets[d])
                for v in range(np.uint64(min(piece, stop - start))):
                    level = levels[at + v]
                    goes_on = np.uint16(level == levels[before + v])
                    now = np.uint16(np.uint16(level > 0) + place[before + v] * goes_on)
                    place[at + v] = now
                    reached = max(reached, now)
        tables[:, : reached + 1] = 0
        for s in range(segments.shape[0]):
            # Unsigned: negative indices count from the end, and the test for them is slow.
            start = np.uint64(segments[s, 0])
            for v in range(np.uint64(segments[s, 1])):
                tables[v % np.uint64(TURNS), place[start + v], levels[start + v]] += 1
        for turn in range(TURNS):
            for j in range(reached + 1):
                for rank in range(n_levels + 1):
                    counts[d, rank, j] += tables[turn, j, rank]
        farthest = max(farthest, reached)
    return counts[:, :, : farthest + 2]
