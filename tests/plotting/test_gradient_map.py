"""The drawn map is the estimator's, on the slice that it saw."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklidh.features._sanet_slices import GradientMap
from sklidh.plotting import GradientMapDisplay, gradient_maps, gradient_thumbnail
from sklidh.plotting._gradient_map import strength


class Seen:
    """An estimator that looks where it is told."""

    def gradient_maps(self, X):
        size = 12
        slices = np.arange(2 * size * size, dtype=float).reshape(2, size, size)
        masks = np.zeros(slices.shape, bool)
        masks[:, 3:8, 4:9] = True
        maps = np.zeros(slices.shape)
        maps[:, 5, 6] = 2.0
        one = GradientMap(slices[:1], masks[:1], maps[:1])
        whole = {"T1": GradientMap(slices, masks, maps), "FLAIR": one}
        return {patient: whole if patient != "nobody" else {} for patient in X.index}


X = pd.DataFrame({"T1": ["a.nii", "b.nii"]}, index=["P1", "nobody"])


def test_every_slice_of_every_modality_is_drawn_with_its_map_over_it():
    display = GradientMapDisplay.from_estimator(Seen(), X, "P1")
    assert display.axes_.shape == (2, 2)
    assert [ax.get_title() for ax in display.axes_[0]] == ["T1", "FLAIR"]
    below, above = (image.get_array() for image in display.axes_[1, 0].get_images())
    np.testing.assert_array_equal(below, display.maps["T1"].slices[1])
    assert above[5, 6] == above.max() == 1
    assert not display.axes_[1, 1].get_images(), "FLAIR has one slice"


class Named(TransformerMixin, BaseEstimator):
    """A step that renames every image, or a network that draws the name of what it was given."""

    def __init__(self, suffix):
        self.suffix = suffix

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X + self.suffix


class Network(Named):
    def gradient_maps(self, X):
        image = np.ones((1, 4, 4))
        modality = X.columns[0]
        maps = {modality: GradientMap(image, image > 0, image * len(X[modality].iloc[0]))}
        return dict.fromkeys(X.index, maps)


def test_the_networks_of_a_pipeline_are_found_at_any_depth_and_see_what_the_steps_before_made():
    table = pd.DataFrame({"T1": ["a"], "FLAIR": ["abc"], "mask": ["m"]}, index=["P1"])
    union = FeatureUnion([("other", Named("")), ("deep", Network("")), ("none", "drop")])
    branches = ColumnTransformer(
        [("t1", make_pipeline(union), ["T1", "mask"]), ("flair", Network(""), ["FLAIR", "mask"])]
    )
    pipeline = make_pipeline(Named("##"), Named("###"), branches, FunctionTransformer())
    pipeline.fit(table, [0])
    found = gradient_maps(pipeline, table)["P1"]
    lengths = {modality: seen.maps.max() for modality, seen in found.items()}
    assert lengths == {"T1": 6, "FLAIR": 8}
    display = GradientMapDisplay.from_estimator(pipeline, table, "P1")
    assert [ax.get_title() for ax in display.axes_[0]] == ["T1", "FLAIR"]


def test_a_pipeline_without_a_network_is_an_error():
    with pytest.raises(ValueError, match="Pipeline has no self-attention network"):
        GradientMapDisplay.from_estimator(make_pipeline(Named("")), X, "P1")


@pytest.mark.parametrize(
    ("patient", "message"), [("P9", "'P9' is not in the table"), ("nobody", "has no image")]
)
def test_a_patient_who_cannot_be_drawn_is_an_error(patient, message):
    with pytest.raises(ValueError, match=message):
        GradientMapDisplay.from_estimator(Seen(), X, patient)


def test_a_map_of_nothing_is_drawn_as_nothing():
    assert not strength(np.zeros((5, 5)), 1.0).any()
    assert strength(np.ones((5, 5)), 1.0).max() == pytest.approx(1)


def test_the_small_picture_is_bright_where_the_prediction_depends_and_outlined_where_the_tumour_is(
    tmp_path,
):
    from matplotlib.image import imread

    slices, masks, maps = np.zeros((3, 44, 44))
    slices[:, ::2] = 1
    masks[10:34, 10:34] = 1
    maps[20:24, 20:24] = 5
    (tmp_path / "small.jpg").write_bytes(gradient_thumbnail(slices, masks.astype(bool), maps))
    red, _, blue = np.moveaxis(imread(tmp_path / "small.jpg").astype(int), -1, 0)
    warm = red - blue
    assert warm[88, 88] > 40, "over the pixels that matter"
    assert abs(warm[4, 4]) < 20, "grey where nothing matters"
    assert warm[88, 41] < -60, "the outline is blue"
