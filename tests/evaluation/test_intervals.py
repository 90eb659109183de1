"""DeLong's variance, and the coverage of its interval."""

import numpy as np
import pytest
from scipy.stats import beta, binomtest, norm
from sklearn.metrics import accuracy_score, roc_auc_score

from sklidh.evaluation import (
    auc_interval,
    bootstrap_interval,
    call_intervals,
    delong_variance,
)


def slow_delong(y, p):
    """Compute DeLong's variance pair by pair, as in the 1988 paper."""
    mutant, wildtype = p[y == 1], p[y == 0]
    wins = np.array([[1.0 * (a > b) + 0.5 * (a == b) for b in wildtype] for a in mutant])
    v10, v01 = wins.mean(axis=1), wins.mean(axis=0)
    return wins.mean(), v10.var(ddof=1) / len(mutant) + v01.var(ddof=1) / len(wildtype)


def test_delong_by_ranks_equals_delong_by_pairs_ties_included():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    p = np.round(rng.random(60), 1)
    assert delong_variance(y, p) == pytest.approx(slow_delong(y, p), rel=1e-12)


def test_delong_of_four_patients_by_hand():
    # Mutants .8 .4, wild types .5 .2. Wins: .8 beats both, .4 beats one.
    # V10 = (1, 1/2), V01 = (1/2, 1): both variances 1/8, over two patients each 1/16 + 1/16.
    assert delong_variance([1, 1, 0, 0], [0.8, 0.4, 0.5, 0.2]) == pytest.approx((0.75, 0.125))


@pytest.mark.parametrize("separation", [0.0, 1.2])
def test_the_95_percent_interval_covers_the_true_auc_in_about_95_percent(separation):
    rng = np.random.default_rng(1)
    truth = norm.cdf(separation / np.sqrt(2))
    y = np.repeat([0, 1], [40, 30])
    covered = 0
    for _ in range(400):
        low, high = auc_interval(y, norm.cdf(rng.normal(size=70) + separation * y))
        covered += low <= truth <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_perfect_separation_has_an_interval_below_1():
    low, high = auc_interval([0] * 5 + [1] * 5, np.arange(10) / 10)
    assert high == 1.0
    assert low == pytest.approx(0.025 ** (1 / 5))


def test_the_interval_of_a_constant_score_is_symmetric_about_one_half():
    for mutants, wild in ((7, 20), (9, 20), (10, 10)):
        y = [1] * mutants + [0] * wild
        low, high = auc_interval(y, np.full(mutants + wild, 0.5))
        assert low + high == pytest.approx(1)
        # Clopper and Pearson's of n / 2 of the n patients of the smaller class.
        assert low == pytest.approx(beta.ppf(0.025, mutants / 2, mutants / 2 + 1))


def test_intervals_of_counts_are_wilson_s():
    y = np.repeat([1, 0], [20, 40])
    called = (np.arange(60) < 19) | (np.arange(60) > 55)
    table = call_intervals(y, called)
    counts = {"Accuracy": (19 + 36, 60), "Precision": (19, 23), "Recall": (19, 20)}
    for name, (count, n) in counts.items():
        wilson = binomtest(count, n).proportion_ci(method="wilson")
        assert table.loc[name].tolist() == pytest.approx([wilson.low, wilson.high])
    # F1 = 2 J / (1 + J), of 19 true positives among 24 who are mutant or predicted mutant.
    jaccard = binomtest(19, 24).proportion_ci(method="wilson")
    expected = [2 * end / (1 + end) for end in (jaccard.low, jaccard.high)]
    assert table.loc["F1"].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("n", [5, 20])
def test_more_correct_predictions_never_lower_an_interval(n):
    y = np.repeat([1, 0], [n, 40])
    tables = [call_intervals(y, np.arange(n + 40) < right) for right in range(n + 1)]
    for name in ("Accuracy", "Recall", "F1"):
        ends = np.array([table.loc[name] for table in tables])
        assert (np.diff(ends, axis=0) > 0).all()
    assert tables[-1].loc["Recall", "high"] == 1
    assert tables[0].loc["Recall", "low"] == 0


def test_without_predicted_mutants_the_interval_of_precision_is_0_to_1():
    nobody = call_intervals([0, 0, 0, 1, 1], np.zeros(5, bool))
    assert nobody.loc["Precision"].tolist() == [0, 1]


def test_with_repeats_each_end_is_the_mean_over_the_repeats():
    rng = np.random.default_rng(0)
    y, called = np.repeat([0, 1], 30), rng.random((60, 3)) < 0.6
    each = [call_intervals(y, column) for column in called.T]
    np.testing.assert_allclose(call_intervals(y, called), sum(each) / 3)


@pytest.mark.parametrize("called", [[0.2, 0.8], ["wt", "mut"], [np.nan, 1], [1, 0, 1], [None, 1]])
def test_values_that_are_not_classes_are_refused(called):
    with pytest.raises(ValueError, match="called must"):
        call_intervals([0, 1], called)


def test_swapping_the_classes_mirrors_the_interval():
    y, p = np.array([0, 0, 1, 1, 0, 1]), np.array([0.1, 0.5, 0.4, 0.9, 0.3, 0.2])
    low, high = auc_interval(y, p)
    assert auc_interval(1 - y, p) == pytest.approx((1 - high, 1 - low))


def test_the_bootstrap_of_the_auc_agrees_with_delong():
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1], 40)
    p = norm.cdf(rng.normal(size=80) + y)
    by_resampling = bootstrap_interval(roc_auc_score, y, p, n_resamples=400)
    assert by_resampling == pytest.approx(auc_interval(y, p), abs=0.02)


def test_bootstrap_cohorts_keep_the_class_sizes():
    y = np.array([0] * 7 + [1] * 3)
    low, high = bootstrap_interval(lambda truth, _: truth.mean(), y, y, n_resamples=50)
    assert (low, high) == (0.3, 0.3)


def test_a_class_of_one_patient_cannot_be_resampled():
    with pytest.raises(ValueError, match="at least two patients"):
        bootstrap_interval(accuracy_score, [0, 0, 1], [0, 0, 1])
