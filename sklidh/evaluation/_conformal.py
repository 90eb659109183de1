"""Conformal prediction: per patient, the set of classes that cannot be excluded."""

import math
import warnings
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, _fit_context, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.utils import _safe_indexing, get_tags, indexable
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_method_params, check_is_fitted, column_or_1d

from sklidh.utils import DocumentedMixin, located, splits_of

ROUNDING = 1e-9
"""Rounding error of a p-value that is compared with 1 - coverage."""


def fewest_patients(coverage: float) -> int:
    """Return the smallest number of patients of a class with which it can be excluded.

    The smallest p-value of a class with n patients is 1 / (n + 1).

    Parameters
    ----------
    coverage : float

    Returns
    -------
    int
    """
    return math.ceil(1 / (1 - coverage + ROUNDING) - 1)


def _estimator_has(name):
    return lambda self: hasattr(getattr(self, "estimator_", self.estimator), name)


class ConformalClassifier(DocumentedMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    r"""Predict sets of classes that contain a patient's true class with a given frequency.

    `fit` trains the estimator on all patients, and one clone per fold on the other folds (Mondrian
    cross-conformal prediction). With :math:`\hat p_k(x, c)` the probability of class :math:`c` from
    the clone that did not see fold :math:`k`, and :math:`n_c` training patients of the class, the
    p-value of class :math:`c` for a new patient :math:`x` is

    .. math::
        p_c(x) = \frac{1 + \sum_k |\{i \in k : y_i = c,\ \hat p_k(x_i, c) \leq \hat p_k(x, c)\}|}
                 {n_c + 1}

    and the prediction set holds the classes with :math:`p_c(x) > \alpha = 1 -` `coverage`. Coverage
    holds within each class, so that frequent classes do not make up for rare ones.

    Parameters
    ----------
    estimator : classifier with `predict_proba`
        Of a `CalibratedClassifierCV`, the clones are trained without the calibration: with two
        classes its curve is increasing and changes no p-value.
    coverage : float, default=0.9
        Fraction of the patients of each class whose set contains the class.
    cv : int, cross-validation generator or iterable, default=5
        Folds; it must test every patient exactly once. An integer means shuffled, stratified folds.
    random_state : int, RandomState instance or None, default=0
        Seed of the folds if `cv` is an integer.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    estimator_ : fitted classifier
        Trained on all patients; the source of `predict` and `predict_proba`.
    estimators_ : list of fitted classifiers
        One per fold.
    scores_ : list of list of ndarray
        Per fold and class, the sorted probabilities of the class for its held-out patients.
    n_calibration_ : ndarray of shape (n_classes,)
        Number of patients of each class.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only if X has column names.

    Warns
    -----
    UserWarning
        A class has too few patients to be excluded at this coverage, so all sets contain it.

    Notes
    -----
    The guarantee requires that new patients and the training patients of their class are
    exchangeable; it does not hold at another site, or with another protocol. It holds on average
    over training cohorts and new patients, not for a given patient or cohort.

    In the worst case, and with :math:`K` folds that each hold the same number of patients of class
    :math:`c`, the set contains the class for at least

    .. math::
        1 - 2 \alpha - \min\left(\frac{2 (1 - 1/K)}{n_c / K + 1},
                                 \frac{1 - K / n_c}{K + 1}\right)

    of its patients (Barber et al. 2021, Theorem 4, which Romano et al. 2020 extend to classes; here
    applied within each class). In practice coverage is about :math:`1 - \alpha`, and slightly above
    for small :math:`n_c` and unstable estimators. A p-value is at least :math:`1 / (n_c + 1)`. A
    coverage above :math:`n_c / (n_c + 1)` is therefore only reached by never excluding the class: 9
    patients of each class are needed for 0.9, 19 for 0.95.

    With `groups`, no group is split between folds, but the rows of a group are not exchangeable
    with those of other groups, and coverage is not guaranteed, only approximate.

    References
    ----------
    V. Vovk, A. Gammerman and G. Shafer, Algorithmic Learning in a Random World, Springer, 2005,
    chapter 4.

    V. Vovk, Cross-conformal predictors, Annals of Mathematics and Artificial Intelligence 74, 2015.

    R. F. Barber, E. J. Candes, A. Ramdas and R. J. Tibshirani, Predictive inference with the
    jackknife+, Annals of Statistics 49(1), 2021.

    Y. Romano, M. Sesia and E. J. Candes, Classification with valid and adaptive coverage, NeurIPS,
    2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklidh.evaluation import ConformalClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ConformalClassifier(LogisticRegression(max_iter=1000)).fit(X[:, :2], y)
    >>> model.predict_set(X[[0, 60, 70], :2])
    array([[ True, False, False],
           [False,  True, False],
           [False,  True,  True]])
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "coverage": [Interval(Real, 0, 1, closed="neither")],
        "cv": ["cv_object"],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator, coverage=0.9, *, cv=5, random_state=0):
        self.estimator = estimator
        self.coverage = coverage
        self.cv = cv
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, groups=None, **params):
        """Train the estimator on all patients and, per fold, on the patients of the other folds.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)
        y : array-like of shape (n_patients,)
        groups : array-like of shape (n_patients,), default=None
            Rows of one group, such as scans of one person, are kept in one fold.
        **params : dict
            Passed to the estimator's `fit`; values per patient are cut to the rows of each fold.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A fold would be trained without a class; or `cv` does not test every patient exactly
            once.
        """
        X, y = indexable(X, column_or_1d(y, warn=True))
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has only one class, {self.classes_.tolist()}, in {len(y)} patients; at least "
                "two are needed"
            )
        self.n_calibration_ = np.bincount(codes)
        self._warn_of_small_classes()
        splits = splits_of(
            self.cv, self.classes_, codes, X,
            who="ConformalClassifier", groups=groups, shuffle=True, random_state=self.random_state,
        )  # fmt: skip
        estimator = self.estimator
        if isinstance(estimator, CalibratedClassifierCV):
            inner = estimator.estimator
            estimator = inner if hasattr(inner, "predict_proba") else estimator
        self.estimators_, self.scores_ = [], []
        for train, test in splits:
            if len(absent := np.setdiff1d(codes, codes[train])):
                raise ValueError(
                    "ConformalClassifier: a fold is trained without any of the "
                    f"{self.n_calibration_[absent[0]]} patients of class "
                    f"{self.classes_.tolist()[absent[0]]!r}; use stratified folds as cv"
                )
            own = _check_method_params(X, params, indices=train)
            fitted = clone(estimator).fit(_safe_indexing(X, train), y[train], **own)
            probability = fitted.predict_proba(_safe_indexing(X, test))
            self.estimators_.append(fitted)
            self.scores_.append(
                [np.sort(probability[codes[test] == c, c]) for c in range(len(self.classes_))]
            )
        self.estimator_ = clone(self.estimator).fit(X, y, **params)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def predict_pvalues(self, X):
        """Return the p-value of each class: how unusual the patient would be in it.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients, n_classes)
            From 1 / (n_c + 1) to 1; they are not probabilities and do not sum to 1.
        """
        check_is_fitted(self)
        count = 1
        for fitted, scores in zip(self.estimators_, self.scores_, strict=True):
            columns = zip(scores, fitted.predict_proba(X).T, strict=True)
            lower = [np.searchsorted(own, new, side="right") for own, new in columns]
            count = count + np.stack(lower, axis=1)
        return count / (self.n_calibration_ + 1)

    def predict_set(self, X):
        """Return which classes are in each patient's prediction set.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of bool of shape (n_patients, n_classes)
            A row with several classes is an uncertain prediction. A row without classes is a
            patient who is unusual in every class.
        """
        return self.predict_pvalues(X) > 1 - self.coverage + ROUNDING

    def predict(self, X):
        """Predict with the estimator that was trained on all patients.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients,)
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    def predict_proba(self, X):
        """Predict probabilities with the estimator that was trained on all patients.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X):
        """Return the decision function of the estimator that was trained on all patients.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients,) or (n_patients, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    def _warn_of_small_classes(self):
        needed = fewest_patients(self.coverage)
        for label, n in zip(self.classes_.tolist(), self.n_calibration_.tolist(), strict=True):
            if n < needed:
                reachable = math.floor(100 * n / (n + 1)) / 100
                text = (
                    f"ConformalClassifier: class {label!r} has {n} patients, and coverage="
                    f"{self.coverage:g} needs at least {needed} to exclude a class, so every "
                    f"prediction set contains it; lower coverage to {reachable:g} or add patients"
                )
                warnings.warn(located(text), UserWarning, stacklevel=4)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        own = get_tags(self.estimator)
        tags.input_tags, tags.classifier_tags = own.input_tags, own.classifier_tags
        return tags
