"""A patient is outside of a cohort by what can be seen, and only then; who was in it is known."""

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
ALIKE = TRAINED.set_axis(["new", "newer"])


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
    assert outside_range(ALIKE, covered).tolist() == [[], []]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"site": "C"}, "site 'C' is not among the 2 of the training cohort"),
        (
            {"T1": image(1, 1, 7)},
            "T1 with spacing 1 x 1 x 7 mm (trained on 0.5-1 x 0.5-1 x 4-5 mm)",
        ),
        ({"T1": image(0.3, 1, 5)}, "T1 with spacing 0.3 x 1 x 5 mm"),
        ({"FLAIR": None}, "no FLAIR, which 2 of 2 training patients had"),
    ],
)
def test_who_differs_is_told_in_what(changes, said, covered):
    X = ALIKE.iloc[[0]].copy()
    for column, value in changes.items():
        X[column] = pd.Series([value], X.index, dtype=object)
    ((told,),) = outside_range(X, covered)
    assert told.startswith(said)


def test_a_header_s_rounding_is_no_difference(covered):
    X = cohort([image(1.001, 1, 5.01)], [image(1, 1, 0.999)], ["A"])
    X = X.set_axis(["new"])
    assert outside_range(X, covered).tolist() == [[]]


def test_without_sites_none_is_strange(covered):
    assert cohort_range(TRAINED.drop(columns="site"))["sites"] is None
    assert outside_range(ALIKE.drop(columns="site"), covered).tolist() == [[], []]
    unknown = cohort_range(TRAINED.drop(columns="site"))
    assert outside_range(ALIKE, unknown).tolist() == [[], []]


def textured(seed, *, scale=100.0, offset=0.0, dtype=np.float32):
    voxels = np.random.default_rng(seed).integers(0, 11, (6, 6, 6)) * scale + offset
    return sitk.GetImageFromArray(voxels.astype(dtype))


def drawn(seed):
    return sitk.GetImageFromArray(np.random.default_rng(seed).integers(0, 2, (6, 6, 6), np.uint8))


def patients(first, last, **how):
    rows = [(textured(n, **how), drawn(n)) for n in range(first, last)]
    index = [f"P{n}" for n in range(first, last)]
    return pd.DataFrame(rows, index, ["T1", "mask"])


@pytest.mark.parametrize(
    ("how", "is_other"),
    [
        ({}, False),
        ({"scale": 150}, False),
        ({"scale": 60}, False),
        ({"scale": 1000}, True),
        ({"scale": 0.1}, True),
        ({"offset": 5000}, True),
    ],
)
def test_intensities_of_another_scale_are_told_where_they_matter(how, is_other):
    covered = cohort_range(patients(0, 8), modalities=["T1"])
    told = outside_range(patients(20, 24, **how), covered)
    for each in told:
        assert [text.split(" from")[0] for text in each] == ["T1 with intensities"] * is_other
    normalised = cohort_range(patients(0, 8), modalities=["T1"], intensities=False)
    assert outside_range(patients(20, 24, **how), normalised).tolist() == [[]] * 4


def test_a_clinical_value_that_the_cohort_lacks_is_told():
    known = patients(0, 3).assign(age=[30, 50, 70], sex=["F", "M", None])
    covered = cohort_range(known, modalities=["T1"], clinical=["age", "sex"])
    assert json.loads(json.dumps(covered))["clinical"] == {"age": [30, 70], "sex": ["F", "M"]}
    new = patients(20, 23).assign(age=[40, 71.5, np.nan], sex=["F", "f", ""])
    assert outside_range(new, covered).tolist() == [
        [],
        ["age 71.5 (trained on 30 to 70)", "sex 'f' (trained on 'F', 'M')"],
        [
            "no age: the training patients' median or most frequent word is used",
            "no sex: the training patients' median or most frequent word is used",
        ],
    ]
    words = outside_range(new.assign(age=[40, "54 y", 60]), covered)
    assert words["P21"] == ["age is not a number", "sex 'f' (trained on 'F', 'M')"]


def test_a_patient_trained_on_is_known_by_image_or_mask_whatever_the_name():
    covered = cohort_range(patients(0, 8), modalities=["T1"])
    X = patients(20, 24)
    X.at["P20", "T1"] = textured(3, dtype=np.int16)
    X.at["P21", "mask"] = drawn(5)
    X.at["P22", "T1"], X.at["P22", "mask"] = textured(6), drawn(6)
    known = [", with the same ".join(("trained on this patient", each)) for each in
             ("T1:", "mask:", "T1, mask:")]  # fmt: skip
    told = outside_range(X, covered).tolist()
    assert told.pop() == []
    for (text,), start in zip(told, known, strict=True):
        assert text.startswith(start)


def test_a_patient_trained_on_is_known_by_id_where_the_voxels_differ():
    covered = cohort_range(patients(0, 8), modalities=["T1"])
    X = patients(20, 22).set_axis(["P3", "P20"])
    told = outside_range(X, covered)
    assert told["P3"] == ["trained on a patient with this id, from other images"]
    assert told["P20"] == []


def test_what_different_patients_may_share_identifies_nobody():
    box = sitk.GetImageFromArray(np.pad(np.ones((2, 3, 2), np.uint8), 2))
    X = pd.DataFrame({"T1": [textured(1), image(1, 1, 1)], "mask": [box, box]}, ["A", "B"])
    covered = cohort_range(X, modalities=["T1"])
    assert len(covered["fingerprints"]) == 1


def test_what_is_kept_of_images_does_not_follow_the_rows_and_holds_no_name():
    X = patients(0, 8)
    covered = cohort_range(X, modalities=["T1"])
    assert covered == cohort_range(X.iloc[::-1], modalities=["T1"], n_jobs=2)
    assert not any(patient in json.dumps(covered) for patient in X.index)


def test_files_are_read_as_they_are(phantoms):
    X, y = phantoms
    covered = cohort_range(X, y, modalities=["T2"])
    assert covered["modalities"]["T2"]["spacing"] == [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]
    assert len(covered["fingerprints"]) == 24
    said = ["trained on this patient, with the same T2, mask"]
    assert outside_range(X, covered).map(lambda each: [t.split(":")[0] for t in each]).tolist() == (
        [said] * 12
    )
