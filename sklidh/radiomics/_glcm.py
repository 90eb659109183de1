"""GLCM: how often grey levels lie next to each other (grey level co-occurrence matrix)."""

from dataclasses import dataclass

import numpy as np

from sklidh.radiomics._maximal_correlation import list_pairs, margins, maximal_correlation
from sklidh.utils import kernel

EPSILON = np.spacing(1.0)
# Memory for co-occurrence tables; if more is needed, the directions are counted in batches.
TABLE_BYTES = 64 * 2**20


@dataclass
class CoOccurrence:
    """What the features need from the matrices p(i, j), one per direction that has a pair.

    Attributes
    ----------
    i : ndarray, shape (n_levels,)
        Grey levels that occur.
    n_grey : float
        N_g, the highest of them.
    k_sum : ndarray, shape (n_sums,)
        Possible values k of i + j.
    k_difference : ndarray, shape (n_differences,)
        Possible values k of abs(i - j).
    px, py : ndarray, shape (n_directions, n_levels)
        Row and column sums of p.
    p_sum : ndarray, shape (n_directions, n_sums)
        p_{x+y}(k): probability that i + j = k.
    p_difference : ndarray, shape (n_directions, n_differences)
        p_{x-y}(k): probability that abs(i - j) = k.
    energy, entropy, maximum : ndarray, shape (n_directions,)
        Sum of p^2, -sum of p log2 p, largest p.
    mcc : ndarray, shape (n_directions,), or None
        Maximal correlation coefficient, if requested.
    """

    i: np.ndarray
    n_grey: float
    k_sum: np.ndarray
    k_difference: np.ndarray
    px: np.ndarray
    py: np.ndarray
    p_sum: np.ndarray
    p_difference: np.ndarray
    energy: np.ndarray
    entropy: np.ndarray
    maximum: np.ndarray
    mcc: np.ndarray | None


def glcm_features(grey, roi, directions, *, symmetrical=True, weights=None, mcc=True):
    """Compute the 24 GLCM features of PyRadiomics 3.0.1.

    Each feature is the mean over the directions that have a pair of voxels (IBSI: averaged over 3-D
    directions without merging); with `weights` the matrices are summed first.

    Parameters
    ----------
    grey : GreyLevels
    roi : Roi
    directions : ndarray of int, shape (n_directions, 3)
        From `half_directions`.
    symmetrical : bool
        Whether to count each pair in both orders.
    weights : ndarray of float, shape (n_directions,), or None
        Weight of each direction's matrix (``weightingNorm``).
    mcc : bool
        Whether to compute MCC: its eigenvalues cost more than all other features together.

    Returns
    -------
    dict of str to float
        NaN if the region has no pair of neighbours (except MCC for a single grey level).
    """
    p = co_occurrence(grey, roi, directions, symmetrical=symmetrical, weights=weights, mcc=mcc)
    i, n_grey, k_sum, k = p.i, p.n_grey, p.k_sum, p.k_difference
    ux = (p.px * i).sum(1)
    uy = (p.py * i).sum(1)
    var_x = (p.px * (i - ux[:, None]) ** 2).sum(1)
    var_y = (p.py * (i - uy[:, None]) ** 2).sum(1)
    # i + j is kept in p_{x+y}, so moments of i + j do not need the matrix again.
    from_mean = k_sum - (ux + uy)[:, None]
    cluster_tendency = (p.p_sum * from_mean**2).sum(1)
    contrast = (p.p_difference * k**2).sum(1)
    # var(i + j) - var(i - j) = 4 cov(i, j). Both are sums of squares, without cancellation.
    covariance = (cluster_tendency - contrast + (ux - uy) ** 2) / 4
    # Where i or j has one level, Correlation is 1 by convention. Levels are counted because the
    # deviation of a single level may be a rounding error instead of 0.
    one_level = np.minimum((p.px > 0).sum(1), (p.py > 0).sum(1)) == 1
    correlation = covariance / (np.sqrt(var_x) * np.sqrt(var_y) + EPSILON)
    correlation = np.where(one_level, 1.0, correlation)
    difference_average = (p.p_difference * k).sum(1)

    hx, hy = _entropy(p.px), _entropy(p.py)
    # HXY1 = -sum p log2(px py) and HXY2 = -sum px py log2(px py) are both HX + HY, since px and py
    # are p's own margins.
    information = hx + hy - p.entropy
    largest = np.maximum(hx, hy)
    # A single grey level, or no shared one: PyRadiomics tests HXY2 and HXY for equality.
    information = np.where(np.abs(information) < 1e-13, 0.0, information)
    with np.errstate(invalid="ignore", divide="ignore"):
        imc1 = np.where(largest > 1e-15, -information / largest, 0.0)
        imc2 = np.sqrt(1 - np.exp(-2 * information))

    features = {
        "Autocorrelation": covariance + ux * uy,
        "JointAverage": ux,
        "ClusterProminence": (p.p_sum * from_mean**4).sum(1),
        "ClusterShade": (p.p_sum * from_mean**3).sum(1),
        "ClusterTendency": cluster_tendency,
        "Contrast": contrast,
        "Correlation": correlation,
        "DifferenceAverage": difference_average,
        "DifferenceEntropy": _entropy(p.p_difference),
        "DifferenceVariance": (p.p_difference * (k - difference_average[:, None]) ** 2).sum(1),
        "JointEnergy": p.energy,
        "JointEntropy": p.entropy,
        "Imc1": imc1,
        "Imc2": imc2,
        "Idm": (p.p_difference / (1 + k**2)).sum(1),
        "Idmn": (p.p_difference / (1 + k**2 / n_grey**2)).sum(1),
        "Id": (p.p_difference / (1 + k)).sum(1),
        "Idn": (p.p_difference / (1 + k / n_grey)).sum(1),
        # The first difference is always 0.
        "InverseVariance": (p.p_difference[:, 1:] / k[1:] ** 2).sum(1),
        "MaximumProbability": p.maximum,
        "SumAverage": (p.p_sum * k_sum).sum(1),
        "SumEntropy": _entropy(p.p_sum),
        "SumSquares": var_x,
    }
    # Imc2 is NaN where rounding makes its information negative: PyRadiomics skips that direction.
    table = np.array(list(features.values()))
    defined = ~np.isnan(table)
    n_defined = defined.sum(1)
    means = np.where(defined, table, 0.0).sum(1) / np.where(n_defined > 0, n_defined, np.nan)
    values = dict(zip(features, means, strict=True))
    if p.mcc is not None:
        # With one grey level, MCC is 1 by definition, even without pairs.
        values["MCC"] = (p.mcc.mean() if p.mcc.size else np.nan) if i.size > 1 else 1.0
    return values


def _entropy(p):
    return -(p * np.log2(p + EPSILON)).sum(1)


def co_occurrence(grey, roi, directions, *, symmetrical=True, weights=None, mcc=False):
    """Count neighbouring pairs and reduce each direction's matrix to a `CoOccurrence`."""
    n = grey.level.size
    offsets = roi.offsets(directions)
    k_sum, sum_at = _distinct(grey.level[:, None] + grey.level)
    k_difference, difference_at = _distinct(np.abs(grey.level[:, None] - grey.level))
    values = grey.level, sum_at, k_sum.size, difference_at, k_difference.size
    at_once = max(1, TABLE_BYTES // (4 * (n + 1) ** 2))
    parts, coefficients = [], []
    weighted = np.zeros((1, n + 1, n + 1))
    for first in range(0, len(offsets), at_once):
        counts = _count_pairs(
            grey.image.reshape(-1), roi.segments, offsets[first : first + at_once], n
        )
        if weights is not None:
            weighted[0] += np.tensordot(weights[first : first + at_once], counts, 1)
            continue
        parts.append(_reduce(counts, *values, symmetrical))
        coefficients += _coefficients(counts, symmetrical) if mcc else []
    if weights is not None:
        parts.append(_reduce(weighted, *values, symmetrical))
        coefficients += _coefficients(weighted, symmetrical) if mcc else []
    n_pairs, *rest = (np.concatenate(part) for part in zip(*parts, strict=True))
    counted = n_pairs > 0
    found = np.array(coefficients)[counted] if mcc else None
    sums = (part[counted] for part in rest)
    return CoOccurrence(grey.level, grey.highest, k_sum, k_difference, *sums, found)


def _distinct(table):
    """Return the distinct values of an integer table, and each cell's index among them.

    If the largest value is small, all numbers up to it are returned; otherwise only values that
    occur, so that one bright voxel among dark ones does not cost memory.
    """
    if table.max() <= 4 * table.size:
        return np.arange(table.max() + 1), table.astype(np.int32)
    values, at = np.unique(table, return_inverse=True)
    return values, at.reshape(table.shape).astype(np.int32)


def _coefficients(counts, symmetrical):
    """Return the maximal correlation coefficient per direction, NaN where it has no pair."""
    tables = counts[:, 1:, 1:]
    return [maximal_correlation(t, symmetrical) if t.any() else np.nan for t in tables]


@kernel
def _count_pairs(image, segments, offsets, n_levels):
    """Return counts[d, i, j]: voxels of rank i whose neighbour in direction d has rank j.

    Rank 0 is the background: its row and column count the pairs that leave the region, which avoids
    a branch, and are never read. Directions form the innermost loop, so that consecutive increments
    go to different tables and need not wait for one another.
    """
    n_directions = offsets.size
    counts = np.zeros((n_directions, n_levels + 1, n_levels + 1), np.int32)
    # Unsigned: negative indices count from the end, and the test for them is slow.
    forwards = offsets.astype(np.uint64)
    for s in range(segments.shape[0]):
        for at in range(np.uint64(segments[s, 0]), np.uint64(segments[s, 0] + segments[s, 1])):
            for d in range(np.uint64(n_directions)):
                counts[d, image[at], image[at + forwards[d]]] += 1
    return counts


@kernel
def _reduce(counts, level, sum_at, n_sums, difference_at, n_differences, symmetrical):
    """Return margins and sums of each matrix, visiting only non-zero cells."""
    n_directions, n = counts.shape[0], level.size
    n_pairs = np.zeros(n_directions, np.int64)
    px, py = np.zeros((n_directions, n)), np.zeros((n_directions, n))
    p_sum = np.zeros((n_directions, n_sums))
    p_difference = np.zeros((n_directions, n_differences))
    energy, entropy = np.zeros(n_directions), np.zeros(n_directions)
    maximum = np.zeros(n_directions)
    for d in range(n_directions):
        start, column, upper, lower = list_pairs(counts[d, 1:, 1:], symmetrical)
        n_pairs[d] = column.size
        px[d], py[d] = margins(start, column, upper, lower)
        for i in range(n):
            for e in range(start[i], start[i + 1]):
                j, one, other = column[e], upper[e], lower[e]
                p_sum[d, sum_at[i, j]] += one + other
                p_difference[d, difference_at[i, j]] += one + other
                energy[d] += one * one + other * other
                maximum[d] = max(maximum[d], one, other)
                information = one * np.log2(one + EPSILON)
                entropy[d] -= information
                if other > 0:
                    same = other == one
                    entropy[d] -= information if same else other * np.log2(other + EPSILON)
    return n_pairs, px, py, p_sum, p_difference, energy, entropy, maximum
