"""An image of nibabel in memory is read as its file is, at the same place."""

import nibabel
import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from nibabel.spatialimages import SpatialImage

from sklidh import RadiomicsExtractor
from sklidh.images import CorruptImage, GeometryMismatch, WrongDimension, image_columns, read_image

VOXELS = np.random.default_rng(0).integers(0, 900, (5, 6, 7)).astype(np.int16)


def affine(axes=(0, 1, 2), spacing=(1.0, 1.5, 2.5), origin=(-30.0, 12.5, 7.0)):
    """Return an affine in the RAS frame whose axes are turned by 0.3 about z and then permuted."""
    turned = [[np.cos(0.3), -np.sin(0.3), 0], [np.sin(0.3), np.cos(0.3), 0], [0, 0, 1]]
    matrix = np.eye(4)
    matrix[:3, :3] = (np.array(turned) * spacing)[:, list(axes)]
    matrix[:3, 3] = origin
    return matrix


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("dtype", ["u1", "i2", ">i2", "f4", "f8", ">f4"])
def test_an_image_of_nibabel_is_what_its_file_is(axes, dtype, tmp_path):
    image = nibabel.Nifti1Image(VOXELS.astype(dtype), affine(axes))
    nibabel.save(image, tmp_path / "image.nii")
    there, here = read_image(tmp_path / "image.nii"), read_image(image)
    assert np.array_equal(sitk.GetArrayFromImage(here), sitk.GetArrayFromImage(there))
    for grid in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(here, grid)() == pytest.approx(getattr(there, grid)(), abs=1e-6)


@pytest.mark.parametrize(("dtype", "stored"), [("?", "u1"), ("e", "f4"), ("g", "f8")])
def test_voxels_of_a_type_that_simpleitk_lacks_keep_their_values(dtype, stored):
    voxels = (VOXELS % 2).astype(dtype)
    # NIfTI has no booleans; other formats of nibabel carry what they are given.
    read = read_image(SpatialImage(voxels, np.eye(4)))
    assert sitk.GetArrayFromImage(read).dtype == stored
    assert np.array_equal(sitk.GetArrayFromImage(read).T, voxels)


def test_one_volume_on_a_fourth_axis_is_one_image():
    image = nibabel.Nifti1Image(VOXELS[..., None], affine())
    assert read_image(image).GetSize() == VOXELS.shape


@pytest.mark.parametrize(
    ("voxels", "matrix", "error", "said"),
    [
        (np.stack([VOXELS] * 2, 3), affine(), WrongDimension, "has 4 dimensions"),
        (VOXELS.astype("c8"), affine(), WrongDimension, "of type complex64; one integer or real"),
        (VOXELS, affine() * [[1, 0.2, 0, 1]] + np.eye(4)[[1, 0, 2, 3]], GeometryMismatch, "right"),
        (VOXELS, affine(spacing=(0, 1, 1)), CorruptImage, "a spacing of"),
        (VOXELS, affine(origin=(np.nan, 0, 0)), CorruptImage, "not finite"),
    ],
)
def test_what_is_no_grid_of_single_values_is_refused(voxels, matrix, error, said):
    with pytest.raises(error, match=f"patient 'P1', column 'T1', image in memory: .*{said}"):
        read_image(SpatialImage(voxels, matrix), patient="P1", modality="T1")


def test_a_cohort_of_nibabel_images_has_the_features_of_its_files(tmp_path):
    mask = np.zeros(VOXELS.shape, np.uint8)
    mask[1:4, 1:5, 2:6] = 1
    images = {
        "T1": nibabel.Nifti1Image(VOXELS, affine()),
        "mask": nibabel.Nifti1Image(mask, affine()),
    }
    for name, image in images.items():
        nibabel.save(image, tmp_path / f"{name}.nii.gz")
    files = pd.DataFrame(
        {name: [str(tmp_path / f"{name}.nii.gz")] for name in images}, index=["P1"]
    )
    memory = pd.DataFrame({name: [image] for name, image in images.items()}, index=["P1"])
    assert image_columns(memory) == ["T1"]
    extract = RadiomicsExtractor({"featureClass": {"firstorder": [], "glcm": []}}, cache=False)
    pd.testing.assert_frame_equal(extract.fit_transform(memory), extract.fit_transform(files))
