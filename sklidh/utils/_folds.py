"""Stratified folds for small cohorts."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv

from sklidh.utils._progress import located


def stratified_folds(
    n_folds, classes, codes, *, who, groups=None, shuffle=False, random_state=None
) -> StratifiedKFold | StratifiedGroupKFold:
    """Return a splitter into stratified folds, reducing their number if a class is too small.

    Parameters
    ----------
    n_folds : int
        Reduced, with a warning, to the number of patients of the smallest class.
    classes : ndarray of shape (n_classes,)
    codes : ndarray of shape (n_patients,), dtype=int
        Positions in `classes`.
    who : str
        Name of the calling estimator, for messages.
    groups : array-like of shape (n_patients,), default=None
        Rows of one group, such as scans of one person, are kept in one fold.
    shuffle : bool, default=False
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    StratifiedKFold, or StratifiedGroupKFold with `groups`

    Raises
    ------
    ValueError
        A class has a single patient or, with `groups`, belongs to a single group.
    """
    sizes, each = np.bincount(codes), "patient"
    if groups is not None:
        sizes = np.array(
            [len(np.unique(np.asarray(groups)[codes == c])) for c in range(len(sizes))]
        )
        each = "group"
    smallest = sizes.min()
    rarest = classes.tolist()[sizes.argmin()]
    if smallest < 2:
        raise ValueError(
            f"{who}: class {rarest!r} has 1 {each} of {len(codes)}; cross-validation needs at "
            "least 2 of each class"
        )
    if smallest < n_folds:
        few = f"only {smallest} of {len(codes)} patients are class {rarest!r}"
        if groups is not None:
            few = f"class {rarest!r} is in only {smallest} groups"
        warnings.warn(
            located(f"{who}: {few}, so {smallest} folds are used instead of {n_folds}"),
            UserWarning,
            stacklevel=3,
        )
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    return splitter(min(n_folds, smallest), shuffle=shuffle, random_state=random_state)


def splits_of(cv, classes, codes, X, *, who, groups=None, **how) -> list:
    """Return splits of which the test rows are every patient exactly once.

    Parameters
    ----------
    cv : int, cross-validation generator or iterable
        An integer means `stratified_folds`.
    classes : ndarray of shape (n_classes,)
    codes : ndarray of shape (n_patients,), dtype=int
        Positions in `classes`.
    X : array-like of shape (n_patients, n_columns)
    who : str
        Name of the calling estimator, for messages.
    groups : array-like of shape (n_patients,), default=None
        Passed to the splitter.
    **how : dict
        Other parameters of `stratified_folds`.

    Returns
    -------
    list of (ndarray, ndarray)
        Rows to train on and to predict.

    Raises
    ------
    ValueError
        As `stratified_folds`; or `cv` does not test every patient exactly once.
    """
    if isinstance(cv, Integral):
        # Uses fewer folds if a class has fewer patients.
        folds = stratified_folds(cv, classes, codes, who=who, groups=groups, **how)
    else:
        folds = check_cv(cv, codes, classifier=True)
    splits = list(folds.split(X, codes, groups))
    times_tested = np.bincount(np.concatenate([test for _, test in splits]), minlength=len(codes))
    if (times_tested != 1).any():
        row = (times_tested != 1).argmax()
        raise ValueError(
            f"cv={cv!r} tests the patient of row {row} {times_tested[row]} times; it must "
            "test every patient exactly once, as KFold does but ShuffleSplit does not"
        )
    return splits
