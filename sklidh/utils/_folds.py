"""Folds that each hold every class, however few patients there are."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedKFold

from sklidh.utils._progress import located


def stratified_folds(
    n_folds, classes, codes, *, who, shuffle=False, random_state=None
) -> StratifiedKFold:
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
    shuffle : bool, default=False
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    StratifiedKFold

    Raises
    ------
    ValueError
        A class has a single patient.
    """
    sizes = np.bincount(codes)
    smallest = sizes.min()
    rarest = classes.tolist()[sizes.argmin()]
    if smallest < 2:
        raise ValueError(
            f"{who}: class {rarest!r} has 1 patient of {len(codes)}; cross-validation needs at "
            "least 2 of each class"
        )
    if smallest < n_folds:
        warnings.warn(
            located(
                f"{who}: cv={n_folds} folds cannot each hold a patient of class {rarest!r}, which "
                f"has {smallest} of {len(codes)}; {smallest} folds are used"
            ),
            UserWarning,
            stacklevel=3,
        )
    return StratifiedKFold(min(n_folds, smallest), shuffle=shuffle, random_state=random_state)
