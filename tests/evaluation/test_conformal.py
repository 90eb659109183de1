"""Prediction sets contain the true class of new patients as often as stated, in each class."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import GridSearchCV, ShuffleSplit, StratifiedKFold, cross_val_predict
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklidh.evaluation import (
    ConformalClassifier,
    choose_threshold,
    fit_with_uncertainty,
    innermost,
)

SMALL = "ignore:ConformalClassifier. class .* needs at least"


@pytest.mark.filterwarnings(SMALL)
@parametrize_with_checks([ConformalClassifier(LogisticRegression(), cv=3)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def draw(rng, sizes, n_columns=6, effect=1.2):
    """Draw patients of classes of given sizes, with normally distributed columns."""
    y = np.repeat(np.arange(len(sizes)), sizes)
    return rng.normal(size=(len(y), n_columns)) + effect * np.eye(n_columns)[y], y


@pytest.mark.parametrize("sizes", [(45, 15), (40, 20, 12)])
@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_sets_contain_the_true_class_of_new_patients_as_often_as_stated(sizes, coverage):
    rng, found = np.random.default_rng(0), []
    conformal = ConformalClassifier(LinearDiscriminantAnalysis(), coverage)
    for _ in range(150):
        model = conformal.fit(*draw(rng, sizes))
        X, y = draw(rng, [200] * len(sizes))
        sets = model.predict_set(X)
        found.append([sets[y == c, c].mean() for c in range(len(sizes))])
    mean, error = np.mean(found, 0), np.std(found, 0) / np.sqrt(len(found))
    assert (mean > coverage - 2.6 * error).all(), "too rarely in one of the classes"
    # One rank of n_c + 1, and what cross-validation adds to it.
    assert (mean < coverage + 2 / (np.array(sizes) + 1) + 2.6 * error).all(), "sets are too large"


def test_a_model_without_a_signal_is_uncertain_and_covers_nevertheless():
    rng, covered, sizes = np.random.default_rng(0), [], []
    for _ in range(100):
        model = ConformalClassifier(LinearDiscriminantAnalysis(), 0.8)
        model.fit(*draw(rng, [30, 30], effect=0))
        X, y = draw(rng, [100, 100], effect=0)
        sets = model.predict_set(X)
        covered.append(sets[np.arange(len(y)), y].mean())
        sizes.append(sets.mean())
    assert np.mean(covered) > 0.8 - 2.6 * np.std(covered) / 10
    assert np.mean(sizes) == pytest.approx(np.mean(covered), abs=0.02), "any class is as likely"


def test_p_values_count_the_patients_of_a_class_who_conform_less():
    rng = np.random.default_rng(1)
    (X, y), (new, _) = draw(rng, (20, 14, 11)), draw(rng, (4, 4, 4))
    folds = StratifiedKFold(4, shuffle=True, random_state=3)
    found = ConformalClassifier(LogisticRegression(), cv=folds).fit(X, y).predict_pvalues(new)
    count = np.ones(found.shape)
    for train, test in folds.split(X, y):
        model = LogisticRegression().fit(X[train], y[train])
        own, others = model.predict_proba(X[test]), model.predict_proba(new)
        for patient, c in np.ndindex(count.shape):
            count[patient, c] += (own[y[test] == c, c] <= others[patient, c]).sum()
    np.testing.assert_array_equal(found, count / (np.bincount(y) + 1))


def test_sets_are_where_p_values_exceed_the_error_rate_despite_rounding():
    X, y = draw(np.random.default_rng(0), (9, 19))
    model = ConformalClassifier(LinearDiscriminantAnalysis(), 0.9).fit(X, y)
    # 1 / 10 is not above 1 - 0.9, which is 0.0999... in floating point.
    assert not model.predict_set(np.full((1, 6), 1.0) * [-50, 50, 0, 0, 0, 0])[0, 0]
    model.set_params(coverage=0.91)
    assert model.predict_set(np.full((1, 6), 1.0) * [-50, 50, 0, 0, 0, 0])[0, 0]


def test_a_class_too_small_for_the_coverage_is_named_with_the_remedy():
    X, y = draw(np.random.default_rng(0), (30, 8))
    labels = np.array(["wild type", "mutant"])[y]
    expected = r"class 'mutant' has 8 patients, and coverage=0.9 needs at least 9 .* to 0\.88 or"
    with pytest.warns(UserWarning, match=expected):
        model = ConformalClassifier(LinearDiscriminantAnalysis()).fit(X, labels)
    assert model.classes_.tolist() == ["mutant", "wild type"]
    assert model.predict_set(100 * X)[:, 0].all(), "a set cannot exclude the class"


class Group(ClassifierMixin, BaseEstimator):
    """Predict with a column, and check that no group is both trained on and predicted."""

    def __init__(self, check=True):
        self.check = check

    def fit(self, X, y):
        self.classes_, self.seen_ = np.unique(y), set(X["group"])
        return self

    def predict_proba(self, X):
        if len(self.seen_) < 24:
            assert not self.seen_ & set(X["group"]), "a group is on both sides of a fold"
        return np.column_stack([1 - X["score"], X["score"]])

    def predict(self, X):
        return self.classes_[(X["score"] > 0.5).astype(int)]


@pytest.mark.parametrize("calibrate", [False, True])
def test_groups_are_kept_in_one_fold(calibrate):
    groups = np.repeat(np.arange(24), 2)
    X = pd.DataFrame({"group": groups, "score": np.random.default_rng(0).random(48)})
    how = {"calibrate": calibrate, "coverage": 0.9, "groups": groups}
    fitted = fit_with_uncertainty(Group(), X, groups % 2, **how)
    assert {len(each.seen_) for each in fitted.estimators_} <= {18, 19, 20}
    assert fitted.predict_set(X.assign(group=-1)).shape == (48, 2)
    with pytest.raises(AssertionError, match="both sides"):
        fit_with_uncertainty(Group(), X, groups % 2, **how | {"groups": None})


def test_folds_that_cannot_be_used_are_refused():
    X, y = draw(np.random.default_rng(0), (20, 20))
    with pytest.raises(ValueError, match="must test every patient exactly once"):
        ConformalClassifier(LogisticRegression(), cv=ShuffleSplit(3)).fit(X, y)
    halves = [(np.arange(20), np.arange(20, 40)), (np.arange(20, 40), np.arange(20))]
    with pytest.raises(ValueError, match="without any of the 20 patients of class 1"):
        ConformalClassifier(LogisticRegression(), cv=halves).fit(X, y)


def test_the_calibration_is_not_repeated_in_the_folds_and_changes_no_set():
    X, y = draw(np.random.default_rng(0), (40, 20))
    plain = fit_with_uncertainty(LogisticRegression(), X, y, coverage=0.8)
    both = fit_with_uncertainty(LogisticRegression(), X, y, coverage=0.8, calibrate=True)
    assert isinstance(both.estimator_, CalibratedClassifierCV)
    assert isinstance(both.estimators_[0], LogisticRegression)
    np.testing.assert_array_equal(both.predict_pvalues(X), plain.predict_pvalues(X))
    nested = ConformalClassifier(CalibratedClassifierCV(LogisticRegression(), cv=3)).fit(X, y)
    assert nested.predict_pvalues(X).shape == (60, 2)


def test_the_model_inside_is_the_one_trained_on_all_patients():
    X, y = draw(np.random.default_rng(0), (40, 20))
    alone = LogisticRegression().fit(X, y)
    fitted = fit_with_uncertainty(LogisticRegression(), X, y, coverage=0.8, calibrate=True)
    np.testing.assert_array_equal(innermost(fitted).coef_, alone.coef_)
    assert isinstance(innermost(fitted, calibrated=True), CalibratedClassifierCV)
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=3)
    found = ConformalClassifier(search).fit(X, y)
    assert innermost(found) is found.estimator_.best_estimator_
    several = CalibratedClassifierCV(LogisticRegression(), ensemble=True).fit(X, y)
    assert innermost(several) is several


def test_recalibration_corrects_probabilities_that_are_too_extreme():
    rng = np.random.default_rng(0)
    (X, y), (new, truth) = draw(rng, (40, 40), 40, 1.0), draw(rng, (500, 500), 40, 1.0)
    extreme = LogisticRegression(C=1e4, max_iter=5000)
    raw, better = (fit_with_uncertainty(extreme, X, y, calibrate=c) for c in (False, True))
    scores = raw.decision_function(new)
    raw, better = (model.predict_proba(new)[:, 1] for model in (raw, better))
    assert brier_score_loss(truth, better) < brier_score_loss(truth, raw) - 0.03
    assert (np.diff(better[np.argsort(scores)]) >= 0).all(), "no patient changes places"


@pytest.mark.parametrize("rule", ["youden", "precision>=0.8", "sensitivity>=0.8"])
@pytest.mark.parametrize("coverage", [None, 0.8])
def test_a_threshold_is_one_of_the_recalibrated_probabilities(rule, coverage):
    X, y = draw(np.random.default_rng(0), (50, 25))
    model = LogisticRegression()
    plain, both = (
        fit_with_uncertainty(model, X, y, calibrate=c, coverage=coverage) for c in (False, True)
    )
    before, after = (choose_threshold(each, X, y, rule) for each in (plain, both))
    assert abs(before - after) > 1e-3
    same = (plain.predict_proba(X)[:, 1] >= before) == (both.predict_proba(X)[:, 1] >= after)
    assert same.mean() > 0.98, "the same patients, but for one who may lie between two ranks"


def test_parameters_of_fit_are_cut_to_each_fold():
    X, y = draw(np.random.default_rng(0), (30, 30))
    weight = np.where(np.arange(60) % 2, 1.0, 1e-9)
    weighted = ConformalClassifier(LogisticRegression(), 0.8, cv=3)
    weighted.fit(X, y, sample_weight=weight)
    inner = clone(LogisticRegression()).fit(X, y, weight)
    np.testing.assert_array_equal(weighted.estimator_.coef_, inner.coef_)
    other = ConformalClassifier(LogisticRegression(), 0.8, cv=3).fit(X, y)
    assert np.abs(other.estimators_[0].coef_ - weighted.estimators_[0].coef_).max() > 0.01
    assert cross_val_predict(weighted, X, y, cv=3).shape == (60,)
