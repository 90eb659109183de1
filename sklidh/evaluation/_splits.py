"""Splits into training and test patients, the same for every model."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import (
    LeaveOneGroupOut,
    RepeatedStratifiedKFold,
    StratifiedShuffleSplit,
)

from sklidh.utils import CohortError, Target, check_same_patients, check_target, listed


@dataclass(frozen=True)
class Split:
    """One division of the patients into training and test rows.

    Parameters
    ----------
    repeat : int
        Number of the repeat; within a repeat no patient is tested twice.
    fold : int or str
        Number of the split within the repeat, or the site that is tested.
    train, test : ndarray of int
        Row numbers.
    """

    repeat: int
    fold: int | str
    train: np.ndarray
    test: np.ndarray


def holdout_splits(
    labels, *, test_size=0.25, n_repeats=1, random_state=0, target=None
) -> list[Split]:
    """Draw one or more random splits that keep the class proportions.

    Parameters
    ----------
    labels : ndarray of shape (n_patients,)
    test_size : float, default=0.25
        Fraction of patients held out for testing; the paper's 3:1 (section III.A).
    n_repeats : int, default=1
    random_state : int or None, default=0
    target : Target, default=None
        As in `check_folds`.

    Returns
    -------
    list of Split

    Raises
    ------
    CohortError
        A class has fewer than two patients.
    """
    check_folds(labels, 2, target)
    splitter = StratifiedShuffleSplit(n_repeats, test_size=test_size, random_state=random_state)
    halves = splitter.split(np.zeros(len(labels)), labels)
    return [Split(repeat, 0, train, test) for repeat, (train, test) in enumerate(halves)]


def stratified_splits(
    labels, *, n_folds=5, n_repeats=1, random_state=0, target=None
) -> list[Split]:
    """Draw stratified folds, shuffled differently in each repeat.

    Parameters
    ----------
    labels : ndarray of shape (n_patients,)
    n_folds : int, default=5
    n_repeats : int, default=1
    random_state : int or None, default=0
    target : Target, default=None
        As in `check_folds`.

    Returns
    -------
    list of Split

    Raises
    ------
    CohortError
        A class has fewer patients than folds.
    """
    check_folds(labels, n_folds, target)
    splitter = RepeatedStratifiedKFold(
        n_splits=n_folds, n_repeats=n_repeats, random_state=random_state
    )
    folds = splitter.split(np.zeros(len(labels)), labels)
    return [Split(*divmod(i, n_folds), train, test) for i, (train, test) in enumerate(folds)]


def site_splits(labels, sites) -> list[Split]:
    """Hold out one site at a time.

    Parameters
    ----------
    labels : ndarray of shape (n_patients,)
    sites : array-like of shape (n_patients,)
        Imaging site of each patient.

    Returns
    -------
    list of Split

    Raises
    ------
    CohortError
        A patient has no site, there is only one site, or all patients of a class come from one
        site.
    """
    sites = pd.Series(np.asarray(sites, dtype=object))
    if sites.isna().any():
        raise CohortError([f"{sites.isna().sum()} patients have no site; complete the column"])
    sites = sites.astype(str).to_numpy()
    if len(np.unique(sites)) < 2:
        raise CohortError([f"all patients are from one site, {sites[0]!r}; two or more are needed"])
    splits = [
        Split(0, str(sites[test[0]]), train, test)
        for train, test in LeaveOneGroupOut().split(sites, labels, sites)
    ]
    check_training(labels, splits)
    return splits


def splits_from(splitter, X, labels, **groups) -> list[Split]:
    """Return the splits of a scikit-learn splitter; testing a patient again starts a new repeat.

    Parameters
    ----------
    splitter : scikit-learn splitter
    X : DataFrame of shape (n_patients, n_columns)
    labels : ndarray of shape (n_patients,)
    **groups : array-like of shape (n_patients,)
        Values that the splitter requests, such as ``groups``.

    Returns
    -------
    list of Split

    Raises
    ------
    CohortError
        The training set of a split would lack a class.
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
    """Raise if the training set of a split would lack a class.

    Parameters
    ----------
    labels : ndarray of shape (n_patients,)
    splits : list of Split

    Raises
    ------
    CohortError
    """
    classes, problems = np.unique(labels), []
    for split in splits:
        lacking = np.setdiff1d(classes, labels[split.train])
        if len(lacking):
            which = "on one class only" if len(classes) == 2 else f"without class {listed(lacking)}"
            problems.append(
                f"fold {split.fold!r} of repeat {split.repeat} would be trained {which}; use "
                "fewer or stratified folds, or drop the site or group"
            )
    if problems:
        raise CohortError(problems)


def check_folds(labels, n_folds: int, target: Target | None = None) -> None:
    """Raise if a fold would lack one of the classes.

    scikit-learn only warns about this, and then scores folds in which the AUC is undefined.

    Parameters
    ----------
    labels : array-like of shape (n_patients,)
    n_folds : int
    target : Target, default=None
        Names the class in the message, if labels are its codes.

    Raises
    ------
    CohortError
        A class has fewer patients than folds.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < n_folds:
        rarest = classes[counts.argmin()]
        if target is not None and not target.is_binary:
            rarest = repr(target.classes[rarest])
        raise CohortError(
            [
                f"class {rarest} has {counts.min()} patients, fewer than the {n_folds} folds; "
                f"use at most {counts.min()} folds"
            ]
        )


def check_labels(X, y, target: Target | None = None) -> tuple[np.ndarray, Target]:
    """Return the classes as codes 0, 1, ..., after checking that each patient has one row.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
        As `Target.read` takes it.
    target : Target, default=None
        None: that of y.

    Returns
    -------
    labels : ndarray of int, shape (n_patients,)
    target : Target

    Raises
    ------
    CohortError
        As `Target.read`; y has another length or index than X; or a patient has several rows, which
        could fall into both the training and the test set.
    """
    if y is None or len(y) != len(X):
        raise CohortError([f"y has {0 if y is None else len(y)} labels for {len(X)} patients"])
    check_same_patients("y", y, X)
    if not isinstance(y, pd.Series) and isinstance(X, pd.DataFrame):
        y = pd.Series(np.asarray(y), X.index)
    if target is None:
        target, labels = Target.read(y)
    else:
        labels = target.codes(y)
    if hasattr(X, "index") and X.index.has_duplicates:
        n_rows = X.index.value_counts()
        raise CohortError(
            f"patient {patient!r} appears in {n} rows; each patient needs exactly one"
            for patient, n in n_rows[n_rows > 1].items()
        )
    return np.asarray(labels), target


def check_classes(X, y) -> tuple[np.ndarray, Target]:
    """Return the classes as codes, and the target, after checking that there are at least two.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)

    Returns
    -------
    labels : ndarray of int, shape (n_patients,)
        0 and 1, or 0 to K - 1 for K classes.
    target : Target

    Raises
    ------
    CohortError
        As `check_labels`, or all patients are of one class.
    """
    labels, target = check_labels(X, y)
    check_target(labels)
    return labels, target
