"""Batched training of the candidates of a grid search over fusion classifiers."""

import threading
from collections import defaultdict
from functools import wraps
from pickle import PicklingError
from typing import NamedTuple

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from sklidh.fusion._invariant_specific import InvariantSpecificFusionClassifier
from sklidh.fusion._joint_training import MAY_DIFFER, train_together

# Methods that a Pipeline delegates to its last step, after the other steps have transformed X.
DELEGATED = {"predict", "predict_proba", "predict_log_proba", "decision_function", "score"}


class Candidate(NamedTuple):
    """One unfitted point of the grid."""

    key: str  # the hash of its parameters
    estimator: object
    classifier: InvariantSpecificFusionClassifier


class Fold:
    """The fitted steps before the classifier, with a cache of the tables they transformed."""

    def __init__(self, steps, transformed):
        self.steps, self.cache, self.lock = steps, [transformed], threading.Lock()

    def transform(self, X):
        """Transform patients, or return the cached result for a table seen before."""
        with self.lock:
            for known, transformed in self.cache:
                if X.equals(known) if hasattr(X, "equals") else np.array_equal(X, known):
                    return transformed
            self.cache.append((X, self.steps.transform(X)))
            return self.cache[-1][1]


class JointFits:
    """The fits of one search: the first request on a fold trains all candidates of its group.

    Parameters
    ----------
    estimator : InvariantSpecificFusionClassifier, or Pipeline that ends with one
    grid : iterable of dict
    splits : list of (train, test)
        Row numbers. Fits on other rows, such as the refit, are not batched.
    verbose : int
        Whether to show a progress bar per fold.
    """

    def __init__(self, estimator, grid, splits, verbose):
        self.verbose, self.trained, self.n_trained = verbose, {}, 0
        self.groups = grouped(estimator, grid)
        self.folds = {np.asarray(train).tobytes() for train, _ in splits}
        self.locks, self.attempted = defaultdict(threading.Lock), set()

    def __call__(self, params, X, y, rows, fit_params):
        """Return the estimator fitted with `params` and its `Fold`, or None if not batched."""
        key, fold = hash_of(params), rows.tobytes()
        if key not in self.groups or fold not in self.folds:
            return None
        group = self.groups[key]
        task = group[0].key, fold
        with self.locks[task]:
            if task not in self.attempted:
                self.attempted.add(task)
                self._train(group, X, y, fold, fit_params)
        return self.trained.pop((key, fold), None)

    def _train(self, group, X, y, rows, params):
        """Fit the steps before the classifier once, then train all candidates of a group."""
        fold, own = None, params
        if isinstance(lead := group[0].estimator, Pipeline):
            last = f"{lead.steps[-1][0]}__"
            own = {k.removeprefix(last): v for k, v in params.items() if k.startswith(last)}
            if len(lead) > 1:
                others = {k: v for k, v in params.items() if not k.startswith(last)}
                # The last step is replaced, not removed, because a memory caches only the steps
                # before it.
                steps = clone(lead).set_params(**{lead.steps[-1][0]: FunctionTransformer()})
                fold = Fold(steps, (X, steps.fit_transform(X, y, **others)))
                X = fold.cache[0][1]
        for alike in trained_alike(group):
            classifiers = [clone(each.classifier) for each in alike]
            classifiers[0].set_params(verbose=self.verbose)  # one progress bar for all
            patients = [classifier._start(X, y, **own) for classifier in classifiers]
            try:
                trained = train_together(classifiers, *patients[0])
            except FloatingPointError:  # one candidate diverged: fit, and report, each separately
                continue
            for each, classifier, networks in zip(alike, classifiers, trained, strict=True):
                classifier._finish(*networks)
                estimator = classifier.set_params(verbose=each.classifier.verbose)
                if isinstance(lead, Pipeline):
                    steps = [] if fold is None else fold.steps.steps[:-1]
                    estimator = Pipeline([*steps, (lead.steps[-1][0], classifier)])
                self.trained[each.key, rows] = estimator, fold
            self.n_trained += len(alike)


class StandIn:
    """Stand-in for an estimator inside scikit-learn's search; `fit` asks `JointFits` first.

    After `fit` it delegates to the fitted estimator, but transforms a fold's patients only once for
    all candidates.
    """

    def __init__(self, estimator, fits: JointFits):
        self.estimator, self.fits, self.candidate, self.fold = estimator, fits, {}, None

    def __sklearn_clone__(self):
        return StandIn(clone(self.estimator), self.fits)

    def __sklearn_tags__(self):
        return get_tags(self.estimator)

    def set_params(self, **params):
        """Store the candidate's parameters."""
        self.candidate = params
        self.estimator.set_params(**params)
        return self

    def fit(self, X, y, *, rows, **params):
        """Use the batched fit of the candidate on these rows, or fit it separately."""
        found = self.fits(self.candidate, X, y, rows, params)
        if found is None:
            self.estimator.fit(X, y, **params)
        else:
            self.estimator, self.fold = found
        return self

    def __getattr__(self, name):
        if name.startswith("__") or "estimator" not in vars(self):
            raise AttributeError(name)
        if name not in DELEGATED or self.fold is None:
            return getattr(self.estimator, name)
        method = getattr(self.estimator[-1], name)

        @wraps(method)
        def on_transformed(X, *args, **params):
            return method(self.fold.transform(X), *args, **params)

        return on_transformed


def hash_of(params):
    """Return the hash of a candidate's parameters; None if they cannot be pickled."""
    try:
        return joblib.hash(params)
    except PicklingError:  # such as a lambda
        return None


def grouped(estimator, grid):
    """Map each candidate's hash to its group of candidates with equal steps before the last.

    Candidates that cannot be batched are left to scikit-learn, which reports their errors.
    """
    last = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    groups, group_of = defaultdict(list), {}
    for params in grid:
        key = hash_of(params)
        if key is None:
            continue
        try:
            fresh = clone(estimator).set_params(**clone(params, safe=False))
            classifier = fresh[-1] if isinstance(fresh, Pipeline) else fresh
            if type(classifier) is not InvariantSpecificFusionClassifier:
                continue
            classifier._validate_params()
        except ValueError:
            continue
        before = joblib.hash({k: v for k, v in params.items() if not k.startswith(last)})
        group_of[key] = groups[before]
        groups[before].append(Candidate(key, fresh, classifier))
    return group_of


def trained_alike(candidates):
    """Group candidates whose networks can be trained together."""
    groups = defaultdict(list)
    for candidate in candidates:
        classifier = candidate.classifier
        # The seed also draws the validation patients, which must be the same.
        differing = MAY_DIFFER - ({"random_state"} if classifier.validation_fraction else set())
        params = classifier.get_params(deep=False)
        alike = joblib.hash({k: v for k, v in params.items() if k not in differing})
        groups[alike].append(candidate)
    return list(groups.values())
