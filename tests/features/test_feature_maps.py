"""Maps of selected features as images, and as files in the geometry of the image."""

import numpy as np
import pytest
import SimpleITK as sitk

from sklidh import make_idh_pipeline
from sklidh.features import (
    ExtractionError,
    RadiomicsExtractor,
    feature_map_images,
    write_feature_maps,
)
from sklidh.images import GeometryMismatch
from sklidh.radiomics import feature_maps

CONTRAST = "T1CE__radiomics__original_glcm_Contrast"
ENTROPY = "FLAIR__radiomics__gradient_firstorder_Entropy"


@pytest.fixture
def two(phantoms):
    return phantoms[0].iloc[:2]


def test_files_hold_the_maps_in_the_geometry_of_the_image(two, tmp_path):
    paths = write_feature_maps(two, [ENTROPY, CONTRAST], tmp_path / "maps")
    assert paths.index.equals(two.index)
    assert list(paths) == [ENTROPY, CONTRAST]
    for patient, case in two.iterrows():
        expected = tmp_path / "maps" / patient / f"{CONTRAST}.nii.gz"
        assert paths.loc[patient, CONTRAST] == str(expected)
        written, image = sitk.ReadImage(str(expected)), sitk.ReadImage(case["T1CE"])
        for geometry in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
            assert getattr(written, geometry)() == pytest.approx(getattr(image, geometry)())
        mask = sitk.GetArrayFromImage(sitk.ReadImage(case["mask"])) > 0
        volume, spacing = sitk.GetArrayFromImage(image), image.GetSpacing()[::-1]
        maps = feature_maps(volume, mask, spacing, "paper", ["original_glcm_Contrast"])
        np.testing.assert_array_equal(
            sitk.GetArrayFromImage(written), maps["original_glcm_Contrast"]
        )


def test_columns_that_a_fitted_pipeline_selected_have_maps(phantoms, tmp_path):
    X, y = phantoms
    settings = {"featureClass": {"firstorder": ["Mean", "Entropy"]}}
    pipeline = make_idh_pipeline(
        ["T1CE", "FLAIR"],
        reference=None,
        radiomics=RadiomicsExtractor(settings),
        deep=None,
        random_state=0,
    )
    selected = list(pipeline[:-1].fit(X, y).get_feature_names_out())
    paths = write_feature_maps(X.iloc[:1], selected, tmp_path, settings=settings)
    assert paths.shape == (1, len(selected))
    assert paths.notna().all(axis=None)


def test_a_sequence_that_is_missing_has_no_file(two, tmp_path):
    two = two.astype(object)
    two.loc[two.index[0], "FLAIR"] = None
    paths = write_feature_maps(two, [ENTROPY, CONTRAST], tmp_path)
    assert paths.isna().to_numpy().tolist() == [[True, False], [False, False]]
    assert list(feature_map_images(two.iloc[0], [ENTROPY, CONTRAST])) == [CONTRAST]


def test_voxel_settings_are_used(two):
    settings = {"preset": "paper", "voxelSetting": {"initValue": -1, "kernelRadius": 2}}
    image = feature_map_images(two.iloc[0], [CONTRAST], settings=settings)[CONTRAST]
    assert sitk.GetArrayFromImage(image)[0, 0, 0] == -1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("original_glcm_Contrast", "does not begin with the column of an image and __"),
        ("T3__radiomics__original_glcm_Contrast", "does not begin with the column of an image"),
        ("T1CE__deep__7", "'T1CE__deep__7': 'deep' is not radiomics of the whole mask"),
        ("T1CE__core__original_glcm_Contrast", "'core' is not radiomics of the whole mask"),
        ("T1CE__radiomics__7", "T1CE__radiomics__7: features: '7' is not a feature"),
        ("T1CE__radiomics__original_shape_Sphericity", "has no value per voxel"),
    ],
)
def test_a_name_without_a_map_is_an_error(two, tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        write_feature_maps(two, [name], tmp_path)


def test_an_error_names_patient_and_column(two):
    case = two.iloc[0].astype(object)
    for name in ("T1CE", "mask"):
        case[name] = sitk.ReadImage(case[name])[8:24, 8:24, 8:24]
    where = f"patient '{case.name}', column 'T1CE', image in memory: kernelRadius=10: .* larger"
    with pytest.raises(ExtractionError, match=where):
        feature_map_images(case, [CONTRAST], settings={"voxelSetting": {"kernelRadius": 10}})


def test_a_patient_whose_name_is_a_path_is_refused(two, tmp_path):
    with pytest.raises(ValueError, match=r"patient '\.\./P1': the id cannot name a folder"):
        write_feature_maps(two.iloc[:1].set_axis(["../P1"]), [CONTRAST], tmp_path / "maps")


def test_a_mask_on_another_grid_is_corrected_as_for_features(two):
    case = two.iloc[0].astype(object)
    moved = sitk.ReadImage(case["mask"])
    moved.SetOrigin(np.add(moved.GetOrigin(), 0.3).tolist())
    expected = feature_map_images(case, [CONTRAST])[CONTRAST]
    case["mask"] = moved
    with pytest.raises(GeometryMismatch):
        feature_map_images(case, [CONTRAST])
    settings = {"preset": "paper", "setting": {"correctMask": True}}
    corrected = feature_map_images(case, [CONTRAST], settings=settings)[CONTRAST]
    np.testing.assert_array_equal(*map(sitk.GetArrayFromImage, (corrected, expected)))
