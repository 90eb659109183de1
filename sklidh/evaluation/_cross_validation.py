"""Predict every patient by models that never saw them: four ways to divide a cohort."""

from numbers import Integral

import numpy as np
import pandas as pd
from joblib import delayed
from sklearn.model_selection import check_cv

from sklidh.evaluation._evaluation import Evaluation
from sklidh.evaluation._metadata import check_params, handed
from sklidh.evaluation._prediction import Rows, predict_others, predict_split, prediction_table
from sklidh.evaluation._splits import (
    Split,
    check_status,
    check_two_classes,
    given_splits,
    holdout_splits,
    site_splits,
    stratified_splits,
)
from sklidh.evaluation._threshold import check_threshold
from sklidh.utils import CohortError, check_same_patients, part, spread


def cross_validate(
    estimator,
    X,
    y,
    *,
    cv=5,
    n_repeats=1,
    threshold=None,
    n_jobs=None,
    random_state=0,
    verbose=0,
    params=None,
) -> Evaluation:
    """Evaluate by stratified cross-validation; nested, if the estimator is itself a search.

    Every patient is predicted once a repeat, by a clone fitted on the other folds alone. Give a
    GridSearchCV and its inner folds are drawn from those training rows only.

    Parameters
    ----------
    estimator : classifier
        A Pipeline, a search over one, or any other classifier with ``predict_proba``.
    X : DataFrame of shape (n_patients, n_columns)
        One row per patient.
    y : array-like of shape (n_patients,)
        The IDH status: 0 and 1, or words that `sklidh.datasets.binary_target` knows. Models are
        fitted on 0 and 1, whatever the words.
    cv : int, splitter or iterable of (train, test), default=5
        Number of shuffled stratified folds, or a scikit-learn splitter, or the rows themselves.
    n_repeats : int, default=1
        How often the folds are drawn anew; not used with a splitter.
    threshold : float, "youden", "precision>=x", "sensitivity>=x" or None, default=None
        None: predicted mutant are the patients for whom the model's own `predict` says so. Else
        the probability from which a patient is predicted mutant, or the rule by which
        `choose_threshold` chooses it in each fold, in an inner cross-validation of the training
        rows.
    n_jobs : int, default=None
        Folds evaluated at the same time.
    random_state : int or None, default=0
        Seed of the folds, the inner ones too.
    verbose : int, default=0
        1 shows a progress bar over the folds.
    params : dict of str to array-like of shape (n_patients,), default=None
        What belongs to the patients beside X, cut with the rows, as in scikit-learn's
        `cross_validate`. With metadata routing on (``sklearn.set_config``), whichever step asks
        for it is handed it: ``{"site": X["site"]}`` goes to a `ComBat` in the pipeline, at fit and
        also where test patients are predicted, which scikit-learn leaves out. Else ``groups`` go
        to the splitter and the rest to `fit`.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        A threshold that is neither a probability nor a rule.
    CohortError
        y is not one known status per patient, of two classes; a patient has several rows; a class
        has fewer patients than folds, or a fold is trained on one class; `params` have another
        index than X.
    TypeError
        Nobody asks for one of the `params`.

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
    labels = check_two_classes(X, y)
    folds = None if isinstance(cv, Integral) else check_cv(cv)
    check_params(params, X, estimator, folds)
    if folds is None:
        splits = stratified_splits(
            labels, n_folds=cv, n_repeats=n_repeats, random_state=random_state
        )
    else:
        splits = given_splits(folds, X, labels, **handed(folds, "split", params))
    options = {"n_jobs": n_jobs, "verbose": verbose, "params": params, "seed": random_state}
    return _evaluate(estimator, X, labels, splits, threshold, **options)


def holdout(
    estimator, X, y, *, test_size=0.25, n_repeats=1, threshold=None, random_state=0, params=None
) -> Evaluation:
    """Evaluate on one stratified random split, 3:1 as in the paper (section III.A).

    Parameters
    ----------
    estimator : classifier
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
    test_size : float, default=0.25
        Fraction of the patients that is predicted and not trained on.
    n_repeats : int, default=1
        How often the patients are divided anew.
    threshold : float, str or None, default=None
        As in `cross_validate`.
    random_state : int or None, default=0
        Seed of the split.
    params : dict of str to array-like of shape (n_patients,), default=None
        As in `cross_validate`.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError, CohortError
        As `cross_validate`, or a class with fewer than two patients.
    TypeError
        As `cross_validate`.
    """
    labels = check_two_classes(X, y)
    check_params(params, X, estimator)
    splits = holdout_splits(
        labels, test_size=test_size, n_repeats=n_repeats, random_state=random_state
    )
    options = {"params": params, "seed": random_state}
    return _evaluate(estimator, X, labels, splits, threshold, **options)


def leave_one_site_out(
    estimator, X, y, sites, *, threshold=None, n_jobs=None, verbose=0, params=None
) -> Evaluation:
    """Predict the patients of each site by a model that was trained on the other sites.

    Parameters
    ----------
    estimator : classifier
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
    sites : array-like of shape (n_patients,)
        Where each patient was imaged.
    threshold : float, str or None, default=None
        As in `cross_validate`.
    n_jobs : int, default=None
        Sites evaluated at the same time.
    verbose : int, default=0
        1 shows a progress bar over the sites.
    params : dict of str to array-like of shape (n_patients,), default=None
        As in `cross_validate`.

    Returns
    -------
    Evaluation
        Its folds are the sites.

    Raises
    ------
    ValueError, CohortError
        As `cross_validate`; sites of other patients, a patient without one, a single site, or a
        site without which one class is gone.
    """
    labels = check_two_classes(X, y)
    check_same_patients("sites", sites, X)
    check_params(params, X, estimator)
    splits = site_splits(labels, sites)
    options = {"n_jobs": n_jobs, "verbose": verbose, "params": params}
    return _evaluate(estimator, X, labels, splits, threshold, **options)


def external_test(
    estimator, X, y, X_test, y_test, *, threshold=None, params=None, params_test=None
) -> Evaluation:
    """Train on one cohort and predict another.

    Parameters
    ----------
    estimator : classifier
    X : DataFrame of shape (n_patients, n_columns)
        The cohort to train on.
    y : array-like of shape (n_patients,)
    X_test : DataFrame of shape (n_others, n_columns)
        The cohort to predict, with the same columns; one class is enough to be predicted, not for
        an AUC.
    y_test : array-like of shape (n_others,)
    threshold : float, str or None, default=None
        As in `cross_validate`; chosen on the first cohort.
    params, params_test : dict of str to array-like, default=None
        As in `cross_validate`, of the first and of the second cohort.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError, CohortError
        As `cross_validate`; a patient in both cohorts, where their tables have ids; or a column
        that the second has not.
    TypeError
        As `cross_validate`.
    """
    check_threshold(threshold)
    if hasattr(X, "columns") and hasattr(X_test, "columns"):
        problems = [f"patient {patient!r} is in both cohorts" for patient in _ids(X) & _ids(X_test)]
        absent = [name for name in X.columns if name not in X_test.columns]
        problems += [f"column {name!r} is absent from the second cohort" for name in absent]
        if problems:
            raise CohortError(sorted(problems))
        X_test = X_test[list(X.columns)]
    train = Rows(X, check_two_classes(X, y), params)
    test = Rows(X_test, check_status(X_test, y_test), params_test)
    for rows in (train, test):
        check_params(rows.params, rows.X, estimator)
    outcome, model = predict_others(estimator, train, test, threshold=threshold)
    split = Split(0, 0, np.arange(len(train.labels)), np.arange(len(test.labels)))
    table = prediction_table(test.patients, test.labels, split, **outcome)
    return Evaluation(table, (model,))


def _ids(X) -> set:
    """Return the patients of a table; none if it only counts its rows."""
    index = getattr(X, "index", pd.RangeIndex(0))
    return set() if isinstance(index, pd.RangeIndex) else set(index)


def _evaluate(
    estimator, X, labels, splits, threshold, *, n_jobs=None, verbose=0, params=None, seed=0
):
    check_threshold(threshold)
    options = {"threshold": threshold, "params": params, "seed": seed}
    if len(splits) == 1:
        outcomes = [predict_split(estimator, X, labels, splits[0], **options)]
    else:
        jobs = [
            delayed(_predict_fold)((n, len(splits)), estimator, X, labels, split, options)
            for n, split in enumerate(splits, start=1)
        ]
        outcomes = spread(jobs, "folds", n_jobs=n_jobs, verbose=verbose)
    tables, models = zip(*outcomes, strict=True)
    return Evaluation(pd.concat(tables), models)


def _predict_fold(number, estimator, X, labels, split, options):
    with part("fold {} of {}".format(*number)):
        return predict_split(estimator, X, labels, split, **options)
