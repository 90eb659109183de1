"""The voxels around a voxel that one value of a feature map describes."""

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from sklidh.radiomics._neighbours import flat_offsets, half_directions
from sklidh.utils import kernel

WORD = 64


class Neighbourhood(NamedTuple):
    """A cube (or square, for ``force2D``) of positions around any voxel, in memory order.

    Sets of positions are bits of 64-bit words. The bits of a row are followed by a free one, and
    the rows of a slice by a free row, so that shifting a set moves it by one voxel in any direction
    and never into the next row.

    Attributes
    ----------
    sides : ndarray of int64, shape (3,)
        Number of positions along (z, y, x).
    offsets : ndarray of int64, shape (n_positions,)
        Offset in memory of each position from the voxel in the middle.
    bit : ndarray of int64, shape (n_positions,)
        Each position's bit.
    words : tuple of int, length n_words
        Its length is part of its type, so that loops over a single word leave no trace.
    start, first, second : ndarray of int64
        The pairs of positions that are neighbours in direction d, at the settings' distances:
        ``first[start[d]:start[d + 1]]`` and `second`.
    near, adjacent : ndarray of uint64, shape (n_words * 64, n_words)
        The neighbours of each bit, at the settings' distances, and at distance 1.
    shifts : ndarray of int64, shape (n_directions,)
        By how many bits a step at distance 1 moves.
    line : ndarray of int64, shape (n_directions, n_positions)
        Number of the line along each direction at distance 1 that a position lies on.
    distances : ndarray of int64
    """

    sides: np.ndarray
    offsets: np.ndarray
    bit: np.ndarray
    words: tuple
    start: np.ndarray
    first: np.ndarray
    second: np.ndarray
    near: np.ndarray
    adjacent: np.ndarray
    shifts: np.ndarray
    line: np.ndarray
    distances: np.ndarray


@lru_cache(maxsize=8)
def neighbourhood(radius, shape, flat_axis=None, distances=(1,)) -> Neighbourhood:
    """List the positions around a voxel, and which of them are neighbours of each other.

    Parameters
    ----------
    radius : int
        ``kernelRadius``, in voxels.
    shape : tuple of int
        Shape of the padded box whose voxels are visited.
    flat_axis : {0, 1, 2} or None
        Axis of (z, y, x) along which the neighbourhood has one voxel (``force2D``).
    distances : sequence of int
    """
    reach = [0 if axis == flat_axis else radius for axis in range(3)]
    sides = 2 * np.array(reach) + 1
    positions = np.array(list(product(*(range(-r, r + 1) for r in reach))))
    bit_shape = tuple(sides + 1)
    bit = flat_offsets(positions + reach, bit_shape)
    n_words = int(bit.max()) // WORD + 1
    adjacent_directions = half_directions(flat_axis)
    axis = (adjacent_directions != 0).argmax(1)
    line = np.empty((len(axis), len(positions)), np.int64)
    for d, direction in enumerate(adjacent_directions):
        where = positions - positions[:, [axis[d]]] * direction
        line[d] = np.unique(where, axis=0, return_inverse=True)[1].reshape(-1)
    pairs = [_pairs(positions, reach, d) for d in half_directions(flat_axis, distances)]
    first, second = np.concatenate(pairs).T
    adjacent = [_pairs(positions, reach, d) for d in adjacent_directions]
    return Neighbourhood(
        sides,
        flat_offsets(positions, shape),
        bit,
        (0,) * n_words,
        np.cumsum([0, *map(len, pairs)]),
        first.copy(),
        second.copy(),
        _neighbours_of(bit, n_words, first, second),
        _neighbours_of(bit, n_words, *np.concatenate(adjacent).T),
        flat_offsets(adjacent_directions, bit_shape),
        line,
        np.array(distances, np.int64),
    )


def _pairs(positions, reach, direction):
    """Return the positions from which a step stays inside, and those that it leads to."""
    arrived = positions + direction
    inside = (np.abs(arrived) <= reach).all(1)
    at = np.flatnonzero(inside)
    return np.column_stack([at, at + flat_offsets(direction, tuple(2 * np.array(reach) + 1))])


def _neighbours_of(bit, n_words, first, second):
    sets = np.zeros((n_words * WORD, n_words), np.uint64)
    for a, b in ((bit[first], bit[second]), (bit[second], bit[first])):
        np.bitwise_or.at(sets, (a, b // WORD), np.uint64(1) << (b % WORD).astype(np.uint64))
    return sets


@kernel(inline="always")
def describe(image, at, offsets, lookup, rank, level_at, count):
    """Number the grey levels around one voxel from 0, in the order in which they are met.

    Parameters
    ----------
    image : ndarray of uint16
        The padded box, raveled; 0 is background.
    at : int
        The voxel.
    offsets : ndarray of int64
    lookup : ndarray of int32, shape (n_levels + 1,)
        Zeros, which this function leaves as they were.

    Returns
    -------
    n : int
        Number of different levels; written are, per position, `rank` (-1 for background), and per
        level, its number in the whole region (`level_at`, from 0) and of voxels (`count`).
    """
    n = 0
    for k in range(offsets.size):
        level = image[at + offsets[k]]
        if level == 0:
            rank[k] = -1
            continue
        if lookup[level] == 0:
            level_at[n] = level - 1
            count[n] = 0
            n += 1
            lookup[level] = n
        rank[k] = lookup[level] - 1
        count[rank[k]] += 1
    for r in range(n):
        lookup[level_at[r] + 1] = 0
    return n


@kernel(inline="always")
def describe_as_sets(image, at, around, sets, found):
    """Find the grey levels around one voxel, each with the set of its positions.

    Parameters
    ----------
    image, at
        As in `describe`.
    around : Neighbourhood
    sets : ndarray of uint64, shape (n_levels + 1, n_words)
        Zeros; the caller empties the sets that this function fills.

    Returns
    -------
    n : int
        Number of different levels; `found` lists them, numbered in the whole region from 1.
    """
    n = 0
    for k in range(around.offsets.size):
        level = image[at + around.offsets[k]]
        if level > 0:
            is_new = True
            for w in range(len(around.words)):
                is_new = is_new and sets[level, w] == 0
            # Without a branch: which voxel brings a new level cannot be predicted.
            found[n] = level
            n += is_new
            sets[level, around.bit[k] >> 6] |= np.uint64(1) << np.uint64(around.bit[k] & 63)
    return n
