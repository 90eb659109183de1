"""NGTDM: how far a voxel is from the mean around it (neighbouring grey tone difference matrix)."""

import numpy as np

from sklidh.utils import kernel


def ngtdm_features(grey, roi, directions):
    """Compute the 5 NGTDM features of PyRadiomics.

    s(i) is the sum, over the voxels of grey level i, of the distance between i and the mean grey
    level of their neighbours in the region; n(i) the number of these voxels, p(i) = n(i) / N.

    Parameters
    ----------
    grey : GreyLevels
    roi : Roi
    directions : ndarray of int, shape (n_directions, 3)
        From `half_directions`; each is looked along both ways.

    Returns
    -------
    dict of str to float
    """
    offsets = np.concatenate([roi.offsets(directions), -roi.offsets(directions)])
    # 32 bits hold the sum of the neighbours' levels but for very many levels or neighbours.
    wide = grey.highest * len(offsets) > np.iinfo(np.int32).max
    levels = grey.level_image.astype(np.int64) if wide else grey.level_image
    s = _distance_from_mean(
        grey.image.reshape(-1),
        levels.reshape(-1),
        roi.spans,
        offsets,
        roi.n_neighbours(directions),
        grey.level.size,
    )
    i, p, n_levels = grey.level, grey.count / roi.n_voxels, grey.level.size
    s_total, ps = s.sum(), p * s
    difference = i[:, None] - i
    p_pair = p[:, None] + p
    coarseness = ps.sum()
    contrast = 0.0
    if n_levels > 1:
        spread = (p[:, None] * p * difference**2).sum() / (n_levels * (n_levels - 1))
        contrast = spread * s_total / roi.n_voxels
    weighted = np.abs((i * p)[:, None] - i * p).sum()
    return {
        # 10^6 stands for infinity, where nothing differs from its neighbours.
        "Coarseness": 1 / coarseness if coarseness else 1e6,
        "Contrast": contrast,
        "Busyness": coarseness / weighted if weighted else 0.0,
        "Complexity": (np.abs(difference) * (ps[:, None] + ps) / p_pair).sum() / roi.n_voxels,
        "Strength": (p_pair * difference**2).sum() / s_total if s_total else 0.0,
    }


@kernel
def _distance_from_mean(image, levels, spans, offsets, n_neighbours, n_levels):
    """Sum s(i) of each rank's distances from the mean of the neighbours; 0 without neighbours."""
    s_of = np.zeros(n_levels + 1)  # rank 0, the background, is not read
    total = np.empty(image.size, levels.dtype)
    done = 0
    for s in range(spans.shape[0]):
        start, n = np.uint64(spans[s, 0]), np.uint64(spans[s, 1])
        for v in range(n):
            total[v] = 0
        for d in range(offsets.size):
            neighbour = np.uint64(spans[s, 0] + offsets[d])
            for v in range(n):
                total[v] += levels[neighbour + v]
        for v in range(n):
            number = n_neighbours[np.uint64(done) + v]
            mean = total[v] / max(number, 1)
            s_of[image[start + v]] += abs(levels[start + v] - mean) * (number > 0)
        done += spans[s, 1]
    return s_of[1:]
