"""Keep the columns that a selector keeps on most resamples of the patients."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import MetaEstimatorMixin, _fit_context, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed

from sklidh.selection._selector import BaseSelector


def resample(codes, resampling, rng):
    """Draw a stratified sample of patients.

    Parameters
    ----------
    codes : ndarray of shape (n_patients,), dtype=int
        The class of each patient.
    resampling : {"half", "bootstrap"}
        Half of each class (rounded up) without replacement, or the whole class size with it.
    rng : RandomState

    Returns
    -------
    ndarray of int
        Rows, in ascending order.
    """
    drawn = []
    for k in np.unique(codes):
        members = np.flatnonzero(codes == k)
        if resampling == "half":
            drawn.append(rng.choice(members, (len(members) + 1) // 2, replace=False))
        else:
            drawn.append(rng.choice(members, len(members)))
    return np.sort(np.concatenate(drawn))


def columns_kept(selector, X, y, seed):
    """Fit a selector, or a pipeline of selectors, and return which columns it keeps.

    Parameters
    ----------
    selector : estimator
        Unfitted; it is fitted here.
    X : ndarray of shape (n_patients, n_features)
    y : ndarray of shape (n_patients,)
    seed : int
        Seed of every part that has a ``random_state``.

    Returns
    -------
    ndarray of shape (n_features,), dtype=bool
    """
    seeded = [name for name in selector.get_params() if name.split("__")[-1] == "random_state"]
    selector.set_params(**dict.fromkeys(seeded, seed))
    with warnings.catch_warnings():
        # Warnings about single resamples are dropped: `stability_` shows the same.
        warnings.simplefilter("ignore", UserWarning)
        selector.fit(X, y)
    names = np.arange(X.shape[1]).astype(str).astype(object)
    return np.isin(names, selector.get_feature_names_out(names))


class StabilitySelector(MetaEstimatorMixin, BaseSelector):
    """Keep the columns that a selector keeps on most resamples of the patients.

    Among correlated columns, selection on one sample keeps one by chance. How often a column is
    kept on resampled patients shows how far a selection can be trusted.

    Parameters
    ----------
    estimator : estimator
        A selector or a pipeline that ends with one; the names of its output columns must be the
        names of its input columns.

    threshold : float, default=0.6
        Minimum fraction of resamples in which a column must be kept.

    n_resamples : int, default=100

    resampling : {"half", "bootstrap"}, default="half"
        Half of the patients of each class without replacement, as in Meinshausen and Bühlmann, or
        the same number with replacement. A patient drawn twice makes p-values too small and can be
        on both sides of a cross-validation split.

    min_features_to_select : int, default=1
        If fewer columns reach the threshold, those with the highest stability are added, with a
        warning.

    random_state : int, RandomState instance or None, default=0
        Seed for drawing patients and for the estimator on each resample.

    n_jobs : int, default=None
        Resamples processed in parallel; the result does not depend on it.

    Attributes
    ----------
    stability_ : ndarray of shape (n_features,)
        Fraction of resamples in which each column was kept.

    n_kept_ : ndarray of shape (n_resamples,), dtype=int
        The number of columns kept on each resample.

    support_ : ndarray of shape (n_features,), dtype=bool
        The columns kept.

    classes_ : ndarray of shape (n_classes,)

    n_features_in_ : int

    feature_names_in_ : ndarray of shape (n_features,)
        Only if X has column names.

    See Also
    --------
    LassoCVSelector : A selector whose choice among correlated columns is worth checking.

    References
    ----------
    N. Meinshausen, P. Bühlmann, "Stability selection", 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklidh.selection import MannWhitneySelector, StabilitySelector
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 30)
    >>> X = rng.normal(size=(60, 5))
    >>> X[:, 2] += 2 * y
    >>> selector = StabilitySelector(MannWhitneySelector(), n_resamples=20, random_state=0)
    >>> selector.fit(X, y).get_support(indices=True)
    array([2])
    >>> float(selector.stability_[2])
    1.0
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "get_feature_names_out"])],
        "threshold": [Interval(Real, 0, 1, closed="right")],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "resampling": [StrOptions({"half", "bootstrap"})],
        "min_features_to_select": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator,
        *,
        threshold=0.6,
        n_resamples=100,
        resampling="half",
        min_features_to_select=1,
        random_state=0,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.threshold = threshold
        self.n_resamples = n_resamples
        self.resampling = resampling
        self.min_features_to_select = min_features_to_select
        self.random_state = random_state
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Fit the estimator on every resample and count how often each column is kept.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_features)
            May hold NaN where the estimator allows it.
        y : array-like of shape (n_patients,)
            Class labels, two or more classes.

        Returns
        -------
        self : StabilitySelector
        """
        finite = "allow-nan" if get_tags(self.estimator).input_tags.allow_nan else True
        X, codes = self._fit_classes(X, y, ensure_all_finite=finite)
        y = self.classes_[codes]
        rng = check_random_state(self.random_state)
        draws = [
            (resample(codes, self.resampling, rng), rng.randint(2**31 - 1))
            for _ in range(self.n_resamples)
        ]
        kept = np.array(
            Parallel(n_jobs=self.n_jobs)(
                delayed(columns_kept)(clone(self.estimator), X[rows], y[rows], seed)
                for rows, seed in draws
            )
        )
        self.stability_, self.n_kept_ = kept.mean(axis=0), kept.sum(axis=1)
        self.support_ = self._keep(
            self.stability_ >= self.threshold,
            self.stability_,
            f"are kept on a share of {self.threshold} of the resamples (the largest share "
            f"is {self.stability_.max():.3g})",
        )
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = get_tags(self.estimator).input_tags.allow_nan
        return tags
