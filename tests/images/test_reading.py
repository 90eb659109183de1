"""An image is read as it was written, or an error says which one is wrong, how, and what to do."""

import struct

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from sklidh.images import (
    CorruptImage,
    GeometryMismatch,
    ImageError,
    MissingLabel,
    check_label,
    files_of,
    grid_difference,
    image_columns,
    read_case,
    read_image,
    read_mask,
)
from sklidh.utils import fingerprint

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


@pytest.mark.parametrize("name", ["a.mhd", "a.nhdr", "a.img", "a.hdr"])
def test_voxels_in_a_file_of_their_own_are_verified_and_part_of_every_fingerprint(write, name):
    path = write(CUBE, name)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), CUBE)
    header, data = sorted(files_of(path), key=lambda file: file.stat().st_size)
    before = fingerprint(*files_of(path))
    data.write_bytes(data.read_bytes()[:-8] + b"12345678")
    assert fingerprint(*files_of(path)) != before
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(CorruptImage, match="truncated"):
        read_image(path)
    data.unlink()
    with pytest.raises(CorruptImage, match=rf"{data.name}:? .*(?:No such file)"):
        read_image(path)
    assert files_of(header) == [header]


def nifti(path, voxels=CUBE, affine=None, kind=nib.Nifti1Image):
    image = kind(voxels.T, np.eye(4) if affine is None else affine)
    nib.save(image, path)
    return image


def test_nifti_2_is_read(tmp_path):
    affine = np.diag([2.0, 1.5, 3.0, 1.0])
    affine[:3, 3] = 10, 20, 30
    nifti(tmp_path / "a.nii.gz", affine=affine, kind=nib.Nifti2Image)
    nifti(tmp_path / "b.nii.gz", affine=affine)
    one, other = (read_image(tmp_path / f"{name}.nii.gz") for name in "ab")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(one), CUBE)
    assert grid_difference(one, other) == ""
    assert one.GetOrigin() == (-10, -20, 30)


def test_a_gzip_file_is_read_under_any_name(tmp_path):
    nifti(tmp_path / "a.nii.gz")
    path = (tmp_path / "a.nii.gz").rename(tmp_path / "a.nii")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), CUBE)


@pytest.mark.parametrize("scale", [(np.nan, np.nan), (0, 5), (np.nan, 1)])
def test_a_scale_that_is_none_is_no_scale(tmp_path, scale):
    nifti(tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into("<2f", content, 112, *scale)
    (tmp_path / "a.nii").write_bytes(content)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(tmp_path / "a.nii")), CUBE)


@pytest.mark.parametrize("degrees", [0, 30])
@pytest.mark.parametrize(("mm", "refused"), [(0.05, False), (0.3, True)])
def test_two_placements_of_one_header_must_agree(tmp_path, degrees, mm, refused):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("z", degrees, degrees=True).as_matrix()
    image = nib.Nifti1Image(CUBE.T, affine)
    moved = affine.copy()
    moved[0, 3] += mm
    image.set_qform(affine, 1)
    image.set_sform(moved, 2)
    nib.save(image, tmp_path / "a.nii")
    if refused:
        with pytest.raises(GeometryMismatch, match=r"qform and sform differ by 0\.3 mm: .* sform"):
            read_image(tmp_path / "a.nii")
    else:
        read_image(tmp_path / "a.nii")


def test_analyze_is_refused_for_what_it_does_not_store(tmp_path):
    nib.save(nib.AnalyzeImage(CUBE.T.astype(np.int16), np.eye(4)), tmp_path / "a.img")
    with pytest.raises(CorruptImage, match=r"ANALYZE 7\.5.* which side is left"):
        read_image(tmp_path / "a.img")


def test_a_folder_without_slices_is_told_by_what_it_holds(tmp_path):
    (tmp_path / "report.txt").touch()
    (tmp_path / "series-2").mkdir()
    said = r"is a folder, and none of its 1 files is DICOM; its 1 subfolders are not searched"
    with pytest.raises(CorruptImage, match=said):
        read_image(tmp_path)


def test_an_image_in_memory_is_passed_on():
    image = sitk.GetImageFromArray(CUBE)
    assert read_image(image) is image


def test_a_file_that_is_no_image_is_named_with_its_patient(tmp_path):
    path = tmp_path / "text.nii.gz"
    path.write_text("not an image")
    with pytest.raises(
        ImageError, match=r"patient 'p1', column 'T1', .*text\.nii\.gz: is not a gzip"
    ):
        read_image(path, patient="p1", modality="T1")


@pytest.mark.parametrize(
    ("voxels", "options", "message"),
    [
        (np.ones((4, 5)), {}, "has 2 dimensions, .* only 3 are accepted"),
        (np.ones((3, 4, 5, 3)), {"isVector": True}, "3 values per voxel"),
    ],
)
def test_other_than_three_dimensions_and_one_value_is_refused(write, voxels, options, message):
    with pytest.raises(ImageError, match=message):
        read_image(write(voxels, "image.mha", **options))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_voxels_that_are_not_finite_are_refused(value):
    voxels = CUBE.copy()
    voxels[1, 2, 3] = value
    with pytest.raises(ImageError, match="image in memory: contains 1 NaN or infinite voxels"):
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


def test_a_mask_of_many_labels_is_an_image():
    image = sitk.GetImageFromArray(CUBE)
    with pytest.raises(ImageError, match=r"patient 'p1', column 'mask'.*59 different labels above"):
        read_mask(image, patient="p1")
    read_mask(image, label=list(range(1, 30)))
    read_mask(sitk.GetImageFromArray(CUBE // 6))


def test_labels_that_were_scaled_on_disk_are_labels(tmp_path):
    """nibabel scales what it got as floats; labels come back as 1.00002."""
    nifti(tmp_path / "a.nii.gz", CUBE.astype(np.int16) // 12)
    image = nib.load(tmp_path / "a.nii.gz")
    nib.save(nib.Nifti1Image(image.get_fdata(), image.affine, image.header), tmp_path / "b.nii.gz")
    scaled = nib.load(tmp_path / "b.nii.gz").get_fdata()
    assert not np.array_equal(scaled, np.rint(scaled))
    for label in (None, 1, 3, [2, 4]):
        one, other = (read_mask(tmp_path / f"{name}.nii.gz", label=label) for name in "ab")
        assert np.array_equal(*map(sitk.GetArrayFromImage, (one, other)))


def test_a_mask_of_floats_is_accepted_if_they_are_whole():
    assert sitk.GetArrayFromImage(read_mask(sitk.GetImageFromArray(CUBE // 6))).sum() == 54
    with pytest.raises(ImageError, match="must contain whole numbers"):
        read_mask(sitk.GetImageFromArray(CUBE / 7))


def test_a_label_that_is_not_there_is_refused_with_those_that_are():
    image = sitk.GetImageFromArray((CUBE > 30).astype(np.uint8))
    with pytest.raises(ImageError, match=r"no voxel has label 4; labels present: \[1\]"):
        read_mask(image, label=4)
    with pytest.raises(ImageError, match=r"patient 'p1', column 'mask'.*no tumour is marked"):
        read_mask(image * 0, patient="p1")


@pytest.mark.parametrize("seed", range(8))
def test_a_mask_cropped_flipped_or_with_other_axes_first_is_laid_on_the_image(seed):
    rng = np.random.default_rng(seed)
    like = sitk.GetImageFromArray(rng.random((7, 8, 9)))
    like.SetSpacing((0.9, 1.1, 3.0))
    like.SetOrigin(rng.uniform(-50, 50, 3))
    like.SetDirection(sitk.Euler3DTransform((0, 0, 0), *rng.uniform(-1, 1, 3)).GetMatrix())
    region = sitk.GetImageFromArray(np.pad((rng.random((3, 4, 5)) > 0.4).astype(np.uint8), 2))
    region.CopyInformation(like)
    stored = region[1:8, 2:7, 1:6]
    stored = sitk.PermuteAxes(stored, rng.permutation(3).tolist())
    stored = sitk.Flip(stored, rng.integers(0, 2, 3).astype(bool).tolist())
    mask = read_mask(stored, like=like)
    assert mask.GetOrigin() == like.GetOrigin()
    assert mask.GetDirection() == like.GetDirection()
    np.testing.assert_array_equal(*map(sitk.GetArrayFromImage, (mask, region)))
    moved = sitk.Image(stored)
    moved.SetOrigin(np.add(stored.GetOrigin(), (0.3, 0, 0)))
    with pytest.raises(GeometryMismatch, match="different grids"):
        read_case(like, moved)


def named_labels(tmp_path):
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[:, 0, :3] = 1, 2, 4
    image = sitk.GetImageFromArray(labels)
    for index, (number, name) in enumerate({1: "GTV", 2: "EYE", 4: "BRAIN"}.items()):
        image.SetMetaData(f"Segment{index}_Name", name)
        image.SetMetaData(f"Segment{index}_LabelValue", str(number))
    sitk.WriteImage(image, tmp_path / "a.seg.nrrd")
    return tmp_path / "a.seg.nrrd"


def test_the_names_of_a_slicer_segmentation_can_be_asked_for(tmp_path):
    path = named_labels(tmp_path)
    listed = r"3 structures: 1 'GTV' \(0\.003 ml\), 2 'EYE' .*, 4 'BRAIN' .* label= \(--label\)"
    with pytest.raises(MissingLabel, match=listed):
        read_mask(path)
    for label, n_voxels in (("GTV", 3), (["GTV", "BRAIN"], 6), (2, 3), (["EYE", 1], 6)):
        assert sitk.GetArrayFromImage(read_mask(path, label=label)).sum() == n_voxels
    with pytest.raises(MissingLabel, match=r"named 'gtv'; available: 'GTV' \(1\), 'EYE' \(2\)"):
        read_mask(path, label="gtv")
    with pytest.raises(MissingLabel, match="the labels have no names, so give a number"):
        read_mask(sitk.GetImageFromArray((CUBE > 30).astype(np.uint8)), label="GTV")


@pytest.mark.parametrize("label", [0, -1, 1.5, "", [], [1, 0], True, [None]])
def test_a_label_that_cannot_be_one_is_refused(label):
    with pytest.raises(ValueError, match="label must be one or more"):
        check_label(label)


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
