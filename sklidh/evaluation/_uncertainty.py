"""Recalibration and prediction sets around a model, and the model inside them."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV

from sklidh.evaluation._conformal import ConformalClassifier
from sklidh.utils import stratified_folds

FOLDS = 5
"""Number of folds in which training patients are predicted to fit the calibration curve."""


def fit_with_uncertainty(
    estimator, X, y, *, calibrate=False, coverage=None, groups=None, random_state=0
) -> BaseEstimator:
    """Train a model, recalibrate its probabilities, and prepare prediction sets.

    Everything is computed from training patients who are predicted by models that were not trained
    on them. `choose_threshold` accepts the result: the threshold is one of the recalibrated
    probabilities.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
    calibrate : bool, default=False
        Recalibrate with scikit-learn's `CalibratedClassifierCV` (``method="sigmoid",
        ensemble=False``), in five stratified folds.
    coverage : float, default=None
        Coverage of the prediction sets of a `ConformalClassifier`; None: no sets.
    groups : array-like of shape (n_patients,), default=None
        No group is split between folds.
    random_state : int or None, default=0
        Seed of the folds.

    Returns
    -------
    fitted classifier
        A `ConformalClassifier`, a `CalibratedClassifierCV`, or the fitted estimator. `innermost`
        returns the latter.
    """
    params = {}
    if calibrate:
        classes, codes = np.unique(y, return_inverse=True)
        how = {"groups": groups, "shuffle": True, "random_state": random_state}
        folds = stratified_folds(FOLDS, classes, codes, who="calibration", **how)
        # As rows: CalibratedClassifierCV(ensemble=False) does not pass groups to a splitter.
        rows = list(folds.split(codes, codes, groups))
        estimator = CalibratedClassifierCV(estimator, cv=rows, ensemble=False)
    if coverage is not None:
        estimator = ConformalClassifier(estimator, coverage, random_state=random_state)
        params = {"groups": groups}
    return estimator.fit(X, y, **params)


def innermost(model, *, calibrated=False) -> BaseEstimator:
    """Return the fitted model inside a search, a `ConformalClassifier` and a calibration.

    Parameters
    ----------
    model : fitted estimator
    calibrated : bool, default=False
        Whether to stop at the calibration.

    Returns
    -------
    fitted estimator
        The model itself if it is none of these. A `CalibratedClassifierCV` is opened with
        ``ensemble=False`` only: otherwise it holds several models.
    """
    if hasattr(model, "best_estimator_"):
        return innermost(model.best_estimator_, calibrated=calibrated)
    if isinstance(model, ConformalClassifier):
        return innermost(model.estimator_, calibrated=calibrated)
    if isinstance(model, CalibratedClassifierCV) and not calibrated:
        one, *others = model.calibrated_classifiers_
        return model if others else innermost(one.estimator)
    return model
