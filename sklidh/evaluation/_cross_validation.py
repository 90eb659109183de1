"""Predict every patient by models that never saw him, and score the predictions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit
from sklearn.utils import _safe_indexing

from sklidh.evaluation._intervals import auc_interval
from sklidh.evaluation._metrics import classification_metrics
from sklidh.utils import CohortError, check_target, progress


@dataclass(frozen=True)
class Evaluation:
    """Predictions of patients that were left out of training, and their scores.

    Parameters
    ----------
    predictions : DataFrame of shape (n_predicted, 3)
        Index: patients. Columns: ``fold``, ``mutant`` (bool, the truth) and ``probability``.
    estimators : tuple of estimators
        The fitted model of each fold.
    """

    predictions: pd.DataFrame
    estimators: tuple

    @property
    def metrics(self) -> dict[str, float]:
        """AUC, Accuracy, Precision, Recall and F1 over all predicted patients."""
        return classification_metrics(self.predictions["mutant"], self.predictions["probability"])

    @property
    def auc_interval(self) -> tuple[float, float]:
        """95 % confidence interval of the AUC."""
        return auc_interval(self.predictions["mutant"], self.predictions["probability"])


def cross_validate(estimator, X, y, *, cv=5, random_state=0, verbose=0) -> Evaluation:
    """Evaluate by stratified cross-validation; nested, if the estimator is itself a search.

    Every patient is predicted once, by a clone fitted on the other folds alone. Give a
    GridSearchCV and its inner folds are drawn from those training rows only.

    Parameters
    ----------
    estimator : classifier
        A Pipeline, a search over one, or any other classifier with ``predict_proba``.
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
        Two classes; the one that sorts last (1, "mutant") counts as the mutation.
    cv : int or splitter, default=5
        Number of shuffled stratified folds, or a scikit-learn splitter.
    random_state : int or None, default=0
        Seed of the folds.
    verbose : int, default=0
        1 shows a progress bar over the folds.

    Returns
    -------
    Evaluation

    Raises
    ------
    CohortError
        y is not two classes, one label a patient, or a class has fewer patients than folds.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklidh.evaluation import cross_validate
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> result = cross_validate(make_pipeline(StandardScaler(), LogisticRegression()), X, y)
    >>> print(f"{result.metrics['AUC']:.2f}")
    1.00
    """
    labels = _two_classes(X, y)
    if isinstance(cv, int):
        check_folds(labels, cv)
        cv = StratifiedKFold(cv, shuffle=True, random_state=random_state)
    folds = list(cv.split(X, labels))
    return _evaluate(estimator, X, labels, progress(folds, "folds", verbose=verbose))


def holdout(estimator, X, y, *, test_size=0.25, random_state=0) -> Evaluation:
    """Evaluate on one stratified random split, 3:1 as in the paper (section III.A).

    Parameters
    ----------
    estimator : classifier
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
    test_size : float, default=0.25
        Fraction of the patients that is predicted and not trained on.
    random_state : int or None, default=0
        Seed of the split.

    Returns
    -------
    Evaluation

    Raises
    ------
    CohortError
        As `cross_validate`, or a class with fewer than two patients.
    """
    labels = _two_classes(X, y)
    check_folds(labels, 2)
    split = StratifiedShuffleSplit(1, test_size=test_size, random_state=random_state)
    return _evaluate(estimator, X, labels, split.split(X, labels))


def check_folds(labels, n_folds: int):
    """Raise if some fold would have to do without one of the classes.

    scikit-learn only warns about this, and then scores folds in which no AUC exists.

    Parameters
    ----------
    labels : array-like of shape (n_patients,)
    n_folds : int

    Raises
    ------
    CohortError
        A class has fewer patients than folds.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < n_folds:
        rarest = classes[counts.argmin()]
        raise CohortError(
            [
                f"class {rarest} has {counts.min()} patients, fewer than the {n_folds} folds; "
                f"use at most {counts.min()} folds"
            ]
        )


def _two_classes(X, y) -> np.ndarray:
    labels = check_target(y, X)
    classes = np.unique(labels)
    if len(classes) != 2:
        raise CohortError(
            [f"two classes are evaluated, wild type and mutant; y has {classes.tolist()}"]
        )
    return labels


def _evaluate(estimator, X, labels, folds) -> Evaluation:
    mutation = np.unique(labels)[-1]
    patients = X.index if hasattr(X, "index") else pd.RangeIndex(len(labels))
    fitted, tables = [], []
    for fold, (train, test) in enumerate(folds):
        model = clone(estimator).fit(_safe_indexing(X, train), labels[train])
        probabilities = model.predict_proba(_safe_indexing(X, test))
        table = {
            "fold": fold,
            "mutant": labels[test] == mutation,
            "probability": probabilities[:, list(model.classes_).index(mutation)],
        }
        tables.append(pd.DataFrame(table, index=patients[test]))
        fitted.append(model)
    return Evaluation(pd.concat(tables), tuple(fitted))
