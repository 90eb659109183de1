"""IBSI texture features: from matrices of the whole region, or of each slice separately.

An aggregation is a choice of directions and of the part that a matrix covers. ``3D`` counts along
all 13 directions and ``2_5D`` along the four within a slice, both over the whole region; ``2D``
makes a matrix per slice and averages the features. ``avg`` averages over one matrix per direction,
``comb`` adds the matrices first.
"""

from dataclasses import replace

import numpy as np
from scipy.ndimage import distance_transform_cdt, generate_binary_structure

from sklidh.radiomics._discretisation import GreyLevels
from sklidh.radiomics._glcm import glcm_features
from sklidh.radiomics._gldm import dependences
from sklidh.radiomics._glrlm import run_lengths
from sklidh.radiomics._glszm import label_zones, zone_distances, zone_sizes
from sklidh.radiomics._ibsi_table import NAMES
from sklidh.radiomics._neighbours import half_directions
from sklidh.radiomics._ngtdm import ngtdm_features
from sklidh.radiomics._roi import Roi
from sklidh.radiomics._size_tables import SizeTables, size_sums
from sklidh.utils import kernel

_CO_OCCURRENCE = (
    "MaximumProbability JointAverage SumSquares JointEntropy DifferenceAverage DifferenceVariance "
    "DifferenceEntropy SumAverage ClusterTendency SumEntropy JointEnergy Contrast "
    "DifferenceAverage Id Idn Idm Idmn InverseVariance Correlation Autocorrelation "
    "ClusterTendency ClusterShade ClusterProminence Imc1 Imc2"
).split()
_SUMS = (
    "small large low high small_low small_high large_low large_high level_non_uniformity "
    "level_non_uniformity_normalized size_non_uniformity size_non_uniformity_normalized "
    "percentage level_variance size_variance entropy"
).split()


def texture_features(family, grey, roi, shape_roi, aggregations):
    """Compute one family's features in one or more aggregations.

    Parameters
    ----------
    family : {"cm", "rlm", "szm", "dzm", "ngt", "ngl"}
    grey : GreyLevels
    roi, shape_roi : Roi
        Intensity and morphological masks; zone distances are to the border of the latter.
    aggregations : sequence of str

    Returns
    -------
    dict of str to float
    """
    features = {}
    for aggregation in aggregations:
        in_slices = not aggregation.startswith("3D")
        directions = half_directions(0 if in_slices else None)
        distance = border_distance(shape_roi, roi, in_slices) if family == "dzm" else None
        regions = [(grey, roi, distance)]
        if aggregation.startswith("2D"):
            regions = _slices(grey, roi, distance)
        merged = aggregation.endswith("_comb")
        rows = [_FAMILIES[family](*region, directions, merged) for region in regions]
        # A slice without a pair of neighbours has no co-occurrence matrix.
        table = np.array(rows)
        defined = ~np.isnan(table)
        n_defined = defined.sum(0)
        sums = np.where(defined, table, 0.0).sum(0)
        means = np.where(n_defined > 0, sums / np.maximum(n_defined, 1), np.nan)
        names = (f"{name}_{aggregation}" for name in NAMES[family])
        features |= dict(zip(names, means, strict=True))
    return features


def border_distance(shape_roi, roi, in_slices):
    """Return the number of steps across faces from each voxel of `roi` out of the other region."""
    faces = generate_binary_structure(3, 1)
    if in_slices:
        faces[[0, 2]] = False
    distance = distance_transform_cdt(shape_roi.padded, metric=faces)
    box = tuple(
        slice(side.start - outer.start, side.stop - outer.start + 2)
        for side, outer in zip(roi.box, shape_roi.box, strict=True)
    )
    return np.ascontiguousarray(distance[box])


def _slices(grey, roi, distance):
    """Crop each slice that has a voxel of the region, with the slices before and after."""
    regions = []
    for z in np.flatnonzero(roi.inside.any(axis=(1, 2))):
        around = slice(z, z + 3)  # kernels never leave the middle slice
        inside = roi.inside[z : z + 1]
        flat = Roi(inside, box=tuple(slice(0, n) for n in inside.shape))
        count = np.bincount(grey.image[z + 1].ravel(), minlength=grey.level.size + 1)[1:]
        levels = GreyLevels(grey.image[around], grey.level_image[around], grey.level, count)
        regions.append((levels, flat, None if distance is None else distance[around]))
    return regions


def _co_occurrence(grey, roi, _, directions, merged):
    weights = np.ones(len(directions)) if merged else None
    values = glcm_features(grey, roi, directions, weights=weights, mcc=False)
    return [values[name] for name in _CO_OCCURRENCE]


def _run_lengths(grey, roi, _, directions, merged):
    counts = run_lengths(grey, roi, directions, single_voxels=True)
    if merged:
        counts = counts.sum(0, keepdims=True)
    return _sums(SizeTables.from_dense(counts, grey.level))


def _zone_sizes(grey, roi, _, directions, merged):
    return _sums(zone_sizes(grey, roi, directions))


def _zone_distances(grey, roi, distance, directions, merged):
    zones, root = label_zones(grey, roi, directions)[:2]
    rank = grey.image.reshape(-1)[zones].astype(np.int64)
    nearest = zone_distances(zones, root, roi.voxels, distance.reshape(-1))
    counts = np.zeros((1, grey.level.size + 1, nearest.max() + 1))
    np.add.at(counts[0], (rank, nearest), 1)
    tables = SizeTables.from_dense(counts, grey.level)
    return _sums(tables, percentage=zones.size / roi.n_voxels)


def _tone_differences(grey, roi, _, directions, merged):
    # IBSI counts only voxels that have a neighbour, and levels that occur.
    alone = _without_neighbour(roi.padded.reshape(-1), roi.segments, roi.n_neighbours(directions))
    image, count = grey.image, grey.count
    if alone.size == roi.n_voxels:
        return [np.nan] * len(NAMES["ngt"])
    if alone.size:
        inside, image = roi.padded.copy(), image.copy()
        inside.reshape(-1)[alone] = False
        count = count - np.bincount(image.reshape(-1)[alone], minlength=count.size + 1)[1:]
        image.reshape(-1)[alone] = 0
        roi = Roi(inside[1:-1, 1:-1, 1:-1], box=tuple(slice(0, n) for n in roi.inside.shape))
    if not count.all():
        occurring = count > 0
        rank = np.append(0, np.where(occurring, np.cumsum(occurring), 0)).astype(np.uint16)
        image, level, count = rank[image], grey.level[occurring], count[occurring]
        grey = GreyLevels(image, grey.level_image, level, count)
    values = ngtdm_features(replace(grey, image=image, count=count), roi, directions)
    return [values[name.capitalize()] for name in NAMES["ngt"]]


@kernel
def _without_neighbour(inside, segments, n_neighbours):
    """Return the positions of the voxels that have no neighbours in `Roi.n_neighbours`."""
    places = np.empty(n_neighbours.size, np.int64)
    found = done = 0
    for s in range(len(segments)):
        for v in range(segments[s, 1]):
            if n_neighbours[done + v] == 0 and inside[segments[s, 0] + v]:
                places[found] = segments[s, 0] + v
                found += 1
        done += segments[s, 1]
    return places[:found]


def _dependences(grey, roi, _, directions, merged):
    tables = SizeTables.from_dense(dependences(grey, roi, directions), grey.level)
    # Every voxel has a dependence count.
    energy = np.sum((tables.count / roi.n_voxels) ** 2)
    return [*_sums(tables, percentage=1.0), energy]


def _sums(tables, **changed):
    sums = size_sums(tables) | changed
    return [sums[name] for name in _SUMS]


_FAMILIES = {
    "cm": _co_occurrence,
    "rlm": _run_lengths,
    "szm": _zone_sizes,
    "dzm": _zone_distances,
    "ngt": _tone_differences,
    "ngl": _dependences,
}
