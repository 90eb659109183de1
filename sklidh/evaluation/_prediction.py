"""Fit a model on the training rows of one split and predict the others."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import roc_curve
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.utils import _safe_indexing

from sklidh.evaluation._splits import Split, check_folds

THRESHOLD_FOLDS = 3
"""Inner folds in which training patients are predicted to choose the threshold."""


def predict_split(estimator, X, labels, split: Split, *, threshold=0.5):
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

    Returns
    -------
    predictions : DataFrame of shape (n_test, 8)
        As `Evaluation` has them.
    model : fitted classifier
    """
    train = _safe_indexing(X, split.train)
    model = clone(estimator).fit(train, labels[split.train])
    chosen = threshold
    if threshold == "youden":
        chosen = youden_threshold(model, train, labels[split.train])
    test = _safe_indexing(X, split.test)
    mutation = np.unique(labels)[-1]
    probability = model.predict_proba(test)[:, list(model.classes_).index(mutation)]
    # What scikit-learn's AUC scorer does too: a decision function is not cut off at 0 and 1.
    score = model.decision_function(test) if hasattr(model, "decision_function") else probability
    return prediction_table(X, labels, split, score, probability, chosen), model


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


def youden_threshold(model, X, labels) -> float:
    """Choose the probability with the largest sensitivity + specificity - 1, without test rows.

    The training patients are predicted by clones of the model that were not trained on them: the
    model's own probabilities of them are too good. Where it was tuned by a search, the clones have
    the values that the search chose.

    Parameters
    ----------
    model : fitted classifier
    X : DataFrame of shape (n_train, n_columns)
    labels : ndarray of shape (n_train,)

    Returns
    -------
    float
        Half way between the scores that it separates; 0.5 where no threshold does any good.

    References
    ----------
    W. J. Youden, Cancer 3(1), 1950.
    """
    check_folds(labels, THRESHOLD_FOLDS)
    probability = cross_val_predict(
        clone(getattr(model, "best_estimator_", model)),
        X,
        labels,
        cv=StratifiedKFold(THRESHOLD_FOLDS, shuffle=True, random_state=0),
        method="predict_proba",
    )[:, 1]
    wrong, right, thresholds = roc_curve(
        labels, probability, pos_label=np.unique(labels)[-1], drop_intermediate=False
    )
    best = int(np.argmax(right - wrong))
    if right[best] - wrong[best] <= 0:
        return 0.5
    below = thresholds[best + 1] if best + 1 < len(thresholds) else thresholds[best]
    return float((thresholds[best] + below) / 2)
