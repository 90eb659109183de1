"""Several classes are evaluated one against the rest; two are the case with one term."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.datasets import load_digits, make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.evaluation import (
    PAPER_METRICS,
    Comparison,
    Evaluation,
    auc_interval,
    audit,
    calibration_line,
    call_intervals,
    compare,
    cross_validate,
    external_test,
    holdout,
)
from sklidh.evaluation._fold_auc import auc_and_influence, mean_auc
from sklidh.evaluation._intervals import mean_interval
from sklidh.utils import CohortError, Target

WORDS = ("IDH wild type", "IDH mutant 1p/19q intact", "IDH mutant 1p/19q codeleted")


@pytest.fixture(scope="module")
def cohort():
    X, codes = make_classification(
        180, 8, n_informative=5, n_classes=3, weights=[0.5, 0.3, 0.2], flip_y=0.1, random_state=0
    )
    index = pd.Index([f"P{n:03d}" for n in range(len(X))])
    X = pd.DataFrame(X, index, columns=[f"x{n}" for n in range(8)])
    return X, pd.Series(np.array(WORDS)[codes], index, name="WHO 2021")


@pytest.fixture(scope="module")
def evaluated(cohort):
    return cross_validate(GaussianNB(), *cohort, n_repeats=2)


def test_on_one_split_the_auc_is_scikit_learns_macro_average(cohort):
    evaluation = holdout(GaussianNB(), *cohort)
    table = evaluation.predictions
    classes = sorted(WORDS)
    assert evaluation.target == Target("WHO 2021", tuple(classes))
    probability = table[[f"probability {word}" for word in classes]]
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    expected = roc_auc_score(table["true"], probability, multi_class="ovr", average="macro")
    assert evaluation.metrics["AUC"] == pytest.approx(expected, abs=1e-12)
    assert evaluation.metrics["Accuracy"] == (table["true"] == table["called"]).mean()
    macro = f1_score(table["true"], table["called"], average="macro")
    assert evaluation.metrics["F1"] == pytest.approx(macro, abs=1e-12)
    assert list(table["true"]) == [classes.index(word) for word in cohort[1][table.index]]


def test_each_class_has_the_figures_and_intervals_of_a_binary_target(cohort):
    evaluation = holdout(GaussianNB(), *cohort)
    table = evaluation.predictions
    for code, word in enumerate(evaluation.target.classes):
        part, p = evaluation.by_class[word], table[f"probability {word}"]
        truth, called = table["true"] == code, table["called"] == code
        np.testing.assert_allclose(part.auc_interval, auc_interval(truth, p), atol=1e-12)
        expected = call_intervals(truth, called).drop("Accuracy")
        pd.testing.assert_frame_equal(part.intervals.loc[expected.index], expected)
        line = [part.metrics[f"Calibration {name}"] for name in ("slope", "intercept")]
        assert line == pytest.approx(calibration_line(truth, p))


def test_a_mean_over_both_of_two_classes_is_the_binary_figure(cohort):
    X, y = cohort
    evaluation = cross_validate(GaussianNB(), X, (y == WORDS[0]).astype(int).rename(None))
    table = evaluation.predictions
    other = table.assign(true=~table["true"], score=-table["score"])
    assert mean_auc([table, other]) == pytest.approx(mean_auc([table]), rel=1e-12)
    assert evaluation.by_class == {"mutant": evaluation}


def test_figures_are_means_over_the_classes(evaluated):
    each = pd.DataFrame([part.metrics for part in evaluated.by_class.values()]).mean()
    names = [name for name in evaluated.metrics if name != "Accuracy"]
    assert not any(name.startswith("Calibration") for name in names)
    np.testing.assert_allclose(pd.Series(evaluated.metrics)[names], each[names], atol=1e-12)
    folds = pd.concat([part.fold_aucs for part in evaluated.by_class.values()], axis=1).mean(axis=1)
    pd.testing.assert_series_equal(evaluated.fold_aucs, folds)
    intervals = evaluated.intervals
    figures = pd.Series(evaluated.metrics)[intervals.index]
    assert ((intervals["low"] < figures) & (figures < intervals["high"])).all()


def test_the_interval_of_the_mean_counts_that_the_classes_share_patients(evaluated):
    tables = [part.repeats[0] for part in evaluated.by_class.values()]
    influences = np.array([auc_and_influence(table)[1] for table in tables])
    covariance = influences @ influences.T
    factor = 1 + 5 * np.mean(
        [len(f) / f["n_trained"].iloc[0] for _, f in tables[0].groupby("fold")]
    )
    _, variance = mean_auc(tables)
    assert variance == pytest.approx(factor * covariance.mean())
    independent = factor * np.trace(covariance) / 9
    assert not np.isclose(variance, independent, rtol=0.05)


def test_errors_that_count_in_two_classes_widen_the_interval_of_f1(evaluated):
    table = next(iter(evaluated.repeats))
    evaluation = Evaluation(table, (), evaluated.target)
    parts = [part.intervals.loc["F1"] for part in evaluation.by_class.values()]
    values = [part.metrics["F1"] for part in evaluation.by_class.values()]
    low, high = mean_interval(values, parts)
    found = evaluation.intervals.loc["F1"]
    assert found["low"] < low - 0.002
    assert found["high"] > high + 0.002


def test_the_interval_of_a_mean_of_one_is_its_own():
    assert mean_interval([0.3], [[0.1, 0.6]]) == (0.1, 0.6)
    low, high = mean_interval([0.4, 0.6], [[0.2, 0.5], [0.5, 0.9]])
    assert (low, high) == pytest.approx(
        (0.5 - np.hypot(0.2, 0.1) / 2, 0.5 + np.hypot(0.1, 0.3) / 2)
    )
    correlated = mean_interval([0.4, 0.6], [[0.2, 0.5], [0.5, 0.9]], np.ones((2, 2)))
    assert correlated == pytest.approx((0.35, 0.7))


def test_intervals_of_the_mean_auc_cover_it_on_new_cohorts():
    rng = np.random.default_rng(0)
    centres = np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    labels = np.repeat([0, 1, 2], [30, 20, 14])

    def tables(y):
        scores = centres[y] + rng.normal(size=(len(y), 3))
        base = {"repeat": 0, "fold": 0, "n_trained": 100}
        return [pd.DataFrame({**base, "true": y == k, "score": scores[:, k]}) for k in range(3)]

    truth = norm.cdf(1 / np.sqrt(2))
    z = [
        (auc - truth) / np.sqrt(variance)
        for auc, variance in (mean_auc(tables(labels)) for _ in range(600))
    ]
    # The standard error of the standard deviation of 600 values is .03.
    assert 0.9 < np.std(z) < 1.1
    assert abs(np.mean(z)) < 0.15


def test_the_order_of_the_classes_does_not_matter(cohort):
    X, y = cohort
    order = (WORDS[2], WORDS[0], WORDS[1])
    ordered = pd.Series(pd.Categorical(y, order, ordered=True), y.index, name=y.name)
    # Shuffled folds are drawn class by class, and depend on their order.
    rows = np.arange(len(X))
    splits = [(rows[rows % 3 != fold], rows[rows % 3 == fold]) for fold in range(3)]
    one, other = (cross_validate(GaussianNB(), X, each, cv=splits) for each in (y, ordered))
    assert other.target.classes == order
    pd.testing.assert_series_equal(pd.Series(one.metrics), pd.Series(other.metrics))
    pd.testing.assert_frame_equal(one.intervals, other.intervals)
    for word in WORDS:
        assert one.by_class[word].metrics == pytest.approx(other.by_class[word].metrics)


def test_models_of_several_classes_are_compared(cohort):
    models = {"frequencies": DummyClassifier(), "Bayes": GaussianNB()}
    for evaluate, test in ((holdout, "DeLong"), (cross_validate, "resampled t")):
        comparison = compare(models, *cohort, evaluate)
        row = comparison.tests().iloc[0]
        assert row["test"] == test
        difference = comparison.table["AUC"] @ [1, -1]
        assert row["difference"] == pytest.approx(difference)
        assert row["low"] < difference < row["high"] < 0
        assert row["p Holm"] < 0.01
    columns = [f"{name}: {word}" for name in models for word in comparison.target.classes]
    assert list(comparison.predictions.columns) == ["repeat", "fold", "true", *columns]
    assert [*comparison.by_class] == columns
    assert list(comparison.table.columns) == ["AUC", "AUC low", "AUC high", *PAPER_METRICS[1:]]


def test_ten_classes_of_digits():
    X, y = load_digits(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
    evaluation = holdout(model, X, y.rename("digit"))
    assert evaluation.target.classes == tuple("0123456789")
    assert evaluation.metrics["Accuracy"] > 0.93
    assert evaluation.auc_interval[0] > 0.99
    assert repr(evaluation).startswith("450 test patients (45 of class 0, 46 of cl")


def test_a_threshold_decides_between_two_classes_only(cohort):
    message = r"threshold=0\.5 decides between two classes, and the target has 3"
    for evaluate in (holdout, cross_validate):
        with pytest.raises(ValueError, match=message):
            evaluate(GaussianNB(), *cohort, threshold=0.5)


def test_a_fold_without_a_class_is_named(cohort):
    X, y = cohort
    few = pd.concat([y[y == word].iloc[:n] for word, n in zip(WORDS, (20, 20, 3), strict=True)])
    with pytest.raises(
        CohortError, match=r"class 'IDH mutant 1p/19q codeleted' has 3 patients, fe"
    ):
        cross_validate(GaussianNB(), X.loc[few.index], few)
    rows = np.arange(len(few))
    splits = [(rows[:40], rows[40:])]
    with pytest.raises(CohortError, match="would be trained without class"):
        cross_validate(GaussianNB(), X.loc[few.index], few, cv=splits)


def test_another_cohort_is_read_with_the_words_of_the_first(cohort):
    X, y = cohort
    half = np.arange(len(X)) % 2 == 0
    words = y[~half].str.upper()
    tested = external_test(GaussianNB(), X[half], y[half], X[~half], words)
    assert tested.target.classes == tuple(sorted(WORDS))
    assert (tested.predictions["true"] == tested.predictions["called"]).mean() > 0.5
    words.iloc[3] = "glioblastoma"
    with pytest.raises(
        CohortError, match="'glioblastoma' is not among the classes 'IDH mutant 1p/1"
    ):
        external_test(GaussianNB(), X[half], y[half], X[~half], words)


def test_an_audit_of_several_classes_clears_an_honest_model(cohort):
    models = {"Bayes": GaussianNB()}
    found = audit(models, *cohort, n_rounds=4)
    assert found.loc["Bayes", "result"] == "no leak found"
    assert found.loc["Bayes", "permuted high"] - found.loc["Bayes", "permuted low"] < 0.4


def test_evaluations_of_different_targets_are_not_compared(evaluated):
    other = Evaluation(evaluated.predictions, (), Target("grade", evaluated.target.classes))
    with pytest.raises(ValueError, match="different targets"):
        Comparison({"one": evaluated, "other": other})
