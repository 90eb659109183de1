"""Resampling, bias field and intensities: identities, grids, and what is learned from whom."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from sklidh.images import (
    BiasFieldCorrection,
    CohortCheck,
    EmptyROI,
    ImageError,
    IntensityNormalization,
    Resampling,
    grid_difference,
    read_case,
)
from sklidh.images._intensity_methods import LANDMARKS, white_matter_peak
from sklidh.images._resampling import resample_to_spacing
from sklidh.utils import CohortError
from sklidh.utils.estimator_checks import parametrize_with_image_checks

METHODS = ["zscore", "percentile", "nyul", "whitestripe"]


def volume(voxels, spacing=(1.0, 1.0, 1.0)):
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    return image


def brain(seed=0, shape=(12, 20, 20)):
    """Return a skull-stripped head: grey and white matter within 0."""
    rng = np.random.default_rng(seed)
    voxels = np.zeros(shape)
    inside = np.s_[2:-2, 3:-3, 3:-3]
    voxels[inside] = np.where(
        rng.random(voxels[inside].shape) < 0.25,
        rng.normal(400, 15, voxels[inside].shape),
        rng.normal(250, 25, voxels[inside].shape),
    )
    return voxels


def table(*voxels, column="T1"):
    images = pd.Series([volume(each) for each in voxels], dtype=object)
    return pd.DataFrame({column: images}).set_axis([f"P{i}" for i in range(len(voxels))])


def normalised(method, *voxels, column="T1", train=None, **options):
    X = table(*voxels, column=column)
    step = IntensityNormalization(method, cache=False, **options).fit(X if train is None else train)
    return [sitk.GetArrayFromImage(image) for image in step.transform(X)[column]]


@parametrize_with_image_checks([IntensityNormalization("nyul")])
def test_image_in_checks(estimator, check, phantoms):
    X, y = phantoms
    check(estimator, X[["T1", "T2"]].iloc[:4], y.iloc[:4])


# Intensities


@pytest.mark.parametrize("method", METHODS)
def test_the_scanners_scale_does_not_matter(method):
    voxels = brain()
    scaled = np.where(voxels == 0, 0, 3 * voxels + 70)
    train = table(brain(1))
    one, other = normalised(method, voxels, scaled, train=train)
    np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(one).max())


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_intensities_stays_and_so_does_the_empty_background(method):
    voxels = brain()
    (mapped,) = normalised(method, voxels)
    assert (mapped[voxels == 0] == 0).all()
    order = np.argsort(voxels[voxels != 0])
    assert (np.diff(mapped[voxels != 0][order]) >= 0).all()


def test_percentiles_become_0_and_1():
    voxels = brain()
    (mapped,) = normalised("percentile", voxels)
    inside = voxels[voxels != 0]
    low, high = np.percentile(inside, [1, 99])
    np.testing.assert_allclose(
        mapped[voxels != 0], np.clip((inside - low) / (high - low), 0, 1), atol=1e-6
    )


def test_nyul_by_hand():
    # Two training images with percentiles p and 2 p + 9: on the range 0 to 100 they are the same.
    ramp = np.linspace(100, 300, 1000).reshape(10, 10, 10)
    step = IntensityNormalization("nyul", cache=False).fit(table(ramp, 2 * ramp + 9))
    # A ramp has no background of 0: what is brighter than the mean is taken for the head.
    bright = ramp[ramp > ramp.mean()]
    marks = np.percentile(bright, LANDMARKS)
    expected = 100 * (marks - marks[0]) / (marks[-1] - marks[0])
    np.testing.assert_allclose(step.standard_landmarks_.loc["T1"], expected)
    other = np.sqrt(ramp)
    (mapped,) = (sitk.GetArrayFromImage(image) for image in step.transform(table(other))["T1"])
    bright = other > other.mean()
    np.testing.assert_allclose(np.percentile(mapped[bright], LANDMARKS), expected, atol=0.05)


def test_test_rows_change_nothing_that_nyul_learns():
    train, test = table(brain(0), brain(1)), table(brain(2) * 5, brain(3) ** 1.5)
    step = IntensityNormalization("nyul", cache=False).fit(train)
    learned = step.standard_landmarks_.copy()
    alone = [sitk.GetArrayFromImage(image) for image in step.transform(train)["T1"]]
    both = step.transform(pd.concat([train, test.set_axis(["P8", "P9"])]))["T1"]
    pd.testing.assert_frame_equal(step.standard_landmarks_, learned)
    for before, image in zip(alone, both, strict=False):
        np.testing.assert_array_equal(before, sitk.GetArrayFromImage(image))
    refitted = IntensityNormalization("nyul", cache=False).fit(test)
    assert not np.allclose(refitted.standard_landmarks_, learned)


def test_the_cache_tells_one_scale_from_another(phantoms, tmp_path):
    X = phantoms[0][["T1"]].iloc[:3]
    first = IntensityNormalization("nyul", cache=tmp_path).fit(X.iloc[:1])
    second = IntensityNormalization("nyul", cache=tmp_path).fit(X.iloc[1:2])
    paths = [step.transform(X)["T1"].iloc[2] for step in (first, second, first)]
    assert paths[0] == paths[2] != paths[1]
    assert Path(paths[0]).read_bytes() != Path(paths[1]).read_bytes()


def test_white_matter_is_0_with_deviation_1_in_its_stripe():
    voxels = brain()
    (mapped,) = normalised("whitestripe", voxels)
    white = (voxels > 380) & (voxels < 420)
    grey = (voxels > 200) & (voxels < 300)
    assert voxels[white & (abs(mapped) < 1)].mean() == pytest.approx(400, abs=8)
    assert mapped[grey].mean() < -10
    # In other sequences the most frequent tissue counts: here grey matter.
    (mapped,) = normalised("whitestripe", voxels, column="FLAIR")
    assert voxels[grey & (abs(mapped) < 1)].mean() == pytest.approx(250, abs=12)


def test_the_peak_is_where_the_tissue_was_put():
    inside = brain()[brain() != 0]
    assert white_matter_peak(inside, last=True) == pytest.approx(400, abs=6)
    assert white_matter_peak(inside, last=False) == pytest.approx(250, abs=12)


def test_a_column_of_masks_says_where_the_map_is_measured():
    voxels = np.random.default_rng(0).normal(300, 40, (6, 8, 8))
    mask = np.zeros(voxels.shape, np.uint8)
    mask[2:4, 2:6, 2:6] = 1
    X = table(voxels).assign(head=pd.Series([volume(mask)], ["P0"], dtype=object))
    step = IntensityNormalization(mask="head", modalities=["T1"], cache=False)
    (image,) = step.fit_transform(X)["T1"]
    inside = sitk.GetArrayFromImage(image)[mask == 1]
    assert abs(inside.mean()) < 1e-5
    assert abs(inside.std() - 1) < 1e-5
    shifted = volume(mask, (1, 1, 2))
    X["head"] = pd.Series([shifted], ["P0"], dtype=object)
    with pytest.raises(ImageError, match=r"'P0', column 'T1'.*not on the grid of its mask"):
        step.transform(X)


@pytest.mark.parametrize("method", METHODS)
def test_an_image_without_a_range_is_refused_by_name(method):
    flat = brain()
    flat[flat > 0] = 7
    with pytest.raises(ImageError, match=r"patient 'P0', column 'T1'.*cannot be normalised"):
        normalised(method, flat)
    with pytest.raises(EmptyROI, match="every voxel is 0"):
        normalised(method, flat * 0, train=table(brain()))


# Resampling


def test_a_linear_image_stays_linear_where_it_lies():
    z, y, x = np.indices((12, 14, 16))
    image = volume(2.0 * x + 3 * y - z, (1, 1, 2))
    X = pd.DataFrame({"T1": [image]}, ["P0"])
    (fine,) = Resampling((0.5, 0.5, 0.5), mask=None, cache=False).fit_transform(X)["T1"]
    assert fine.GetSize() == (32, 28, 48)
    for index in [(8, 10, 12), (15, 14, 20), (20, 17, 30)]:
        at = image.TransformPhysicalPointToContinuousIndex(
            fine.TransformIndexToPhysicalPoint(index)
        )
        assert fine[index] == pytest.approx(2 * at[0] + 3 * at[1] - at[2], abs=0.05)


def test_images_and_mask_of_one_grid_stay_in_one_grid(phantoms, tmp_path):
    X = phantoms[0].iloc[:1][["T2", "mask"]]
    resampled = Resampling((3, 3, 1), cache=tmp_path).fit_transform(X)
    image, mask = read_case(*resampled.iloc[0])
    assert image.GetSpacing() == (3, 3, 1)
    before = sitk.ReadImage(X["T2"].iloc[0])
    assert image.GetPixelID() == before.GetPixelID()
    centre = [
        each.TransformContinuousIndexToPhysicalPoint(((np.array(each.GetSize()) - 1) / 2).tolist())
        for each in (before, image)
    ]
    np.testing.assert_allclose(*centre, atol=1e-4)
    # The tumour keeps its volume, 9 mm3 a voxel instead of 8.
    tumour = sitk.GetArrayFromImage(sitk.ReadImage(X["mask"].iloc[0])) > 0
    assert sitk.GetArrayFromImage(mask).sum() * 9 == pytest.approx(8 * tumour.sum(), rel=0.1)


@given(
    size=st.tuples(*[st.integers(3, 9)] * 3),
    old=st.tuples(*[st.floats(0.4, 3)] * 3),
    new=st.tuples(*[st.floats(0.4, 3)] * 3),
    dtype=st.sampled_from(["u1", "i2", "f4", "f8"]),
)
@settings(max_examples=25, deadline=None)
def test_any_grid_keeps_its_middle_and_its_extent_and_any_type_its_range(size, old, new, dtype):
    voxels = np.random.default_rng(0).uniform(0, 200, size[::-1]).astype(dtype)
    image = volume(voxels, old)
    resampled = resample_to_spacing(image, spacing=new)
    if resampled is None:
        resampled = image
    extents = [np.multiply(each.GetSize(), each.GetSpacing()) for each in (image, resampled)]
    assert (extents[1] > extents[0] - 1e-3).all()
    assert (extents[1] < extents[0] + new + 1e-3).all()
    middles = [
        each.TransformContinuousIndexToPhysicalPoint(((np.array(each.GetSize()) - 1) / 2).tolist())
        for each in (image, resampled)
    ]
    np.testing.assert_allclose(*middles, atol=1e-4)
    values = sitk.GetArrayFromImage(resampled)
    assert values.dtype == voxels.dtype
    assert voxels.min() <= values.min() <= values.max() <= voxels.max()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_an_axis_of_few_voxels_gives_the_same_values_every_time(axis, length):
    """ITK's spline is not defined on two voxels: what it returns was never written."""
    shape = np.array([9, 8, 7])
    shape[axis] = length
    ramp = np.indices(shape)[axis] * 100.0
    X = pd.DataFrame({"T1": [sitk.GetImageFromArray(ramp)]}, ["P1"])
    spacing = np.ones(3)
    spacing[2 - axis] = 0.5
    step = Resampling(tuple(spacing), mask=None, cache=False)
    first, second = (sitk.GetArrayFromImage(step.fit_transform(X)["T1"].iloc[0]) for _ in "ab")
    np.testing.assert_array_equal(first, second)
    # Constant along the other axes, and rising along this one from the first value to the last.
    line = np.moveaxis(first, axis, 0).reshape(2 * length, -1)
    np.testing.assert_allclose(line, line[:, :1].repeat(line.shape[1], axis=1), atol=1e-9)
    assert (np.diff(line[:, 0]) >= 0).all()
    np.testing.assert_allclose(line[:, 0].mean(), 50 * (length - 1))


def test_an_image_of_this_spacing_stays_byte_for_byte(phantoms, tmp_path):
    X = phantoms[0].iloc[:2][["T2", "mask"]]
    assert Resampling((2, 2, 2), cache=tmp_path).fit_transform(X).equals(X)


def test_intensities_stay_in_their_range_and_labels_are_labels():
    voxels = np.zeros((8, 8, 8), np.int16)
    voxels[2:6, 2:6, 2:6] = 1000
    labels = np.where(voxels > 0, 4, 0).astype(np.uint8)
    X = pd.DataFrame({"T1": [volume(voxels)], "mask": [volume(labels)]}, ["P0"])
    row = Resampling((0.7, 0.7, 0.7), cache=False).fit_transform(X).iloc[0]
    values = sitk.GetArrayFromImage(row["T1"])
    assert values.min() == 0
    assert values.max() == 1000
    assert np.unique(sitk.GetArrayFromImage(row["mask"])).tolist() == [0, 4]
    assert not grid_difference(row["T1"], row["mask"])


def test_a_tumour_that_vanishes_is_refused():
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[1, 1, 1:4] = 1
    X = pd.DataFrame({"T1": [volume(labels)], "mask": [volume(labels)]}, ["P0"])
    with pytest.raises(EmptyROI, match=r"'P0', column 'mask'.*no voxel of the mask is left"):
        Resampling((9, 9, 9), cache=False).fit_transform(X)


@pytest.mark.parametrize("spacing", [(1, 1), (1, 1, 0), (1, 1, np.inf), (1, 1, "1")])
def test_a_spacing_that_is_none_is_refused(phantoms, spacing):
    with pytest.raises(ValueError, match="spacing must be three numbers"):
        Resampling(spacing).fit(phantoms[0])


# The bias field


def test_a_shading_is_taken_away_and_the_contrast_stays():
    tissue = brain(shape=(20, 24, 24))
    shading = 1 + 0.5 * np.linspace(0, 1, 24) ** 2
    X = table(tissue * shading)
    (image,) = BiasFieldCorrection(shrink=2, cache=False).fit_transform(X)["T1"]
    corrected = sitk.GetArrayFromImage(image)

    def variance(voxels):
        white = voxels[tissue > 350]
        return white.var() / white.mean() ** 2

    left = variance(corrected) - variance(tissue)
    assert left < (variance(tissue * shading) - variance(tissue)) / 2
    grey = (tissue > 0) & (tissue < 320)
    ratio = corrected[tissue > 350].mean() / corrected[grey].mean()
    assert ratio == pytest.approx(tissue[tissue > 350].mean() / tissue[grey].mean(), rel=0.03)
    assert corrected[tissue > 0].mean() == pytest.approx((tissue * shading)[tissue > 0].mean())


# Tables


@pytest.mark.parametrize("step", [Resampling(), BiasFieldCorrection(), IntensityNormalization()])
def test_empty_cells_stay_empty_on_request_and_files_to_nowhere_are_listed(step, phantoms):
    X = phantoms[0].iloc[:2][["T1", "mask"]].copy()
    step.set_params(cache=False, missing="nan", modalities=["T1"])
    X["T1"] = None
    assert step.fit_transform(X)["T1"].isna().all()
    X["T1"] = ["nowhere.nii", "elsewhere.nii"]
    with pytest.raises(CohortError, match=r"(?s)nowhere\.nii.*elsewhere\.nii"):
        step.transform(X)


def test_a_damaged_image_is_named(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(b"no image")
    X = pd.DataFrame({"T1": [str(path)]}, ["P0"])
    with pytest.raises(ImageError, match=r"'P0', column 'T1'.*is not a gzip file"):
        IntensityNormalization(cache=False).fit_transform(X)


def test_new_patients_need_the_columns_that_are_read_and_no_others(phantoms):
    X, _ = phantoms
    check = CohortCheck(["T1"]).fit(X)
    new = X.drop(columns=["age", "T2"]).assign(note=1)[["note", "mask", "site", "T1", "FLAIR"]]
    read = check.transform(new)
    assert list(read.columns) == list(X.columns)
    assert read["T1"].tolist() == X["T1"].tolist()
    assert read["age"].isna().all()
    with pytest.raises(CohortError, match="column 'T1' not found"):
        check.transform(new.drop(columns="T1"))
