"""What must hold of the native engine's features whatever the image is."""

import math

import numpy as np
import pytest
from scipy import ndimage

from sklidh.radiomics import read_settings
from sklidh.radiomics._discretisation import bin_edges, discretise
from sklidh.radiomics._extract import extract
from sklidh.radiomics._firstorder import percentiles
from sklidh.radiomics._glcm import co_occurrence, glcm_features
from sklidh.radiomics._gldm import dependences
from sklidh.radiomics._glrlm import run_lengths
from sklidh.radiomics._glszm import zone_sizes
from sklidh.radiomics._marching_cubes import surface
from sklidh.radiomics._maximal_correlation import maximal_correlation
from sklidh.radiomics._neighbours import all_directions, half_directions
from sklidh.radiomics._roi import Roi
from sklidh.radiomics._shape import shape_features
from sklidh.radiomics._shape2d import shape2d_features

SHAPE = (14, 16, 15)


@pytest.fixture(scope="module", params=[0, 1, 2])
def grey(request):
    """Return the grey levels of a smooth random image in a rough ball, and the region."""
    rng = np.random.default_rng(request.param)
    volume = 400 * ndimage.gaussian_filter(rng.normal(size=SHAPE), 1)
    place = np.moveaxis(np.indices(SHAPE), 0, -1) - np.array(SHAPE) / 2
    roi = Roi((place**2).sum(-1) + rng.normal(0, 8, SHAPE) < 40)
    values = roi.values(volume[roi.box])
    return discretise(values, bin_edges(values, values.dtype), roi), roi


def settings(**classes):
    return read_settings({"featureClass": {name: list(f) for name, f in classes.items()}})


@pytest.mark.parametrize("flat_axis", [None, 0, 1, 2])
def test_every_neighbour_is_counted_once(flat_axis):
    for distance in (1, 2, 3):
        directions = all_directions(flat_axis, (distance,))
        n_axes = 3 if flat_axis is None else 2
        n = (2 * distance + 1) ** n_axes - (2 * distance - 1) ** n_axes
        assert len(directions) == len(np.unique(directions, axis=0)) == n
        assert (np.abs(directions).max(1) == distance).all()


@pytest.mark.parametrize("symmetrical", [True, False])
def test_probabilities_of_co_occurrence_sum_to_one(grey, symmetrical):
    p = co_occurrence(*grey, half_directions(), symmetrical=symmetrical)
    for margin in (p.px, p.py, p.p_sum, p.p_difference):
        np.testing.assert_allclose(margin.sum(1), 1)
    if symmetrical:
        np.testing.assert_array_equal(p.px, p.py)


def test_co_occurrence_of_few_grey_levels_is_the_matrix_counted_pair_by_pair(grey):
    levels, roi = grey
    image = levels.level_image
    for direction, px in zip(
        half_directions(), co_occurrence(levels, roi, half_directions()).px, strict=True
    ):
        count = np.zeros(int(levels.highest) + 1)
        for at in zip(*np.nonzero(roi.padded), strict=True):
            a, b = image[at], image[tuple(at + direction)]
            if b:
                count[[a, b]] += 1 if a != b else (2, 0)[0]
        np.testing.assert_allclose(px, (count / count.sum())[levels.level.astype(int)])


def test_directions_counted_in_turns_are_those_counted_at_once(grey, monkeypatch):
    at_once = glcm_features(*grey, half_directions())
    monkeypatch.setattr("sklidh.radiomics._glcm.TABLE_BYTES", 1)
    assert glcm_features(*grey, half_directions()) == at_once


def test_haralick_relations(grey):
    f = glcm_features(*grey, half_directions())
    assert f["SumAverage"] == pytest.approx(2 * f["JointAverage"])
    # Averaged over directions, as is every term.
    assert f["ClusterTendency"] + f["Contrast"] == pytest.approx(4 * f["SumSquares"])
    assert 0 <= f["MCC"] <= 1
    assert abs(f["Correlation"]) <= f["MCC"] + 1e-12


def test_every_voxel_is_in_one_run_of_each_direction(grey):
    levels, roi = grey
    runs = run_lengths(levels, roi, half_directions())
    voxels = (runs[:, 1:] * np.arange(runs.shape[2])).sum(2)
    np.testing.assert_array_equal(voxels, np.tile(levels.count, (13, 1)))


def test_every_voxel_is_in_one_zone(grey):
    levels, roi = grey
    zones = zone_sizes(levels, roi, half_directions())
    for rank, count in enumerate(levels.count):
        of_level = zones.rank == rank
        assert (zones.count * zones.size)[of_level].sum() == count


@pytest.mark.parametrize("small", [1, 3, 64])
@pytest.mark.parametrize("flat_axis", [None, 0, 1, 2])
def test_zones_are_the_connected_components_of_each_grey_level(grey, flat_axis, small, monkeypatch):
    monkeypatch.setattr("sklidh.radiomics._glszm.SMALL", small)
    levels, roi = grey
    connected = np.ones((3, 3, 3), bool)
    if flat_axis is not None:
        apart = [slice(None)] * 3
        for side in (0, 2):
            apart[flat_axis] = side
            connected[tuple(apart)] = False
    expected = {}
    for rank, level in enumerate(levels.level, start=1):
        labels, n = ndimage.label(levels.image == rank, connected)
        for size in np.bincount(labels.ravel(), minlength=n + 1)[1:]:
            expected[level, size] = expected.get((level, size), 0) + 1
    zones = zone_sizes(levels, roi, half_directions(flat_axis))
    found = zip(zones.level[zones.rank], zones.size, strict=True)
    assert dict(zip(found, zones.count, strict=True)) == expected


def test_every_voxel_has_one_number_of_dependent_neighbours(grey):
    levels, roi = grey
    tables = [dependences(levels, roi, half_directions(), alpha) for alpha in (0, 1, 1000)]
    for table in tables:
        np.testing.assert_array_equal(table[0, 1:].sum(1), levels.count)
    dependent = [(table[0, 1:] * np.arange(table.shape[2])).sum() for table in tables]
    assert dependent[0] < dependent[1] < dependent[2]
    # With any difference allowed, every neighbour in the region depends, and the voxel on itself.
    near = ndimage.convolve(roi.padded.astype(int), np.ones((3, 3, 3), int))
    assert dependent[2] == near[roi.padded].sum()


def test_brightness_moves_levels_and_changes_no_texture():
    """Bins are aligned on 0: a shift by whole bins leaves every grey level where it was."""
    rng = np.random.default_rng(0)
    volume = rng.integers(-300, 300, SHAPE).astype(np.int16)
    mask = np.zeros(SHAPE, bool)
    mask[3:10, 2:12, 4:13] = True
    wanted = settings(glcm=(), glrlm=(), glszm=(), gldm=(), ngtdm=())
    here = extract(volume, mask, (1, 1, 1), wanted)
    assert extract(volume + np.int16(25 * 7), mask, (1, 1, 1), wanted) == here


@pytest.mark.parametrize("axes", [(0, 2, 1), (1, 0, 2), (2, 1, 0)])
def test_turning_the_head_changes_nothing_but_names(axes):
    """Features of three dimensions do not depend on the order of the axes, but the diameters do."""
    volume = np.random.default_rng(0).normal(0, 100, SHAPE)
    # An even form: on one that touches itself at corners, the triangles do depend on the axes.
    z, y, x = np.indices(SHAPE)
    mask = (z - 7) ** 2 + (y - 6) ** 2 / 2 + (x - 7) ** 2 / 1.5 < 20
    spacing = (3.0, 1.0, 1.5)
    wanted = read_settings({"imageType": {"Original": {}, "Gradient": {}, "LoG": {"sigma": [2.0]}}})
    here = extract(volume, mask, spacing, wanted)
    turned = extract(
        volume.transpose(axes), mask.transpose(axes), [spacing[a] for a in axes], wanted
    )
    for name, value in here.items():
        if "Maximum2DDiameter" not in name:
            assert turned[name] == pytest.approx(value, rel=1e-4), name


def test_the_surface_of_a_ball_is_that_of_a_ball():
    place = np.moveaxis(np.indices((45, 45, 45)), 0, -1) - 22.0
    mask = (place**2).sum(-1) < 20**2
    area, volume = surface(mask, (1, 1, 1))
    assert volume == pytest.approx(4 / 3 * math.pi * 20**3, rel=0.01)
    # Triangles through the middles of edges overstate the surface of a slope.
    assert 1 < area / (4 * math.pi * 20**2) < 1.1
    f = shape_features(Roi(mask), (1, 1, 1))
    assert f["Maximum3DDiameter"] == pytest.approx(40, abs=1)
    assert f["Flatness"] == f["Elongation"] == pytest.approx(1)


def test_form_scales_with_the_voxel():
    mask = np.random.default_rng(0).random(SHAPE) < 0.3
    mask[4:9, 4:9, 4:9] = True
    small = shape_features(Roi(mask), (1.5, 1.0, 0.7))
    large = shape_features(Roi(mask), (3.0, 2.0, 1.4))
    for name, power in {"MeshVolume": 3, "SurfaceArea": 2, "Maximum3DDiameter": 1}.items():
        assert large[name] == pytest.approx(2**power * small[name])
    assert large["Sphericity"] == pytest.approx(small["Sphericity"])


@pytest.mark.parametrize("seed", range(3))
def test_diameters_are_the_largest_of_all_distances(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((6, 7, 8)) < 0.15
    spacing = np.array((2.0, 1.0, 1.3))
    padded = np.pad(mask, 1)
    points = []
    for axis in range(3):
        cut = np.argwhere(np.diff(padded.astype(int), axis=axis) != 0) * 1.0
        cut[:, axis] += 0.5
        points.append(cut)
    points = np.concatenate(points)
    distance = np.linalg.norm((points[:, None] - points) * spacing, axis=2)
    f = shape_features(Roi(mask), spacing)
    assert f["Maximum3DDiameter"] == pytest.approx(distance.max())
    for axis, name in enumerate(("Slice", "Column", "Row")):
        same = points[:, None, axis] == points[:, axis]
        assert f[f"Maximum2DDiameter{name}"] == pytest.approx(distance[same].max())


def test_a_rectangle_in_a_plane():
    mask = np.zeros((5, 20, 30), bool)
    mask[2, 4:14, 3:23] = True
    f = shape2d_features(Roi(mask), (9.0, 2.0, 1.0), 0)
    assert f["PixelSurface"] == 20 * 20
    # The outline passes through the middles of edges and cuts the four corners off.
    assert f["MeshSurface"] == 20 * 20 - 4 * 0.5 * 1 * 0.5
    assert f["Perimeter"] == pytest.approx(2 * (18 + 19) + 4 * math.hypot(1, 0.5))
    assert f["Elongation"] < 1


@pytest.mark.parametrize("n", [2, 3, 10, 101, 5000])
def test_percentiles_are_those_of_numpy(n):
    rng = np.random.default_rng(n)
    percents = [10, 25, 50, 75, 90]
    for values in (rng.normal(size=n), rng.integers(0, 5, n) * 1.0, rng.pareto(0.5, n)):
        np.testing.assert_array_equal(
            percentiles(values, percents), np.percentile(values, percents)
        )


def test_edges_of_bins_belong_to_the_upper_bin():
    values = np.array([-50.0, -25.0, -24.999, 0.0, 24.999, 25.0])
    roi = Roi(np.ones((1, 1, 6), bool))
    grey = discretise(values, bin_edges(values, np.float64), roi)
    assert grey.level_image[roi.padded].tolist() == [1, 2, 2, 3, 3, 4]
    np.testing.assert_array_equal(grey.level, [1, 2, 3, 4])


def test_levels_far_apart_cost_no_memory():
    values = np.array([0.0, 1.0, 1e6])
    roi = Roi(np.ones((1, 1, 3), bool))
    grey = discretise(values, bin_edges(values, np.float64, bin_width=1), roi)
    assert grey.level.tolist() == [1, 2, 1e6 + 1]
    assert grey.image.max() == 3


def test_too_narrow_bins_are_an_error_that_names_the_setting():
    with pytest.raises(ValueError, match=r"binWidth=1e-06 .* more than 10000000 grey levels"):
        bin_edges(np.array([0.0, 1e3]), np.float64, bin_width=1e-6)


def test_too_many_levels_for_a_matrix_are_refused_before_it_is_counted():
    values = np.arange(3000.0) * 60
    volume, mask = values.reshape(10, 15, 20), np.ones((10, 15, 20), bool)
    said = (
        r"3000 grey levels, but MCC is computed for at most 2048; .*\(binWidth=2.81e\+03 gives 64"
    )
    with pytest.raises(ValueError, match=said):
        extract(volume, mask, (1, 1, 1), settings(glcm=["MCC"]))
    entropy = extract(volume, mask, (1, 1, 1), settings(firstorder=["Entropy"]))
    assert entropy["original_firstorder_Entropy"] == pytest.approx(math.log2(3000))


def test_co_occurrence_of_levels_far_apart_costs_no_memory():
    volume = np.tile([0.0, 1.0, 2e6], 9).reshape(3, 3, 3)
    roi = Roi(np.ones((3, 3, 3), bool))
    values = roi.values(volume)
    levels = discretise(values, bin_edges(values, np.float64, bin_width=1), roi)
    p = co_occurrence(levels, roi, half_directions())
    assert p.k_sum.tolist() == [2, 3, 4, 2e6 + 2, 2e6 + 3, 4e6 + 2]
    assert p.k_difference.tolist() == [0, 1, 2e6 - 1, 2e6]
    np.testing.assert_allclose(p.p_sum.sum(1), 1)


def test_correlation_of_a_single_level_is_one_whatever_the_number_of_pairs():
    """A deviation that is 0 but for rounding must not be divided by."""
    rng = np.random.default_rng(0)
    for share in np.linspace(0.02, 0.4, 20):
        smooth = ndimage.gaussian_filter(rng.normal(size=SHAPE), 2)
        mask = smooth > np.quantile(smooth, 1 - share)
        found = extract(np.full(SHAPE, 137), mask, (1, 1, 1), settings(glcm=["Correlation"]))
        assert found["original_glcm_Correlation"] == 1


def test_correlation_is_one_where_either_level_of_ordered_pairs_is_always_the_same():
    wanted = {"featureClass": {"glcm": ["Correlation"]}}
    wanted = read_settings(wanted | {"setting": {"binWidth": 1, "symmetricalGLCM": False}})
    mask = np.ones((1, 4, 7), bool)
    for seed in range(10):
        level = np.random.default_rng(seed).integers(1, 3, mask.shape)
        level[0, ::2] = 1  # along y and the diagonals, one of each two neighbours is 1
        expected = []
        for _, y, x in half_directions(0):
            here = level[0, max(0, -y) : 4 - max(0, y), max(0, -x) : 7 - max(0, x)]
            there = level[0, max(0, y) : 4 + min(0, y), max(0, x) : 7 + min(0, x)]
            flat = np.ptp(here) == 0 or np.ptp(there) == 0
            expected.append(1 if flat else np.corrcoef(here.ravel(), there.ravel())[0, 1])
        found = extract(level, mask, (1, 1, 1), wanted)["original_glcm_Correlation"]
        assert found == pytest.approx(np.mean(expected), abs=1e-9)


def test_the_mean_of_very_many_levels_of_neighbours_does_not_overflow():
    rng = np.random.default_rng(0)
    level, mask = rng.integers(8_300_000, 8_300_005, (7, 7, 7)) * 1.0, np.ones((7, 7, 7), bool)
    level[0, 0, 0] = 1
    setting = {"binWidth": 1e-4, "distances": [1, 2, 3]}
    wanted = read_settings({"featureClass": {"ngtdm": ["Coarseness"]}, "setting": setting})
    volume = (level - 0.5) * 1e-4
    total = 0.0
    for at in np.ndindex(*mask.shape):
        near = level[tuple(slice(max(0, c - 3), c + 4) for c in at)]
        mean = (near.sum() - level[at]) / (near.size - 1)
        total += (level == level[at]).sum() / level.size * abs(level[at] - mean)
    found = extract(volume, mask, (1, 1, 1), wanted)["original_ngtdm_Coarseness"]
    assert found == pytest.approx(1 / total, rel=1e-6)


@pytest.mark.parametrize("rarest", [1e-3, 1e-8, 1e-12, 1e-30])
def test_maximal_correlation_of_rare_levels_is_that_of_its_definition(rarest):
    p = np.diag([0.5, 0.5, rarest]) + 1e-2
    p[2] = p[:, 2] = [0, 0, rarest]
    p /= p.sum()
    px, py = p.sum(1), p.sum(0)
    q = sum(np.outer(p[:, k], p[:, k]) / (px * py[k] + np.spacing(1))[:, None] for k in range(3))
    second = np.sort(np.linalg.eigvals(q).real)[-2]
    assert maximal_correlation(p) == pytest.approx(math.sqrt(second), rel=1e-6)


@pytest.mark.parametrize("n", [2, 3, 7, 40, 120])
def test_maximal_correlation_is_the_root_of_the_second_eigenvalue(n):
    rng = np.random.default_rng(n)
    for counts in (rng.random((n, n)), rng.poisson(0.3, (n, n)) + np.eye(n)):
        p = counts / counts.sum()
        px, py = p.sum(1), p.sum(0)
        q = (p / (px[:, None] * py)) @ p.T
        second = np.sort(np.linalg.eigvals(q).real)[-2]
        assert maximal_correlation(p) == pytest.approx(math.sqrt(second), rel=1e-9)


def test_maximal_correlation_of_independent_levels_is_nothing():
    p = np.array([0.2, 0.5, 0.3])
    assert maximal_correlation(np.outer(p, p)) == pytest.approx(0, abs=1e-7)


def test_maximal_correlation_is_that_of_a_normal_distribution():
    """For two normal variables it is the size of their correlation (Gebelein)."""
    x = np.linspace(-5, 5, 81)
    r = 0.6
    p = np.exp(-(x[:, None] ** 2 - 2 * r * x[:, None] * x + x**2) / (2 * (1 - r**2)))
    assert maximal_correlation(p / p.sum()) == pytest.approx(r, rel=1e-3)
