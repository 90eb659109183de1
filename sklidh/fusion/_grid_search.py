"""A grid search that trains the fusion networks of all candidates together."""

import time
from contextlib import contextmanager

import numpy as np
from joblib import parallel_config
from sklearn import get_config
from sklearn.base import is_classifier
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import indexable
from sklearn.utils.validation import _check_method_params

from sklidh.fusion._batched_fits import StandIn, train_all
from sklidh.fusion._invariant_specific import InvariantSpecificFusionClassifier
from sklidh.utils import DocumentedMixin


@contextmanager
def replaced(search, **params):
    """Give a search other parameters for a while."""
    before = {name: getattr(search, name) for name in params}
    vars(search).update(params)
    try:
        yield
    finally:
        vars(search).update(before)


class BatchedGridSearchCV(DocumentedMixin, GridSearchCV):
    """Search a grid over a fusion classifier, training all candidates on a fold together.

    scikit-learn's `GridSearchCV`, with the same answers, for an
    `InvariantSpecificFusionClassifier` or a Pipeline that ends with one. The steps before the
    classifier are fitted once per fold and combination of their own parameters, and the patients
    of a fold are transformed once; then one call trains the networks of all candidates. Every
    network is trained as if it were alone, so `cv_results_` is what `GridSearchCV` finds, to the
    last bit, but for the times.

    Anything else, and anything under metadata routing, is searched the ordinary way; so is a
    candidate whose training fails, so that the error is reported as `error_score` says.

    Parameters
    ----------
    estimator : estimator
        InvariantSpecificFusionClassifier, or a Pipeline that ends with one.
    param_grid : dict or list of dict
        Values to try, by parameter.
    scoring : str, callable, list, tuple or dict, default=None
        One or several scorers, as in scikit-learn; None takes the accuracy.
    n_jobs : int, default=None
        Threads that train and score. The steps before the classifier are fitted by joblib's
        workers, one fold each.
    refit : bool, str or callable, default=True
        Whether, or by which score, to fit the best candidate on all patients.
    cv : int, cross-validation generator or iterable, default=None
        The folds; None takes five.
    verbose : int, default=0
        Above 0, a progress bar over the training and scikit-learn's messages.
    pre_dispatch : int or str, default="2*n_jobs"
        As in scikit-learn.
    error_score : "raise" or float, default=np.nan
        The score of a candidate whose fit fails.
    return_train_score : bool, default=False
        Whether to score the training patients too.

    Attributes
    ----------
    n_batched_fits_ : int
        Fits that were trained together, of n_candidates * n_splits; the others were made the
        ordinary way.
    cv_results_ : dict of str to ndarray of shape (n_candidates,)
        As in scikit-learn. "mean_fit_time" of fits made together is their equal share, in s.
    best_estimator_ : estimator
        Fitted on all patients; only with `refit`.
    best_params_ : dict
    best_score_ : float
    best_index_ : int
    scorer_ : callable or dict
    n_splits_ : int
    refit_time_ : float
        In s.
    multimetric_ : bool
    feature_names_in_ : ndarray of shape (n_features,)
        Only where X has column names.

    See Also
    --------
    InvariantSpecificFusionClassifier : What it is for.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklidh.fusion import BatchedGridSearchCV, InvariantSpecificFusionClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> fusion = InvariantSpecificFusionClassifier(
    ...     modalities={"a": range(15), "b": range(15, 30)}, max_epochs=50, random_state=0
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
            As in scikit-learn: `groups` goes to `cv`, the rest to the estimator's `fit`, those of
            the patients' number cut to each fold, and `sample_weight` to the scorers as well.

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
        params = _check_method_params(X, params)
        groups = params.get("groups")
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y, groups))
        start = time.perf_counter()
        trained = train_all(
            self.estimator,
            ParameterGrid(self.param_grid),
            X,
            y,
            splits,
            {name: value for name, value in params.items() if name != "groups"},
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        seconds = time.perf_counter() - start
        stand_in = StandIn(self.estimator, trained)
        # Threads: what is trained need not be copied to processes.
        with replaced(self, estimator=stand_in, cv=splits), parallel_config("threading"):
            super().fit(X, y, **params, rows=np.arange(len(y)))
        # scikit-learn keeps the folds here: those of these patients have no place in a model.
        self._checked_cv_orig = cv
        self.n_batched_fits_ = len(trained)
        self.cv_results_["mean_fit_time"] += seconds / max(len(trained), 1)
        if self.refit:
            self.best_estimator_ = self.best_estimator_.estimator
        return self
