"""Thresholds: the model's own, a given number, or chosen on out-of-fold training rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GroupKFold

from sklidh.evaluation import choose_threshold, cross_validate
from sklidh.evaluation._threshold import best_threshold
from sklidh.utils import CohortError


def drawn(seed=0, n=80):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3 == 0
    return y.astype(int), np.round(1 / (1 + np.exp(-rng.normal(size=n) - 1.5 * y)), 2)


def figures(y, p, threshold):
    (tn, fp), (fn, tp) = confusion_matrix(y, p >= threshold)
    return {
        "precision": tp / (tp + fp) if tp + fp else 0.0,
        "sensitivity": tp / (tp + fn),
        "specificity": tn / (tn + fp),
    }


@pytest.mark.parametrize("seed", range(4))
def test_no_other_threshold_is_better_by_the_rule(seed):
    y, p = drawn(seed)
    tried = [figures(y, p, t) for t in np.unique(p)]
    found = figures(y, p, best_threshold(y, p, "youden"))
    best = max(f["sensitivity"] + f["specificity"] for f in tried)
    assert found["sensitivity"] + found["specificity"] == pytest.approx(best)
    found = figures(y, p, best_threshold(y, p, "precision>=0.8"))
    assert found["precision"] >= 0.8
    assert found["sensitivity"] == max(f["sensitivity"] for f in tried if f["precision"] >= 0.8)
    found = figures(y, p, best_threshold(y, p, "sensitivity>=0.9"))
    assert found["sensitivity"] >= 0.9
    assert found["specificity"] == max(f["specificity"] for f in tried if f["sensitivity"] >= 0.9)


def test_a_threshold_lies_halfway_between_the_patients_whom_it_separates():
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.7, 0.9])
    for rule in ("youden", "precision>=1", "sensitivity>=1.0"):
        assert best_threshold(y, p, rule) == pytest.approx(0.5)
    assert best_threshold(y, np.full(4, 0.2), "youden") == 0.5
    assert best_threshold(y, np.full(4, 0.2), "sensitivity>=.5") == 0.2


def test_an_unreachable_precision_is_warned_of():
    y, p = np.array([1, 0, 1, 0]), np.array([0.1, 0.9, 0.5, 0.3])
    with pytest.warns(UserWarning, match=r"largest precision .* is 0\.50; the threshold"):
        assert best_threshold(y, p, "precision>=0.9") <= 0.5


class Score(ClassifierMixin, BaseEstimator):
    """Predict with the second column, and check that no group is split between rows."""

    def fit(self, X, y):
        self.classes_, self.seen_ = np.unique(y), set(X["patient"])
        return self

    def predict_proba(self, X):
        assert not self.seen_ & set(X["patient"]), "a patient is on both sides of a fold"
        return np.column_stack([1 - X["score"], X["score"]])


@pytest.mark.parametrize("rule", ["youden", "precision>=0.6", "sensitivity>=0.6"])
def test_groups_are_not_split_in_inner_folds(rule):
    patient = np.repeat(np.arange(20), 2)
    X = pd.DataFrame({"patient": patient, "score": np.random.default_rng(0).random(40)})
    params = {"groups": patient}
    found = cross_validate(Score(), X, patient % 2, cv=GroupKFold(4), params=params, threshold=rule)
    assert found.predictions["threshold"].nunique() > 1


def test_the_inner_folds_depend_on_the_seed():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3 == 0
    X = rng.normal(size=(60, 5)) + 0.5 * y[:, None]
    model = LogisticRegression().fit(X, y)
    chosen = [choose_threshold(model, X, y.astype(int), random_state=seed) for seed in (0, 0, 1, 2)]
    assert chosen[0] == chosen[1]
    assert len(set(chosen)) > 1


def test_too_few_patients_for_inner_folds_are_refused():
    X, y = np.random.default_rng(0).normal(size=(12, 2)), np.r_[np.ones(3, int), np.zeros(9, int)]
    with pytest.raises(CohortError, match=r"too few \(2 of the smaller class"):
        cross_validate(LogisticRegression(), X, y, cv=3, threshold="youden")
    same = {"groups": np.zeros(12)}
    with pytest.raises(CohortError, match=r"1 groups\) for each fold"):
        choose_threshold(LogisticRegression().fit(X, y), X, y, params=same)
