"""Fit a model on the training rows of one split and predict the test rows."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from sklidh.evaluation._metadata import params_for
from sklidh.evaluation._splits import Split
from sklidh.evaluation._threshold import best_threshold, inner_folds, is_rule
from sklidh.utils import mutant_index


class Rows(NamedTuple):
    """Patients, their IDH status (1 and 0), and further values per patient (`params`)."""

    X: object
    labels: np.ndarray
    params: Mapping | None = None

    def cut(self, rows) -> "Rows":
        """Return the patients in the given rows."""
        params = {k: _safe_indexing(v, rows) for k, v in (self.params or {}).items()}
        return Rows(_safe_indexing(self.X, rows), self.labels[rows], params)

    @property
    def patients(self) -> pd.Index:
        """Patient ids, or row numbers if X has no index."""
        return self.X.index if hasattr(self.X, "index") else pd.RangeIndex(len(self.labels))


def predict_split(estimator, X, labels, split: Split, *, threshold=None, params=None, seed=0):
    """Fit a clone on the training rows only, and predict the test rows.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``
    X : DataFrame of shape (n_patients, n_columns)
    labels : ndarray of shape (n_patients,)
        1 and 0.
    split : Split
    threshold, params
        As in `cross_validate`.
    seed : int or None, default=0
        Seed of the inner folds in which a threshold is chosen.

    Returns
    -------
    predictions : DataFrame of shape (n_test, 8)
        As in `Evaluation`.
    model : fitted classifier
    """
    everyone = Rows(X, labels, params)
    test = everyone.cut(split.test)
    outcome, model = predict_others(
        estimator, everyone.cut(split.train), test, threshold=threshold, seed=seed
    )
    patients = everyone.patients[split.test]
    return prediction_table(patients, test.labels, split, **outcome), model


def predict_others(estimator, train: Rows, test: Rows, *, threshold=None, seed=0):
    """Fit a clone on one set of patients, and predict another.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``
    train, test : Rows
    threshold, seed
        As in `predict_split`.

    Returns
    -------
    outcome : dict
        ``score``, ``probability``, ``threshold`` and ``called``, as in `Evaluation`.
    model : fitted classifier
    """
    model = _fit_clone(estimator, train)
    chosen = threshold
    if is_rule(threshold):
        chosen = choose_threshold(
            model, train.X, train.labels, threshold, params=train.params, random_state=seed
        )
    probability = _mutation_probability(model, test)
    # As in scikit-learn's AUC scorer: a decision function does not saturate at 0 and 1.
    score = probability
    if hasattr(model, "decision_function"):
        score = _call(model, "decision_function", test)
    if chosen is None:
        called = np.asarray(_call(model, "predict", test)) == 1
        return _outcome(score, probability, np.nan, called), model
    return _outcome(score, probability, chosen, probability >= chosen), model


def _outcome(score, probability, threshold, called) -> dict:
    columns = {"score": score, "probability": probability, "called": called}
    return columns | {"threshold": float(threshold)}


def _fit_clone(estimator, rows: Rows):
    return clone(estimator).fit(rows.X, rows.labels, **params_for(estimator, "fit", rows.params))


def _mutation_probability(model, rows: Rows):
    return _call(model, "predict_proba", rows)[:, mutant_index(model.classes_)]


def _call(model, method, rows: Rows):
    routed = params_for(model, method, rows.params)
    # A search does not pass metadata on to its best estimator.
    predictor = getattr(model, "best_estimator_", model) if routed else model
    return getattr(predictor, method)(rows.X, **routed)


def prediction_table(
    patients, labels, split: Split, *, score, probability, threshold, called
) -> pd.DataFrame:
    """Combine the predictions of the test rows and their true classes in one table.

    Parameters
    ----------
    patients : Index of length n_test
    labels : ndarray of shape (n_test,)
        1 and 0.
    split : Split
    score, probability, called : ndarray of shape (n_test,)
    threshold : float

    Returns
    -------
    DataFrame of shape (n_test, 8)
        As in `Evaluation`.
    """
    columns = {
        "repeat": split.repeat,
        "fold": split.fold,
        "n_trained": len(split.train),
        "true": labels == 1,
        "score": score,
        "probability": probability,
        "threshold": threshold,
        "called": np.asarray(called, bool),
    }
    return pd.DataFrame(columns, index=patients)


def choose_threshold(model, X, labels, rule="youden", *, params=None, random_state=0) -> float:
    """Choose the threshold of a fitted model on its training patients.

    The model's own predictions of its training patients are too optimistic, so these patients are
    predicted by clones that were not trained on them. If the model was tuned by a search, the
    clones use the parameters that the search chose.

    Parameters
    ----------
    model : fitted classifier
    X : DataFrame of shape (n_train, n_columns)
    labels : array-like of shape (n_train,)
        1 and 0.
    rule : {"youden", "precision>=x", "sensitivity>=x"}, default="youden"
        "youden" maximises sensitivity + specificity. "precision>=x" (such as "precision>=0.9")
        maximises sensitivity subject to at least this precision; "sensitivity>=x" maximises
        specificity subject to at least this sensitivity.
    params : mapping of str to array-like of shape (n_train,), default=None
        As in `cross_validate`; with ``groups``, no group is split between the training and test
        rows of an inner fold.
    random_state : int or None, default=0
        Seed of the three inner folds.

    Returns
    -------
    float

    Raises
    ------
    CohortError
        A class has too few patients for the inner folds.
    """
    labels = np.asarray(labels)
    train, probability = Rows(X, labels, params), np.empty(len(labels))
    estimator = getattr(model, "best_estimator_", model)
    for fit, rest in inner_folds(labels, (params or {}).get("groups"), random_state):
        probability[rest] = _mutation_probability(
            _fit_clone(estimator, train.cut(fit)), train.cut(rest)
        )
    return best_threshold(labels, probability, rule)
