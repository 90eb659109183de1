"""GLCM around every voxel.

A direction has few pairs of voxels in a neighbourhood, so that the features are sums over pairs,
not over the cells of a matrix: a cell that holds c pairs contributes c times.
"""

import numpy as np

from sklidh.radiomics._map_correlation import FEW_LEVELS, coefficient_of_pairs
from sklidh.radiomics._neighbourhood import describe
from sklidh.utils import kernel

GLCM = (
    "Autocorrelation",
    "JointAverage",
    "ClusterProminence",
    "ClusterShade",
    "ClusterTendency",
    "Contrast",
    "Correlation",
    "DifferenceAverage",
    "DifferenceEntropy",
    "DifferenceVariance",
    "JointEnergy",
    "JointEntropy",
    "Imc1",
    "Imc2",
    "Idm",
    "Idmn",
    "Id",
    "Idn",
    "InverseVariance",
    "MaximumProbability",
    "SumAverage",
    "SumEntropy",
    "SumSquares",
    "MCC",
)
"""The features, in the order of the columns."""
EPSILON = np.spacing(1.0)


@kernel(error_model="numpy")
def glcm_map(image, voxels, level, around, weights, symmetrical, mcc, out):
    """Write the GLCM features of each voxel's neighbourhood; columns as in `GLCM`.

    Without `weights` (an empty array) they are means over the directions with a pair. Returns
    whether an MCC could not be computed, because of weights so unequal that epsilon matters.
    """
    n_positions, n_levels = around.offsets.size, level.size
    lookup = np.zeros(n_levels + 1, np.int32)
    rank, level_at = np.empty(n_positions, np.int64), np.empty(n_positions, np.int64)
    count, value = np.empty(n_positions, np.int64), np.empty(n_positions, np.int64)
    n_pairs = around.first.size
    a, b, weight = np.empty(n_pairs, np.int64), np.empty(n_pairs, np.int64), np.ones(n_pairs)
    most = np.int64(level[-1])
    tables = (
        np.zeros((n_positions, n_positions)),
        np.zeros(n_positions),
        np.zeros(n_positions),
        np.zeros(2 * most + 1),
        np.zeros(most + 1),
    )
    logarithm = np.log2(np.maximum(np.arange(0 if weights.size else 2 * n_pairs + 1), 1))
    number, root = np.empty(n_positions, np.int64), np.empty(2 * n_positions, np.int64)
    counts, margins = np.empty((n_positions, n_positions)), np.empty((2, n_positions))
    squares = np.empty((3, FEW_LEVELS, FEW_LEVELS))
    failed = False
    for v in range(voxels.size):
        n = describe(image, voxels[v], around.offsets, lookup, rank, level_at, count)
        for r in range(n):
            value[r] = np.int64(level[level_at[r]])
        n_tables = found = 0
        n_directions = around.start.size - 1
        for d in range(n_directions):
            for e in range(around.start[d], around.start[d + 1]):
                a[found], b[found] = rank[around.first[e]], rank[around.second[e]]
                if weights.size:
                    weight[found] = weights[d]
                found += a[found] >= 0 and b[found] >= 0
            if found == 0 or (weights.size and d < n_directions - 1):
                continue
            n_tables += 1
            _add_pairs(
                a, b, weight, found, value, float(most), symmetrical, tables, logarithm, out, v
            )
            if mcc and n_levels > 1:
                coefficient = coefficient_of_pairs(
                    a, b, weight, found, n, symmetrical, number, root, counts, margins, squares
                )
                failed = failed or coefficient < 0
                out[v, 23] += coefficient
            found = 0
        for s in range(out.shape[1]):
            out[v, s] = out[v, s] / n_tables if n_tables else np.nan
        if n_levels == 1:  # by definition, even without pairs
            out[v, 23] = 1.0
    return failed


@kernel(error_model="numpy")
def _add_pairs(a, b, weight, n, value, most, symmetrical, tables, logarithm, out, v):
    """Add the features of one matrix, given by its n pairs of ranks, to row v of `out`.

    The tables hold zeros, and are left as they were. In a symmetrical matrix a pair of different
    levels counts half in each of two cells.
    """
    joint, px, py, p_sum, p_difference = tables
    total = i_sum = j_sum = k_sum = 0.0
    id_ = idm = idn = idmn = inverse_variance = 0.0
    one_x = one_y = True
    for e in range(n):
        w, i, j = weight[e], value[a[e]], value[b[e]]
        if symmetrical and a[e] > b[e]:
            a[e], b[e] = b[e], a[e]
        k = abs(i - j)
        total += w
        i_sum += w * i
        j_sum += w * j
        k_sum += w * k
        joint[a[e], b[e]] += w
        px[a[e]] += w
        if symmetrical:
            px[b[e]] += w
        else:
            py[b[e]] += w
        p_sum[i + j] += w
        p_difference[k] += w
        one_x = one_x and a[e] == a[0]
        one_y = one_y and b[e] == b[0]
        id_ += w / (1 + k)
        idm += w / (1 + k * k)
        idn += w / (1 + k / most)
        idmn += w / (1 + (k / most) ** 2)
        inverse_variance += w / (k * k) if k else 0.0
    over = 1 / total
    ux, uy, k_mean = i_sum * over, j_sum * over, k_sum * over
    if symmetrical:
        ux = uy = (ux + uy) / 2
    var_x = var_y = covariance = k_squares = k_variance = tendency = shade = prominence = 0.0
    energy = highest = different = 0.0
    hxy = hx = hy = h_sum = h_difference = 0.0
    for e in range(n):
        w, i, j = weight[e], value[a[e]], value[b[e]]
        x, y, k = i - ux, j - uy, abs(i - j)
        var_x += w * x * x
        var_y += w * y * y
        covariance += w * x * y
        square = (x + y) * (x + y)
        tendency += w * square
        shade += w * square * (x + y)
        prominence += w * square * square
        k_squares += w * k * k
        k_variance += w * (k - k_mean) ** 2
        c = joint[a[e], b[e]]
        halved = symmetrical and k > 0
        energy += w * c / 2 if halved else w * c
        highest = max(highest, c / 2 if halved else c)
        different += w if halved else 0.0
        hxy += w * _log2(c, logarithm)
        hx += w * _log2(px[a[e]], logarithm)
        hy += w * _log2(px[b[e]] if symmetrical else py[b[e]], logarithm)
        h_sum += w * _log2(p_sum[i + j], logarithm)
        h_difference += w * _log2(p_difference[k], logarithm)
    for e in range(n):
        i, j = value[a[e]], value[b[e]]
        joint[a[e], b[e]] = px[a[e]] = px[b[e]] = py[b[e]] = 0
        p_sum[i + j] = p_difference[abs(i - j)] = 0
    if symmetrical:
        var_x = var_y = (var_x + var_y) / 2
        hx = hy = (hx + hy) / 2 - total
        one_x = one_x and one_y and a[0] == b[0]
    all_log = np.log2(total)
    hxy, hx, hy = all_log + (different - hxy) * over, all_log - hx * over, all_log - hy * over
    covariance *= over
    deviations = np.sqrt(var_x * over) * np.sqrt(var_y * over)
    one_level = one_x or (one_y and not symmetrical)
    # HXY1 and HXY2 are both HX + HY; see `glcm_features`.
    information = hx + hy - hxy
    information = 0.0 if abs(information) < 1e-13 else information
    largest = max(hx, hy)
    out[v, 0] += covariance + ux * uy
    out[v, 1] += ux
    out[v, 2] += prominence * over
    out[v, 3] += shade * over
    out[v, 4] += tendency * over
    out[v, 5] += k_squares * over
    out[v, 6] += 1.0 if one_level else covariance / (deviations + EPSILON)
    out[v, 7] += k_mean
    out[v, 8] += all_log - h_difference * over
    out[v, 9] += k_variance * over
    out[v, 10] += energy * over * over
    out[v, 11] += hxy
    out[v, 12] += -information / largest if largest > 1e-13 else 0.0
    out[v, 13] += np.sqrt(1 - np.exp(-2 * information))
    out[v, 14] += idm * over
    out[v, 15] += idmn * over
    out[v, 16] += id_ * over
    out[v, 17] += idn * over
    out[v, 18] += inverse_variance * over
    out[v, 19] += highest * over
    out[v, 20] += (i_sum + j_sum) * over
    out[v, 21] += all_log - h_sum * over
    out[v, 22] += var_x * over


@kernel(error_model="numpy")
def _log2(c, logarithm):
    """Look the logarithm of a whole number up; weighted numbers have no table."""
    return logarithm[np.int64(c)] if logarithm.size else np.log2(c)
