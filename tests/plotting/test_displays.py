"""A Display keeps the numbers it draws, and draws those."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from sklearn.metrics import auc

from sklidh.images import ImageError
from sklidh.plotting import CaseDisplay, LossCurveDisplay, ROCDisplay, SelectedFeaturesDisplay

NAMES = [
    "T1__radiomics__original_shape_Sphericity",
    "T1CE__radiomics__wavelet-LH_glcm_Idm",
    "T1CE__radiomics__gradient_firstorder_Mean",
    "T1CE__deep__sanet017",
]


def test_the_area_under_the_drawn_curve_is_the_auc_in_the_legend():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 50)
    display = ROCDisplay.from_predictions(y, {"model": rng.random(50)})
    assert auc(*display.curves["model"]) == pytest.approx(display.aucs["model"][0])
    (label,) = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert label.startswith(f"model: {display.aucs['model'][0]:.2f} [")


def test_selected_features_are_counted_by_modality_and_kind_in_the_order_of_the_columns():
    counts = SelectedFeaturesDisplay.from_names(NAMES).counts
    assert counts.index.tolist() == ["T1", "T1CE"]
    assert counts.loc["T1CE"].to_dict() == {"radiomics": 2, "deep": 1}
    assert counts.loc["T1", "deep"] == 0


def test_a_feature_without_modality_and_kind_is_named():
    with pytest.raises(ValueError, match="got 'T1__Mean'"):
        SelectedFeaturesDisplay.from_names(["T1__Mean"])


def test_every_term_of_the_loss_is_a_line_over_the_epochs():
    display = LossCurveDisplay({"task": np.ones(7), "similarity": np.zeros(7)})
    lines = display.plot().ax_.get_lines()
    assert [(line.get_label(), len(line.get_xdata())) for line in lines] == [
        ("task", 7),
        ("similarity", 7),
    ]


def case(size=(12, 10, 6)):
    image = sitk.GetImageFromArray(np.arange(np.prod(size), dtype=np.float32).reshape(size[::-1]))
    image.SetSpacing((1.0, 2.0, 3.0))
    voxels = np.zeros(size[::-1], np.uint8)
    voxels[2, 3:5, 3:5] = 1
    voxels[4, 2:7, 2:8] = 1
    mask = sitk.GetImageFromArray(voxels)
    mask.CopyInformation(image)
    return pd.Series({"T1": image, "T1CE": None, "mask": mask}, name="P1")


def test_a_case_shows_the_slice_with_the_largest_tumour_area_and_says_what_was_not_acquired():
    row = case()
    display = CaseDisplay.from_case(row, ["T1", "T1CE"])
    np.testing.assert_array_equal(display.slices["T1"], sitk.GetArrayFromImage(row["T1"])[4])
    assert display.outline.sum() == 30
    assert display.aspect == 2.0
    assert [ax.get_title() for ax in display.axes_] == ["T1", "T1CE\nnot acquired"]


def test_an_image_in_another_grid_than_the_mask_is_not_drawn():
    row = case()
    row["T1"] = sitk.Image(5, 5, 5, sitk.sitkFloat32)
    with pytest.raises(ImageError, match=r"patient 'P1', column 'T1'.*different grids"):
        CaseDisplay.from_case(row, ["T1"])
