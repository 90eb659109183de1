"""Paired tests: examples worked by hand, agreement with each other, and error rates."""

import numpy as np
import pytest
from scipy.stats import norm, ttest_1samp
from scipy.stats import t as student_t

from sklidh.evaluation import (
    auc_permutation_test,
    corrected_resampled_ttest,
    delong_test,
    delong_variance,
    holm,
    mcnemar_test,
)


def two_models(rng, n=40, shift=(1.0, 1.0)):
    """Draw scores of two models with correlated errors."""
    y = np.repeat([0, 1], n // 2)
    shared = rng.normal(size=n)
    return y, *(shared + rng.normal(size=n) + s * y for s in shift)


def test_delong_s_paired_test_by_hand():
    # Mutants a b, wild types c d. First model: a .8, b .4, c .5, d .2; its V10 (1, 1/2) and V01
    # (1/2, 1). Second: a .6, b .3, c .7, d .1; V10 (1/2, 1/2), V01 (0, 1). The differences are
    # (1/2, 0) and (1/2, 0): mean 1/4, each with the variance 1/8, over two patients 1/16 + 1/16.
    test = delong_test([1, 1, 0, 0], [0.8, 0.4, 0.5, 0.2], [0.6, 0.3, 0.7, 0.1])
    z = 0.25 / np.sqrt(1 / 8)
    assert test.difference == pytest.approx(0.25)
    assert test.statistic == pytest.approx(z)
    assert test.pvalue == pytest.approx(2 * norm.sf(z))


def test_against_a_constant_model_delong_tests_the_auc_against_one_half():
    y, score, _ = two_models(np.random.default_rng(2))
    auc, variance = delong_variance(y, score)
    test = delong_test(y, score, np.zeros(len(y)))
    assert test.difference == pytest.approx(auc - 0.5)
    assert test.statistic == pytest.approx((auc - 0.5) / np.sqrt(variance))


@pytest.mark.parametrize("shift", [(1.0, 1.0), (2.0, 1.0), (0.5, 1.5)])
def test_delong_agrees_with_permutation(shift):
    y, first, second = two_models(np.random.default_rng(3), n=80, shift=shift)
    by_formula = delong_test(y, first, second)
    by_chance = auc_permutation_test(y, first, second, n_resamples=1999)
    assert by_chance.difference == pytest.approx(by_formula.difference)
    assert by_chance.pvalue == pytest.approx(by_formula.pvalue, abs=0.03)


def test_delong_s_test_has_about_5_percent_false_positives():
    rng = np.random.default_rng(0)
    alarms = sum(delong_test(*two_models(rng)).pvalue < 0.05 for _ in range(600))
    assert 0.03 <= alarms / 600 <= 0.08


def test_swapping_the_models_changes_the_sign_and_a_model_equals_itself():
    y, first, second = two_models(np.random.default_rng(1))
    there, back = delong_test(y, first, second), delong_test(y, second, first)
    assert (back.difference, back.pvalue) == pytest.approx((-there.difference, there.pvalue))
    assert delong_test(y, first, np.exp(first)).pvalue == 1.0


def test_mcnemar_counts_only_patients_whom_one_model_predicts_correctly():
    y = [1] * 6 + [0] * 4
    first = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    second = [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    test = mcnemar_test(y, first, second)
    # Four to one: P(at most 1 or at least 4 of 5 heads) = 2 (1 + 5) / 32.
    assert (test.difference, test.statistic) == (pytest.approx(0.3), 4)
    assert test.pvalue == pytest.approx(12 / 32)
    assert mcnemar_test(y, first, first).pvalue == 1.0


def test_the_resampled_test_is_student_s_t_without_the_correction_and_smaller_with_it():
    differences = np.array([0.02, 0.06, 0.01, 0.05, 0.01])
    student = ttest_1samp(differences, 0)
    # Nadeau and Bengio: (1/k + ratio) in place of 1/k.
    test = corrected_resampled_ttest(differences, test_ratio=0.25)
    assert test.statistic == pytest.approx(student.statistic * np.sqrt(0.2 / 0.45))
    assert test.pvalue > student.pvalue
    nearly = corrected_resampled_ttest(differences, test_ratio=1e-12)
    assert nearly.pvalue == pytest.approx(student.pvalue)


def test_every_test_of_a_difference_has_its_95_percent_interval():
    differences = np.array([0.02, 0.06, 0.01, 0.05, 0.01])
    test = corrected_resampled_ttest(differences, test_ratio=0.25)
    half = student_t.ppf(0.975, 4) * np.sqrt(0.45) * differences.std(ddof=1)
    assert (test.low, test.high) == pytest.approx((0.03 - half, 0.03 + half))
    by_delong = delong_test([1, 1, 0, 0], [0.8, 0.4, 0.5, 0.2], [0.6, 0.3, 0.7, 0.1])
    half = norm.ppf(0.975) * np.sqrt(1 / 8)
    assert (by_delong.low, by_delong.high) == pytest.approx((0.25 - half, 0.25 + half))


@pytest.mark.parametrize("calls", [[0.2, 0.8, 0.7], ["wt", "mut", "mut"], [np.nan, 1, 1], [True]])
def test_mcnemar_s_test_takes_predicted_classes_only(calls):
    with pytest.raises(ValueError, match="first must"):
        mcnemar_test([0, 1, 1], calls, [0, 1, 1])
    with pytest.raises(ValueError, match="second must"):
        mcnemar_test(["wt", "mutant", "mutant"], [0, 1, 1], calls)


def test_a_single_fold_cannot_be_tested():
    with pytest.raises(ValueError, match="at least two differences"):
        corrected_resampled_ttest([0.1], test_ratio=0.25)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("differences", [[0.5] * 5, [0.8 - 0.7, 0.7 - 0.6, 0.9 - 0.8]])
def test_equal_differences_in_every_fold_give_nan(differences):
    test = corrected_resampled_ttest(differences, test_ratio=0.25)
    assert test.difference == pytest.approx(differences[0])
    assert np.isnan([test.statistic, test.pvalue]).all()


def test_holm_of_four_by_hand_and_nan_is_not_counted():
    # Sorted .01 .02 .03 .05 times 4 3 2 1: .04 .06 .06 .05, made to rise: .04 .06 .06 .06.
    adjusted = holm([0.05, 0.01, np.nan, 0.03, 0.02])
    np.testing.assert_allclose(adjusted, [0.06, 0.04, np.nan, 0.06, 0.06])


def test_holm_keeps_the_family_wise_error_of_ten_tests_at_5_percent():
    rng = np.random.default_rng(0)
    alarms = [(holm(rng.random(10)) < 0.05).any() for _ in range(1000)]
    assert np.mean(alarms) <= 0.065
