"""GLRLM around every voxel.

The voxels of a grey level are bits of 64-bit words: where runs of j voxels begin is what is left of
the set after it was shifted onto itself j - 1 times.
"""

import numpy as np

from sklidh.radiomics._bits import bit_count
from sklidh.radiomics._map_sizes import NOTHING, finish, tables_of, with_level
from sklidh.radiomics._neighbourhood import describe_as_sets
from sklidh.radiomics._size_tables import _sums as sums_of_entries
from sklidh.utils import kernel


@kernel(error_model="numpy")
def glrlm_map(image, voxels, level, around, weights, out):
    """Write the GLRLM features of each voxel's neighbourhood; columns as in `GLRLM`.

    Without `weights` (an empty array) they are means over the directions with two voxels on a line.
    """
    n_positions, n_words, n_directions = around.offsets.size, len(around.words), around.shifts.size
    sets = np.zeros((level.size + 1, n_words), np.uint64)
    found = np.empty(n_positions + 1, np.int64)
    inside, run = np.empty((1, n_words), np.uint64), np.empty(n_words, np.uint64)
    longest = around.sides.max()
    starts = np.zeros(longest + 3, np.int64)
    bright, dark, above = np.empty(n_positions), np.empty(n_positions), np.empty(n_positions)
    by_size, lines = np.zeros(longest + 1, np.int64), np.full(n_positions, -1)
    information, narrow_of = tables_of(n_positions)
    merged, repeated = np.zeros((n_positions, longest + 1)), np.empty(n_positions, np.int64)
    for v in range(voxels.size):
        n_levels = describe_as_sets(image, voxels[v], around, sets, found)
        inside[:] = 0
        # A level of one voxel has one run of one voxel in every direction.
        several = 0
        single = NOTHING
        for r in range(n_levels):
            i = level[found[r] - 1]
            bright[r], dark[r], above[r] = i * i, 1 / (i * i), i - level[found[0] - 1]
            count = 0
            for w in range(n_words):
                inside[0, w] |= sets[found[r], w]
                count += np.int64(bit_count(sets[found[r], w]))
            if count > 1:
                repeated[several] = r
                several += 1
            else:
                single = with_level(single, bright[r], dark[r], above[r], 1, 1.0, 1.0, 1, 0.0)
        n_tables = 0
        for d in range(n_directions):
            shift = around.shifts[d]
            _count_starts(inside, 0, shift, 2, run, starts)
            if starts[2] == 0 and not _has_line(inside, around, d, lines):
                continue
            n_tables += 1
            if weights.size:
                for r in range(n_levels):
                    _count_starts(sets, found[r], shift, longest, run, starts)
                    for j in range(1, longest + 1):
                        c = starts[j] - 2 * starts[j + 1] + starts[j + 2]
                        merged[r, j] += weights[d] * c
                continue
            sums = single
            by_size[1] = n_levels - several
            for s in range(several):
                r = repeated[s]
                _count_starts(sets, found[r], shift, longest, run, starts)
                narrow = wide = logarithms = 0.0
                for j in range(1, longest + 1):
                    c = starts[j] - 2 * starts[j + 1] + starts[j + 2]
                    narrow += c * narrow_of[j]
                    wide += c * (j * j)
                    by_size[j] += c
                    logarithms += information[c]
                n = starts[1] - starts[2]
                sums = with_level(
                    sums, bright[r], dark[r], above[r], n, narrow, wide, starts[1], logarithms
                )
            finish(sums, by_size, longest, out, v)
        for r in range(n_levels):
            sets[found[r]] = 0
        if weights.size and n_tables:
            out[v] = _sums_of_merged(merged, n_levels, level, found)
        else:
            for s in range(out.shape[1]):
                out[v, s] = out[v, s] / n_tables if n_tables else np.nan


@kernel(error_model="numpy")
def _sums_of_merged(merged, n_levels, level, found):
    """Return the sums of one table whose numbers are not whole; empty it."""
    rank, size = np.nonzero(merged[:n_levels])
    count, levels = np.empty(rank.size), np.empty(n_levels)
    for e in range(rank.size):
        count[e] = merged[rank[e], size[e]]
    for r in range(n_levels):
        levels[r] = level[found[r] - 1]
    merged[:] = 0
    return sums_of_entries(np.zeros_like(rank), rank, size, count, levels)[0]


@kernel(inline="always", error_model="numpy")
def _count_starts(bits, r, shift, longest, run, starts):
    """Count, for each length j, the places of set r where j of its voxels begin, one step apart."""
    if bits.shape[1] == 1:
        word = bits[r, 0]
        for j in range(1, longest + 1):
            starts[j] = bit_count(word)
            word &= word >> np.uint64(shift)
    else:
        _count_long_starts(bits, r, shift, longest, run, starts)


@kernel(error_model="numpy")
def _count_long_starts(bits, r, shift, longest, run, starts):
    """Do the same for sets of several words."""
    skipped, shift = shift >> 6, np.uint64(shift & 63)
    for w in range(run.size):
        run[w] = bits[r, w]
    for j in range(1, longest + 1):
        n = np.uint64(0)
        for w in range(run.size):
            n += bit_count(run[w])
            ahead = run[w + skipped] >> shift if w + skipped < run.size else np.uint64(0)
            if shift and w + skipped + 1 < run.size:
                ahead |= run[w + skipped + 1] << (np.uint64(64) - shift)
            run[w] &= ahead
        starts[j] = n


@kernel(error_model="numpy")
def _has_line(inside, around, d, lines):
    """Return whether two voxels lie on one line, with others between them; `lines` holds -1."""
    met = False
    for k in range(around.bit.size):
        if inside[0, around.bit[k] >> 6] >> np.uint64(around.bit[k] & 63) & np.uint64(1):
            met = met or lines[around.line[d, k]] == 0
            lines[around.line[d, k]] = 0
    lines[:] = -1
    return met
