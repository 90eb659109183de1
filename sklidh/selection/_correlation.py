"""Keep one of each set of similar columns."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from sklidh.selection._mann_whitney import rank_test, ranks_of
from sklidh.selection._selector import BaseSelector
from sklidh.selection._standardise import standardise
from sklidh.utils import check_target

FEWEST_COMMON = 3
"""Minimum number of shared patients: with two |r| is 1, so fewer count as uncorrelated."""

BLOCK = 256
"""Columns with NaN processed at once, to limit memory to a small multiple of r's."""


def correlations(X):
    """Correlate every pair of columns over the patients who have both values.

    Parameters
    ----------
    X : ndarray of shape (n_patients, n_features)
        May hold NaN.

    Returns
    -------
    ndarray of shape (n_features, n_features)
        Pearson's r; 0 if a column is constant over the shared patients, or if there are fewer than
        three.
    """
    # A patient with a sequence missing entirely does not affect any pair.
    X = X[~np.isnan(X).all(axis=1)]
    if len(X) < FEWEST_COMMON:
        return np.zeros((X.shape[1], X.shape[1]))
    complete = ~np.isnan(X).any(axis=0)
    order = np.argsort(complete, kind="stable")  # columns with NaN first
    present = (~np.isnan(X[:, order])).astype(float)
    Z = np.nan_to_num(standardise(X[:, order]), copy=False)
    r = Z.T @ Z / len(X)
    for start in range(0, np.count_nonzero(~complete), BLOCK):
        block, rest = slice(start, start + BLOCK), slice(start, None)
        products = r[block, rest] * len(X)
        r[block, rest] = _correlations_in_common(Z, present, block, rest, products)
        r[rest, block] = r[block, rest].T
    if not complete.all():
        place = np.argsort(order)
        r = r[np.ix_(place, place)]
    return np.clip(r, -1, 1, out=r)


def _correlations_in_common(Z, present, block, rest, products):
    # Means and variances must use the shared patients, a different set for each pair; every sum
    # over such a set is a matrix product with the 0/1 matrix of available values.
    A, in_a = Z[:, block].T, present[:, block].T
    B, in_b = Z[:, rest], present[:, rest]
    n = in_a @ in_b
    sum_a, sum_b = A @ in_b, in_a @ B
    covariance = n * products - sum_a * sum_b
    variance_a = n * (A**2 @ in_b) - sum_a**2
    variance_b = n * (in_a @ B**2) - sum_b**2
    # A smaller variance (of columns scaled to 1) is rounding: the shared values are equal.
    floor = 1e-10 * n**2
    known = (n >= FEWEST_COMMON) & (variance_a > floor) & (variance_b > floor)
    return np.where(known, covariance, 0) / np.sqrt(np.where(known, variance_a * variance_b, 1))


def prune(r, threshold, order):
    """Visit the columns in `order`; each one kept removes all that correlate above `threshold`.

    So no two kept columns correlate above the threshold, and every removed column does so with the
    kept column that removed it.

    Parameters
    ----------
    r : ndarray of shape (n_features, n_features)
    threshold : float
        Compared with the absolute value of r.
    order : ndarray of shape (n_features,)
        Columns, with the preferred one of each pair first.

    Returns
    -------
    ndarray of shape (n_features,), dtype=int
        For a removed column, the column that removed it; for a kept column, -1.
    """
    too_similar = np.abs(r) > threshold
    np.fill_diagonal(too_similar, False)
    removed_by = np.full(len(r), -1)
    for column in order:
        if removed_by[column] < 0:
            removed_by[too_similar[column] & (removed_by < 0)] = column
    return removed_by


class CorrelationPruner(BaseSelector):
    """Drop one of each pair of columns that correlate above a threshold.

    The columns are visited in order; each column not yet removed is kept and removes all others
    with \\|r\\| above `threshold`. So no pair above the threshold remains, and every removed column
    is represented by a kept one. `keep` sets the order, that is, which column of a pair is kept.

    NaN are allowed: a pair is compared over the patients who have both values, and counts as
    uncorrelated if there are fewer than three. Constant columns correlate with nothing.

    Memory use is 8 bytes per pair of columns: 128 MB for 4,004 columns.

    Parameters
    ----------
    threshold : float, default=0.9
        Pairs with a larger \\|r\\| are too similar.

    method : {"pearson", "spearman"}, default="pearson"
        Linear correlation, or correlation of ranks. Ranks are computed over all values of a column,
        even if a pair shares fewer patients.

    keep : {"first", "relevance", "random"}, default="first"
        Which column of a pair to keep: the one further left; the one with the smaller p-value in
        the test of `MannWhitneySelector`, which needs y; or a random one, as in the paper.

    min_features_to_select : int, default=1
        If fewer columns remain, removed columns are added back in the same order, with a warning.

    random_state : int, RandomState instance or None, default=None
        Seed for the order with ``keep="random"``.

    Attributes
    ----------
    removed_by_ : ndarray of shape (n_features,), dtype=int
        For each removed column, the index of the kept column that removed it; -1 for the others.

    support_ : ndarray of shape (n_features,), dtype=bool
        The columns kept.

    n_features_in_ : int

    feature_names_in_ : ndarray of shape (n_features,)
        Only if X has column names.

    See Also
    --------
    MannWhitneySelector : The paper's first step.
    LassoCVSelector : The paper's third step.

    References
    ----------
    Shi et al. 2023, section II.D, second step.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklidh import CorrelationPruner
    >>> X = pd.DataFrame({"volume": [1, 2, 3, 4], "voxels": [10, 20, 30, 41], "age": [4, 1, 3, 2]})
    >>> pruner = CorrelationPruner(keep="first").set_output(transform="pandas").fit(X)
    >>> pruner.get_feature_names_out()
    array(['volume', 'age'], dtype=object)
    >>> pruner.removed_by_
    array([-1,  0, -1])
    """

    _parameter_constraints: dict = {
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "method": [StrOptions({"pearson", "spearman"})],
        "keep": [StrOptions({"first", "relevance", "random"})],
        "min_features_to_select": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        threshold=0.9,
        *,
        method="pearson",
        keep="first",
        min_features_to_select=1,
        random_state=None,
    ):
        self.threshold = threshold
        self.method = method
        self.keep = keep
        self.min_features_to_select = min_features_to_select
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Correlate all pairs of columns and select which to keep.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_features)
            May hold NaN.
        y : array-like of shape (n_patients,), default=None
            Class labels; used only by ``keep="relevance"``.

        Returns
        -------
        self : CorrelationPruner
        """
        if self.keep == "relevance":
            X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        else:
            X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        order = self._order(X, y)
        columns = X if self.method == "pearson" else ranks_of(X)
        removed_by = prune(correlations(columns), self.threshold, order)
        self.support_ = self._keep(
            removed_by < 0,
            -np.argsort(order),
            f"remain with no |r| above {self.threshold} between them",
        )
        self.removed_by_ = np.where(self.support_, -1, removed_by)
        return self

    def _order(self, X, y):
        if self.keep == "random":
            return check_random_state(self.random_state).permutation(X.shape[1])
        if self.keep == "first":
            return np.arange(X.shape[1])
        _, codes = np.unique(check_target(y), return_inverse=True)
        return np.argsort(rank_test(X, codes)[1], kind="stable")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.keep == "relevance"
        return tags
