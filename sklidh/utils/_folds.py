"""Folds that each hold every class, however few patients there are."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from sklidh.utils._progress import located


def stratified_folds(
    n_folds, classes, codes, *, who, groups=None, shuffle=False, random_state=None
) -> StratifiedKFold | StratifiedGroupKFold:
    """Deal the patients into folds with the same share of every class.

    Parameters
    ----------
    n_folds : int
        Reduced, with a warning, to the number of patients of the smallest class.
    classes : ndarray of shape (n_classes,)
    codes : ndarray of shape (n_patients,), dtype=int
        Positions in `classes`.
    who : str
        The estimator that asks, for messages.
    groups : array-like of shape (n_patients,), default=None
        Patients of one group, such as scans of one person, are in one fold.
    shuffle : bool, default=False
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    StratifiedKFold, or StratifiedGroupKFold of `groups`

    Raises
    ------
    ValueError
        A class has a single patient, or, with `groups`, is all in one group.
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
        warnings.warn(
            located(
                f"{who}: cv={n_folds} folds cannot each hold a {each} of class {rarest!r}, which "
                f"has {smallest} of {len(codes)}; {smallest} folds are used"
            ),
            UserWarning,
            stacklevel=3,
        )
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    return splitter(min(n_folds, smallest), shuffle=shuffle, random_state=random_state)
