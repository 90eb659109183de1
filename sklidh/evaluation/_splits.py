"""Who is trained on and who is predicted: a list of splits, the same for every model."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import (
    LeaveOneGroupOut,
    RepeatedStratifiedKFold,
    StratifiedShuffleSplit,
)

from sklidh.utils import CohortError, check_target


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
    for split in splits:
        if len(np.unique(labels[split.train])) < 2:
            raise CohortError(
                [f"without site {split.fold!r} only one class is left to train on; drop the site"]
            )
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
    """
    splits, next_repeat = [], np.zeros(len(labels), dtype=int)
    for train, test in splitter.split(X, labels, **groups):
        repeat = int(next_repeat[test].max())
        fold = sum(split.repeat == repeat for split in splits)
        splits.append(Split(repeat, fold, train, test))
        next_repeat[test] = repeat + 1
    return splits


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


def check_two_classes(X, y) -> np.ndarray:
    """Return the labels of patients who are listed once, and of exactly two classes.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)

    Returns
    -------
    ndarray of shape (n_patients,)

    Raises
    ------
    CohortError
        As `check_target`, other than two classes, or a patient in several rows, who could be
        trained on and tested at once.
    """
    labels = check_target(y, X)
    classes = np.unique(labels)
    if len(classes) != 2:
        raise CohortError(
            [f"two classes are evaluated, wild type and mutant; y has {classes.tolist()}"]
        )
    if hasattr(X, "index") and X.index.has_duplicates:
        n_rows = X.index.value_counts()
        raise CohortError(
            f"patient {patient!r} has {n} rows; one is accepted"
            for patient, n in n_rows[n_rows > 1].items()
        )
    return labels
