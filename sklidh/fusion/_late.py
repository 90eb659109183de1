"""Late fusion: one classifier per modality, combined by the mean or a regression."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, _fit_context, clone
from sklearn.impute import SimpleImputer
from sklearn.utils._param_validation import HasMethods, StrOptions

from sklidh.fusion._blockwise import BlockwiseMixin
from sklidh.fusion._combination import as_probabilities, combine, fill_absent, regress
from sklidh.utils import DocumentedMixin, located, splits_of


class LateFusionClassifier(
    DocumentedMixin, BlockwiseMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Train one classifier per block of columns and combine their probabilities.

    With ``method="regression"`` this is the paper's earlier model: one Bayesian-regularised network
    per modality, and a linear regression with bias on the four probabilities of a mutation. The
    paper's "Average" is the mean.

    Parameters
    ----------
    estimator : estimator with `predict_proba`
        Trained once per block, on the columns of that block only. ``BRNNClassifier()`` in the
        paper.
    method : {"average", "regression"}, default="average"
        "average" is the mean of the blocks' probabilities. "regression" regresses the class
        indicator (1 for the class, 0 for others) on the blocks' probabilities of that class, by
        least squares with a bias, and clips the result to [0, 1]; with more than two classes, each
        class has its own regression and the rows are scaled to sum to 1.
    out_of_fold : bool, default=True
        Whether the regression is fitted on probabilities of patients on whom the block's classifier
        was not trained. Probabilities of training patients are too optimistic and give too much
        weight to a block that overfits. The paper does not state which it uses.
    cv : int, cross-validation generator or iterable, default=5
        The folds of `out_of_fold`. An integer means stratified folds without shuffling; if a class
        has fewer patients, fewer folds are used, with a warning.
    modalities : dict of str to list, or list of str, default=None
        A dict from each modality to its columns, by name or position, or a list of the modalities
        to use: the part of the column names before the first ``__``. None uses all modalities; an
        array without column names is one modality.
    groups : list of tuple of str, default=None
        Modalities whose columns are joined into one block; the others are left out. None makes each
        modality a block.
    missing : {"raise", "ignore"}, default="raise"
        "raise" does not allow NaN, and every listed modality needs columns. "ignore" leaves out
        listed modalities without columns; if a patient's block has only NaN, the mean is taken over
        the patient's other blocks, and the regression uses that mean in its place. Any other NaN is
        replaced by the column's training mean.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    blocks_ : dict of str to ndarray of int
        The column positions of each block.
    imputer_ : SimpleImputer
        Replaces missing values with the training means.
    estimators_ : dict of str to estimator
        The trained classifier of each block.
    weights_ : ndarray of shape (n_blocks,), or (n_classes, n_blocks) for more than two classes
        The regression weight of each block; 1 / n_blocks for the mean.
    intercept_ : float, or ndarray of shape (n_classes,) for more than two classes
        The regression's bias; 0 for the mean.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only if X has column names.

    References
    ----------
    Shi et al. 2023, Section II.E; Table III ("Average", "Regression") and Table IV (the weights).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklidh.fusion import BRNNClassifier, LateFusionClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> late = LateFusionClassifier(
    ...     BRNNClassifier(random_state=0),
    ...     method="regression",
    ...     modalities={"mean": range(10), "error": range(10, 20), "worst": range(20, 30)},
    ... ).fit(scale(X), y)
    >>> late.weights_.shape
    (3,)
    >>> list(late.blocks_)[late.weights_.argmax()]
    'worst'
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "method": [StrOptions({"average", "regression"})],
        "out_of_fold": ["boolean"],
        "cv": ["cv_object"],
        "modalities": [dict, "array-like", None],
        "groups": ["array-like", None],
        "missing": [StrOptions({"raise", "ignore"})],
    }

    def __init__(
        self,
        estimator,
        method="average",
        *,
        out_of_fold=True,
        cv=5,
        modalities=None,
        groups=None,
        missing="raise",
    ):
        self.estimator = estimator
        self.method = method
        self.out_of_fold = out_of_fold
        self.cv = cv
        self.modalities = modalities
        self.groups = groups
        self.missing = missing

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, groups=None):
        """Train the blocks' classifiers, then their combination.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)
        y : array-like of shape (n_patients,)
        groups : array-like of shape (n_patients,), default=None
            Rows of one group, such as scans of one person, are never split between the training and
            test rows of a fold. In a pipeline they are passed by metadata routing
            (``set_fit_request(groups=True)``). Not to be confused with the constructor parameter
            `groups`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A block, or one of its folds, lacks a class; or `cv` does not test every patient exactly
            once.
        """
        X, codes, present = self._fit_blocks(X, y)
        self.imputer_ = SimpleImputer(keep_empty_features=True)
        X = self.imputer_.fit_transform(X)
        self.estimators_ = self._fit_estimators(X, codes, present)
        if self.method == "average":
            self.weights_ = np.full(len(self.blocks_), 1 / len(self.blocks_))
            self.intercept_ = 0.0
            return self
        if self.out_of_fold:
            probabilities = self._out_of_fold_probabilities(X, codes, present, groups)
        else:
            probabilities = self._block_probabilities(self.estimators_, X, present)
        weights, intercept = regress(fill_absent(probabilities, present), codes, len(self.classes_))
        binary = len(self.classes_) == 2
        self.weights_ = weights[1] if binary else weights
        self.intercept_ = float(intercept[1]) if binary else intercept
        return self

    def block_probabilities(self, X):
        """Return the probabilities from each block.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients, n_blocks, n_classes)
            NaN where a patient lacks the block.
        """
        X, present = self._read_blocks(X)
        return self._block_probabilities(self.estimators_, self.imputer_.transform(X), present)

    def predict_proba(self, X):
        """Return the probability of every class.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients, n_classes)
            The columns are in the order of `classes_`.
        """
        scores = self._scores(X)
        return scores if self.method == "average" else as_probabilities(scores)

    def decision_function(self, X):
        """Return the output of the regression before it is clipped to [0, 1].

        Clipping gives all patients beyond 0 or 1 the same probability; this output still ranks
        them, as in the paper's AUC.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients,), or (n_patients, n_classes) for more than two classes
            With two classes, positive values predict the second class.
        """
        scores = self._scores(X)
        return scores[:, 1] - 0.5 if len(self.classes_) == 2 else scores

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients,)
        """
        best = self._scores(X).argmax(1)
        return self.classes_[best]

    def _scores(self, X):
        """Return the mean or the unclipped regression, of shape (n_patients, n_classes)."""
        X, present = self._read_blocks(X)
        X = self.imputer_.transform(X)
        probabilities = fill_absent(
            self._block_probabilities(self.estimators_, X, present), present
        )
        if self.method == "average":
            return probabilities.mean(1)
        return combine(probabilities, self.weights_, self.intercept_)

    def _out_of_fold_probabilities(self, X, codes, present, groups):
        """Return the blocks' out-of-fold probabilities."""
        splits = splits_of(
            self.cv, self.classes_, codes, X, who="LateFusionClassifier", groups=groups
        )
        probabilities = np.empty((*present.shape, len(self.classes_)))
        for train, test in splits:
            estimators = self._fit_estimators(X[train], codes[train], present[train])
            probabilities[test] = self._block_probabilities(estimators, X[test], present[test])
        return probabilities

    def _fit_estimators(self, X, codes, present):
        """Return one classifier per block, trained on the patients who have the block."""
        estimators = {}
        for (block, columns), rows in zip(self.blocks_.items(), present.T, strict=True):
            labels = self.classes_[codes[rows]]
            if len(np.unique(labels)) < len(self.classes_):
                raise ValueError(
                    f"block {block!r} has {rows.sum()} training patients, but no example of one "
                    f"of the classes {self.classes_.tolist()}; leave out the block"
                )
            with warnings.catch_warnings(record=True) as caught:
                estimators[block] = clone(self.estimator).fit(X[rows][:, columns], labels)
            for each in caught:
                text = located(f"block {block!r}, {rows.sum()} patients: {each.message}")
                warnings.warn_explicit(text, each.category, each.filename, each.lineno)
        return estimators

    def _block_probabilities(self, estimators, X, present):
        """Return the blocks' probabilities, NaN where a patient lacks the block."""
        probabilities = np.full((*present.shape, len(self.classes_)), np.nan)
        for place, (block, columns) in enumerate(self.blocks_.items()):
            rows = present[:, place]
            if rows.any():
                answer = estimators[block].predict_proba(X[rows][:, columns])
                probabilities[rows, place] = answer
        return probabilities
