"""The fits of a grid search over fusion classifiers, trained together fold by fold."""

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

# What a Pipeline delegates to its last step, once the others have transformed X.
DELEGATED = {"predict", "predict_proba", "predict_log_proba", "decision_function", "score"}


class Candidate(NamedTuple):
    """One point of the grid, not fitted."""

    key: str  # the hash of its parameters
    estimator: object
    classifier: InvariantSpecificFusionClassifier


class Fold:
    """The fitted steps before the classifier, and the tables that they have transformed."""

    def __init__(self, before, seen):
        self.before, self.seen, self.lock = before, [seen], threading.Lock()

    def transform(self, X):
        """Transform patients, those of a table seen before without doing it twice."""
        with self.lock:
            for known, transformed in self.seen:
                if X.equals(known) if hasattr(X, "equals") else np.array_equal(X, known):
                    return transformed
            self.seen.append((X, self.before.transform(X)))
            return self.seen[-1][1]


class JointFits:
    """The fits of one search: the first that is asked for on a fold trains the others with it.

    Parameters
    ----------
    estimator : InvariantSpecificFusionClassifier, or Pipeline that ends with one
    grid : iterable of dict
    splits : list of (train, test)
        Rows. Training rows of no fold, as those of the refit, are not trained together.
    verbose : int
        Whether to show a progress bar per fold.
    """

    def __init__(self, estimator, grid, splits, verbose):
        self.verbose, self.trained, self.n_trained = verbose, {}, 0
        self.groups = grouped(estimator, grid)
        self.folds = {np.asarray(train).tobytes() for train, _ in splits}
        self.locks, self.attempted = defaultdict(threading.Lock), set()

    def __call__(self, params, X, y, rows, fit_params):
        """Return the estimator fitted with `params` and its `Fold`, or None if it is not here."""
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
        """Fit the steps before the classifier once, then all candidates of a group together."""
        fold, own = None, params
        if isinstance(lead := group[0].estimator, Pipeline):
            last = f"{lead.steps[-1][0]}__"
            own = {k.removeprefix(last): v for k, v in params.items() if k.startswith(last)}
            if len(lead) > 1:
                others = {k: v for k, v in params.items() if not k.startswith(last)}
                # Replaced by the identity, not cut off: a memory keeps the steps before the last.
                before = clone(lead).set_params(**{lead.steps[-1][0]: FunctionTransformer()})
                fold = Fold(before, (X, before.fit_transform(X, y, **others)))
                X = fold.seen[0][1]
        for alike in trained_alike(group):
            classifiers = [clone(each.classifier) for each in alike]
            classifiers[0].set_params(verbose=self.verbose)  # one bar for all
            patients = [classifier._start(X, y, **own) for classifier in classifiers]
            try:
                trained = train_together(classifiers, *patients[0])
            except FloatingPointError:  # of one of them; each is fitted, and reported, by itself
                continue
            for each, classifier, networks in zip(alike, classifiers, trained, strict=True):
                classifier._finish(*networks)
                estimator = classifier.set_params(verbose=each.classifier.verbose)
                if isinstance(lead, Pipeline):
                    steps = [] if fold is None else fold.before.steps[:-1]
                    estimator = Pipeline([*steps, (lead.steps[-1][0], classifier)])
                self.trained[each.key, rows] = estimator, fold
            self.n_trained += len(alike)


class StandIn:
    """Takes an estimator's place inside scikit-learn's search; `fit` asks `JointFits` first.

    Afterwards it answers as the fitted estimator does, but transforms a fold's patients once for
    all candidates.
    """

    def __init__(self, estimator, fits: JointFits):
        self.estimator, self.fits, self.candidate, self.fold = estimator, fits, {}, None

    def __sklearn_clone__(self):
        return StandIn(clone(self.estimator), self.fits)

    def __sklearn_tags__(self):
        return get_tags(self.estimator)

    def set_params(self, **params):
        """Remember the candidate."""
        self.candidate = params
        self.estimator.set_params(**params)
        return self

    def fit(self, X, y, *, rows, **params):
        """Take what is trained for the candidate on these rows, or train it alone."""
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
    except PicklingError:  # a lambda among them
        return None


def grouped(estimator, grid):
    """Return, by the hash of its parameters, each candidate's group: equal steps before the last.

    Candidates that cannot be trained together are left to scikit-learn, which reports what is wrong
    with them.
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
        # The same seed draws the patients of the validation.
        differing = MAY_DIFFER - ({"random_state"} if classifier.validation_fraction else set())
        params = classifier.get_params(deep=False)
        alike = joblib.hash({k: v for k, v in params.items() if k not in differing})
        groups[alike].append(candidate)
    return list(groups.values())
