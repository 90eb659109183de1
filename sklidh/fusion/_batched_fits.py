"""The fits of a grid search over fusion classifiers, made together and handed out one by one."""

from collections import defaultdict
from functools import wraps
from pickle import PicklingError
from typing import NamedTuple

import joblib
import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params

from sklidh.fusion._invariant_specific import InvariantSpecificFusionClassifier
from sklidh.fusion._joint_fit import MAY_DIFFER, fit_together
from sklidh.utils import progress, results_as

# What a pipeline leaves to its last step, once the others have transformed X.
ANSWERS = {"predict", "predict_proba", "predict_log_proba", "decision_function", "score"}


class Candidate(NamedTuple):
    """One point of the grid, not fitted."""

    params: dict
    estimator: object
    classifier: InvariantSpecificFusionClassifier


class Fold(NamedTuple):
    """One fold, as the steps before the classifier leave it."""

    rows: np.ndarray  # of the training patients
    before: list  # the fitted steps before the classifier, as a Pipeline has them
    seen: list  # pairs of X and what these steps make of it: training, then test patients
    y: object
    fit_params: dict  # those of the classifier


class StandIn:
    """Takes an estimator's place inside scikit-learn's search: `fit` looks up what is trained.

    What is not there is fitted. Afterwards it answers as the fitted estimator does, without
    transforming the fold's patients again.

    Parameters
    ----------
    estimator : estimator
    trained : dict
        Pairs of fitted estimator and `Fold`, by `key_of`.
    """

    def __init__(self, estimator, trained):
        self.estimator, self.trained, self.candidate, self.seen = estimator, trained, {}, []

    def __sklearn_clone__(self):
        return StandIn(clone(self.estimator), self.trained)

    def __sklearn_tags__(self):
        return get_tags(self.estimator)

    def set_params(self, **params):
        """Remember the candidate."""
        self.candidate = params
        self.estimator.set_params(**params)
        return self

    def fit(self, X, y, *, rows, **params):
        """Take what is trained for the candidate on these rows, or train it."""
        key = key_of(self.candidate, rows)
        if key in self.trained:
            self.estimator, fold = self.trained[key]
            self.seen = fold.seen if fold.before else []
        else:
            self.estimator.fit(X, y, **params)
        return self

    def __getattr__(self, name):
        if name.startswith("__") or "estimator" not in vars(self):
            raise AttributeError(name)
        if name not in ANSWERS or not self.seen:
            return getattr(self.estimator, name)
        answer = getattr(self.estimator[-1], name)

        @wraps(answer)
        def without_transforming_again(X, *args, **params):
            for known, transformed in self.seen:
                if same(X, known):
                    return answer(transformed, *args, **params)
            return getattr(self.estimator, name)(X, *args, **params)

        return without_transforming_again


def same(X, known):
    """Tell whether two tables of one type hold the same."""
    return X.equals(known) if hasattr(X, "equals") else np.array_equal(X, known)


def key_of(candidate, rows):
    """Name a fit by the candidate's parameters and the training rows; None if it has no name."""
    try:
        return joblib.hash(candidate), np.asarray(rows).tobytes()
    except PicklingError:  # a lambda among the parameters
        return None


def list_candidates(estimator, grid):
    """Return the points of the grid that can be trained here, grouped by the steps before.

    Those that cannot are left to scikit-learn, which tells what is wrong with them.
    """
    last = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    groups = defaultdict(list)
    for params in grid:
        try:
            fresh = clone(estimator).set_params(**clone(params, safe=False))
            classifier = fresh[-1] if isinstance(fresh, Pipeline) else fresh
            if type(classifier) is not InvariantSpecificFusionClassifier:
                continue
            classifier._validate_params()
            before = joblib.hash({k: v for k, v in params.items() if not k.startswith(last)})
        except (ValueError, PicklingError):
            continue
        groups[before].append(Candidate(params, fresh, classifier))
    return list(groups.values())


def trained_alike(candidates):
    """Group candidates whose classifiers can be fitted together."""
    groups = defaultdict(list)
    for candidate in candidates:
        classifier = candidate.classifier
        # The same seed draws the patients of the validation.
        differing = MAY_DIFFER - ({"random_state"} if classifier.validation_fraction else set())
        params = classifier.get_params(deep=False)
        groups[joblib.hash({k: v for k, v in params.items() if k not in differing})].append(
            candidate
        )
    return list(groups.values())


def prepare(estimator, X, y, train, test, params):
    """Fit the steps before the classifier on one fold, and transform its patients.

    Returns
    -------
    Fold, or None where a step fails
    """
    parts = [_safe_indexing(X, rows) for rows in (train, test)]
    y = _safe_indexing(y, train)
    params = _check_method_params(X, params, indices=train)
    if not isinstance(estimator, Pipeline):
        return Fold(train, [], [(part, part) for part in parts], y, params)
    prefix = f"{estimator.steps[-1][0]}__"
    own = {k.removeprefix(prefix): v for k, v in params.items() if k.startswith(prefix)}
    if len(estimator) == 1:
        return Fold(train, [], [(part, part) for part in parts], y, own)
    others = {name: value for name, value in params.items() if not name.startswith(prefix)}
    # Not cut off but passed through: what a Pipeline's memory keeps is every step but the last.
    before = clone(estimator).set_params(**{estimator.steps[-1][0]: "passthrough"})
    try:
        outputs = [before.fit_transform(parts[0], y, **others), parts[1]]
        for _, step in before.steps[:-1]:
            if step not in (None, "passthrough"):
                outputs[1] = step.transform(outputs[1])
    except Exception:  # raised again, and reported, when the search fits this fold itself
        return None
    return Fold(train, before.steps[:-1], list(zip(parts, outputs, strict=True)), y, own)


def fit_on(fold, candidates):
    """Fit the candidates' classifiers on a fold together.

    Returns
    -------
    list of (Candidate, estimator, Fold)
        Fitted; empty where the training fails.
    """
    classifiers = [clone(candidate.classifier).set_params(verbose=0) for candidate in candidates]
    try:
        fit_together(classifiers, fold.seen[0][1], fold.y, **fold.fit_params)
    except Exception:  # raised again, and reported, when the search fits these itself
        return []
    fits = []
    for candidate, classifier in zip(candidates, classifiers, strict=True):
        estimator = classifier.set_params(verbose=candidate.classifier.verbose)
        if isinstance(candidate.estimator, Pipeline):
            name = candidate.estimator.steps[-1][0]
            estimator = Pipeline([*fold.before, (name, classifier)])
        fits.append((candidate, estimator, fold))
    return fits


def train_all(estimator, grid, X, y, splits, fit_params, *, n_jobs=None, verbose=0):
    """Train every candidate on every fold.

    Parameters
    ----------
    estimator : InvariantSpecificFusionClassifier, or Pipeline that ends with one
    grid : iterable of dict
    X, y : array-like
    splits : list of (train, test)
        Rows.
    fit_params : dict
    n_jobs : int, default=None
        Folds whose steps before the classifier are fitted at once, by joblib's workers; then
        threads that train.
    verbose : int, default=0
        Whether to show a progress bar.

    Returns
    -------
    dict
        Pairs of fitted estimator and `Fold`, by `key_of`. What fails is not in it.
    """
    groups = list_candidates(estimator, grid)
    has_steps = isinstance(estimator, Pipeline) and len(estimator) > 1
    folds = Parallel(n_jobs=n_jobs if has_steps else 1)(
        delayed(prepare)(group[0].estimator, X, y, train, test, fit_params)
        for group in groups
        for train, test in splits
    )
    n_threads = effective_n_jobs(n_jobs)
    tasks = []
    for place, fold in enumerate(folds):
        if fold is not None:
            for alike in trained_alike(groups[place // len(splits)]):
                tasks += [(fold, alike[first::n_threads]) for first in range(n_threads)]
    tasks = [(fold, candidates) for fold, candidates in tasks if candidates]
    fits = Parallel(n_jobs=n_jobs, prefer="threads", return_as=results_as())(
        delayed(fit_on)(*task) for task in tasks
    )
    trained = {}
    for done in progress(fits, "fusion grid", total=len(tasks), verbose=verbose):
        for candidate, fitted, fold in done:
            trained[key_of(candidate.params, fold.rows)] = fitted, fold
    return trained
