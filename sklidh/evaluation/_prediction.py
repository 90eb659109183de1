"""Fit a model on the training rows of one split and predict the others."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import roc_curve
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import _safe_indexing

from sklidh.evaluation._metadata import handed
from sklidh.evaluation._splits import Split, check_folds

THRESHOLD_FOLDS = 3
"""Inner folds in which training patients are predicted to choose the threshold."""


def predict_split(estimator, X, labels, split: Split, *, threshold=0.5, params=None):
    """Fit a clone on the training rows alone, and predict the test rows.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``
    X : DataFrame of shape (n_patients, n_columns)
    labels : ndarray of shape (n_patients,)
        Two classes; the one that sorts last counts as the mutation.
    split : Split
    threshold : float or "youden", default=0.5
        The probability from which a patient is called mutant, or how to choose it on the training
        rows (`youden_threshold`).
    params : mapping of str to array-like of shape (n_patients,), default=None
        As in `cross_validate`.

    Returns
    -------
    predictions : DataFrame of shape (n_test, 8)
        As `Evaluation` has them.
    model : fitted classifier
    """
    model = _fitted(estimator, X, labels, split.train, params)
    chosen = threshold
    if threshold == "youden":
        chosen = youden_threshold(
            model,
            _safe_indexing(X, split.train),
            labels[split.train],
            params={k: _safe_indexing(v, split.train) for k, v in (params or {}).items()},
        )
    mutation = list(model.classes_).index(np.unique(labels)[-1])
    probability = _answer(model, "predict_proba", X, split.test, params)[:, mutation]
    # What scikit-learn's AUC scorer does too: a decision function is not cut off at 0 and 1.
    score = probability
    if hasattr(model, "decision_function"):
        score = _answer(model, "decision_function", X, split.test, params)
    return prediction_table(X, labels, split, score, probability, chosen), model


def _fitted(estimator, X, labels, rows, params):
    given = handed(estimator, "fit", params, rows)
    return clone(estimator).fit(_safe_indexing(X, rows), labels[rows], **given)


def _answer(model, method, X, rows, params):
    given = handed(model, method, params, rows)
    # A search would not pass anything on to the estimator that it found.
    answering = getattr(model, "best_estimator_", model) if given else model
    return getattr(answering, method)(_safe_indexing(X, rows), **given)


def prediction_table(X, labels, split: Split, score, probability, threshold) -> pd.DataFrame:
    """Put what was predicted of the test rows beside the truth.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    labels : ndarray of shape (n_patients,)
    split : Split
    score, probability : ndarray of shape (n_test,)
    threshold : float

    Returns
    -------
    DataFrame of shape (n_test, 8)
        As `Evaluation` has them.
    """
    columns = {
        "repeat": split.repeat,
        "fold": split.fold,
        "n_trained": len(split.train),
        "mutant": labels[split.test] == np.unique(labels)[-1],
        "score": score,
        "probability": probability,
        "threshold": threshold,
        "called": probability >= threshold,
    }
    patients = X.index if hasattr(X, "index") else pd.RangeIndex(len(labels))
    return pd.DataFrame(columns, index=patients[split.test])


def youden_threshold(model, X, labels, *, params=None) -> float:
    """Choose the probability with the largest sensitivity + specificity - 1, without test rows.

    The training patients are predicted by clones of the model that were not trained on them: the
    model's own probabilities of them are too good. Where it was tuned by a search, the clones have
    the values that the search chose.

    Parameters
    ----------
    model : fitted classifier
    X : DataFrame of shape (n_train, n_columns)
    labels : ndarray of shape (n_train,)
    params : mapping of str to array-like of shape (n_train,), default=None
        As in `cross_validate`.

    Returns
    -------
    float
        Half way between the scores that it separates; 0.5 where no threshold does any good.

    References
    ----------
    W. J. Youden, Cancer 3(1), 1950.
    """
    check_folds(labels, THRESHOLD_FOLDS)
    estimator, probability = getattr(model, "best_estimator_", model), np.empty(len(labels))
    folds = StratifiedKFold(THRESHOLD_FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(np.zeros(len(labels)), labels):
        fold = _fitted(estimator, X, labels, train, params)
        probability[test] = _answer(fold, "predict_proba", X, test, params)[:, 1]
    wrong, right, thresholds = roc_curve(
        labels, probability, pos_label=np.unique(labels)[-1], drop_intermediate=False
    )
    best = int(np.argmax(right - wrong))
    if right[best] - wrong[best] <= 0:
        return 0.5
    below = thresholds[best + 1] if best + 1 < len(thresholds) else thresholds[best]
    return float((thresholds[best] + below) / 2)
