"""Grid search that trains the fusion networks of all candidates in one batch."""

from contextlib import contextmanager

import numpy as np
from joblib import parallel_config
from sklearn import get_config
from sklearn.base import is_classifier
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import indexable

from sklidh.fusion._batched_fits import JointFits, StandIn
from sklidh.fusion._invariant_specific import InvariantSpecificFusionClassifier
from sklidh.utils import DocumentedMixin


@contextmanager
def replaced(search, **params):
    """Temporarily replace parameters of a search."""
    before = {name: getattr(search, name) for name in params}
    vars(search).update(params)
    try:
        yield
    finally:
        vars(search).update(before)


class BatchedGridSearchCV(DocumentedMixin, GridSearchCV):
    """Grid search over a fusion classifier that trains all candidates on a fold in one batch.

    A drop-in replacement for scikit-learn's `GridSearchCV` for an
    `InvariantSpecificFusionClassifier` or a Pipeline that ends with one. The steps before the
    classifier are fitted once per fold and combination of their own parameters, and the patients of
    a fold are transformed once; the networks of all candidates are then trained in one batch.
    `cv_results_` holds the same scores as `GridSearchCV`; probabilities agree to 1e-9, because the
    rounding of matrix products depends on the size of the matrices.

    Other estimators, searches with metadata routing and candidates whose training fails are handled
    by `GridSearchCV` itself, so that errors are reported according to `error_score`.

    Parameters
    ----------
    estimator : estimator
        InvariantSpecificFusionClassifier, or a Pipeline that ends with one.
    param_grid : dict or
        list of dict Values to try for each parameter.
    scoring : str, callable, list, tuple or dict, default=None
        One or several scorers, as in scikit-learn; None uses the accuracy.
    n_jobs : int, default=None
        Number of threads that fit and score, one fold each.
    refit : bool, str or callable, default=True
        Whether to fit the best candidate on all patients, or the score by which it is chosen.
    cv : int, cross-validation generator or iterable, default=None
        The folds; None uses five.
    verbose : int, default=0
        Values above 0 show a progress bar per fold and scikit-learn's messages.
    pre_dispatch : int or str, default="2*n_jobs"
        As in scikit-learn.
    error_score : "raise" or float, default=np.nan
        Score of a candidate whose fit fails, or "raise".
    return_train_score : bool, default=False
        Whether to also score the training patients.

    Attributes
    ----------
    n_batched_fits_ : int
        Number of batched fits, out of n_candidates * n_splits; the others ran one by one.
    cv_results_ : dict of str to ndarray of shape (n_candidates,)
        As in scikit-learn, except for "mean_fit_time", the total time in s divided by the number of
        fits.
    best_estimator_ : estimator
        The best candidate, fitted on all patients; only with `refit`.
    best_params_ : dict
    best_score_ : float
    best_index_ : int
    scorer_ : callable or dict
    n_splits_ : int
    refit_time_ : float
        Time in s.
    multimetric_ : bool
    feature_names_in_ : ndarray of shape (n_features,)
        Only if X has column names.

    See Also
    --------
    InvariantSpecificFusionClassifier : The classifier that it searches over.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklidh.fusion import BatchedGridSearchCV, InvariantSpecificFusionClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> fusion = InvariantSpecificFusionClassifier(
    ...     modalities={"a": range(15), "b": range(15, 30)}, n_members=1, random_state=0
    ... )
    >>> name = "invariantspecificfusionclassifier"
    >>> grid = {f"{name}__{weight}": [0.3, 0.7] for weight in ("alpha", "beta", "gamma")}
    >>> search = BatchedGridSearchCV(make_pipeline(StandardScaler(), fusion), grid).fit(X, y)
    >>> search.n_batched_fits_
    40
    >>> bool(search.best_score_ > 0.95)
    True
    """

    def fit(self, X, y=None, **params):
        """Search the grid.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)
        y : array-like of shape (n_patients,)
        **params : dict of str to object
            As in scikit-learn: `groups` is passed to `cv`, all others to the estimator's `fit`,
            with values per patient split into the folds; `sample_weight` is also passed to the
            scorers.

        Returns
        -------
        self
        """
        self.n_batched_fits_ = 0
        last = (
            self.estimator.steps[-1][1] if isinstance(self.estimator, Pipeline) else self.estimator
        )
        routing = get_config()["enable_metadata_routing"]
        if y is None or routing or not isinstance(last, InvariantSpecificFusionClassifier):
            return super().fit(X, y, **params)
        self._validate_params()
        X, y = indexable(X, y)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y, params.get("groups")))
        fits = JointFits(self.estimator, ParameterGrid(self.param_grid), splits, self.verbose)
        # Threads, because they share the batched fits.
        with (
            replaced(self, estimator=StandIn(self.estimator, fits), cv=splits),
            parallel_config("threading"),
        ):
            super().fit(X, y, **params, rows=np.arange(len(y)))
        # scikit-learn stores folds and the stand-in here; a saved model must not contain patients.
        self._checked_cv_orig = cv
        scorer, _ = self._get_scorers()
        self.scorer_ = getattr(scorer, "_scorers", scorer)
        self.n_batched_fits_ = fits.n_trained
        if self.n_batched_fits_:
            for name in ("mean_fit_time", "std_fit_time"):
                self.cv_results_[name][:] = self.cv_results_[name].mean()
        if self.refit:
            self.best_estimator_ = self.best_estimator_.estimator
        return self
