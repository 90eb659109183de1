"""Where in a tumour features come from."""

import numpy as np
import pytest
import SimpleITK as sitk

from sklidh.features import feature_map_images
from sklidh.plotting import FeatureMapDisplay

CONTRAST = "T1CE__radiomics__original_glcm_Contrast"
MEAN = "FLAIR__radiomics__log-sigma-3-0-mm-3D_firstorder_Mean"


def test_a_map_lies_over_the_slice_with_the_largest_area(phantoms):
    case = phantoms[0].iloc[0]
    display = FeatureMapDisplay.from_case(case, [CONTRAST, MEAN])
    mask = sitk.GetArrayFromImage(sitk.ReadImage(case["mask"])) > 0
    largest = mask.sum(axis=(1, 2)).argmax()
    np.testing.assert_array_equal(display.outline, mask[largest])
    images = feature_map_images(case, [CONTRAST, MEAN])
    for name, image in images.items():
        values = sitk.GetArrayFromImage(image)[largest]
        np.testing.assert_array_equal(display.maps[name][mask[largest]], values[mask[largest]])
        assert np.isnan(display.maps[name][~mask[largest]]).all()
    flair = sitk.GetArrayFromImage(sitk.ReadImage(case["FLAIR"]))
    np.testing.assert_array_equal(display.slices[MEAN], flair[largest])


def test_panels_and_colour_bars_name_the_feature_and_its_unit(phantoms):
    display = FeatureMapDisplay.from_case(phantoms[0].iloc[0], [CONTRAST, MEAN])
    titles = [ax.get_title() for ax in display.axes_]
    assert titles == ["T1CE original\nglcm Contrast", "FLAIR log-sigma-3-0-mm-3D\nfirstorder Mean"]
    bars = [ax.get_ylabel() for ax in display.figure_.axes if ax not in display.axes_]
    assert bars == ["Contrast", "Mean (intensity)"]


def test_a_patient_without_the_image_is_an_error(phantoms):
    case = phantoms[0].astype(object).iloc[0]
    case["T1CE"] = None
    with pytest.raises(ValueError, match="has no image of"):
        FeatureMapDisplay.from_case(case, [CONTRAST])
