"""Predict every patient by models that never saw them: four ways to divide a cohort."""

from numbers import Integral

import pandas as pd
from joblib import delayed
from sklearn.model_selection import check_cv

from sklidh.evaluation._checks import check_threshold
from sklidh.evaluation._evaluation import Evaluation
from sklidh.evaluation._metadata import check_params, handed
from sklidh.evaluation._prediction import predict_split
from sklidh.evaluation._splits import (
    Split,
    check_two_classes,
    given_splits,
    holdout_splits,
    site_splits,
    stratified_splits,
)
from sklidh.utils import CohortError, check_same_patients, part, spread


def cross_validate(
    estimator,
    X,
    y,
    *,
    cv=5,
    n_repeats=1,
    threshold=0.5,
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
        One row a patient.
    y : array-like of shape (n_patients,)
        Two classes; the one that sorts last (1, "mutant") counts as the mutation.
    cv : int, splitter or iterable of (train, test), default=5
        Number of shuffled stratified folds, or a scikit-learn splitter, or the rows themselves.
    n_repeats : int, default=1
        How often the folds are drawn anew; not used with a splitter.
    threshold : float or "youden", default=0.5
        The probability from which a patient is called mutant. "youden" chooses the one with the
        largest sensitivity + specificity among the training rows of each fold, predicted in an
        inner cross-validation.
    n_jobs : int, default=None
        Folds evaluated at the same time.
    random_state : int or None, default=0
        Seed of the folds.
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
        A threshold that is neither "youden" nor a probability.
    CohortError
        y is not two classes, one label a patient, a patient has several rows, a class has fewer
        patients than folds, or `params` have another index than X.
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
    options = {"n_jobs": n_jobs, "verbose": verbose, "params": params}
    return _evaluate(estimator, X, labels, splits, threshold, **options)


def holdout(
    estimator, X, y, *, test_size=0.25, n_repeats=1, threshold=0.5, random_state=0, params=None
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
    threshold : float or "youden", default=0.5
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
    return _evaluate(estimator, X, labels, splits, threshold, params=params)


def leave_one_site_out(
    estimator, X, y, sites, *, threshold=0.5, n_jobs=None, verbose=0
) -> Evaluation:
    """Predict the patients of each site by a model that was trained on the other sites.

    Parameters
    ----------
    estimator : classifier
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
    sites : array-like of shape (n_patients,)
        Where each patient was imaged.
    threshold : float or "youden", default=0.5
        As in `cross_validate`.
    n_jobs : int, default=None
        Sites evaluated at the same time.
    verbose : int, default=0
        1 shows a progress bar over the sites.

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
    splits = site_splits(labels, sites)
    return _evaluate(estimator, X, labels, splits, threshold, n_jobs=n_jobs, verbose=verbose)


def external_test(estimator, X, y, X_test, y_test, *, threshold=0.5) -> Evaluation:
    """Train on one cohort and predict another.

    Parameters
    ----------
    estimator : classifier
    X : DataFrame of shape (n_patients, n_columns)
        The cohort to train on.
    y : Series of shape (n_patients,)
    X_test : DataFrame of shape (n_others, n_columns)
        The cohort to predict, with the same columns.
    y_test : Series of shape (n_others,)
    threshold : float or "youden", default=0.5
        As in `cross_validate`; chosen on the first cohort.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError, CohortError
        As `cross_validate`, a patient in both cohorts, or a column that the second has not.
    """
    shared = X.index.intersection(X_test.index)
    problems = [f"patient {patient!r} is in both cohorts" for patient in shared]
    absent = X.columns.difference(X_test.columns)
    problems += [f"column {column!r} is absent from the second cohort" for column in absent]
    if problems:
        raise CohortError(problems)
    both = pd.concat([X, X_test[X.columns]])
    labels = check_two_classes(both, pd.concat([y, y_test]))
    check_two_classes(X, y)
    rows = both.reset_index().index.to_numpy()
    split = Split(0, 0, rows[: len(X)], rows[len(X) :])
    return _evaluate(estimator, both, labels, [split], threshold)


def _evaluate(estimator, X, labels, splits, threshold, *, n_jobs=None, verbose=0, params=None):
    check_threshold(threshold)
    options = {"threshold": threshold, "params": params}
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
