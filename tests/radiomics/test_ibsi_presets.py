"""Every consensus value of the Image Biomarker Standardisation Initiative's first part.

Those of the digital phantom anywhere; those of the chest CT phantom, which may not be passed on
with the package, where ../shared/data holds it.
"""

import json
import re
from functools import cache
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from sklidh import RadiomicsExtractor
from sklidh.images import ImageWarning
from sklidh.radiomics import (
    SettingsError,
    describe_features,
    describe_ibsi_features,
    extract,
    feature_names,
    read_settings,
)
from sklidh.radiomics._ibsi_morphology import autocorrelations
from sklidh.radiomics._ibsi_preparation import PEAK_RADIUS, grid_places, interpolate, prepare
from sklidh.radiomics._ibsi_table import FAMILY_CODES, ibsi_features
from sklidh.radiomics._ibsi_texture import border_distance
from sklidh.radiomics._roi import Roi, bounding_box

HERE = Path(__file__).parent
PHANTOM = json.loads((HERE / "ibsi_phantom.json").read_text())
DIGITAL = json.loads((HERE / "ibsi_values.json").read_text())["values"]
DATA = Path(__file__).parents[3] / "shared" / "data" / "ibsi"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/ibsi is absent")

ALL = {family: list(names) for family, names in ibsi_features().items()}
DIAGNOSTIC = ("_img", "_roi")
GREY_LEVELS = {"binCount": None, "binWidth": 1, "ivhBinCount": None}


def outside_tolerance(values, consensus):
    """Values that are farther off than tolerance and the consensus' three printed digits allow."""
    return {
        tag: (values[tag], expected, tolerance)
        for tag, (expected, tolerance) in consensus.items()
        if values[tag] != pytest.approx(expected, rel=0, abs=tolerance + _half_digit(expected))
    }


def _half_digit(expected):
    return 0.5 * 10.0 ** (np.floor(np.log10(abs(expected))) - 2) if expected else 1e-12


def of_family(consensus, family):
    found = {
        tag: value
        for tag, value in consensus.items()
        if tag.startswith(f"{family}_") and not tag.endswith(DIAGNOSTIC)
    }
    assert found
    return found


@cache
def digital_phantom():
    mask = np.array(PHANTOM["mask"]) > 0
    settings = {"preset": "ibsi", "setting": GREY_LEVELS, "featureClass": ALL}
    values = extract(np.array(PHANTOM["volume"]), mask, (2, 2, 2), settings)
    return {name.removeprefix("original_"): value for name, value in values.items()}


@cache
def chest_phantom():
    folder = DATA / "ibsi_1_ct_radiomics_phantom" / "nifti"
    image = sitk.ReadImage(str(folder / "image" / "phantom.nii.gz"))
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "mask" / "mask.nii.gz"))) > 0
    return sitk.GetArrayFromImage(image), mask, image.GetSpacing()[::-1]


@cache
def chest_values(configuration):
    values = extract(*chest_phantom(), f"ibsi-{configuration}")
    return {name.removeprefix("original_"): value for name, value in values.items()}


@cache
def chest_consensus(configuration):
    path = DATA / "reference_values" / f"ibsi_1_chest_config_{configuration}.csv"
    rows = [line.split(";") for line in path.read_text().splitlines()[1:]]
    # Values without a tolerance have no consensus.
    return {tag: (float(value), float(width)) for value, width, tag in rows if width}


@pytest.mark.parametrize("family", FAMILY_CODES)
def test_the_digital_phantom(family):
    assert not outside_tolerance(digital_phantom(), of_family(DIGITAL, family))


@needs_data
@pytest.mark.parametrize("family", FAMILY_CODES)
@pytest.mark.parametrize("configuration", "abcde")
def test_the_chest_phantom(configuration, family):
    consensus = of_family(chest_consensus(configuration), family)
    assert not outside_tolerance(chest_values(configuration), consensus)


def test_the_table_in_the_guide_counts_the_values_within_their_tolerance():
    guide = (HERE.parents[1] / "docs" / "radiomics.rst").read_text()
    rows = re.search(r":header: family, digital phantom.*\n\n((?:   .+\n)+)", guide)[1].splitlines()
    table = {family: counts for family, *counts in (row.strip().split(", ") for row in rows)}
    measured = [(digital_phantom(), DIGITAL)]
    if DATA.is_dir():
        measured += [(chest_values(name), chest_consensus(name)) for name in "abcde"]
    for family in FAMILY_CODES:
        counts = []
        for values, consensus in measured:
            published = of_family(consensus, family)
            n_within = len(published) - len(outside_tolerance(values, published))
            counts.append(f"{n_within}/{len(published)}")
        assert table[family][: len(counts)] == counts


@needs_data
@pytest.mark.parametrize("configuration", "abcde")
def test_image_and_mask_of_the_chest_phantom_on_their_way(configuration):
    setting = read_settings(f"ibsi-{configuration}").setting
    consensus = {
        tag: value
        for tag, value in chest_consensus(configuration).items()
        if tag.endswith(DIAGNOSTIC)
    }
    assert len(consensus) == 60
    assert not outside_tolerance(diagnostics(*chest_phantom(), setting), consensus)


def diagnostics(volume, mask, spacing, setting):
    """Describe the whole image and the masks at each step, as IBSI's tables do."""
    found = described(volume, mask, mask, spacing, "init")
    wanted = setting["resampledPixelSpacing"]
    whole, whole_mask, new = volume, mask, spacing
    if wanted is not None:
        new = np.where(np.array(wanted[::-1]) == 0, spacing, wanted[::-1])
        places = grid_places(volume.shape, spacing, new)
        whole, whole_mask = interpolate(volume, mask, places, setting["interpolator"])
        whole = np.rint(whole)
    found |= described(whole, whole_mask, whole_mask, new, "interp")
    around = prepare(volume, mask, spacing, setting)
    values = around.volume[around.intensity]
    found |= described(around.volume, around.morphological, around.intensity, new, "reseg")
    found |= {f"int_mask_dim_{a}_reseg_roi": n for a, n in zip("zyx", whole.shape, strict=True)}
    assert values.size <= whole_mask.sum() == around.morphological.sum()
    return found


def described(volume, morphological, intensity, spacing, step):
    found = {f"{name}_int_{step}_img": getattr(volume, name)() for name in ("mean", "min", "max")}
    inside = volume[intensity].astype(float)
    found |= {
        f"int_mask_{name}_int_{step}_roi": getattr(inside, name)()
        for name in ("mean", "min", "max")
    }
    for kind, region in (("morph", morphological), ("int", intensity)):
        found[f"{kind}_mask_vox_count_{step}_roi"] = region.sum()
        for axis, side in zip("zyx", bounding_box(region), strict=True):
            found[f"{kind}_mask_bb_dim_{axis}_{step}_roi"] = side.stop - side.start
    for axis, n, size in zip("zyx", volume.shape, spacing, strict=True):
        found |= {f"img_dim_{axis}_{step}_img": n, f"int_mask_dim_{axis}_{step}_roi": n}
        found[f"vox_dim_{axis}_{step}_img"] = size
    return found


def test_every_feature_with_a_consensus_is_computed_and_no_other():
    assert set(digital_phantom()) == set(DIGITAL)
    described = describe_ibsi_features()
    assert [f"original_{f.family}_{f.name}" for f in described] == feature_names(
        read_settings({"preset": "ibsi", "featureClass": ALL})
    )
    # The volume fractions and the intensity fractions share codes (at 10 and at 90 %).
    codes = {(f.ibsi, f.aggregation_code) for f in described}
    assert len(codes) == len(described) - 2
    assert {f.ibsi for f in describe_features() if f.ibsi} <= {f.ibsi for f in described}


@pytest.fixture
def random_region():
    rng = np.random.default_rng(0)
    volume = rng.normal(100, 20, (9, 10, 11)).round()
    mask = rng.random(volume.shape) < 0.4
    mask[4:7, 3:8, 2:9] = True
    mask[0, 0, 0], mask[0, :2, 1], mask[1, :2, :2] = True, False, False  # a voxel without neighbour
    return volume, mask


SPACING = (2.5, 1.1, 0.9)
FIXED = {"binCount": None, "binWidth": 10, "resegmentRange": [-1000, 1000]}


def test_slice_by_slice_is_the_mean_over_slices_each_measured_alone(random_region):
    volume, mask = random_region
    setting = FIXED | {"force2D": True}
    texture = {family: names for family, names in ALL.items() if family in "cm rlm szm ngl".split()}

    def measure(region, dimension):
        wanted = {f: [n for n in names if f"_{dimension}" in n] for f, names in texture.items()}
        settings = {"preset": "ibsi", "setting": setting, "featureClass": wanted}
        return extract(volume, region, SPACING, settings)

    whole = measure(mask, "2D")
    alone = []
    for z in range(len(mask)):
        region = np.zeros_like(mask)
        region[z] = mask[z]
        alone.append(measure(region, "2_5D"))
    # Its normalisation is by the highest level of the region, not of the slice.
    for name in whole:
        if "norm" not in name or "cm" not in name:
            of_slices = [values[name.replace("_2D", "_2_5D")] for values in alone]
            assert whole[name] == pytest.approx(np.mean(of_slices), rel=1e-9), name


def test_autocorrelations_are_sums_over_all_pairs(random_region):
    volume, mask = random_region
    roi, values = Roi(mask), volume[mask]
    places = np.argwhere(mask) * SPACING
    distance = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(distance, np.inf)
    weight, deviation = 1 / distance, values - values.mean()
    n, total = values.size, deviation @ deviation
    moran = n / weight.sum() * (deviation @ weight @ deviation) / total
    squares = (weight * (values[:, None] - values) ** 2).sum()
    geary = (n - 1) / (2 * weight.sum()) * squares / total
    assert autocorrelations(roi, values, SPACING) == pytest.approx((moran, geary), rel=1e-10)


def test_peaks_are_means_over_a_sphere_cut_off_by_the_image(random_region):
    volume, mask = random_region
    values = extract(volume, mask, SPACING, {"preset": "ibsi", "featureClass": {"loc": []}})
    every = np.indices(volume.shape).reshape(3, -1).T * SPACING
    distance = np.linalg.norm(np.argwhere(mask)[:, None] * SPACING - every, axis=2)
    inside = distance <= PEAK_RADIUS
    peaks = (inside * volume.ravel()).sum(1) / inside.sum(1)
    brightest = volume[mask] == volume[mask].max()
    assert values["original_loc_peak_glob"] == pytest.approx(peaks.max())
    assert values["original_loc_peak_loc"] == pytest.approx(peaks[brightest].max())


@pytest.mark.parametrize("in_slices", [False, True])
def test_the_border_distance_counts_steps_to_the_nearest_voxel_outside(random_region, in_slices):
    _, mask = random_region
    padded = np.pad(mask, 1)
    outside = np.argwhere(~padded)
    distance = border_distance(Roi(mask), Roi(mask), in_slices)
    for place in np.argwhere(padded):
        near = outside[outside[:, 0] == place[0]] if in_slices else outside
        assert distance[tuple(place)] == np.abs(near - place).sum(1).min()


@pytest.mark.parametrize("dimension", ["2_5D", "3D"])
def test_tone_differences_leave_out_voxels_without_a_neighbour(random_region, dimension):
    volume, mask = random_region
    wanted = {"ngt": [n for n in ALL["ngt"] if n.endswith(dimension)]}
    settings = {"preset": "ibsi", "setting": FIXED, "featureClass": wanted}
    reach = [0 if dimension == "2_5D" else 1, 1, 1]
    without = mask.copy()
    for place in np.argwhere(mask):
        around = [slice(max(0, p - r), p + r + 1) for p, r in zip(place, reach, strict=True)]
        without[tuple(place)] = mask[tuple(around)].sum() > 1
    assert without.sum() < mask.sum()
    assert extract(volume, mask, SPACING, settings) == extract(volume, without, SPACING, settings)


def test_a_grid_shares_its_middle_with_the_old_one_and_covers_it():
    for n, old, new in product((1, 5, 60, 204), (0.977, 1.0, 3.0), (0.5, 1.0, 2.0)):
        (places,) = grid_places([n], [old], [new])
        assert places[0] + places[-1] == pytest.approx(n - 1)
        assert len(places) * new >= n * old - 1e-6 > (len(places) - 1) * new
        assert all(b - a == pytest.approx(new / old) for a, b in pairwise(places))


def test_a_region_around_which_the_image_is_cut_has_the_values_of_the_whole_image():
    rng = np.random.default_rng(1)
    volume = rng.normal(0, 300, (30, 40, 50)).round()
    mask = np.zeros(volume.shape, bool)
    mask[12:17, 15:26, 20:31] = True
    settings = {"preset": "ibsi-c", "setting": {"resegmentRange": None}}
    far = volume.copy()
    far[:3], far[:, :, -5:] = 1000, -1000
    assert extract(volume, mask, (3, 1, 1), settings) == extract(far, mask, (3, 1, 1), settings)


@pytest.mark.parametrize("preset", ["ibsi", "ibsi-a", "ibsi-b", "ibsi-c", "ibsi-d", "ibsi-e"])
@pytest.mark.parametrize("region", ["one slice", "two voxels", "scattered"])
def test_small_regions_have_values_wherever_they_are_defined(preset, region):
    rng = np.random.default_rng(2)
    volume = rng.normal(0, 50, (8, 12, 12))
    mask = np.zeros(volume.shape, bool)
    mask[3, 2:9, 3:10] = region == "one slice"
    mask[0, 0, :2] = region == "two voxels"
    mask |= (rng.random(volume.shape) < 0.1) & (region == "scattered")
    spacing = (2.0, 2.0, 2.0)  # the configurations' own grid
    values = extract(volume, mask, spacing, preset)
    assert list(values) == feature_names(read_settings(preset))
    undefined = {name.removeprefix("original_") for name, v in values.items() if np.isnan(v)}
    assert np.isfinite([v for v in values.values() if not np.isnan(v)]).all()
    flat = {"morph_vol_dens_aee"}
    accepted = {
        "one slice": flat,
        "two voxels": flat | {"morph_area_dens_aee", "stat_rmad", "ih_rmad"},
        "scattered": set(),
    }
    assert undefined <= accepted[region]


def test_a_single_intensity():
    mask = np.zeros((6, 7, 8), bool)
    mask[1:4, 2:5, 2:6] = True
    for setting in ({}, GREY_LEVELS):
        settings = {"preset": "ibsi", "setting": setting}
        values = extract(np.full(mask.shape, 7), mask, (1, 1, 1), settings)
        undefined = {name for name, value in values.items() if np.isnan(value)}
        assert {"original_morph_moran_i", "original_morph_geary_c"} <= undefined
        assert values["original_stat_kurt"] == values["original_ih_range"] == 0


def test_the_extractor_has_the_same_values_and_warns_of_few_levels(random_region):
    volume, mask = random_region
    image, region = (sitk.GetImageFromArray(a) for a in (volume, mask.astype(np.uint8)))
    for each in (image, region):
        each.SetSpacing(SPACING[::-1])
    X = pd.DataFrame({"T1": [image], "mask": [region]}, index=["patient-01"])
    table = RadiomicsExtractor("ibsi-e").fit_transform(X)
    assert table.loc["patient-01"].to_dict() == extract(volume, mask, SPACING, "ibsi-e")
    coarse = {"preset": "ibsi", "setting": {"binCount": 2}, "featureClass": {"szm": []}}
    with pytest.warns(ImageWarning, match=r"fewer than 4 grey levels.*patient-01 \(2\)"):
        RadiomicsExtractor(coarse).fit_transform(X)


def test_a_width_of_bins_replaces_the_count_of_the_preset():
    setting = read_settings(
        {"preset": "ibsi", "setting": {"binWidth": 5, "ivhBinWidth": 2}}
    ).setting
    assert (setting["binCount"], setting["binWidth"]) == (None, 5)
    assert (setting["ivhBinCount"], setting["ivhBinWidth"]) == (None, 2)
    setting = read_settings({"preset": "ibsi", "setting": {"outlierSigma": 3}}).setting
    assert (setting["binCount"], setting["ivhBinCount"]) == (32, 1000)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"preset": "ibsi-f"}, "preset is 'ibsi-f'; accepted: .*ibsi-e"),
        (
            {"preset": "ibsi", "imageType": {"LoG": {}}},
            "imageType: .LoG. is unknown; accepted: Original, Mean, .*",
        ),
        ({"preset": "ibsi", "setting": {"distances": [1]}}, "'distances' has no effect there"),
        ({"preset": "ibsi", "featureClass": {"glcm": []}}, "'glcm' is unknown; .*cm, rlm"),
        ({"preset": "ibsi", "setting": {"outlierSigma": 0}}, "outlierSigma is 0; accepted"),
    ],
)
def test_settings_that_cannot_be_used_are_named(parameters, message):
    with pytest.raises(SettingsError, match=message):
        read_settings(parameters)


def test_the_other_engine_refuses():
    pytest.importorskip("radiomics", reason="PyRadiomics is not installed")
    mask = np.ones((4, 4, 4), bool)
    with pytest.raises(SettingsError, match="engine='native' does"):
        extract(mask * 1.0, mask, (1, 1, 1), "ibsi", engine="pyradiomics")


def test_too_coarse_a_grid_and_too_many_levels_are_errors():
    rng = np.random.default_rng(3)
    volume, mask = rng.normal(0, 1e5, (20, 20, 20)), np.ones((20, 20, 20), bool)
    fine = {"preset": "ibsi", "setting": {"binCount": None, "binWidth": 1}}
    with pytest.raises(ValueError, match="choose a wider binWidth"):
        extract(volume, mask, (1, 1, 1), fine)
    finer = {"preset": "ibsi", "setting": {"ivhBinWidth": 1e-3}, "featureClass": {"ivh": []}}
    with pytest.raises(ValueError, match="choose a wider ivhBinWidth"):
        extract(volume, mask, (1, 1, 1), finer)
    coarse = {"preset": "ibsi", "setting": {"resampledPixelSpacing": [30, 30, 30]}}
    with pytest.raises(ValueError, match="the region has 1 voxels"):
        extract(volume, mask, (1, 1, 1), coarse)
