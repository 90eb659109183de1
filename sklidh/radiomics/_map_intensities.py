"""First-order features and NGTDM around every voxel."""

import numpy as np

from sklidh.radiomics._firstorder import _deviation_between, _moments
from sklidh.radiomics._neighbourhood import describe
from sklidh.utils import kernel

FIRSTORDER = (
    "Energy",
    "TotalEnergy",
    "RootMeanSquared",
    "Minimum",
    "10Percentile",
    "Median",
    "90Percentile",
    "Maximum",
    "Range",
    "InterquartileRange",
    "Mean",
    "MeanAbsoluteDeviation",
    "RobustMeanAbsoluteDeviation",
    "Variance",
    "StandardDeviation",
    "Skewness",
    "Kurtosis",
    "Entropy",
    "Uniformity",
)
NGTDM = ("Coarseness", "Contrast", "Busyness", "Complexity", "Strength")
"""The features, in the order of the columns."""
NEIGHBOUR_BITS = 44
ONE_NEIGHBOUR = 1 << NEIGHBOUR_BITS


@kernel(error_model="numpy")
def firstorder_map(image, intensities, voxels, around, voxel_volume, shift, out):
    """Write the first-order features of each voxel's neighbourhood; columns as in `FIRSTORDER`."""
    n_positions = around.offsets.size
    lookup = np.zeros(np.int64(image.max()) + 1, np.int32)
    rank, level_at = np.empty(n_positions, np.int64), np.empty(n_positions, np.int64)
    count, inside = np.empty(n_positions, np.int64), np.empty(n_positions)
    for v in range(voxels.size):
        n_levels = describe(image, voxels[v], around.offsets, lookup, rank, level_at, count)
        n = 0
        for k in range(n_positions):
            if rank[k] >= 0:
                inside[n] = intensities[voxels[v] + around.offsets[k]]
                n += 1
        values = np.sort(inside[:n])
        energy, mean, m2, m3, m4, deviation = _moments(values, shift)
        entropy = uniformity = 0.0
        for r in range(n_levels):
            p = count[r] / n
            entropy -= p * np.log2(p)
            uniformity += p * p
        low, high = _percentile(values, 10), _percentile(values, 90)
        out[v, 0] = energy
        out[v, 1] = energy * voxel_volume
        out[v, 2] = np.sqrt(energy / n)
        out[v, 3] = values[0]
        out[v, 4] = low
        out[v, 5] = _percentile(values, 50)
        out[v, 6] = high
        out[v, 7] = values[n - 1]
        out[v, 8] = values[n - 1] - values[0]
        out[v, 9] = _percentile(values, 75) - _percentile(values, 25)
        out[v, 10] = mean
        out[v, 11] = deviation
        out[v, 12] = _deviation_between(values, low, high)
        out[v, 13] = m2
        out[v, 14] = np.sqrt(m2)
        out[v, 15] = m3 / m2**1.5 if m2 > 0 else 0.0
        out[v, 16] = m4 / m2**2 if m2 > 0 else 0.0
        out[v, 17] = entropy
        out[v, 18] = uniformity


@kernel(error_model="numpy")
def _percentile(values, percent):
    """Return a percentile of sorted values, rounded as by `percentiles`."""
    place = (values.size - 1) * percent / 100
    below = int(place)
    t = place - below
    a, b = values[below], values[min(below + 1, values.size - 1)]
    return a + (b - a) * t if t < 0.5 else b - (b - a) * (1 - t)


@kernel(error_model="numpy")
def ngtdm_map(image, voxels, level, around, out):
    """Write the NGTDM features of each voxel's neighbourhood; columns as in `NGTDM`."""
    n_positions = around.offsets.size
    lookup = np.zeros(level.size + 1, np.int32)
    rank, level_at = np.empty(n_positions, np.int64), np.empty(n_positions, np.int64)
    count, i, p = np.empty(n_positions, np.int64), np.empty(n_positions), np.empty(n_positions)
    s, ps = np.empty(n_positions), np.empty(n_positions)
    value, number = np.empty(n_positions + 1, np.int64), np.empty(n_positions + 1, np.int64)
    for v in range(voxels.size):
        n_levels = describe(image, voxels[v], around.offsets, lookup, rank, level_at, count)
        n_voxels = 0
        for r in range(n_levels):
            i[r], s[r] = level[level_at[r]], 0.0
            n_voxels += count[r]
        # The number of neighbours is kept in the bits above the sum of their levels.
        for k in range(n_positions):
            value[k] = np.int64(i[rank[k]]) + ONE_NEIGHBOUR if rank[k] >= 0 else 0
            number[k] = 0
        for e in range(around.first.size):
            first, second = around.first[e], around.second[e]
            number[first] += value[second]
            number[second] += value[first]
        for k in range(n_positions):
            if rank[k] >= 0 and number[k] > 0:
                mean = (number[k] & (ONE_NEIGHBOUR - 1)) / (number[k] >> NEIGHBOUR_BITS)
                s[rank[k]] += abs(i[rank[k]] - mean)
        total = coarseness = 0.0
        for r in range(n_levels):
            p[r] = count[r] / n_voxels
            ps[r] = p[r] * s[r]
            total += s[r]
            coarseness += ps[r]
        contrast = complexity = strength = weighted = 0.0
        for r in range(n_levels):
            for q in range(r):
                apart = i[r] - i[q]
                both = p[r] + p[q]
                contrast += p[r] * p[q] * apart * apart
                strength += both * apart * apart
                complexity += abs(apart) * (ps[r] + ps[q]) / both
                weighted += abs(i[r] * p[r] - i[q] * p[q])
        out[v, 0] = 1 / coarseness if coarseness else 1e6
        out[v, 1] = 0.0
        if n_levels > 1:
            out[v, 1] = 2 * contrast / (n_levels * (n_levels - 1)) * total / n_voxels
        out[v, 2] = coarseness / (2 * weighted) if weighted else 0.0
        out[v, 3] = 2 * complexity / n_voxels
        out[v, 4] = 2 * strength / total if total else 0.0
