"""NGTDM: distance of voxels from their neighbours' mean (neighbouring grey tone difference)."""

import numpy as np

from sklidh.utils import kernel


def ngtdm_features(grey, roi, directions):
    """Compute the 5 NGTDM features of PyRadiomics.

    s(i) is the sum, over the voxels of grey level i, of the distance between i and the mean grey
    level of their neighbours in the region; n(i) is their number, and p(i) = n(i) / N.

    Parameters
    ----------
    grey : GreyLevels
    roi : Roi
    directions : ndarray of int, shape (n_directions, 3)
        From `half_directions`; neighbours on both sides are counted.
    """
    offsets = np.concatenate([roi.offsets(directions), -roi.offsets(directions)])
    # 32 bits hold the sum of the neighbours' levels except with very many levels or neighbours.
    wide = grey.highest * len(offsets) > np.iinfo(np.int32).max
    levels = grey.level_image.astype(np.int64) if wide else grey.level_image
    s = _distance_from_mean(
        grey.image.reshape(-1),
        levels.reshape(-1),
        roi.segments,
        offsets,
        roi.n_neighbours(directions),
        grey.level.size,
    )
    i, p, n_levels = grey.level, grey.count / roi.n_voxels, grey.level.size
    s_total, ps = s.sum(), p * s
    coarseness = ps.sum()
    # Sums over pairs of levels, as sums over levels without negative terms:
    # of p(i) p(j) (i - j)^2, twice the variance; of (p(i) + p(j)) (i - j)^2; of |i p(i) - j p(j)|.
    variance = p @ (i - p @ i) ** 2
    contrast = 0.0
    if n_levels > 1:
        contrast = 2 * variance / (n_levels * (n_levels - 1)) * s_total / roi.n_voxels
    middle = i.mean()
    spread = 2 * (n_levels * (p @ (i - middle) ** 2) + ((i - middle) ** 2).sum())
    below = np.arange(1, n_levels)
    weighted = 2 * np.diff(np.sort(i * p)) @ (below * (n_levels - below))
    return {
        # 10^6 stands for infinity, if no voxel differs from its neighbours.
        "Coarseness": 1 / coarseness if coarseness else 1e6,
        "Contrast": contrast,
        "Busyness": coarseness / weighted if weighted else 0.0,
        "Complexity": _complexity(i, p, ps) / roi.n_voxels,
        "Strength": spread / s_total if s_total else 0.0,
    }


@kernel(fastmath={"reassoc"})
def _complexity(i, p, ps):
    """Sum |i - j| (p(i) s(i) + p(j) s(j)) / (p(i) + p(j)) over all pairs of levels."""
    total = 0.0
    for a in range(i.size):
        for b in range(a):
            total += (i[a] - i[b]) * (ps[a] + ps[b]) / (p[a] + p[b])
    return 2 * total


@kernel
def _distance_from_mean(image, levels, segments, offsets, n_neighbours, n_levels):
    """Sum s(i), each rank's distances from the neighbours' mean; 0 without neighbours."""
    s_of = np.zeros(n_levels + 1)  # rank 0, the background, is not read
    total = np.empty(image.size, levels.dtype)
    done = 0
    for s in range(segments.shape[0]):
        start, n = np.uint64(segments[s, 0]), np.uint64(segments[s, 1])
        for v in range(n):
            total[v] = 0
        for d in range(offsets.size):
            neighbour = np.uint64(segments[s, 0] + offsets[d])
            for v in range(n):
                total[v] += levels[neighbour + v]
        for v in range(n):
            number = n_neighbours[np.uint64(done) + v]
            mean = total[v] / max(number, 1)
            s_of[image[start + v]] += abs(levels[start + v] - mean) * (number > 0)
        done += segments[s, 1]
    return s_of[1:]
