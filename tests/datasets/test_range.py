"""A patient is outside of a cohort by site, spacing or a missing sequence, and only then."""

import json

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from sklidh.datasets import cohort_range, outside_range


def image(*spacing):
    grid = sitk.GetImageFromArray(np.ones((4, 4, 4), np.uint8))
    grid.SetSpacing(spacing)
    return grid


def cohort(T1, FLAIR, sites=("A", "B")):
    rows = [(*images, image(1, 1, 1), site) for *images, site in zip(T1, FLAIR, sites, strict=True)]
    X = pd.DataFrame(rows, columns=["T1", "FLAIR", "mask", "site"])
    return X.set_axis([f"P{row}" for row in range(len(X))])


TRAINED = cohort([image(1, 1, 5), image(0.5, 4, 0.5)], [image(1, 1, 1), image(1, 1, 1)])


@pytest.fixture(scope="module")
def covered():
    return cohort_range(TRAINED, pd.Series([0, 1], TRAINED.index))


def test_the_range_is_what_json_can_hold(covered):
    assert json.loads(json.dumps(covered)) == covered
    assert covered["patients"] == 2
    assert covered["classes"] == {"0": 1, "1": 1}
    assert covered["sites"] == ["A", "B"]


def test_axes_are_compared_from_fine_to_coarse_however_the_image_lies(covered):
    assert covered["modalities"]["T1"]["spacing"] == [[0.5, 0.5, 4.0], [1.0, 1.0, 5.0]]


def test_the_cohort_itself_is_inside(covered):
    assert outside_range(TRAINED, covered).tolist() == [[], []]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"site": "C"}, "site 'C' is not among the 2 trained on"),
        ({"T1": image(1, 1, 7)}, "T1 with spacing 1 x 1 x 7 mm; trained on 0.5-1 x 0.5-1 x 4-5 mm"),
        ({"T1": image(0.3, 1, 5)}, "T1 with spacing 0.3 x 1 x 5 mm"),
        ({"FLAIR": None}, "no FLAIR: 2 of the 2 trained on had one"),
    ],
)
def test_who_differs_is_told_in_what(changes, said, covered):
    X = TRAINED.iloc[[0]].copy()
    for column, value in changes.items():
        X[column] = pd.Series([value], X.index, dtype=object)
    ((told,),) = outside_range(X, covered)
    assert told.startswith(said)


def test_a_header_s_rounding_is_no_difference(covered):
    X = cohort([image(1.001, 1, 5.01)], [image(1, 1, 0.999)], ["A"])
    assert outside_range(X, covered).tolist() == [[]]


def test_without_sites_none_is_strange(covered):
    assert cohort_range(TRAINED.drop(columns="site"))["sites"] is None
    assert outside_range(TRAINED.drop(columns="site"), covered).tolist() == [[], []]
    unknown = cohort_range(TRAINED.drop(columns="site"))
    assert outside_range(TRAINED, unknown).tolist() == [[], []]


def test_files_are_measured_by_their_headers(phantoms):
    X, y = phantoms
    covered = cohort_range(X, y, modalities=["T2"])
    assert covered["modalities"] == {
        "T2": {"patients": 12, "spacing": [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]}
    }
