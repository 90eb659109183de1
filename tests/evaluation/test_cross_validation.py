"""Every patient is predicted once, by a model that never saw him."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sklidh.evaluation import compare, cross_validate, holdout
from sklidh.utils import CohortError


class Spy(ClassifierMixin, BaseEstimator):
    """Remember who was trained on, and refuse to predict them."""

    def fit(self, X, y):
        self.seen_, self.classes_ = set(X.index), np.unique(y)
        return self

    def predict_proba(self, X):
        assert not self.seen_ & set(X.index), "a training patient is predicted"
        return np.full((len(X), 2), 0.5)


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    index = [f"P{i:02d}" for i in rng.permutation(40)]
    y = pd.Series(np.repeat([0, 1], 20), index=index, name="idh")
    X = pd.DataFrame(rng.normal(size=(40, 4)), index=index).add(0.8 * y, axis=0)
    return X, y


@pytest.mark.parametrize("evaluate", [cross_validate, holdout])
def test_no_training_patient_is_ever_predicted(evaluate, cohort):
    result = evaluate(Spy(), *cohort)
    assert len(result.estimators) == result.predictions["fold"].nunique()


def test_cross_validation_predicts_every_patient_once_with_his_own_label(cohort):
    X, y = cohort
    predictions = cross_validate(LogisticRegression(), X, y).predictions
    assert sorted(predictions.index) == sorted(X.index)
    pd.testing.assert_series_equal(
        predictions["mutant"].loc[y.index], y == 1, check_names=False, check_index_type=False
    )


def test_the_inner_search_sees_training_patients_only(cohort):
    X, y = cohort
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 10]}, cv=3)
    result = cross_validate(search, X, y, cv=4)
    assert all(len(model.cv_results_["params"]) == 2 for model in result.estimators)
    assert all(model.best_estimator_.n_features_in_ == 4 for model in result.estimators)
    assert 0.5 < result.metrics["AUC"] < 1


def test_holdout_keeps_a_quarter_with_both_classes_in_proportion(cohort):
    predictions = holdout(DummyClassifier(), *cohort).predictions
    assert predictions["mutant"].value_counts().to_dict() == {False: 5, True: 5}


def test_labels_may_be_words(cohort):
    X, y = cohort
    words = y.map({0: "mutant", 1: "wildtype"})
    first = cross_validate(LogisticRegression(), X, y).predictions
    second = cross_validate(LogisticRegression(), X, words).predictions
    pd.testing.assert_frame_equal(first, second)


def test_a_class_smaller_than_the_folds_is_an_error_where_scikit_learn_warns(cohort):
    X, y = cohort
    with pytest.raises(CohortError, match="class 1 has 3 patients, fewer than the 5 folds"):
        cross_validate(DummyClassifier(), X[:23], y[:23], cv=5)


def test_three_classes_are_refused(cohort):
    X, y = cohort
    y.iloc[0] = 2
    with pytest.raises(CohortError, match=r"two classes .* \[0, 1, 2\]"):
        cross_validate(DummyClassifier(), X, y)


def test_a_comparison_meets_the_same_patients_and_keeps_the_order(cohort):
    models = {"majority": DummyClassifier(), "logistic": LogisticRegression()}
    comparison = compare(models, *cohort, holdout)
    assert list(comparison.table.index) == ["majority", "logistic"]
    assert list(comparison.predictions.columns) == ["fold", "mutant", "majority", "logistic"]
    assert comparison.table.loc["majority", "AUC"] == 0.5


def test_a_comparison_on_different_patients_is_refused(cohort):
    seeds = iter([0, 1])
    with pytest.raises(ValueError, match="different patients; fix random_state"):
        compare(
            {"a": DummyClassifier(), "b": DummyClassifier()},
            *cohort,
            lambda model, X, y: holdout(model, X, y, random_state=next(seeds)),
        )
