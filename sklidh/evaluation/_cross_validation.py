"""Predict patients with models that were not trained on them: four ways to split a cohort."""

from numbers import Integral

import numpy as np
import pandas as pd
from joblib import delayed
from sklearn.model_selection import check_cv

from sklidh.evaluation._evaluation import Evaluation
from sklidh.evaluation._metadata import check_params, params_for
from sklidh.evaluation._prediction import Rows, predict_others, predict_split, prediction_table
from sklidh.evaluation._splits import (
    Split,
    check_classes,
    check_labels,
    holdout_splits,
    site_splits,
    splits_from,
    stratified_splits,
)
from sklidh.evaluation._threshold import check_threshold
from sklidh.utils import CohortError, Problem, check_same_patients, part, spread


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
    """Evaluate by stratified cross-validation, which is nested if the estimator is a search.

    Every patient is predicted once per repeat, by a clone fitted on the other folds only. If the
    estimator is a GridSearchCV, its inner folds contain only these training rows.

    Parameters
    ----------
    estimator : classifier
        A Pipeline, a search over one, or any other classifier with ``predict_proba``.
    X : DataFrame of shape (n_patients, n_columns)
        One row per patient.
    y : array-like of shape (n_patients,)
        The classes, as `sklidh.utils.Target.read` understands them: the IDH status as 0 and 1 or in
        words, two ordered categories of which the second is the positive class, or several
        classes. Models are always fitted on codes 0, 1, ...
    cv : int, splitter or iterable of (train, test), default=5
        Number of shuffled stratified folds, a scikit-learn splitter, or the rows of each split.
    n_repeats : int, default=1
        Number of times the cross-validation is repeated; not used with a splitter.
    threshold : float, "youden", "precision>=x", "sensitivity>=x" or None, default=None
        The probability from which a patient is predicted mutant, or the rule by which
        `choose_threshold` chooses it in each fold, in an inner cross-validation of the training
        rows. None: the model's own `predict` decides, as it always does with more than two classes.
    n_jobs : int, default=None
        Number of folds evaluated in parallel.
    random_state : int or None, default=0
        Seed of the folds, including the inner ones.
    verbose : int, default=0
        1 shows a progress bar over the folds.
    params : dict of str to array-like of shape (n_patients,), default=None
        Values per patient other than X, split with the rows, as in scikit-learn's `cross_validate`.
        With metadata routing enabled (``sklearn.set_config``) they are passed to the steps that
        request them: ``{"site": X["site"]}`` reaches a `ComBat` in the pipeline, in `fit` and,
        unlike in scikit-learn, in the prediction of test patients. Without it, ``groups`` are
        passed to the splitter and all others to `fit`.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        `threshold` is neither a probability nor a rule.
    CohortError
        y does not hold one known status per patient, or holds only one class; a patient has several
        rows; a class has fewer patients than folds; a fold would be trained on one class; or
        `params` have another index than X.
    TypeError
        No step requests one of the `params`.

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
    labels, target = check_classes(X, y)
    folds = None if isinstance(cv, Integral) else check_cv(cv)
    check_params(params, X, estimator, folds)
    if folds is None:
        splits = stratified_splits(
            labels, n_folds=cv, n_repeats=n_repeats, random_state=random_state, target=target
        )
    else:
        splits = splits_from(folds, X, labels, **params_for(folds, "split", params))
    options = {"n_jobs": n_jobs, "verbose": verbose, "params": params, "seed": random_state}
    return _evaluate(estimator, X, labels, target, splits, threshold, **options)


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
        Fraction of patients held out for testing.
    n_repeats : int, default=1
        Number of random splits.
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
        As `cross_validate`, or a class has fewer than two patients.
    TypeError
        As `cross_validate`.
    """
    labels, target = check_classes(X, y)
    check_params(params, X, estimator)
    splits = holdout_splits(
        labels, test_size=test_size, n_repeats=n_repeats, random_state=random_state, target=target
    )
    options = {"params": params, "seed": random_state}
    return _evaluate(estimator, X, labels, target, splits, threshold, **options)


def leave_one_site_out(
    estimator, X, y, sites, *, threshold=None, n_jobs=None, verbose=0, params=None
) -> Evaluation:
    """Predict the patients of each site with a model trained on the other sites.

    Parameters
    ----------
    estimator : classifier
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
    sites : array-like of shape (n_patients,)
        Imaging site of each patient.
    threshold : float, str or None, default=None
        As in `cross_validate`.
    n_jobs : int, default=None
        Number of sites evaluated in parallel.
    verbose : int, default=0
        1 shows a progress bar over the sites.
    params : dict of str to array-like of shape (n_patients,), default=None
        As in `cross_validate`.

    Returns
    -------
    Evaluation
        One fold per site.

    Raises
    ------
    ValueError, CohortError
        As `cross_validate`; or `sites` have another index than X, a patient has no site, there is
        only one site, or all patients of a class come from one site.
    """
    labels, target = check_classes(X, y)
    check_same_patients("sites", sites, X)
    check_params(params, X, estimator)
    splits = site_splits(labels, sites)
    options = {"n_jobs": n_jobs, "verbose": verbose, "params": params}
    return _evaluate(estimator, X, labels, target, splits, threshold, **options)


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
        The cohort to predict, with the same columns. A single class can be predicted, but has no
        AUC.
    y_test : array-like of shape (n_others,)
    threshold : float, str or None, default=None
        As in `cross_validate`; a rule is applied to the first cohort.
    params, params_test : dict of str to array-like, default=None
        As in `cross_validate`, for the first and the second cohort.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError, CohortError
        As `cross_validate`; or a patient is in both cohorts (if their tables have ids), or a column
        is missing from the second cohort.
    TypeError
        As `cross_validate`.
    """
    if hasattr(X, "columns") and hasattr(X_test, "columns"):
        problems = [
            Problem.of(patient, "in both cohorts; drop a row, or rename one of two people")
            for patient in _ids(X) & _ids(X_test)
        ]
        absent = [name for name in X.columns if name not in X_test.columns]
        problems += [f"column {name!r} is missing from the second cohort" for name in absent]
        if problems:
            raise CohortError(sorted(problems))
        X_test = X_test[list(X.columns)]
    labels, target = check_classes(X, y)
    check_threshold(threshold, len(target.classes))
    train = Rows(X, labels, params)
    test = Rows(X_test, check_labels(X_test, y_test, target)[0], params_test)
    for rows in (train, test):
        check_params(rows.params, rows.X, estimator)
    outcome, model = predict_others(estimator, train, test, target, threshold=threshold)
    split = Split(0, 0, np.arange(len(train.labels)), np.arange(len(test.labels)))
    table = prediction_table(test.patients, test.labels, split, target, **outcome)
    return Evaluation(table, (model,), target)


def _ids(X) -> set:
    """Return the patient ids of a table; none if its index only numbers the rows."""
    index = getattr(X, "index", pd.RangeIndex(0))
    return set() if isinstance(index, pd.RangeIndex) else set(index)


def _evaluate(
    estimator, X, labels, target, splits, threshold, *, n_jobs=None, verbose=0, params=None, seed=0
):
    check_threshold(threshold, len(target.classes))
    options = {"threshold": threshold, "params": params, "seed": seed}
    if len(splits) == 1:
        outcomes = [predict_split(estimator, X, labels, splits[0], target, **options)]
    else:
        jobs = [
            delayed(_predict_fold)((n, len(splits)), estimator, X, labels, split, target, options)
            for n, split in enumerate(splits, start=1)
        ]
        outcomes = spread(jobs, "folds", n_jobs=n_jobs, verbose=verbose)
    tables, models = zip(*outcomes, strict=True)
    return Evaluation(pd.concat(tables), models, target)


def _predict_fold(number, estimator, X, labels, split, target, options):
    with part("fold {} of {}".format(*number)):
        return predict_split(estimator, X, labels, split, target, **options)
