"""What GLRLM, GLSZM and GLDM share: tables that count grey levels by size, and their sums."""

from dataclasses import dataclass

import numpy as np

EPSILON = np.spacing(1.0)


@dataclass
class SizeTables:
    """Runs, zones or dependences, counted by grey level and size in one table or several.

    Attributes
    ----------
    table, level, size : ndarray of int64, shape (n_entries,)
        One entry for each pair of a grey level i and a size j that occurs in a table.
    count : ndarray of float64, shape (n_entries,)
        P(i, j).
    """

    table: np.ndarray
    level: np.ndarray
    size: np.ndarray
    count: np.ndarray

    @classmethod
    def from_dense(cls, counts, level):
        """Collect the entries of ``counts[table, rank, size]``; row 0 is the background."""
        table, rank, size = np.nonzero(counts[:, 1:, 1:])
        return cls(
            table, level[rank].astype(np.int64), size + 1, counts[table, rank + 1, size + 1] * 1.0
        )


def size_sums(tables):
    """Compute emphases, non-uniformities, variances and entropy, averaged over the tables.

    In the formulas P(i, j) is the number of runs (zones, dependences) of grey level i and size j,
    N the sum of P, and p = P / N.

    Parameters
    ----------
    tables : SizeTables

    Returns
    -------
    dict of str to float
        Each named after what it sums: ``small`` is the sum of p / j^2, ``small_low`` the sum of
        p / (i^2 j^2), ``large_high`` the sum of p i^2 j^2. NaN if there is no table.
    """
    if not tables.count.size:
        return dict.fromkeys(_SUMS, np.nan)
    _, table = np.unique(tables.table, return_inverse=True)
    i, j = tables.level.astype(np.float64), tables.size.astype(np.float64)

    def total(x):
        return np.bincount(table, x)

    n = total(tables.count)
    p = tables.count / n[table]
    low, high, small, large = 1 / i**2, i**2, 1 / j**2, j**2
    level_deviation = i - total(p * i)[table]
    size_deviation = j - total(p * j)[table]
    level_squares = _squared_margin(table, tables.level, tables.count)
    size_squares = _squared_margin(table, tables.size, tables.count)
    sums = {
        "small": total(p * small),
        "large": total(p * large),
        "low": total(p * low),
        "high": total(p * high),
        "small_low": total(p * small * low),
        "small_high": total(p * small * high),
        "large_low": total(p * large * low),
        "large_high": total(p * large * high),
        "level_non_uniformity": level_squares / n,
        "level_non_uniformity_normalized": level_squares / n**2,
        "size_non_uniformity": size_squares / n,
        "size_non_uniformity_normalized": size_squares / n**2,
        "level_variance": total(p * level_deviation**2),
        "size_variance": total(p * size_deviation**2),
        "entropy": total(-p * np.log2(p + EPSILON)),
        # Every voxel is in one run (zone) of each table, so that the sizes add up to the voxels.
        "percentage": n / total(tables.count * j),
    }
    return dict(zip(sums, np.array(list(sums.values())).mean(1), strict=True))


_SUMS = (
    "small large low high small_low small_high large_low large_high level_non_uniformity "
    "level_non_uniformity_normalized size_non_uniformity size_non_uniformity_normalized "
    "level_variance size_variance entropy percentage"
).split()


def _squared_margin(table, index, count):
    """Sum over `index` of the squared sum of the counts that share it, for each table."""
    width = index.max() + 1
    margin = np.bincount(table * width + index, count, minlength=(table.max() + 1) * width)
    return (margin.reshape(-1, width) ** 2).sum(1)
