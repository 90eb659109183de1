"""Keep the columns whose values differ between the classes, by a rank test per column."""

from functools import lru_cache
from numbers import Integral, Real

import numpy as np
from scipy.stats import chi2, false_discovery_control, norm, rankdata
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from sklidh.selection._selector import BaseSelector

LARGEST_EXACT = 8
"""Largest size of the smaller class for which U's exact distribution is used, as in SciPy."""

MEANINGFUL_BITS = 36
"""Bits of a value that ranks depend on, about 11 decimal digits."""


def ranks_of(X):
    """Rank the values of every column, with ties for those that differ by rounding only.

    Equal quantities that were computed in different ways, or on another processor, differ in the
    last digits. If those decided, so would the processor decide which columns are selected.

    Parameters
    ----------
    X : ndarray of shape (n_patients, n_features)

    Returns
    -------
    ndarray of shape (n_patients, n_features)
        NaN where X has NaN.
    """
    mantissa, exponent = np.frexp(X)
    rounded = np.ldexp(np.rint(np.ldexp(mantissa, MEANINGFUL_BITS)), exponent - MEANINGFUL_BITS)
    return rankdata(rounded, axis=0, nan_policy="omit")


def rank_test(X, codes):
    """Test every column for a difference between the classes.

    Parameters
    ----------
    X : ndarray of shape (n_patients, n_features)
        NaN are ignored, column by column.
    codes : ndarray of shape (n_patients,), dtype=int
        The class of each patient, 0 to K - 1.

    Returns
    -------
    statistics : ndarray of shape (n_features,)
        Two classes: Mann and Whitney's U of class 1; more: Kruskal and Wallis' H.
    pvalues : ndarray of shape (n_features,)
        Two-sided; 1 if a column is constant or has values in one class only.
    """
    ranks = ranks_of(X)
    in_class = codes == np.arange(codes.max() + 1)[:, None]
    n_in_class = in_class.astype(float) @ ~np.isnan(ranks)
    n_present = n_in_class.sum(axis=0)
    # Ranks about their mean are multiples of a half, so sums and squares of them are exact.
    centred = np.nan_to_num(ranks - (n_present + 1) / 2)
    sums = in_class.astype(float) @ centred
    # Ties reduce this sum of squares by exactly the tie correction of both tests.
    spread = np.sum(centred**2, axis=0)
    if len(in_class) == 2:
        return _u_test(sums[1], spread, *n_in_class)
    return _h_test(sums, spread, n_in_class)


def _u_test(rank_sum, spread, n0, n1):
    n_present, mean = n0 + n1, n0 * n1 / 2
    variance = n0 * n1 * spread / np.maximum(n_present * (n_present - 1), 1)
    # The normal approximation, with a continuity correction of a half because U is a whole number.
    deviate = (np.abs(rank_sum) - 0.5) / np.sqrt(np.where(variance > 0, variance, 1))
    pvalues = np.where(variance > 0, np.minimum(2 * norm.sf(deviate), 1), 1.0)

    untied = 12 * spread == n_present * (n_present**2 - 1)
    exact = untied & (variance > 0) & (np.minimum(n0, n1) <= LARGEST_EXACT)
    for column in np.flatnonzero(exact):
        smaller, larger = sorted((int(n0[column]), int(n1[column])))
        tail = _u_upper_tail(smaller, larger)
        pvalues[column] = min(2 * tail[round(mean[column] + abs(rank_sum[column]))], 1)
    return mean + rank_sum, pvalues


@lru_cache(maxsize=256)
def _u_upper_tail(m, n):
    """Return P(U >= u) for u = 0 ... mn, without ties (recursion of Mann and Whitney 1947)."""
    shorter = [np.ones(1)] * (n + 1)
    for i in range(1, m + 1):
        row = [np.ones(1)]
        for j in range(1, n + 1):
            # The largest of all i + j values belongs to the first sample, above all j, or does not.
            chances = np.zeros(i * j + 1)
            chances[j:] += i / (i + j) * shorter[j]
            chances[: i * (j - 1) + 1] += j / (i + j) * row[j - 1]
            row.append(chances)
        shorter = row
    return np.cumsum(shorter[n][::-1])[::-1]


def _h_test(sums, spread, n_in_class):
    n_present = n_in_class.sum(axis=0)
    freedom = np.count_nonzero(n_in_class, axis=0) - 1
    testable = (spread > 0) & (freedom > 0)
    between = np.sum(sums**2 / np.maximum(n_in_class, 1), axis=0)
    statistics = (n_present - 1) * between / np.where(testable, spread, 1)
    return statistics, np.where(testable, chi2.sf(statistics, np.maximum(freedom, 1)), 1.0)


class MannWhitneySelector(BaseSelector):
    """Keep the columns that differ between the classes in a Mann-Whitney U test.

    Each column is tested separately, two-sided, and dropped if p >= `alpha`. With two classes the
    U test is exact if the smaller class has at most 8 patients and no values are equal, else it is
    the normal approximation corrected for ties and continuity; with more, Kruskal and Wallis' H:
    one test per column of whether any class differs, not one per class or pair to correct for.

    NaN are allowed and ignored column by column. A column that is constant, or has values in one
    class only, has p = 1.

    Parameters
    ----------
    alpha : float, default=0.05
        Columns with a p-value of `alpha` or more are dropped.

    false_discovery_control : {None, "bh", "by"}, default=None
        Compare `alpha` with p-values adjusted for the number of columns, by Benjamini and Hochberg
        or by Benjamini and Yekutieli (any dependence). None, as in the paper, makes no adjustment:
        of 1,001 columns of noise about 50 pass.

    min_features_to_select : int, default=1
        If fewer columns pass, those with the smallest p-values are added, with a warning.

    Attributes
    ----------
    statistics_ : ndarray of shape (n_features,)
        U of the class that sorts last (mutant, if mutants are 1), or H. U divided by the product of
        the two class sizes is the column's area under the ROC curve.

    pvalues_ : ndarray of shape (n_features,)
        Unadjusted p-values.

    adjusted_pvalues_ : ndarray of shape (n_features,)
        The p-values compared with `alpha`.

    support_ : ndarray of shape (n_features,), dtype=bool
        The columns kept.

    classes_ : ndarray of shape (n_classes,)

    n_features_in_ : int

    feature_names_in_ : ndarray of shape (n_features,)
        Only if X has column names.

    See Also
    --------
    CorrelationPruner : The paper's second step.
    LassoCVSelector : The paper's third step.

    References
    ----------
    Shi et al. 2023, section II.D, first step. H. B. Mann, D. R. Whitney, "On a test of whether one
    of two random variables is stochastically larger than the other", 1947. W. H. Kruskal,
    W. A. Wallis, "Use of ranks in one-criterion variance analysis", 1952.

    Examples
    --------
    >>> import numpy as np
    >>> from sklidh import MannWhitneySelector
    >>> y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> X = np.array([[1, 2, 3, 4, 5, 6, 7, 8], [1, 8, 2, 7, 3, 6, 4, 5]]).T
    >>> selector = MannWhitneySelector().fit(X, y)
    >>> selector.pvalues_.round(3)
    array([0.029, 1.   ])
    >>> selector.get_support()
    array([ True, False])
    """

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, 1, closed="right")],
        "false_discovery_control": [StrOptions({"bh", "by"}), None],
        "min_features_to_select": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(self, alpha=0.05, *, false_discovery_control=None, min_features_to_select=1):
        self.alpha = alpha
        self.false_discovery_control = false_discovery_control
        self.min_features_to_select = min_features_to_select

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Test every column.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_features)
            May hold NaN.
        y : array-like of shape (n_patients,)
            Class labels, two or more classes.

        Returns
        -------
        self : MannWhitneySelector
        """
        X, codes = self._fit_classes(X, y)
        self.statistics_, self.pvalues_ = rank_test(X, codes)
        self.adjusted_pvalues_ = (
            false_discovery_control(self.pvalues_, method=self.false_discovery_control)
            if self.false_discovery_control
            else self.pvalues_
        )
        self.support_ = self._keep(
            self.adjusted_pvalues_ < self.alpha,
            -self.pvalues_,
            f"differ between the classes at p < {self.alpha} "
            f"(the smallest p is {self.adjusted_pvalues_.min():.3g})",
        )
        return self
