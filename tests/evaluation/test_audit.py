"""The audit finds every planted leak, and none in honest models."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.evaluation import audit, cross_validate, holdout
from sklidh.selection import MannWhitneySelector


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    index = [f"P{i:02d}" for i in range(60)]
    y = pd.Series(np.resize([0, 1, 0], 60), index=index, name="idh")
    X = pd.DataFrame(rng.normal(size=(60, 40)), index, [f"T1__f{i}" for i in range(40)])
    X["T1__f0"] += y
    return X, y


HONEST = {
    "logistic": LogisticRegression(),
    "search": GridSearchCV(
        make_pipeline(StandardScaler(), MannWhitneySelector(), LogisticRegression()),
        {"mannwhitneyselector__alpha": [0.05, 0.5]},
        cv=2,
    ),
}


@pytest.mark.filterwarnings("ignore:MannWhitneySelector")
@pytest.mark.parametrize(
    ("evaluate", "n_rounds"), [(holdout, 3), (lambda *a, **k: cross_validate(*a, cv=3, **k), 2)]
)
def test_an_honest_model_has_no_leak_and_fits_on_training_patients_only(cohort, evaluate, n_rounds):
    table = audit(HONEST, *cohort, evaluate=evaluate, n_rounds=n_rounds)
    assert table["result"].tolist() == ["no leak found"] * 2
    for kind in ("permuted", "noise"):
        assert (table[f"{kind} low"] <= 0.5).all()
        assert (table[f"{kind} high"] >= 0.5).all()


def select_before_splitting(model, X, y, *, random_state):
    kept = MannWhitneySelector(alpha=0.1).set_output(transform="pandas").fit_transform(X, y)
    return holdout(model, kept, y, random_state=random_state)


def test_feature_selection_before_the_split_is_detected_by_auc_and_by_recorded_fits(cohort):
    X, y = cohort
    # More columns than patients, as in radiomics, so that some separate the permuted labels too.
    rng = np.random.default_rng(1)
    wide = pd.DataFrame(rng.normal(size=(60, 400)), X.index, [f"T1__{i}" for i in range(400)])
    row = audit(
        {"model": LogisticRegression()}, wide, y, evaluate=select_before_splitting, n_rounds=3
    ).loc["model"]
    assert row["permuted low"] > 0.5
    assert row["noise low"] > 0.5
    assert "MannWhitneySelector (15 test patients)" in row["saw test rows"]
    assert row["result"].startswith("LEAK: AUC")


class Memory(ClassifierMixin, BaseEstimator):
    """A model that contains the whole cohort in a parameter and fits an inner model on it."""

    def __init__(self, X=None, y=None):
        self.X = X
        self.y = y

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(self.X, self.y)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)

    def predict(self, X):
        return self.inner_.predict(X)


def test_an_estimator_that_fits_on_test_patients_is_listed(cohort):
    verdict = audit({"memory": Memory(*cohort)}, *cohort, n_rounds=1).loc["memory", "result"]
    assert "test patients seen by LogisticRegression (15 test patients)" in verdict


def test_the_joint_interval_uses_the_mann_whitney_variance(cohort):
    models = {"weak": LogisticRegression(C=0.1), "strong": LogisticRegression()}
    row = audit(models, *cohort, n_rounds=2).iloc[0]
    # Two models, two checks each. 5 mutants and 10 wild types are tested in each of two rounds.
    half = norm.isf(0.025 / 4) * np.sqrt(16 / 600 / 2)
    assert row["permuted high"] - row["permuted"] == pytest.approx(half)
    assert row["noise"] - row["noise low"] == pytest.approx(half)


def test_too_few_rounds_are_inconclusive_but_still_list_fits_on_test_patients(cohort):
    X, y = cohort
    few = y.groupby(y).head(8).index
    models = {"memory": Memory(*cohort), "logistic": LogisticRegression()}
    table = audit(models, X.loc[few], y[few], n_rounds=1)
    # Two mutants and two wild types are tested: the interval would reach beyond 0 and 1.
    ends = table[[f"{kind} {end}" for kind in ("permuted", "noise") for end in ("low", "high")]]
    assert (ends.iloc[:, ::2] >= 0).all(axis=None)
    assert (ends.iloc[:, 1::2] <= 1).all(axis=None)
    assert table.loc["memory", "result"].startswith("LEAK")
    needed = int(np.ceil(5 / 48 * (norm.isf(0.025 / 4) / 0.25) ** 2))
    said = f"inconclusive: at least {needed} rounds are needed to detect an AUC of 0.75"
    assert table.loc["logistic", "result"] == said
    enough = audit({"logistic": models["logistic"]}, X.loc[few], y[few], n_rounds=needed)
    assert not enough["result"].item().startswith("too few")


def test_a_part_fitted_before_the_audit_is_listed(cohort):
    X, y = cohort
    frozen = make_pipeline(FrozenEstimator(StandardScaler().fit(X)), LogisticRegression())
    verdict = audit({"frozen": frozen}, X, y, n_rounds=1).loc["frozen", "result"]
    assert verdict.endswith("fitted before: FrozenEstimator, StandardScaler")


def test_a_failing_model_is_reported_and_the_others_are_audited(cohort):
    X, y = cohort
    models = {"broken": LogisticRegression(C=-1), "logistic": LogisticRegression()}
    verdicts = audit(models, X, y, n_rounds=3)["result"]
    assert verdicts["broken"].startswith("failed: InvalidParameterError: The 'C' parameter")
    assert verdicts["logistic"] == "no leak found"


def test_recording_fits_leaves_the_classes_unchanged(cohort):
    before = LogisticRegression.fit, StandardScaler.partial_fit
    audit({"logistic": LogisticRegression()}, *cohort, n_rounds=1)
    assert (LogisticRegression.fit, StandardScaler.partial_fit) == before
