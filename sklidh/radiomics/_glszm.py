"""GLSZM: how large connected zones of one grey level are (grey level size zone matrix)."""

from functools import cache

import numpy as np

from sklidh.radiomics._size_tables import SizeTables, size_sums
from sklidh.utils import kernel

# Zones with at least this many voxels are counted individually.
SMALL = 64


def glszm_features(grey, roi, directions):
    """Compute the 16 GLSZM features of PyRadiomics.

    P(i, j) is the number of zones of grey level i with j voxels. A zone is a set of voxels with the
    same grey level connected through `directions` (26 neighbours in 3-D, 8 in a plane).

    Parameters
    ----------
    grey : GreyLevels
    roi : Roi
    directions : ndarray of int, shape (n_directions, 3)
        From `half_directions`, distance 1.
    """
    s = size_sums(zone_sizes(grey, roi, directions))
    return {
        "SmallAreaEmphasis": s["small"],
        "LargeAreaEmphasis": s["large"],
        "LowGrayLevelZoneEmphasis": s["low"],
        "HighGrayLevelZoneEmphasis": s["high"],
        "SmallAreaLowGrayLevelEmphasis": s["small_low"],
        "SmallAreaHighGrayLevelEmphasis": s["small_high"],
        "LargeAreaLowGrayLevelEmphasis": s["large_low"],
        "LargeAreaHighGrayLevelEmphasis": s["large_high"],
        "GrayLevelNonUniformity": s["level_non_uniformity"],
        "GrayLevelNonUniformityNormalized": s["level_non_uniformity_normalized"],
        "SizeZoneNonUniformity": s["size_non_uniformity"],
        "SizeZoneNonUniformityNormalized": s["size_non_uniformity_normalized"],
        "GrayLevelVariance": s["level_variance"],
        "ZoneVariance": s["size_variance"],
        "ZoneEntropy": s["entropy"],
        "ZonePercentage": s["percentage"],
    }


def zone_sizes(grey, roi, directions):
    """Count zones by grey level and size."""
    zones, _, size = label_zones(grey, roi, directions)
    rank = grey.image.reshape(-1)[zones].astype(np.int64) - 1
    # Most zones are small and counted in a table; only the others are sorted.
    small = size < SMALL
    table = np.bincount(rank[small] * SMALL + size[small], minlength=grey.level.size * SMALL)
    width = size.max() + 1
    key, count = np.unique((rank * width + size)[~small], return_counts=True)
    occurring = np.flatnonzero(table)
    return SizeTables(
        np.zeros(occurring.size + key.size, np.int64),
        np.concatenate([occurring // SMALL, key // width]),
        np.concatenate([occurring % SMALL, key % width]),
        np.concatenate([table[occurring], count]) * 1.0,
        grey.level,
    )


def label_zones(grey, roi, directions):
    """Find the zones.

    Parameters
    ----------
    grey, roi, directions
        As in `glszm_features`.

    Returns
    -------
    zones : ndarray of int32, shape (n_zones,)
        Index of each zone's first voxel in the padded box.
    root : ndarray of int32, shape of the padded box, raveled
        For each voxel of the region, an earlier voxel of its zone; for the first voxel, itself.
    size : ndarray of int64, shape (n_zones,)
        Number of voxels per zone.
    """
    image = grey.image.reshape(-1)
    root, size = np.empty(image.size, np.int32), np.zeros(image.size, np.int32)
    firsts = np.empty(roi.n_voxels, np.int32)
    groups = _groups(tuple(map(tuple, directions)))
    offsets = roi.offsets(directions)
    zones = firsts[: _join(image, roi.segments, offsets, *groups, root, size, firsts)]
    return zones, root, size[zones].astype(np.int64)


@kernel
def zone_distances(zones, root, voxels, distance):
    """Return each zone's smallest voxel distance; `zones` and `root` come from `label_zones`."""
    nearest = np.full(root.size, np.iinfo(np.int32).max, np.int32)
    for v in voxels:
        first = _find(root, v)
        nearest[first] = min(nearest[first], distance[v])
    return nearest[zones]


@cache
def _groups(directions):
    """Return, for each set of equal earlier neighbours, one to join and the set still to be joined.

    Two earlier neighbours that are neighbours of each other are already in one zone, and so is a
    chain of them. In a set, bit d is the neighbour opposite to direction d.

    Returns
    -------
    nearest : ndarray of int16, shape (2 ** n_directions,)
        The last direction of the set, whose neighbour is nearest in memory.
    remaining : ndarray of uint16, same shape
        The set without that neighbour and all neighbours connected with it.
    """
    step = np.array(directions)
    touching = (np.abs(step[:, None] - step[None]) <= 1).all(2)
    n = len(step)
    sets = np.arange(2**n)
    member = (sets[:, None] >> np.arange(n)) & 1 == 1
    nearest = np.where(member, np.arange(n), -1).max(1)
    group = member & (np.arange(n) == nearest[:, None])
    for _ in range(n):  # spread from neighbour to neighbour
        group |= member & (group @ touching)
    remaining = sets - (group << np.arange(n)).sum(1)
    return nearest.astype(np.int16), remaining.astype(np.uint16)


@kernel
def _join(image, segments, offsets, nearest, remaining, root, size, firsts):
    """Join equal neighbours into zones, by union-find over the voxels in memory order.

    A zone's root is its first voxel, where `size` holds the zone's size; `firsts` lists these.
    Row by row, a vectorised pass records which earlier neighbours are equal; then each voxel joins
    their zones. Returns the number of zones.
    """
    equal = np.empty(image.size, np.uint16)
    n_firsts = 0
    for s in range(segments.shape[0]):
        start, n = np.uint64(segments[s, 0]), np.uint64(segments[s, 1])
        for v in range(n):
            equal[v] = 0
        for d in range(offsets.size):
            before = np.uint64(segments[s, 0] - offsets[d])
            bit = np.uint16(1 << d)
            for v in range(n):
                equal[v] |= bit * np.uint16(image[start + v] == image[before + v])
        for v in range(n):
            if image[start + v] == 0:
                continue
            at = segments[s, 0] + np.int64(v)
            neighbours = equal[v]
            if neighbours == 0:
                root[at] = at
                size[at] = 1
                firsts[n_firsts] = at
                n_firsts += 1
                continue
            mine = _find(root, at - offsets[nearest[neighbours]])
            neighbours = remaining[neighbours]
            while neighbours:
                other = _find(root, at - offsets[nearest[neighbours]])
                neighbours = remaining[neighbours]
                if other != mine:
                    mine, other = min(mine, other), max(mine, other)
                    root[other] = mine
                    size[mine] += size[other]
            root[at] = mine
            size[mine] += 1
    n_zones = 0
    for f in range(n_firsts):
        if root[firsts[f]] == firsts[f]:
            firsts[n_zones] = firsts[f]
            n_zones += 1
    return n_zones


@kernel
def _find(root, at):
    while root[at] != at:
        root[at] = root[root[at]]  # path halving, to speed up later searches
        at = root[at]
    return at
