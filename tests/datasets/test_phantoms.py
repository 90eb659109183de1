"""The synthetic patients are what they say they are, and their truth is written beside them."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from scipy.stats import skew
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.datasets import _phantoms, load_cohort, make_glioma_phantoms
from sklidh.evaluation import auc_interval
from sklidh.images import read_case

MODALITIES = ["T1", "T1CE", "T2", "FLAIR"]
SMALL = {"size": 24, "spacing": 2.0}


def contents(X, columns=(*MODALITIES, "mask")):
    """Return the bytes of every file, patient by patient."""
    return {patient: [Path(row[c]).read_bytes() for c in columns] for patient, row in X.iterrows()}


def voxels(path):
    return nibabel.load(path).get_fdata()


def roi_statistics(row):
    """Return a few numbers per modality that any radiologist could ask for."""
    inside = voxels(row["mask"]) > 0
    statistics = []
    for modality in MODALITIES:
        values = voxels(row[modality])[inside]
        statistics += [values.mean(), values.std() / values.mean(), skew(values)]
        statistics += list(np.quantile(values, [0.1, 0.9]) / values.mean())
    return statistics


def predicted(X, y):
    features = np.array([roi_statistics(row) for _, row in X.iterrows()])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return features, cross_val_predict(model, features, y, cv=folds, method="predict_proba")[:, 1]


def test_what_is_returned_is_what_load_cohort_reads(tmp_path):
    X, y = make_glioma_phantoms(tmp_path, 5, **SMALL)
    again, labels = load_cohort(tmp_path / "cases.csv")
    pd.testing.assert_frame_equal(X, again)
    pd.testing.assert_series_equal(y, labels)
    assert list(X.columns) == [*MODALITIES, "mask", "age", "site"]
    assert X.index.name == "patient"


def test_two_of_every_five_patients_are_mutants(tmp_path):
    _, y = make_glioma_phantoms(tmp_path, 10, size=16)
    assert y.iloc[:5].sum() == y.iloc[5:].sum() == 2


def test_without_effect_another_label_gives_the_same_files(tmp_path, monkeypatch):
    X, y = make_glioma_phantoms(tmp_path / "a", 5, effect=0, **SMALL)
    right = _phantoms.is_mutant
    monkeypatch.setattr(_phantoms, "is_mutant", lambda number: not right(number))
    flipped, labels = make_glioma_phantoms(tmp_path / "b", 5, effect=0, **SMALL)
    assert (labels == 1 - y).all()
    assert contents(flipped) == contents(X)
    pd.testing.assert_frame_equal(X[["age", "site"]], flipped[["age", "site"]])


def test_the_effect_changes_the_mutants_and_leaves_the_wild_types(tmp_path):
    X, y = make_glioma_phantoms(tmp_path / "a", 5, effect=0, **SMALL)
    changed, _ = make_glioma_phantoms(tmp_path / "b", 5, effect=1, **SMALL)
    before, after = contents(X), contents(changed)
    assert {patient for patient in X.index if before[patient] != after[patient]} == {
        *y.index[y == 1]
    }


def test_without_effect_nothing_predicts_the_label(tmp_path):
    X, y = make_glioma_phantoms(tmp_path, 60, effect=0, misalignment=(0, 0), **SMALL)
    _, probability = predicted(X, y)
    low, high = auc_interval(y, probability)
    assert low < 0.5 < high


def test_with_effect_the_tumour_predicts_the_label_but_no_mean_does(tmp_path):
    X, y = make_glioma_phantoms(tmp_path, 60, misalignment=(0, 0), size=32, spacing=2.0)
    features, probability = predicted(X, y)
    assert roc_auc_score(y, probability) >= 0.85
    means = [roc_auc_score(y, column) for column in features[:, ::5].T]
    assert max(max(auc, 1 - auc) for auc in means) < 0.85


def test_a_patient_is_the_same_whatever_the_size_of_the_cohort(tmp_path):
    few, _ = make_glioma_phantoms(tmp_path / "a", 2, sites=3, **SMALL)
    many, _ = make_glioma_phantoms(tmp_path / "b", 4, sites=3, **SMALL)
    assert contents(few) == contents(many.iloc[:2])


def test_the_seed_decides_everything(tmp_path):
    one, _ = make_glioma_phantoms(tmp_path / "a", 2, random_state=1, **SMALL)
    same, _ = make_glioma_phantoms(tmp_path / "b", 2, random_state=1, **SMALL)
    other, _ = make_glioma_phantoms(tmp_path / "c", 2, random_state=2, **SMALL)
    assert contents(one) == contents(same)
    assert all(contents(one)[patient] != contents(other)[patient] for patient in one.index)


def test_images_are_written_as_scanners_do(phantoms):
    X, _ = phantoms
    for modality in MODALITIES:
        image = nibabel.load(X[modality].iloc[0])
        assert image.get_data_dtype() == np.int16
        assert image.header.get_zooms() == (2.0, 2.0, 2.0)
        assert image.header.get_xyzt_units()[0] == "mm"
        assert np.median(image.get_fdata()) == 0
        assert image.get_fdata().min() == 0


def test_the_tumour_lies_in_the_brain_in_the_grid_of_the_reference(phantoms):
    X, _ = phantoms
    for _, row in X.iterrows():
        read_case(row["T2"], row["mask"])
        inside = voxels(row["mask"]) > 0
        assert inside.sum() > 50
        assert (voxels(row["T2"])[inside] > 0).all()


def test_tumours_differ_in_size_and_place(phantoms):
    X, _ = phantoms
    masks = [voxels(path) for path in X["mask"]]
    volumes = [mask.sum() for mask in masks]
    assert max(volumes) > 2 * min(volumes)
    places = np.array([np.argwhere(mask).mean(axis=0) for mask in masks])
    assert (places.std(axis=0) > 1).all()


def test_transforms_map_the_reference_to_the_same_anatomy(tmp_path):
    import SimpleITK as sitk

    X, _ = make_glioma_phantoms(tmp_path, 2, size=48, misalignment=(4.0, 12.0))
    for patient, row in X.iterrows():
        record = json.loads((tmp_path / patient / "transforms.json").read_text())
        assert record["reference"] == "T2"
        assert "LPS" in record["convention"]
        fixed = sitk.ReadImage(row["T2"])
        brain = sitk.GetArrayFromImage(fixed) > 0
        for modality in ("T1", "T1CE", "FLAIR"):
            matrix = np.array(record["matrices"][modality])
            assert np.allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3))
            transform = sitk.AffineTransform(matrix[:3, :3].ravel(), matrix[:3, 3])
            moving = sitk.ReadImage(row[modality])
            back = sitk.Resample(moving, fixed, transform, sitk.sitkNearestNeighbor)
            overlap = [
                2 * (brain & seen).sum() / (brain.sum() + seen.sum())
                for seen in (sitk.GetArrayFromImage(image) > 0 for image in (moving, back))
            ]
            assert overlap[1] > 0.96 > overlap[0]


def test_no_misalignment_is_none(tmp_path):
    make_glioma_phantoms(tmp_path, 2, misalignment=(0, 0), **SMALL)
    record = json.loads((tmp_path / "phantom-000" / "transforms.json").read_text())
    assert all(np.array_equal(matrix, np.eye(4)) for matrix in record["matrices"].values())


def test_sites_differ_in_brightness_and_slice_thickness(tmp_path):
    X, _ = make_glioma_phantoms(tmp_path, 12, sites=2, **SMALL)
    assert set(X["site"]) == {"site1", "site2"}
    images = X["T1"].map(nibabel.load)
    thickness = images.map(lambda image: image.header.get_zooms()[2]).groupby(X["site"]).unique()
    assert thickness["site1"] == [2.0]
    assert len(thickness["site2"]) == 1
    assert thickness["site2"][0] > 2.1
    for _, row in X.iterrows():
        read_case(row["T2"], row["mask"])


def test_missing_cells_spare_the_reference(tmp_path):
    X, _ = make_glioma_phantoms(tmp_path, 30, size=16, missing=0.3)
    empty = X[MODALITIES].isna()
    assert not empty["T2"].any()
    assert 0.15 < empty.drop(columns="T2").to_numpy().mean() < 0.45
    first = empty.index[empty["FLAIR"]][0]
    assert not (tmp_path / first / "FLAIR.nii.gz").exists()
    record = json.loads((tmp_path / first / "transforms.json").read_text())
    assert "FLAIR" not in record["matrices"]


def test_missing_images_leave_the_others_as_they_are(tmp_path):
    whole, _ = make_glioma_phantoms(tmp_path / "a", 4, **SMALL)
    some, _ = make_glioma_phantoms(tmp_path / "b", 4, missing=0.5, **SMALL)
    assert contents(whole, ["T2", "mask"]) == contents(some, ["T2", "mask"])


@pytest.mark.parametrize("misalignment", [(1.0,), (1.0, -2.0), (1, 2, 3)])
def test_a_misalignment_is_millimetres_and_degrees(tmp_path, misalignment):
    with pytest.raises(ValueError, match="translation in mm and a rotation in degrees"):
        make_glioma_phantoms(tmp_path, 2, misalignment=misalignment)


@pytest.mark.parametrize("parameter", [{"n_patients": 1}, {"size": 8}, {"missing": 1.0}])
def test_impossible_cohorts_are_refused_before_anything_is_written(tmp_path, parameter):
    with pytest.raises(ValueError, match=next(iter(parameter))):
        make_glioma_phantoms(tmp_path / "none", **parameter)
    assert not (tmp_path / "none").exists()


def test_the_mutants_of_three_classes_differ_from_each_other(tmp_path):
    X, y = make_glioma_phantoms(tmp_path, 60, target="subtype", **SMALL)
    assert y.name == "subtype"
    assert y.value_counts().to_dict() == {
        "IDH wild type": 36,
        "IDH mutant 1p/19q intact": 12,
        "IDH mutant 1p/19q codeleted": 12,
    }
    again, labels = load_cohort(tmp_path / "cases.csv", target="subtype")
    pd.testing.assert_frame_equal(X, again)
    pd.testing.assert_series_equal(y, labels)
    mutants = y != "IDH wild type"
    codeleted = (y == "IDH mutant 1p/19q codeleted").astype(int)
    for rows, truth in ((mutants, codeleted[mutants]), (y == y, mutants.astype(int))):
        _, probability = predicted(X[rows], truth)
        assert auc_interval(truth, probability)[0] > 0.5


def test_images_of_the_wild_types_do_not_depend_on_the_target(tmp_path):
    one, status = make_glioma_phantoms(tmp_path / "one", 5, **SMALL)
    other, _ = make_glioma_phantoms(tmp_path / "other", 5, target="subtype", **SMALL)
    one, other = contents(one), contents(other)
    same = [one[patient] == other[patient] for patient in one]
    assert same == [True, True, True, False, True], "the fourth is codeleted"
    assert status.tolist() == [0, 1, 0, 1, 0]
