"""First-order features: the distribution of the region's intensities, regardless of position."""

import math

import numpy as np

from sklidh.utils import kernel

EPSILON = np.spacing(1.0)
# Large enough that a percentile's cell has only a few hundred voxels of a large tumour, and small
# enough that all tables fit in the processor's nearest cache.
SELECTION_CELLS = 1024
# Number of tables used in turn for neighbouring voxels, so that increments do not wait.
TURNS = 4


def firstorder_features(values, grey_counts, voxel_volume, shift=0):
    """Describe the distribution of intensities.

    Parameters
    ----------
    values : ndarray of float64, shape (n_voxels,)
        Intensities of the region.
    grey_counts : ndarray of int64, shape (n_levels,)
        Voxels of each grey level that occurs, for Entropy and Uniformity.
    voxel_volume : float
        mm3.
    shift : float
        ``voxelArrayShift``, added to the intensities before they are squared (Energy, TotalEnergy,
        RootMeanSquared), to make negative intensities positive.

    Returns
    -------
    dict of str to float
        The 18 features of PyRadiomics and its deprecated StandardDeviation. IBSI's definitions
        differ only for Kurtosis (IBSI subtracts 3).
    """
    n = values.size
    energy, mean, m2, m3, m4, mean_deviation = _moments(values, float(shift))
    p10, p25, p50, p75, p90 = percentiles(values, (10, 25, 50, 75, 90))
    lowest, highest = values.min(), values.max()
    p = grey_counts / n
    return {
        "Energy": energy,
        "TotalEnergy": energy * voxel_volume,
        "RootMeanSquared": math.sqrt(energy / n),
        "Minimum": lowest,
        "10Percentile": p10,
        "Median": p50,
        "90Percentile": p90,
        "Maximum": highest,
        "Range": highest - lowest,
        "InterquartileRange": p75 - p25,
        "Mean": mean,
        "MeanAbsoluteDeviation": mean_deviation,
        "RobustMeanAbsoluteDeviation": _deviation_between(values, p10, p90),
        "Variance": m2,
        "StandardDeviation": math.sqrt(m2),
        "Skewness": m3 / m2**1.5 if m2 > 0 else 0.0,
        "Kurtosis": m4 / m2**2 if m2 > 0 else 0.0,
        "Entropy": -np.sum(p * np.log2(p + EPSILON)),
        "Uniformity": np.sum(p**2),
    }


def percentiles(values, percents):
    """Return percentiles, linearly interpolated like ``numpy.percentile``, without sorting."""
    places = [(values.size - 1) * percent / 100 for percent in percents]
    below = np.array([math.floor(place) for place in places])
    above = np.minimum(below + 1, values.size - 1)
    found = _order_statistics(values, np.column_stack([below, above]).ravel())
    result = []
    for place, a, b in zip(places, found[::2], found[1::2], strict=True):
        t = place - math.floor(place)
        # numpy interpolates from the nearer end; this gives the same rounding.
        result.append(a + (b - a) * t if t < 0.5 else b - (b - a) * (1 - t))
    return result


def _order_statistics(values, ranks):
    """Return the values that would be at `ranks` after sorting.

    Each rank falls into one cell of a histogram that preserves the order of intensities; only these
    few cells are sorted.
    """
    lowest, highest = values.min(), values.max()
    if lowest == highest:
        return np.full(ranks.size, lowest)
    scale = SELECTION_CELLS / (highest - lowest)
    if not 0 < scale < np.inf:  # too wide or too narrow for a double
        return np.sort(values)[ranks]
    size = _cell_sizes(values, lowest, scale)
    cell = np.searchsorted(np.cumsum(size), ranks, side="right")
    wanted = np.zeros(size.size, bool)
    wanted[cell] = True
    members = np.sort(_members(values, lowest, scale, wanted, size[wanted].sum()))
    # Convert to ranks among the members, excluding earlier cells that are not needed.
    return members[ranks - np.cumsum(np.where(wanted, 0, size))[cell]]


@kernel
def _cell_sizes(values, lowest, scale):
    size = np.zeros((TURNS, SELECTION_CELLS + 1), np.int64)
    for v in range(np.uint64(values.size)):
        size[v % np.uint64(TURNS), np.uint64((values[v] - lowest) * scale)] += 1
    return size.sum(0)


@kernel
def _members(values, lowest, scale, wanted, n):
    members = np.empty(n)
    found = 0
    for v in range(values.size):
        if wanted[np.uint64((values[v] - lowest) * scale)]:
            members[found] = values[v]
            found += 1
    return members


@kernel(fastmath={"reassoc", "nsz"})
def _moments(values, shift):
    """Return energy, mean, second to fourth central moments, and mean absolute deviation."""
    n = values.size
    energy = 0.0
    total = 0.0
    for v in range(n):
        total += values[v]
        energy += (values[v] + shift) * (values[v] + shift)
    mean = total / n
    m2 = m3 = m4 = deviation = 0.0
    for v in range(n):
        d = values[v] - mean
        d2 = d * d
        m2 += d2
        m3 += d2 * d
        m4 += d2 * d2
        deviation += abs(d)
    return energy, mean, m2 / n, m3 / n, m4 / n, deviation / n


@kernel(fastmath={"reassoc", "nsz"})
def _deviation_between(values, low, high):
    """Return the mean absolute deviation of the values from `low` to `high` from their own mean.

    NaN if there is no such value, as between the percentiles of two voxels.
    """
    # Weights of 0 and 1 avoid branches, which would be mispredicted every few voxels.
    total = 0.0
    n = 0.0
    for v in range(values.size):
        weight = np.float64((values[v] >= low) & (values[v] <= high))
        total += weight * values[v]
        n += weight
    if n == 0:
        return np.nan
    mean = total / n
    deviation = 0.0
    for v in range(values.size):
        weight = np.float64((values[v] >= low) & (values[v] <= high))
        deviation += weight * abs(values[v] - mean)
    return deviation / n
