"""A study computes each split once, reports every failure, and can be resumed."""

import json
import os
import time

import numpy as np
import pandas as pd
import pytest
from joblib.memory import MemorizedFunc
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.evaluation import (
    Comparison,
    StudyError,
    cross_validate,
    run_study,
    sample_size_notes,
    stratified_splits,
)


class Counting(LogisticRegression):
    """A model that counts the fits of all its clones."""

    n_fits = 0

    def fit(self, X, y):
        type(self).n_fits += 1
        return super().fit(X, y)


class Dying(ClassifierMixin, BaseEstimator):
    """A model that fails on some training sets."""

    def fit(self, X, y):
        if "P00" in X.index:
            raise FloatingPointError("the loss became NaN")
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)

    def predict(self, X):
        return np.ones(len(X), int)


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    index = [f"P{i:02d}" for i in range(30)]
    y = pd.Series(np.resize([0, 1], 30), index=index)
    X = pd.DataFrame(rng.normal(size=(30, 3)), index, ["a", "b", "c"]).add(y, axis=0)
    return X, y


def run(cohort, folder, models, **options):
    X, y = cohort
    splits = stratified_splits(y.to_numpy(), n_folds=3, n_repeats=2)
    return run_study(models, X, y, splits, folder, **options)


def test_a_study_equals_cross_validation(cohort, tmp_path):
    study = run(cohort, tmp_path, {"model": LogisticRegression}, threshold="youden")
    direct = cross_validate(
        LogisticRegression(), *cohort, cv=3, n_repeats=2, threshold="youden"
    ).predictions
    pd.testing.assert_frame_equal(study.comparison.evaluations["model"].predictions, direct)


def test_finished_splits_are_reused_unless_something_changed(cohort, tmp_path):
    def fits(**options):
        before = Counting.n_fits
        study = run(cohort, tmp_path, {"model": lambda: Counting(**options)})
        return Counting.n_fits - before, study.comparison.evaluations["model"].predictions

    n_fits, first = fits()
    assert n_fits == 6
    again, second = fits()
    assert again == 0
    pd.testing.assert_frame_equal(first, second)
    (tmp_path / "model" / "1-2.json").unlink()
    assert fits()[0] == 1
    assert fits(C=0.1)[0] == 6
    cohort[0].iloc[0, 0] += 1
    assert fits(C=0.1)[0] == 6


@pytest.mark.parametrize("name", ["image.nii", "image.img", "voxels.raw", "slices/1.dcm"])
def test_a_changed_image_file_invalidates_finished_splits(cohort, tmp_path, name):
    """Cells contain the header of a file pair, or the folder of DICOM slices."""
    X, y = cohort
    image = tmp_path / name
    image.parent.mkdir(exist_ok=True)
    image.write_text("one")
    named = {
        ".img": image.with_suffix(".hdr"), ".raw": tmp_path / "image.mhd", ".dcm": image.parent
    }.get(image.suffix, image)  # fmt: skip
    if not named.exists():
        named.write_text("ElementDataFile = voxels.raw\n")
    X["T1"] = str(named)
    model = {"model": DummyClassifier}
    run((X, y), tmp_path, model)
    key = json.loads((tmp_path / "model" / "0-0.json").read_text())["key"]
    image.write_text("two")
    run((X, y), tmp_path, model)
    assert json.loads((tmp_path / "model" / "0-0.json").read_text())["key"] != key


def test_a_failing_model_is_reported_with_its_reason_and_the_others_finish(cohort, tmp_path):
    def impossible():
        raise ValueError("needs T2, which this cohort lacks")

    study = run(cohort, tmp_path, {"dying": Dying, "none": impossible, "model": LogisticRegression})
    assert study.failures["none"] == "needs T2, which this cohort lacks"
    assert study.failures["dying"].startswith("FloatingPointError: the loss became NaN (repeat 0")
    assert list(study.comparison.evaluations) == ["model"]


def test_a_study_raises_if_all_models_fail(cohort, tmp_path):
    with pytest.raises(StudyError, match=r"no model could.*\n.*dying: FloatingPointError"):
        run(cohort, tmp_path, {"dying": Dying})


def test_half_written_files_of_a_killed_run_are_removed(cohort, tmp_path):
    (tmp_path / "model").mkdir()
    left = tmp_path / "model" / ".writing-0-0-1.json"
    left.touch()
    os.utime(left, (time.time() - 4000,) * 2)
    run(cohort, tmp_path, {"model": LogisticRegression})
    assert not left.exists()


def test_facts_time_and_warnings_survive_the_second_run(cohort, tmp_path):
    def describe(model):
        return {"coefficients": model.coef_.tolist()}

    models = {"model": lambda: LogisticRegression(max_iter=1)}
    first, second = (run(cohort, tmp_path, models, describe=describe) for _ in range(2))
    assert first.facts == second.facts
    assert len(first.facts["model"]) == 6
    assert first.seconds == second.seconds
    assert sum(first.warned["model"].values()) == 6
    assert first.warned == second.warned
    assert isinstance(first.comparison, Comparison)


def test_joblib_s_timing_warnings_are_not_recorded(cohort, tmp_path, monkeypatch):
    # The time in seconds from which joblib warns.
    monkeypatch.setattr(MemorizedFunc._persist_input, "__defaults__", (0.0,))
    kept = make_pipeline(StandardScaler(), LogisticRegression(), memory=str(tmp_path / "steps"))
    with pytest.warns(UserWarning, match="Persisting input arguments"):
        kept.fit(*cohort)
    assert not run(cohort, tmp_path, {"model": lambda: kept}).warned["model"]


def test_small_or_unbalanced_cohorts_get_notes_and_large_ones_do_not():
    y = np.repeat([0, 1], [90, 10])
    notes = " ".join(sample_size_notes(y, n_candidates=5, n_selected=2))
    assert "100 patients: 90 wild type, 10 mutant (10 %)" in notes
    assert "from 5 columns, and the smaller class has 10 patients (2.0 patients per colum" in notes
    assert "2 columns reach the classifier, for 10 patients of the smaller class (5.0 pat" in notes
    assert "wild type for all patients has an accuracy of 0.9" in notes
    assert len(sample_size_notes(np.repeat([0, 1], 200), n_candidates=20, n_selected=9)) == 1
    notes = " ".join(sample_size_notes([0] * 16 + [1] * 8, n_candidates=3492, n_selected=29.96))
    assert "from 3492 columns, and the smaller class has 8 patients (436 columns per pat" in notes
    assert "30 columns reach the classifier, for 8 patients of the smaller class (3.7 col" in notes
