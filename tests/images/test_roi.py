"""Tumour slices: the right plane, the right square, nothing stretched."""

import numpy as np
import pytest
import SimpleITK as sitk

from sklidh.images import ImageError, tumour_slices
from sklidh.images._roi import resample_square, square_around


def as_image(voxels, spacing=(1.0, 1.0, 1.0)):
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    return image


def brain(shape=(12, 40, 36)):
    """Return voxels that differ everywhere and are nowhere 0, (slices, rows, columns)."""
    return np.random.default_rng(0).uniform(50, 150, shape)


def box(shape, slices, rows, columns):
    tumour = np.zeros(shape, np.uint8)
    tumour[slices, rows, columns] = 1
    return tumour


def z_scores(voxels):
    return (voxels - voxels.mean()) / voxels.std()


def test_a_box_as_large_as_the_slice_is_cut_out_untouched():
    voxels = brain()
    tumour = box(voxels.shape, 5, slice(10, 26), slice(8, 24))
    (cut,) = tumour_slices(as_image(voxels), as_image(tumour), size=16)
    np.testing.assert_allclose(cut, z_scores(voxels)[5, 10:26, 8:24], rtol=1e-6)


def test_the_largest_areas_come_first_and_of_equals_the_lower_slice():
    voxels = brain()
    tumour = box(voxels.shape, 4, slice(10, 18), slice(10, 18))
    tumour[6, 10:26, 10:26] = 1
    tumour[3, 10:18, 18:26] = 1  # as large as in slice 4
    tumour[3, 25, 25] = 0
    cuts = tumour_slices(as_image(voxels), as_image(tumour), size=8, n_slices=3)
    expected = [z_scores(voxels)[index] for index in (3, 4)]
    np.testing.assert_allclose(cuts[1], expected[0][10:18, 18:26], rtol=1e-5)
    np.testing.assert_allclose(cuts[2], expected[1][10:18, 10:18], rtol=1e-5)


def test_a_small_tumour_gives_as_many_slices_as_it_has():
    voxels = brain()
    tumour = box(voxels.shape, slice(3, 5), slice(10, 18), slice(10, 18))
    assert tumour_slices(as_image(voxels), as_image(tumour), n_slices=9, size=20).shape == (
        2,
        20,
        20,
    )


def test_the_box_is_squared_on_its_longer_side_around_its_centre():
    tumour = box((1, 40, 40), 0, slice(10, 30), slice(20, 24))[0].astype(bool)
    centre, side = square_around(tumour, (1.0, 1.0))
    assert centre.tolist() == [19.5, 21.5]
    assert side == 20


def test_the_longer_side_is_the_longer_in_mm():
    tumour = box((1, 40, 40), 0, slice(10, 20), slice(20, 28))[0].astype(bool)
    _, side = square_around(tumour, (1.0, 2.0))
    assert side == 16


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 2.0), (3.0, 1.0)])
def test_a_disc_stays_a_disc_whatever_the_spacing(spacing):
    rows, columns = np.indices((160, 160)) - 79.5
    disc = (np.hypot(rows * spacing[0], columns * spacing[1]) < 24)[None].repeat(3, 0)
    image, mask = (
        as_image(array, (spacing[1], spacing[0], 1.0))
        for array in (np.where(disc, 200.0, 100.0), disc.astype(np.uint8))
    )
    (cut,) = tumour_slices(image, mask, size=48)
    inside = cut > cut.mean()
    expected = np.hypot(*(np.indices((48, 48)) - 23.5)) < 24
    assert (inside != expected).mean() < 0.06


def test_what_reaches_beyond_the_image_is_background():
    voxels = brain((4, 30, 30))
    tumour = box(voxels.shape, 1, slice(0, 20), slice(0, 4))
    (cut,) = tumour_slices(as_image(voxels), as_image(tumour), size=20)
    # The square's columns run from -8 to 11.
    background = (0 - voxels.mean()) / voxels.std()
    np.testing.assert_allclose(cut[:, :8], background, rtol=1e-6)
    np.testing.assert_allclose(cut[:, 8:], z_scores(voxels)[1, :20, :12], rtol=1e-5)


@pytest.mark.parametrize("stored", ["LPS", "RAI", "ASL", "PIR", "SRA"])
def test_slices_are_the_patients_axial_ones_however_the_file_is_stored(stored):
    voxels = brain()
    tumour = box(voxels.shape, 5, slice(10, 26), slice(8, 20))
    image, mask = as_image(voxels, (1.0, 1.2, 3.0)), as_image(tumour, (1.0, 1.2, 3.0))
    expected = tumour_slices(image, mask, size=24)
    turned = [sitk.DICOMOrient(each, stored) for each in (image, mask)]
    np.testing.assert_array_equal(tumour_slices(*turned, size=24), expected)


def test_the_scanners_scale_and_offset_do_not_matter():
    voxels = brain()
    voxels[:, :5] = 0  # background
    tumour = as_image(box(voxels.shape, 5, slice(12, 26), slice(8, 20)))
    expected = tumour_slices(as_image(voxels), tumour, size=14)
    other = tumour_slices(as_image(np.where(voxels == 0, 0, 3 * voxels + 40)), tumour, size=14)
    np.testing.assert_allclose(other, expected, rtol=1e-5, atol=1e-6)


def test_the_brains_voxels_have_mean_0_and_deviation_1_the_background_does_not_count():
    voxels = brain((3, 32, 32))
    tumour = as_image(box(voxels.shape, slice(0, 3), slice(0, 32), slice(0, 32)))
    cuts = tumour_slices(as_image(voxels), tumour, size=32, n_slices=3)
    assert abs(cuts.mean()) < 1e-6
    assert abs(cuts.std() - 1) < 1e-6
    wider = np.pad(voxels, ((0, 0), (4, 4), (4, 4)))
    mask = as_image(np.pad(np.ones_like(voxels, np.uint8), ((0, 0), (4, 4), (4, 4))))
    np.testing.assert_allclose(tumour_slices(as_image(wider), mask, size=32, n_slices=3), cuts)


def test_pixels_that_merge_are_averaged_not_skipped():
    # Stripes finer than the new pixels: plain interpolation would return stripes of another width.
    stripes = np.tile([0.0, 1.0], (64, 32))
    inside = resample_square(stripes, np.array([31.5, 31.5]), 64.0, (1.0, 1.0), 15)[2:-2, 2:-2]
    assert inside.std() < 0.02


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_constant_image_is_an_error_that_names_the_patient(value):
    voxels = np.full((4, 20, 20), value)
    tumour = as_image(box(voxels.shape, 1, slice(5, 9), slice(5, 9)))
    with pytest.raises(ImageError, match=r"patient 'P7', column 'T2', .*constant image"):
        tumour_slices(as_image(voxels), tumour, patient="P7", modality="T2")


def test_only_the_label_asked_for_is_tumour():
    voxels = brain()
    tumour = box(voxels.shape, 5, slice(10, 26), slice(8, 24))
    tumour[7, 12:20, 12:20] = 4
    (cut,) = tumour_slices(as_image(voxels), as_image(tumour), size=8, label=4)
    np.testing.assert_allclose(cut, z_scores(voxels)[7, 12:20, 12:20], rtol=1e-5)


def test_each_plane_shows_its_own_largest_slice_with_the_head_upwards():
    voxels = brain((30, 40, 36))
    tumour = np.zeros(voxels.shape, np.uint8)
    tumour[8:20, 10:22, 12:24] = 1
    tumour[:, 15, :][8:20, 12:26] = 1  # coronal slice 15 shows the most
    tumour[:, :, 20][6:20, 10:22] = 1  # and sagittal slice 20
    planes = ("sagittal", "coronal", "axial")
    sagittal, coronal, axial = tumour_slices(
        as_image(voxels), as_image(tumour), size=14, planes=planes
    )
    scores = z_scores(voxels)
    np.testing.assert_allclose(sagittal, scores[6:20, 9:23, 20][::-1], rtol=1e-5)
    np.testing.assert_allclose(coronal, scores[6:20, 15, 12:26][::-1], rtol=1e-5)
    (alone,) = tumour_slices(as_image(voxels), as_image(tumour), size=14)
    np.testing.assert_array_equal(axial, alone)


def test_in_every_plane_a_ball_is_a_disc_whatever_the_spacing():
    spacing = np.array([4.0, 1.0, 2.0])  # z, y, x
    offsets = np.moveaxis(np.indices((20, 80, 40)), 0, -1) - [9.5, 39.5, 19.5]
    ball = np.linalg.norm(offsets * spacing, axis=-1) < 30
    image, mask = (
        as_image(array, spacing[::-1]) for array in (np.where(ball, 2.0, 1.0), ball.astype("u1"))
    )
    cuts, masks = tumour_slices(
        image, mask, size=30, planes=["axial", "coronal", "sagittal"], return_masks=True
    )
    disc = np.hypot(*(np.indices((30, 30)) - 14.5)) < 15
    for cut, shown in zip(cuts, masks, strict=True):
        assert ((cut > (cut.min() + cut.max()) / 2) != disc).mean() < 0.08
        assert (shown != disc).mean() < 0.08


def test_the_masks_are_cut_as_the_slices_are():
    voxels = brain()
    tumour = box(voxels.shape, 5, slice(10, 26), slice(8, 20))
    _, (mask,) = tumour_slices(as_image(voxels), as_image(tumour), size=16, return_masks=True)
    np.testing.assert_array_equal(mask, tumour[5, 10:26, 6:22] == 1)


@pytest.mark.parametrize("planes", [(), "oblique", ["axial", "coronel"]])
def test_a_plane_that_there_is_not_is_an_error(planes):
    image = as_image(brain())
    with pytest.raises(ValueError, match="accepted are one or more of axial, coronal, sagittal"):
        tumour_slices(image, image, planes=planes)
