"""Keep the columns that a cross-validated LASSO gives a non-zero weight."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LassoCV, MultiTaskLasso, MultiTaskLassoCV
from sklearn.model_selection import check_cv
from sklearn.utils._param_validation import Interval, StrOptions

from sklidh.selection._selector import BaseSelector
from sklidh.selection._standardise import standardise
from sklidh.utils import stratified_folds

WEAKEST_PENALTY = 1e-2
"""Weakest penalty as a fraction of the strongest. Weaker ones keep about as many columns as there
are patients and hardly converge: on TCGA's 108 patients 0.001 gave the same choice in 10-19x time.
"""


def choose_alpha(alphas, mse_path, rule):
    """Choose the penalty based on the errors of all folds.

    Parameters
    ----------
    alphas : ndarray of shape (n_alphas,)
        From the strongest penalty to the weakest.
    mse_path : ndarray of shape (n_alphas, n_folds)
    rule : {"minimum", "one_standard_error"}

    Returns
    -------
    float
    """
    mean = mse_path.mean(axis=1)
    if rule == "minimum":
        return alphas[mean.argmin()]
    error = mse_path.std(axis=1, ddof=1) / np.sqrt(mse_path.shape[1])
    return alphas[np.argmax(mean <= mean.min() + error[mean.argmin()])]


class LassoCVSelector(BaseSelector):
    """Keep the columns with non-zero weights in a LASSO tuned by cross-validation.

    The columns are standardised and the classes coded 0 and 1. The penalty with the smallest
    squared error over the folds is chosen, and the LASSO with that penalty, fitted on all patients,
    selects the columns. With more than two classes, each is a separate 0/1 target and the penalty
    keeps or drops a column for all of them together (the multi-task LASSO).

    The folds are shuffled and stratified. The paper only states "10-fold"; scikit-learn's default
    for a regression, consecutive rows, would give folds without a single mutant on a table sorted
    by class, and folds of one site on one sorted by site.

    NaN are allowed: for the fit they are replaced by the column's mean, and `transform` leaves them
    unchanged. Columns are standardised once, over all patients of the fit, before they are split
    into folds; only the labels of a fold are unseen in tuning.

    Parameters
    ----------
    cv : int, cross-validation generator or iterable, default=10
        An int: number of shuffled, stratified folds, reduced with a warning to the size of the
        smallest class.

    rule : {"minimum", "one_standard_error"}, default="minimum"
        Choose the penalty with the smallest mean error, or the strongest one whose mean error is
        within one standard error of it, which gives fewer columns and is more stable.

    alphas : int or array-like of shape (n_alphas,), default=100
        Penalties to try; an int: this many, from the smallest one that drops every column down to
        a hundredth of it, evenly spaced on a log scale.

    max_iter : int, default=10000
        Maximum number of passes over the columns per penalty.

    min_features_to_select : int, default=1
        If the LASSO keeps fewer columns, the columns that would enter it next are added, with a
        warning.

    random_state : int, RandomState instance or None, default=0
        Seed for shuffling patients into folds. With None, folds differ at each fit, and so may the
        columns.

    n_jobs : int, default=None
        Threads that share the folds.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_classes, n_features)
        Weights on standardised columns; two-dimensional if y has more than two classes.

    alpha_ : float
        The penalty chosen.

    alphas_ : ndarray of shape (n_alphas,)
        The penalties tried, from the strongest.

    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Squared error of the left-out patients.

    n_iter_ : int
        Number of passes in the fit on all patients.

    support_ : ndarray of shape (n_features,), dtype=bool
        The columns kept.

    classes_ : ndarray of shape (n_classes,)

    n_features_in_ : int

    feature_names_in_ : ndarray of shape (n_features,)
        Only if X has column names.

    See Also
    --------
    MannWhitneySelector : The paper's first step.
    CorrelationPruner : The paper's second step.

    References
    ----------
    Shi et al. 2023, section II.D, third step. R. Tibshirani, "Regression shrinkage and selection
    via the lasso", 1996. The rule of one standard error: Breiman et al., "Classification and
    Regression Trees", 1984, section 3.4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklidh import LassoCVSelector
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> X = rng.normal(size=(100, 20))
    >>> X[:, [3, 7]] += 2 * y[:, None]
    >>> selector = LassoCVSelector(rule="one_standard_error", random_state=0).fit(X, y)
    >>> selector.get_support(indices=True)
    array([3, 7])
    """

    _parameter_constraints: dict = {
        "cv": ["cv_object"],
        "rule": [StrOptions({"minimum", "one_standard_error"})],
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "min_features_to_select": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        cv=10,
        *,
        rule="minimum",
        alphas=100,
        max_iter=10_000,
        min_features_to_select=1,
        random_state=0,
        n_jobs=None,
    ):
        self.cv = cv
        self.rule = rule
        self.alphas = alphas
        self.max_iter = max_iter
        self.min_features_to_select = min_features_to_select
        self.random_state = random_state
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, groups=None):
        """Tune the LASSO and select the columns with non-zero weights.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_features)
            May hold NaN.
        y : array-like of shape (n_patients,)
            Class labels, two or more classes.
        groups : array-like of shape (n_patients,), default=None
            Patients of one group, such as scans of one person, are never on both sides of a fold.
            In a pipeline, pass it by metadata routing (``set_fit_request(groups=True)``).

        Returns
        -------
        self : LassoCVSelector
        """
        X, codes = self._fit_classes(X, y)
        Z = np.nan_to_num(standardise(X), copy=False)
        two_classes = len(self.classes_) == 2
        target = codes.astype(float) if two_classes else np.eye(len(self.classes_))[codes]

        self.alphas_, self.mse_path_ = self._tune(Z, target, codes, groups)
        self.alpha_ = choose_alpha(self.alphas_, self.mse_path_, self.rule)
        lasso = (Lasso if two_classes else MultiTaskLasso)(self.alpha_, max_iter=self.max_iter)
        lasso.fit(Z, target)
        self.coef_, self.n_iter_ = lasso.coef_, lasso.n_iter_

        # Correlation of each column with the residual decides which one would enter the LASSO next.
        pull = Z.T @ (target - lasso.predict(Z))
        self.support_ = self._keep(
            np.atleast_2d(self.coef_).any(axis=0),
            np.linalg.norm(pull.reshape(len(pull), -1), axis=1),
            f"have a weight in the LASSO with the penalty {self.alpha_:.3g}",
        )
        return self

    def _tune(self, Z, target, codes, groups):
        cv = self.cv
        if isinstance(cv, Integral):
            cv = stratified_folds(
                cv,
                self.classes_,
                codes,
                who="LassoCVSelector",
                groups=groups,
                shuffle=True,
                random_state=self.random_state,
            )
        folds = list(check_cv(cv, codes, classifier=True).split(Z, codes, groups))
        search = (LassoCV if target.ndim == 1 else MultiTaskLassoCV)(
            alphas=self.alphas,
            eps=WEAKEST_PENALTY,
            cv=folds,
            max_iter=self.max_iter,
            n_jobs=self.n_jobs,
        )
        with warnings.catch_warnings():
            # Each of thousands of fits would warn, mostly far from the chosen penalty.
            # The final fit runs outside this block and does warn.
            warnings.simplefilter("ignore", ConvergenceWarning)
            search.fit(Z, target)
        return search.alphas_, search.mse_path_
