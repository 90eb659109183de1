"""Tests of whether two models differ on the same patients."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm, permutation_test, rankdata
from scipy.stats import t as student

from sklidh.evaluation._checks import check_calls, check_scores, check_truth
from sklidh.evaluation._delong import delong_difference

TOLERANCE = 1e-12
"""Standard deviation relative to the mean below which differences count as equal (rounding)."""


@dataclass(frozen=True)
class PairedTest:
    """The difference between two models on the same patients.

    Parameters
    ----------
    difference : float
        The first model's figure minus the second's.
    statistic : float
        The test statistic.
    pvalue : float
        Two-sided p-value.
    low, high : float, default=NaN
        Ends of the 95 % interval of the difference, if the test has one.
    """

    difference: float
    statistic: float
    pvalue: float
    low: float = np.nan
    high: float = np.nan


def z_test(difference, variance) -> PairedTest:
    """Test a difference that is normally distributed with a known variance.

    Parameters
    ----------
    difference, variance : float
        If the variance is 0, p is 1 for a difference of 0 and NaN for any other.

    Returns
    -------
    PairedTest
        The statistic is z.
    """
    error = np.sqrt(variance) if variance > 0 else 0.0
    return _standardised(difference, error, norm())


def _standardised(difference, error, distribution) -> PairedTest:
    """Test a difference by its standard error; if both are 0, p is 1; if only the error is, NaN."""
    difference, half = float(difference), float(distribution.ppf(0.975) * error)
    ends = (difference - half, difference + half)
    if difference == 0:
        return PairedTest(0.0, 0.0, 1.0, *ends)
    if error == 0:
        return PairedTest(difference, np.nan, np.nan)
    statistic = float(difference / error)
    return PairedTest(difference, statistic, float(2 * distribution.sf(abs(statistic))), *ends)


def delong_test(y_true, first, second) -> PairedTest:
    """Test whether two models have the same AUC on the same patients.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    first, second : array-like of shape (n_patients,)
        Scores of the two models; only their order matters.

    Returns
    -------
    PairedTest
        Difference between the AUCs, and z.

    References
    ----------
    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Biometrics 44(3), 1988.

    Examples
    --------
    >>> from sklidh.evaluation import delong_test
    >>> y = [1, 1, 1, 0, 0, 0]
    >>> test = delong_test(y, [0.9, 0.8, 0.4, 0.5, 0.2, 0.1], [0.9, 0.3, 0.4, 0.5, 0.6, 0.1])
    >>> print(f"{test.difference:.2f}, p = {test.pvalue:.2f}")
    0.33, p = 0.22
    """
    return z_test(*delong_difference(y_true, first, second))


def auc_permutation_test(y_true, first, second, *, n_resamples=9999, random_state=0) -> PairedTest:
    """Test whether two models have the same AUC by randomly swapping each patient's two ranks.

    Ranks are swapped instead of scores, so that the models' scales do not matter.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    first, second : array-like of shape (n_patients,)
    n_resamples : int, default=9999
        Number of random permutations; all permutations if there are no more than this.
    random_state : int or None, default=0

    Returns
    -------
    PairedTest
        Difference between the AUCs, which is also the statistic.

    References
    ----------
    E. S. Venkatraman, C. B. Begg, Biometrika 83(4), 1996.
    """
    y_true, first = check_scores(y_true, first)
    _, second = check_scores(y_true, second)
    m, n = y_true.sum(), (~y_true).sum()

    def auc(ranks):
        ranks = rankdata(ranks, axis=-1)
        return (ranks[..., y_true].sum(-1) - m * (m + 1) / 2) / (m * n)

    test = permutation_test(
        (rankdata(first), rankdata(second)),
        lambda a, b, axis: auc(np.moveaxis(a, axis, -1)) - auc(np.moveaxis(b, axis, -1)),
        permutation_type="samples",
        vectorized=True,
        n_resamples=n_resamples,
        batch=1000,
        rng=np.random.default_rng(random_state),
    )
    return PairedTest(float(test.statistic), float(test.statistic), float(test.pvalue))


def mcnemar_test(y_true, first, second) -> PairedTest:
    """Test whether two models have the same accuracy, with McNemar's exact test.

    Only patients whom exactly one model predicts correctly are informative: if the models are
    equally good, each is correct for half of them.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    first, second : array-like of bool or 0/1, shape (n_patients,)
        True where the patient is predicted mutant.

    Returns
    -------
    PairedTest
        Difference between the accuracies, and the number of patients whom only the first model
        predicts correctly.

    Raises
    ------
    ValueError
        All patients are of one class, or `first` or `second` does not hold one class per patient.

    References
    ----------
    Q. McNemar, Psychometrika 12(2), 1947.

    Examples
    --------
    >>> from sklidh.evaluation import mcnemar_test
    >>> mcnemar_test([1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 0, 0]).pvalue
    0.25
    """
    y_true = check_truth(y_true)
    first = check_calls("first", first, y_true.shape) == y_true
    second = check_calls("second", second, y_true.shape) == y_true
    return sign_test(first, second)


def sign_test(first, second) -> PairedTest:
    """Test whether two models are equally often right, with McNemar's exact test.

    Parameters
    ----------
    first, second : array-like of bool, shape (n_patients,)
        True where the model predicts the patient's class.

    Returns
    -------
    PairedTest
        As `mcnemar_test`.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    n = only_first + only_second
    pvalue = binomtest(only_first, n).pvalue if n else 1.0
    return PairedTest(float(first.mean() - second.mean()), float(only_first), float(pvalue))


def corrected_resampled_ttest(differences, *, test_ratio) -> PairedTest:
    """Test the mean difference over the folds of repeated cross-validation.

    Folds share training patients, so their differences vary less than they would between
    independent cohorts. The variance of the mean is therefore (1/k + n_test/n_train) s² instead of
    s²/k.

    Parameters
    ----------
    differences : array-like of shape (k,)
        One model's figure minus the other's, in each fold of each repeat.
    test_ratio : float
        Ratio of test to training patients: 1 / (folds - 1) for cross-validation.

    Returns
    -------
    PairedTest
        Mean difference, and t with k - 1 degrees of freedom. If all differences are equal and not
        0, their variance is 0, and t and p are NaN.

    Raises
    ------
    ValueError
        There are fewer than two differences, or the ratio is not above 0.

    References
    ----------
    C. Nadeau, Y. Bengio, Machine Learning 52(3), 2003. For repeated cross-validation: R. R.
    Bouckaert, E. Frank, PAKDD 2004.

    Examples
    --------
    >>> from sklidh.evaluation import corrected_resampled_ttest
    >>> test = corrected_resampled_ttest([0.02, 0.06, 0.01, 0.05, 0.01], test_ratio=0.25)
    >>> print(f"{test.difference:.2f}, p = {test.pvalue:.2f}")
    0.03, p = 0.13
    """
    differences = np.asarray(differences, float)
    if differences.ndim != 1 or len(differences) < 2 or not test_ratio > 0:
        raise ValueError(
            f"at least two differences and a test_ratio above 0 are needed; got an array of "
            f"shape {differences.shape} and {test_ratio}"
        )
    k, mean, deviation = len(differences), differences.mean(), differences.std(ddof=1)
    error = np.sqrt(1 / k + test_ratio) * deviation if deviation > TOLERANCE * abs(mean) else 0.0
    return _standardised(mean, error, student(k - 1))


def holm(pvalues) -> np.ndarray:
    """Adjust p-values for multiple testing with Holm's method (family-wise error rate).

    Parameters
    ----------
    pvalues : array-like of shape (n_tests,)
        NaN stays NaN and is not counted as a test.

    Returns
    -------
    ndarray of shape (n_tests,)
        Adjusted p-values, at most 1 and never below the p-value.

    References
    ----------
    S. Holm, Scandinavian Journal of Statistics 6(2), 1979.

    Examples
    --------
    >>> from sklidh.evaluation import holm
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    pvalues = np.asarray(pvalues, float)
    adjusted = np.full_like(pvalues, np.nan)
    known = np.flatnonzero(~np.isnan(pvalues))
    order = known[np.argsort(pvalues[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(pvalues[order] * factors), 1)
    return adjusted
