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
from sklidh.utils import IDH, Target


class Rows(NamedTuple):
    """Patients, their classes as codes, and further values per patient (`params`)."""

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


def predict_split(
    estimator, X, labels, split: Split, target: Target, *, threshold=None, params=None, seed=0
):
    """Fit a clone on the training rows only, and predict the test rows.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``
    X : DataFrame of shape (n_patients, n_columns)
    labels : ndarray of shape (n_patients,)
        Codes of the target's classes.
    split : Split
    target : Target
    threshold, params
        As in `cross_validate`.
    seed : int or None, default=0
        Seed of the inner folds in which a threshold is chosen.

    Returns
    -------
    predictions : DataFrame of shape (n_test, n_columns)
        As in `Evaluation`.
    model : fitted classifier
    """
    everyone = Rows(X, labels, params)
    test = everyone.cut(split.test)
    outcome, model = predict_others(
        estimator, everyone.cut(split.train), test, target, threshold=threshold, seed=seed
    )
    patients = everyone.patients[split.test]
    return prediction_table(patients, test.labels, split, target, **outcome), model


def predict_others(estimator, train: Rows, test: Rows, target: Target, *, threshold=None, seed=0):
    """Fit a clone on one set of patients, and predict another.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``
    train, test : Rows
    target : Target
    threshold, seed
        As in `predict_split`.

    Returns
    -------
    outcome : dict
        ``score``, ``probability``, ``threshold`` and ``called``, as in `Evaluation`; with more than
        two classes score and probability have a column per class.
    model : fitted classifier
    """
    model = _fit_clone(estimator, train)
    chosen = threshold
    if is_rule(threshold):
        chosen = choose_threshold(
            model, train.X, train.labels, threshold, params=train.params, random_state=seed
        )
    probability = _probabilities(model, test, target)
    if not target.is_binary:
        called = target.columns(model.classes_)[np.asarray(_call(model, "predict", test), int)]
        return _outcome(probability, probability, np.nan, called), model
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


def _probabilities(model, rows: Rows, target: Target):
    """Return the probability of the second of two classes, or a column per class."""
    columns = target.columns(model.classes_)
    return _call(model, "predict_proba", rows)[:, columns[1] if target.is_binary else columns]


def _call(model, method, rows: Rows):
    routed = params_for(model, method, rows.params)
    # A search does not pass metadata on to its best estimator.
    predictor = getattr(model, "best_estimator_", model) if routed else model
    return getattr(predictor, method)(rows.X, **routed)


def prediction_table(
    patients, labels, split: Split, target: Target, *, score, probability, threshold, called
) -> pd.DataFrame:
    """Combine the predictions of the test rows and their true classes in one table.

    Parameters
    ----------
    patients : Index of length n_test
    labels : ndarray of shape (n_test,)
        Codes of the target's classes.
    split : Split
    target : Target
    score, probability, called : ndarray of shape (n_test,)
        With more than two classes the first two are of shape (n_test, n_classes).
    threshold : float

    Returns
    -------
    DataFrame of shape (n_test, n_columns)
        As in `Evaluation`.
    """
    columns = {
        "repeat": split.repeat,
        "fold": split.fold,
        "n_trained": len(split.train),
    }
    if target.is_binary:
        columns |= {
            "true": labels == 1,
            "score": score,
            "probability": probability,
            "threshold": threshold,
            "called": np.asarray(called, bool),
        }
    else:
        columns |= {"true": labels, "called": called, "threshold": threshold}
        columns |= {
            f"probability {word}": np.asarray(probability)[:, code]
            for code, word in enumerate(target.classes)
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
        probability[rest] = _probabilities(
            _fit_clone(estimator, train.cut(fit)), train.cut(rest), IDH
        )
    return best_threshold(labels, probability, rule)
