"""An image is read as it was written, or an error says which one is wrong, how, and what to do."""

import warnings

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from sklidh.images import (
    CorruptImage,
    ImageError,
    ImageWarning,
    grid_difference,
    image_columns,
    read_case,
    read_image,
    read_mask,
)

CUBE = np.arange(60.0).reshape(3, 4, 5)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes voxels of shape (z, y, x) and returns the path."""

    def write(voxels, name="image.nii.gz", spacing=(1.0, 1.5, 2.0), **options):
        image = sitk.GetImageFromArray(np.asarray(voxels), **options)
        if image.GetDimension() == 3:
            image.SetSpacing(spacing)
        sitk.WriteImage(image, tmp_path / name)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"])
@pytest.mark.parametrize("as_text", [True, False])
def test_voxels_and_spacing_come_back(write, name, as_text):
    path = write(CUBE, name)
    image = read_image(str(path) if as_text else path)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), CUBE)
    assert image.GetSpacing() == (1.0, 1.5, 2.0)


@pytest.mark.parametrize("name", ["a.mhd", "a.nhdr", "a.img"])
def test_a_file_whose_voxels_lie_in_another_is_refused(write, name):
    # What changes in the other file would go unseen: by the reader, and by every cache.
    with pytest.raises(CorruptImage, match=r"cannot be verified; \.nii, \.nii\.gz, \.nrrd, \.mha"):
        read_image(write(CUBE, name))


def test_a_folder_without_slices_is_told_by_what_it_holds(tmp_path):
    (tmp_path / "report.txt").touch()
    (tmp_path / "series-2").mkdir()
    said = r"is a folder, and none of its 1 files is DICOM; folders in it \(1 are there\)"
    with pytest.raises(CorruptImage, match=said):
        read_image(tmp_path)


def test_an_image_in_memory_is_passed_on():
    image = sitk.GetImageFromArray(CUBE)
    assert read_image(image) is image


def test_a_file_that_is_no_image_is_named_with_its_patient(tmp_path):
    path = tmp_path / "text.nii.gz"
    path.write_text("not an image")
    with pytest.raises(ImageError, match=r"patient 'p1', column 'T1', .*text\.nii\.gz: is no gzip"):
        read_image(path, patient="p1", modality="T1")


@pytest.mark.parametrize(
    ("voxels", "options", "message"),
    [
        (np.ones((4, 5)), {}, "has 2 dimensions, .* 3 are accepted"),
        (np.ones((3, 4, 5, 3)), {"isVector": True}, "3 values a voxel"),
    ],
)
def test_other_than_three_dimensions_and_one_value_is_refused(write, voxels, options, message):
    with pytest.raises(ImageError, match=message):
        read_image(write(voxels, "image.mha", **options))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_voxels_that_are_not_finite_are_refused(value):
    voxels = CUBE.copy()
    voxels[1, 2, 3] = value
    with pytest.raises(ImageError, match="image in memory: holds 1 NaN or infinite voxels"):
        read_image(sitk.GetImageFromArray(voxels))


def test_a_mask_is_every_label_above_zero_unless_told():
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[:, 0, :3] = 1, 2, 4
    image = sitk.GetImageFromArray(labels)
    for label, n_voxels in ((None, 9), (2, 3), ([1, 4], 6)):
        mask = sitk.GetArrayFromImage(read_mask(image, label=label))
        assert mask.dtype == np.uint8
        assert mask.sum() == n_voxels
        assert mask.max() == 1


def test_a_mask_keeps_its_grid(write):
    mask = read_mask(write((CUBE > 10).astype(np.uint8)))
    assert mask.GetSpacing() == (1.0, 1.5, 2.0)


def test_a_mask_of_many_labels_may_be_an_image():
    image = sitk.GetImageFromArray(CUBE)
    with pytest.warns(ImageWarning, match="patient 'p1', column 'mask'.*59 different labels above"):
        read_mask(image, patient="p1")
    with warnings.catch_warnings(action="error"):
        read_mask(image, label=list(range(1, 30)))
        read_mask(sitk.GetImageFromArray(CUBE // 6))


def test_a_mask_of_floats_is_accepted_if_they_are_whole():
    assert sitk.GetArrayFromImage(read_mask(sitk.GetImageFromArray(CUBE // 6))).sum() == 54
    with pytest.raises(ImageError, match="fractional values"):
        read_mask(sitk.GetImageFromArray(CUBE / 7))


def test_a_label_that_is_not_there_is_refused_with_those_that_are():
    image = sitk.GetImageFromArray((CUBE > 30).astype(np.uint8))
    with pytest.raises(ImageError, match=r"no voxel has label 4; the labels that are there: \[1\]"):
        read_mask(image, label=4)
    with pytest.raises(ImageError, match=r"patient 'p1', column 'mask'.*a label above 0"):
        read_mask(image * 0, patient="p1")


def test_image_and_mask_must_share_a_grid(write):
    image, mask = write(CUBE), write(np.ones((3, 4, 5), np.uint8), "mask.nii.gz", (1, 1, 1))
    with pytest.raises(ImageError, match=r"different grids: spacing .*RigidRegistration"):
        read_case(image, mask, patient="p1", modality="T1")
    volume, tumour = read_case(image, write(np.ones((3, 4, 5), np.uint8), "mask.nii.gz"))
    assert not grid_difference(volume, tumour)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda image: image.SetOrigin((0, 0, 0.5)), "origin"),
        (lambda image: image.SetSpacing((1, 1, 1.1)), "spacing"),
        (lambda image: image.SetDirection((0, 1, 0, 1, 0, 0, 0, 0, 1)), "direction"),
    ],
)
def test_a_difference_of_grids_is_named(change, said):
    one, other = sitk.GetImageFromArray(CUBE), sitk.GetImageFromArray(CUBE)
    assert grid_difference(one, other) == ""
    change(other)
    assert grid_difference(one, other).startswith(said)
    assert grid_difference(one, one[1:, :, :]).startswith("sizes (5, 4, 3) and (4, 4, 3)")


def test_rounding_in_a_header_is_no_difference():
    one, other = sitk.GetImageFromArray(CUBE), sitk.GetImageFromArray(CUBE)
    other.SetSpacing((1.00001, 1, 1))
    other.SetOrigin((0.0005, 0, 0))
    assert grid_difference(one, other) == ""


def test_columns_of_images_are_told_by_their_cells():
    X = pd.DataFrame(
        {
            "T1": ["a/t1.nii.gz", None],
            "ADC": pd.Series([sitk.GetImageFromArray(CUBE), None], dtype=object),
            "mask": ["a/mask.nii.gz", "b/mask.nii.gz"],
            "site": ["a", "b"],
            "age": [50.0, None],
            "DWI": ["A/DWI.NRRD", "b/dwi.nrrd"],
        }
    )
    assert image_columns(X) == ["T1", "ADC", "DWI"]
