"""Who is trained on and who is predicted: a list of splits, the same for every model."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import (
    LeaveOneGroupOut,
    RepeatedStratifiedKFold,
    StratifiedShuffleSplit,
)

from sklidh.utils import CohortError, binary_target, check_same_patients, check_target


@dataclass(frozen=True)
class Split:
    """One division of the patients.

    Parameters
    ----------
    repeat : int
        Within one repeat no patient is tested twice.
    fold : int or str
        Number of the split within the repeat, or the site that is tested.
    train, test : ndarray of int
        Rows.
    """

    repeat: int
    fold: int | str
    train: np.ndarray
    test: np.ndarray


def holdout_splits(labels, *, test_size=0.25, n_repeats=1, random_state=0) -> list[Split]:
    """Divide the patients once, or anew in each repeat, with both classes in proportion.

    Parameters
    ----------
    labels : ndarray of shape (n_patients,)
    test_size : float, default=0.25
        The paper's 3:1 (section III.A).
    n_repeats : int, default=1
    random_state : int or None, default=0

    Returns
    -------
    list of Split

    Raises
    ------
    CohortError
        A class with fewer than two patients.
    """
    check_folds(labels, 2)
    splitter = StratifiedShuffleSplit(n_repeats, test_size=test_size, random_state=random_state)
    halves = splitter.split(np.zeros(len(labels)), labels)
    return [Split(repeat, 0, train, test) for repeat, (train, test) in enumerate(halves)]


def stratified_splits(labels, *, n_folds=5, n_repeats=1, random_state=0) -> list[Split]:
    """Deal the patients of each class into folds, anew in each repeat.

    Parameters
    ----------
    labels : ndarray of shape (n_patients,)
    n_folds : int, default=5
    n_repeats : int, default=1
    random_state : int or None, default=0

    Returns
    -------
    list of Split

    Raises
    ------
    CohortError
        A class has fewer patients than folds.
    """
    check_folds(labels, n_folds)
    splitter = RepeatedStratifiedKFold(
        n_splits=n_folds, n_repeats=n_repeats, random_state=random_state
    )
    folds = splitter.split(np.zeros(len(labels)), labels)
    return [Split(*divmod(i, n_folds), train, test) for i, (train, test) in enumerate(folds)]


def site_splits(labels, sites) -> list[Split]:
    """Leave out one site after the other.

    Parameters
    ----------
    labels : ndarray of shape (n_patients,)
    sites : array-like of shape (n_patients,)
        Where each patient was imaged.

    Returns
    -------
    list of Split

    Raises
    ------
    CohortError
        A patient without a site, a single site, or a site without which one class is gone.
    """
    sites = pd.Series(np.asarray(sites, dtype=object))
    if sites.isna().any():
        raise CohortError([f"{sites.isna().sum()} patients have no site; fill the column in"])
    sites = sites.astype(str).to_numpy()
    if len(np.unique(sites)) < 2:
        raise CohortError([f"all patients are of one site, {sites[0]!r}; two or more are needed"])
    splits = [
        Split(0, str(sites[test[0]]), train, test)
        for train, test in LeaveOneGroupOut().split(sites, labels, sites)
    ]
    check_training(labels, splits)
    return splits


def given_splits(splitter, X, labels, **groups) -> list[Split]:
    """Take the folds of a scikit-learn splitter; a patient tested again begins a new repeat.

    Parameters
    ----------
    splitter : scikit-learn splitter
    X : DataFrame of shape (n_patients, n_columns)
    labels : ndarray of shape (n_patients,)
    **groups : array-like of shape (n_patients,)
        What the splitter asks for, such as ``groups``.

    Returns
    -------
    list of Split

    Raises
    ------
    CohortError
        A split has a single class to train on.
    """
    splits, next_repeat = [], np.zeros(len(labels), dtype=int)
    for train, test in splitter.split(X, labels, **groups):
        repeat = int(next_repeat[test].max())
        fold = sum(split.repeat == repeat for split in splits)
        splits.append(Split(repeat, fold, train, test))
        next_repeat[test] = repeat + 1
    check_training(labels, splits)
    return splits


def check_training(labels, splits) -> None:
    """Raise if a split has a single class to train on.

    Parameters
    ----------
    labels : ndarray of shape (n_patients,)
    splits : list of Split

    Raises
    ------
    CohortError
    """
    problems = [
        f"fold {split.fold!r} of repeat {split.repeat} would be trained on one class only; use "
        "fewer folds, stratified ones, or drop the site or group"
        for split in splits
        if len(np.unique(labels[split.train])) < 2
    ]
    if problems:
        raise CohortError(problems)


def check_folds(labels, n_folds: int) -> None:
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


def check_status(X, y) -> np.ndarray:
    """Return the IDH status, 1 and 0, of patients who are listed once.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
        As `binary_target` takes it.

    Returns
    -------
    ndarray of int, shape (n_patients,)

    Raises
    ------
    CohortError
        As `binary_target`; another length or index than X; or a patient in several rows, who could
        be trained on and tested at once.
    """
    if y is None or len(y) != len(X):
        raise CohortError([f"y has {0 if y is None else len(y)} labels for {len(X)} patients"])
    check_same_patients("y", y, X)
    named = not isinstance(y, pd.Series) and isinstance(X, pd.DataFrame)
    labels = binary_target(pd.Series(np.asarray(y), X.index) if named else y)
    if hasattr(X, "index") and X.index.has_duplicates:
        n_rows = X.index.value_counts()
        raise CohortError(
            f"patient {patient!r} appears in {n} rows; each patient needs exactly one"
            for patient, n in n_rows[n_rows > 1].items()
        )
    return np.asarray(labels)


def check_two_classes(X, y) -> np.ndarray:
    """Return the IDH status, 1 and 0, of mutants and wild types.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)

    Returns
    -------
    ndarray of int, shape (n_patients,)

    Raises
    ------
    CohortError
        As `check_status`, or all patients are of one class.
    """
    labels = check_status(X, y)
    check_target(labels)
    return labels
