"""DeLong's variance, and what its interval promises."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import accuracy_score, roc_auc_score

from sklidh.evaluation import (
    auc_interval,
    bootstrap_interval,
    call_intervals,
    delong_variance,
)


def slow_delong(y, p):
    """Pair by pair, as the 1988 paper writes it."""
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
def test_the_95_percent_interval_holds_the_truth_about_95_times_in_100(separation):
    rng = np.random.default_rng(1)
    truth = norm.cdf(separation / np.sqrt(2))
    y = np.repeat([0, 1], [40, 30])
    covered = 0
    for _ in range(400):
        low, high = auc_interval(y, norm.cdf(rng.normal(size=70) + separation * y))
        covered += low <= truth <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_perfect_separation_still_leaves_doubt():
    low, high = auc_interval([0] * 5 + [1] * 5, np.arange(10) / 10)
    assert high == 1.0
    assert low == pytest.approx(0.025 ** (1 / 5))


def test_five_patients_called_rightly_still_leave_doubt():
    y = np.array([0, 0, 0, 1, 1])
    right = call_intervals(y, y[:, None] == 1)
    # Clopper and Pearson, n of n: the low end p has p^n = .025.
    assert right["low"].to_numpy() == pytest.approx(0.025 ** (1 / np.array([5, 2, 2, 2])))
    assert (right["high"] == 1).all()


def test_where_nobody_is_called_mutant_precision_may_be_anything():
    y = np.array([0, 0, 0, 1, 1])
    nobody = call_intervals(y, np.zeros((5, 1), bool))
    assert nobody.loc["Precision"].tolist() == [0, 1]
    assert nobody.loc["Recall"].tolist() == pytest.approx([0, 1 - 0.025**0.5])


def test_repeats_of_one_table_are_the_table_and_those_of_other_patients_pool_them():
    rng = np.random.default_rng(0)
    y, called = rng.permutation(np.repeat([0, 1], 30)), rng.random((60, 1)) < 0.6
    once, twice = call_intervals(y, called), call_intervals(y, np.repeat(called, 2, axis=1))
    assert once.equals(twice)
    # Two repeats, of one half of the patients each: accuracy is theirs all together.
    halves = np.arange(60)[:, None] % 2 == [0, 1]
    pooled = call_intervals(y, np.repeat(called, 2, axis=1), predicted=halves)
    assert pooled.loc["Accuracy"].tolist() == pytest.approx(once.loc["Accuracy"].tolist(), abs=0.02)
    # Who was not predicted does not count.
    shuffled = np.where(halves, called, ~called)
    assert call_intervals(y, shuffled, predicted=halves).equals(pooled)


def test_the_interval_turns_over_with_the_classes():
    y, p = np.array([0, 0, 1, 1, 0, 1]), np.array([0.1, 0.5, 0.4, 0.9, 0.3, 0.2])
    low, high = auc_interval(y, p)
    assert auc_interval(1 - y, p) == pytest.approx((1 - high, 1 - low))


def test_the_bootstrap_of_the_auc_agrees_with_delong():
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1], 40)
    p = norm.cdf(rng.normal(size=80) + y)
    by_resampling = bootstrap_interval(roc_auc_score, y, p, n_resamples=400)
    assert by_resampling == pytest.approx(auc_interval(y, p), abs=0.02)


def test_every_bootstrap_cohort_has_the_classes_of_the_whole():
    y = np.array([0] * 7 + [1] * 3)
    low, high = bootstrap_interval(lambda truth, _: truth.mean(), y, y, n_resamples=50)
    assert (low, high) == (0.3, 0.3)


def test_a_class_of_one_cannot_be_resampled():
    with pytest.raises(ValueError, match="a single patient"):
        bootstrap_interval(accuracy_score, [0, 0, 1], [0, 0, 1])
