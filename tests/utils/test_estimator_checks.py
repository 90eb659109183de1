"""Each estimator check passes good estimators and catches a broken one."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.utils import atomic_write, cache_folder, check_cases, check_target, fingerprint
from sklidh.utils.estimator_checks import (
    IMAGE_CHECKS,
    check_image_estimator,
    parametrize_with_image_checks,
)


def voxels(cell):
    image = cell if isinstance(cell, sitk.Image) else sitk.ReadImage(str(cell))
    return sitk.GetArrayFromImage(image).astype(float)


class Brightness(TransformerMixin, BaseEstimator):
    """Mean and maximum intensity of each image, minus the mean over the training patients."""

    def __init__(self, *, offset=0.0, cache=None, n_jobs=None):
        self.offset = offset
        self.cache = cache
        self.n_jobs = n_jobs

    def fit(self, X, y):
        check_cases(X)
        check_target(y, X)
        validate_data(self, X, skip_check_array=True)
        self.centre_ = self._measure(X).mean(axis=0)
        return self

    def transform(self, X):
        check_is_fitted(self)
        check_cases(X, self.feature_names_in_)
        return pd.DataFrame(
            self._measure(X) - self.centre_ + self.offset,
            index=X.index,
            columns=self.get_feature_names_out(),
        )

    def get_feature_names_out(self, input_features=None):
        return np.array([f"{c}_{n}" for c in self.feature_names_in_ for n in ("mean", "max")])

    def _measure(self, X):
        return np.array(
            [
                [f(voxels(X.loc[i, c])) for c in self.feature_names_in_ for f in (np.mean, np.max)]
                for i in X.index
            ]
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.two_d_array = False
        return tags


class Doubling(TransformerMixin, BaseEstimator):
    """Double the intensity of images; the output is paths to cached files."""

    def __init__(self, *, factor=2, cache=None):
        self.factor = factor
        self.cache = cache

    def fit(self, X, y=None):
        check_cases(X)
        validate_data(self, X, skip_check_array=True)
        return self

    def transform(self, X):
        check_is_fitted(self)
        return check_cases(X, self.feature_names_in_).map(self._write)

    def get_feature_names_out(self, input_features=None):
        return self.feature_names_in_

    def _write(self, path):
        image = sitk.ReadImage(path)
        if self.cache is False:
            return image * self.factor
        target = cache_folder(self.cache, "doubled") / f"{fingerprint(path, self.factor)}.mha"
        if not target.exists():
            with atomic_write(target) as temporary:
                sitk.WriteImage(image * self.factor, str(temporary))
        return str(target)


class Brightest(ClassifierMixin, Brightness):
    """Classify by the mean intensity of the first image; labels may be words."""

    def fit(self, X, y):
        self.classes_ = np.unique(check_target(y, X))
        return super().fit(X, y)

    def predict_proba(self, X):
        return np.array([[p, 1 - p] for p in 1 / (1 + np.exp(self.transform(X).iloc[:, 0]))])

    def predict(self, X):
        mutants = self.predict_proba(X).argmax(axis=1)
        return self.classes_[mutants]


GOOD = [
    Brightness(),
    Doubling(),
    Doubling(cache=False),
    Brightest(),
    make_pipeline(
        Doubling(), FeatureUnion([("a", Brightness()), ("b", Brightness())]), StandardScaler()
    ),
]


class LosesAParameter(Brightness):
    def set_params(self, **params):
        params.pop("offset", None)
        return super().set_params(**params)


class ReplacesADefault(Brightness):
    def __init__(self, *, offset=0.0, cache=None, n_jobs=None):
        super().__init__(offset=0.0 if offset is None else offset, cache=cache, n_jobs=n_jobs)


class PreparesInInit(Brightness):
    def __init__(self, *, offset=0.0, cache=None, n_jobs=None):
        super().__init__(offset=offset, cache=cache, n_jobs=n_jobs)
        self.folder = "cache"


class ValidatesInInit(Brightness):
    def __init__(self, *, offset=0.0, cache=None, n_jobs=None):
        super().__init__(offset=offset, cache=cache, n_jobs=n_jobs)
        if offset is not None and offset < 0:
            raise ValueError("offset")


class ReturnsNothing(Brightness):
    def fit(self, X, y):
        super().fit(X, y)


class ChangesAParameter(Brightness):
    def fit(self, X, y):
        super().fit(X, y)
        self.offset = float(self.offset) + 0
        return self


class WorksUnfitted(Brightness):
    def transform(self, X):
        return X.map(lambda path: voxels(path).mean())


class NoticesTooLateThatItIsUnfitted(Brightness):
    def transform(self, X):
        return pd.DataFrame(self._measure(X) - self.centre_, X.index, self.get_feature_names_out())


class LosesTheIndex(Brightness):
    def transform(self, X):
        return super().transform(X).reset_index(drop=True)


class SortsPatients(Brightness):
    def transform(self, X):
        return super().transform(X).sort_index()


class GivesRowsToTheWrongPatients(Brightness):
    def transform(self, X):
        table = super().transform(X)
        return table.sort_index().set_axis(table.index)


class LosesTheIndexInFitTransform(Brightness):
    def fit_transform(self, X, y):
        return self.fit(X, y).transform(X).reset_index(drop=True)


class NamesInAnotherOrder(Brightness):
    def transform(self, X):
        return super().transform(X).iloc[:, ::-1]


class NamesAColumnTwice(Brightness):
    def get_feature_names_out(self, input_features=None):
        return np.repeat(self.feature_names_in_, 2)


class ShortcutDiffers(Brightness):
    def fit_transform(self, X, y):
        return self.fit(X, y).transform(X) + 1


class CentresTheBatch(Brightness):
    def transform(self, X):
        table = super().transform(X)
        return table - table.mean()


class BrightensByBatch(Doubling):
    def transform(self, X):
        images = super().transform(X)
        return images.map(lambda path: sitk.ReadImage(path) * len(X))


class ForgetsWhenPickled(Brightness):
    def __getstate__(self):
        return {**super().__getstate__(), "centre_": 0}


class DependsOnWorkers(Brightness):
    def transform(self, X):
        return super().transform(X) * (self.n_jobs or 1)


class RemembersTheFirstFit(Brightness):
    def fit(self, X, y):
        before = getattr(self, "centre_", None)
        super().fit(X, y)
        self.centre_ = self.centre_ if before is None else before
        return self


class ChangesTheTable(Brightness):
    def transform(self, X):
        table = super().transform(X)
        X.iloc[0, 0] = X.iloc[1, 0]
        return table


class ChangesTheLabels(Brightness):
    def fit(self, X, y):
        super().fit(X, y)
        y.iloc[0] = y.iloc[1]
        return self


class ChangesTheFiles(Brightness):
    def transform(self, X):
        table = super().transform(X)
        sitk.WriteImage(sitk.ReadImage(X.iloc[0, 0]) + 1, X.iloc[0, 0])
        return table


class ChecksNothingAtTransform(Brightness):
    def transform(self, X):
        check_is_fitted(self)
        return pd.DataFrame(self._measure(X), X.index, self.get_feature_names_out())


class ChecksPatientByPatient(Brightness):
    def transform(self, X):
        rows = [super(ChecksPatientByPatient, self).transform(X.loc[[i]]) for i in X.index]
        return pd.concat(rows)


class DropsMissingFiles(Doubling):
    def fit(self, X, y=None):
        validate_data(self, X, skip_check_array=True)
        return self


class NamesNobody(Brightness):
    def transform(self, X):
        try:
            return super().transform(X)
        except ValueError as error:
            raise ValueError("bad table") from error


class DropsRepeatedPatients(Brightness):
    def fit(self, X, y):
        once = ~X.index.duplicated()
        return super().fit(X[once], y[once])


class TakesTheColumnsThatAreThere(Doubling):
    def transform(self, X):
        return check_cases(X).map(self._write)


class AcceptsNobody(Doubling):
    def fit(self, X, y=None):
        validate_data(self, X, skip_check_array=True)
        return self


class AcceptsAnyTarget(Brightness):
    def fit(self, X, y):
        return super().fit(X, np.arange(len(X)))


class ChecksTheTargetLast(Brightness):
    def fit(self, X, y):
        super().fit(X, np.arange(len(X)))
        check_target(y, X)
        return self


BROKEN = {
    "check_clone_and_params": [LosesAParameter],
    "check_init_only_assigns": [ReplacesADefault, PreparesInInit, ValidatesInInit],
    "check_fit_returns_self_and_keeps_parameters": [ReturnsNothing, ChangesAParameter],
    "check_unfitted_is_an_error": [WorksUnfitted, NoticesTooLateThatItIsUnfitted],
    "check_index_kept": [LosesTheIndex, SortsPatients, GivesRowsToTheWrongPatients],
    "check_inside_a_feature_union": [LosesTheIndexInFitTransform],
    "check_feature_names_out": [NamesInAnotherOrder, NamesAColumnTwice],
    "check_fit_transform_is_fit_then_transform": [ShortcutDiffers],
    "check_batch_equals_its_cases": [CentresTheBatch, BrightensByBatch],
    "check_pickle": [ForgetsWhenPickled],
    "check_n_jobs": [DependsOnWorkers],
    "check_refit_forgets": [RemembersTheFirstFit],
    "check_input_not_modified": [ChangesTheTable, ChangesTheLabels, ChangesTheFiles],
    "check_missing_file_is_an_error": [
        ChecksNothingAtTransform,
        ChecksPatientByPatient,
        DropsMissingFiles,
        NamesNobody,
    ],
    "check_duplicate_patient_is_an_error": [DropsRepeatedPatients, NamesNobody],
    "check_absent_column_is_an_error": [TakesTheColumnsThatAreThere, NamesNobody],
    "check_empty_table_is_an_error": [AcceptsNobody],
    "check_bad_target_is_an_error": [AcceptsAnyTarget, ChecksTheTargetLast],
}


@pytest.fixture
def cohort(tmp_path):
    """Return four patients' two images of random voxels, paths, and labels."""
    rng = np.random.default_rng(0)
    index = pd.Index(["P3", "P1", "P2", "P0"], name="patient")
    X = pd.DataFrame(index=index, columns=["T1", "mask"], dtype=object)
    for patient in X.index:
        for column in X.columns:
            X.loc[patient, column] = str(tmp_path / f"{patient}_{column}.mha")
            image = sitk.GetImageFromArray(rng.normal(size=(3, 4, 5)))
            image.SetSpacing([1.0, 1.0, rng.uniform(1, 6)])
            sitk.WriteImage(image, X.loc[patient, column])
    return X, pd.Series(["mutant", "wildtype"] * 2, index=index)


@parametrize_with_image_checks(GOOD)
def test_good_estimators_pass(estimator, check, cohort):
    check(estimator, *cohort)


@pytest.mark.parametrize("estimator", [Brightness(), Brightest()])
def test_images_in_memory_pass_too(estimator, cohort):
    X, y = cohort
    check_image_estimator(estimator, X.map(sitk.ReadImage), y)


@pytest.mark.parametrize(
    ("name", "broken"), [(name, broken) for name, classes in BROKEN.items() for broken in classes]
)
def test_a_broken_estimator_fails_the_right_check(name, broken, cohort):
    check = {check.__name__: check for check in IMAGE_CHECKS}[name]
    with pytest.raises(AssertionError) as caught:
        check(broken(), *cohort)
    assert str(caught.value).startswith(f"{name} of {broken.__name__}(): ")


def test_every_check_can_fail():
    assert [check.__name__ for check in IMAGE_CHECKS] == list(BROKEN)


def test_the_first_failing_check_stops_the_runner_unless_it_is_expected(cohort):
    with pytest.raises(AssertionError, match="check_n_jobs of DependsOnWorkers"):
        check_image_estimator(DependsOnWorkers(), *cohort)
    reasons = {"check_n_jobs": "it is what this test is about"}
    check_image_estimator(DependsOnWorkers(), *cohort, expected_failed_checks=reasons)


def test_an_exception_of_the_estimator_names_the_check(cohort):
    class Crashes(Brightness):
        def fit(self, X, y):
            raise ZeroDivisionError("by zero")

    with pytest.raises(ZeroDivisionError) as caught:
        check_image_estimator(Crashes(), *cohort)
    assert caught.value.__notes__ == [
        "raised in check_fit_returns_self_and_keeps_parameters of Crashes()"
    ]


def test_results_are_computed_and_not_read_from_the_cache(cohort, tmp_path):
    """Otherwise the second result of a cached estimator would trivially equal the first."""

    class CachesWrongly(Doubling):
        def _write(self, path):
            self.calls = getattr(self, "calls", 0) + 1
            target = cache_folder(self.cache, "wrong") / f"{fingerprint(path)}.mha"
            if not target.exists():
                sitk.WriteImage(sitk.ReadImage(path) * self.calls, str(target))
            return str(target)

    check = next(c for c in IMAGE_CHECKS if c.__name__ == "check_batch_equals_its_cases")
    with pytest.raises(AssertionError, match="column 'T1' differs"):
        check(CachesWrongly(cache=tmp_path / "cache"), *cohort)
    assert not (tmp_path / "cache").exists()
