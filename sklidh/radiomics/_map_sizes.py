"""GLSZM and GLDM around every voxel, and the sums that they share with GLRLM.

The voxels of a grey level are bits of 64-bit words: zones grow by the sets of their neighbours, and
dependent neighbours are counted by an instruction of the processor.
"""

import numpy as np

from sklidh.radiomics._bits import bit_count, lowest_bit
from sklidh.radiomics._neighbourhood import describe_as_sets
from sklidh.utils import kernel


def size_names(small, large, level, size, element):
    """Return the features' names in the order of the sums of `_size_tables.SUMS`."""
    return (
        f"{small}Emphasis",
        f"{large}Emphasis",
        f"LowGrayLevel{level}Emphasis",
        f"HighGrayLevel{level}Emphasis",
        f"{small}LowGrayLevelEmphasis",
        f"{small}HighGrayLevelEmphasis",
        f"{large}LowGrayLevelEmphasis",
        f"{large}HighGrayLevelEmphasis",
        "GrayLevelNonUniformity",
        "GrayLevelNonUniformityNormalized",
        f"{size}NonUniformity",
        f"{size}NonUniformityNormalized",
        "GrayLevelVariance",
        f"{element}Variance",
        f"{element}Entropy",
        f"{element}Percentage",
    )


GLRLM = size_names("ShortRun", "LongRun", "Run", "RunLength", "Run")
GLSZM = size_names("SmallArea", "LargeArea", "Zone", "SizeZone", "Zone")
GLDM = size_names("SmallDependence", "LargeDependence", "", "Dependence", "Dependence")

NOTHING = (0.0,) * 14
"""Sums over no grey level; see `with_level`."""


@kernel(error_model="numpy")
def tables_of(n_positions):
    """Return c log2(c), and 1 / j^2, for numbers up to n; 0 for 0."""
    information, narrow = np.zeros(n_positions + 1), np.zeros(n_positions + 1)
    for j in range(1, n_positions + 1):
        information[j] = j * np.log2(j)
        narrow[j] = 1 / (j * j)
    return information, narrow


@kernel(inline="always", error_model="numpy")
def with_level(sums, bright, dark, above, n, narrow, wide, size_sum, information):
    """Return the sums with the runs (zones, dependences) of one more grey level i.

    `n` is their number, `narrow`, `wide` and `size_sum` are the sums of 1 / j^2, j^2 and j over
    their sizes, and `information` that of c log2(c) over the numbers c of equal sizes. `bright` is
    i^2, `dark` 1 / i^2, and `above` the distance of i from any fixed level, which cancels out.
    """
    return (
        sums[0] + narrow,
        sums[1] + wide,
        sums[2] + n * dark,
        sums[3] + n * bright,
        sums[4] + narrow * dark,
        sums[5] + narrow * bright,
        sums[6] + wide * dark,
        sums[7] + wide * bright,
        sums[8] + n * n,
        sums[9] + n * above,
        sums[10] + n * above * above,
        sums[11] + size_sum,
        sums[12] + information,
        sums[13] + n,
    )


@kernel(inline="always", error_model="numpy")
def finish(sums, by_size, longest, out, v):
    """Add the features to row v of `out`, in the order of `SUMS`; empty `by_size`."""
    same_size = 0
    for j in range(1, longest + 1):
        same_size += by_size[j] * by_size[j]
        by_size[j] = 0
    emphases = sums[:8]
    same_level, level_sum, level_squares, size_sum, information, n = sums[8:]
    over = 1 / n
    for s in range(8):
        out[v, s] += emphases[s] * over
    out[v, 8] += same_level * over
    out[v, 9] += same_level * over * over
    out[v, 10] += same_size * over
    out[v, 11] += same_size * over * over
    out[v, 12] += (n * level_squares - level_sum**2) * over * over
    out[v, 13] += (n * emphases[1] - size_sum**2) * over * over
    out[v, 14] += np.log2(n) - information * over
    out[v, 15] += n / size_sum


@kernel(inline="always", error_model="numpy")
def _with_sizes(sums, bright, dark, above, sizes, n, by_size, alike, tables):
    """Return the sums with one more grey level's n zones or dependences; `alike` holds zeros."""
    information, narrow_of = tables
    narrow = logarithms = 0.0
    wide = total = 0
    for e in range(n):
        j = sizes[e]
        narrow += narrow_of[j]
        wide += j * j
        total += j
        alike[j] += 1
        by_size[j] += 1
    for e in range(n):
        logarithms += information[alike[sizes[e]]]
        alike[sizes[e]] = 0
    return with_level(sums, bright, dark, above, n, narrow, wide, total, logarithms)


@kernel(error_model="numpy")
def glszm_map(image, voxels, level, around, out):
    """Write the GLSZM features of each voxel's neighbourhood; columns as in `GLSZM`."""
    n_positions, n_words = around.offsets.size, len(around.words)
    sets, found = (
        np.zeros((level.size + 1, n_words), np.uint64),
        np.empty(n_positions + 1, np.int64),
    )
    stack, sizes = np.empty(n_positions, np.int64), np.empty(n_positions, np.int64)
    by_size, alike = np.zeros(n_positions + 1, np.int32), np.zeros(n_positions + 1, np.int32)
    tables = tables_of(n_positions)
    for v in range(voxels.size):
        n_levels = describe_as_sets(image, voxels[v], around, sets, found)
        sums = NOTHING
        for r in range(n_levels):
            at = found[r]
            n = 0
            for w in range(n_words):
                while sets[at, w]:
                    stack[0] = (w << 6) + np.int64(lowest_bit(sets[at, w]))
                    sets[at, w] &= sets[at, w] - np.uint64(1)
                    reached, done = 1, 0
                    while done < reached:
                        here = stack[done]
                        done += 1
                        for other in range(n_words):
                            new = sets[at, other] & around.adjacent[here, other]
                            sets[at, other] ^= new
                            while new:
                                stack[reached] = (other << 6) + np.int64(lowest_bit(new))
                                reached += 1
                                new &= new - np.uint64(1)
                    sizes[n] = reached
                    n += 1
            i, lowest = level[at - 1], level[found[0] - 1]
            sums = _with_sizes(
                sums, i * i, 1 / (i * i), i - lowest, sizes, n, by_size, alike, tables
            )
        finish(sums, by_size, n_positions, out, v)


@kernel(error_model="numpy")
def gldm_map(image, voxels, level, around, alpha, out):
    """Write the GLDM features of each voxel's neighbourhood; columns as in `GLDM`."""
    n_positions, n_words = around.offsets.size, len(around.words)
    sets, found = (
        np.zeros((level.size + 1, n_words), np.uint64),
        np.empty(n_positions + 1, np.int64),
    )
    similar, sizes = np.empty(n_words, np.uint64), np.empty(n_positions, np.int64)
    by_size, alike = np.zeros(n_positions + 1, np.int32), np.zeros(n_positions + 1, np.int32)
    tables = tables_of(n_positions)
    for v in range(voxels.size):
        n_levels = describe_as_sets(image, voxels[v], around, sets, found)
        sums = NOTHING
        for r in range(n_levels):
            at = found[r]
            i, lowest = level[at - 1], level[found[0] - 1]
            for w in range(n_words):
                similar[w] = sets[at, w]
            for other in range(n_levels if alpha > 0 else 0):
                if abs(i - level[found[other] - 1]) <= alpha:
                    for w in range(n_words):
                        similar[w] |= sets[found[other], w]
            n = 0
            for w in range(n_words):
                left = sets[at, w]
                while left:
                    here = (w << 6) + np.int64(lowest_bit(left))
                    left &= left - np.uint64(1)
                    dependent = np.uint64(1)
                    for other in range(n_words):
                        dependent += bit_count(similar[other] & around.near[here, other])
                    sizes[n] = dependent
                    n += 1
            sums = _with_sizes(
                sums, i * i, 1 / (i * i), i - lowest, sizes, n, by_size, alike, tables
            )
        for r in range(n_levels):
            sets[found[r]] = 0
        finish(sums, by_size, n_positions, out, v)
