"""Shared by GLRLM, GLSZM and GLDM: tables that count grey levels by size, and their sums."""

from dataclasses import dataclass

import numpy as np

from sklidh.utils import kernel

EPSILON = np.spacing(1.0)

SUMS = (
    "small large low high small_low small_high large_low large_high level_non_uniformity "
    "level_non_uniformity_normalized size_non_uniformity size_non_uniformity_normalized "
    "level_variance size_variance entropy percentage"
).split()


@dataclass
class SizeTables:
    """Runs, zones or dependences, counted by grey level and size in one or more tables.

    Attributes
    ----------
    table, rank, size : ndarray of int64, shape (n_entries,)
        One entry per pair, in a table, of a grey level (given by its rank from 0) and a size j that
        occurs.
    count : ndarray of float64, shape (n_entries,)
        P(i, j).
    level : ndarray of float64, shape (n_levels,)
        Grey level i of each rank.
    """

    table: np.ndarray
    rank: np.ndarray
    size: np.ndarray
    count: np.ndarray
    level: np.ndarray

    @classmethod
    def from_dense(cls, counts, level):
        """Collect the entries of ``counts[table, rank, size]``; row 0 is the background."""
        table, rank, size = np.nonzero(counts[:, 1:, 1:])
        return cls(table, rank, size + 1, counts[table, rank + 1, size + 1] * 1.0, level)


def size_sums(tables):
    """Compute emphases, non-uniformities, variances and entropy, averaged over the tables.

    In the formulas P(i, j) is the number of runs (zones, dependences) of grey level i and size j,
    N the sum of P, and p = P / N.

    Returns
    -------
    dict of str to float
        Each is named after its terms: ``small`` is the sum of p / j^2, ``small_low`` the sum of
        p / (i^2 j^2), ``large_high`` the sum of p i^2 j^2. NaN if there is no table.
    """
    if not tables.count.size:
        return dict.fromkeys(SUMS, np.nan)
    sums = _sums(tables.table, tables.rank, tables.size, tables.count, tables.level)
    return dict(zip(SUMS, sums.mean(0), strict=True))


@kernel
def _sums(table, rank, size, count, level):
    """Return the sums in the order of `SUMS`, one row per table that has an entry."""
    n_tables, n_entries = table.max() + 1, table.size
    by_level = np.zeros((n_tables, level.size))
    by_size = np.zeros((n_tables, size.max() + 1))
    for e in range(n_entries):
        by_level[table[e], rank[e]] += count[e]
        by_size[table[e], size[e]] += count[e]
    sums = np.zeros((n_tables, 16))
    mean_level, mean_size, n = np.zeros(n_tables), np.zeros(n_tables), np.zeros(n_tables)
    for t in range(n_tables):
        level_squares = size_squares = n_voxels = 0.0
        for r in range(level.size):
            n[t] += by_level[t, r]
            mean_level[t] += by_level[t, r] * level[r]
            level_squares += by_level[t, r] ** 2
        for j in range(by_size.shape[1]):
            n_voxels += by_size[t, j] * j
            size_squares += by_size[t, j] ** 2
        if n[t] == 0:
            continue
        mean_level[t] /= n[t]
        mean_size[t] = n_voxels / n[t]
        sums[t, 8], sums[t, 9] = level_squares / n[t], level_squares / n[t] ** 2
        sums[t, 10], sums[t, 11] = size_squares / n[t], size_squares / n[t] ** 2
        # Every voxel is in exactly one run (zone) per table, so the sizes sum to the voxel count.
        sums[t, 15] = n[t] / n_voxels
    for e in range(n_entries):
        t, p = table[e], count[e] / n[table[e]]
        i, j = level[rank[e]], float(size[e])
        high, large = i * i, j * j
        sums[t, 0] += p / large
        sums[t, 1] += p * large
        sums[t, 2] += p / high
        sums[t, 3] += p * high
        sums[t, 4] += p / large / high
        sums[t, 5] += p / large * high
        sums[t, 6] += p * large / high
        sums[t, 7] += p * large * high
        sums[t, 12] += p * (i - mean_level[t]) ** 2
        sums[t, 13] += p * (j - mean_size[t]) ** 2
        sums[t, 14] -= p * np.log2(p + EPSILON)
    return sums[n > 0]
