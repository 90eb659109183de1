"""The probability from which a patient is predicted mutant, fixed or chosen on training rows."""

import re
import warnings
from numbers import Real

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from sklidh.utils import CohortError

THRESHOLD_FOLDS = 3
"""Number of inner folds in which training patients are predicted to choose the threshold."""

RULE = re.compile(r"(precision|sensitivity)>=(0?\.\d+|1(?:\.0*)?)")

ACCEPTED = "a probability from 0 to 1, 'youden', 'precision>=x' or 'sensitivity>=x'"


def check_threshold(threshold, n_classes: int = 2) -> None:
    """Raise ValueError unless a threshold is valid for `cross_validate`.

    Parameters
    ----------
    threshold : object
    n_classes : int, default=2

    Raises
    ------
    ValueError
        The threshold is not None, a probability or a rule; or there are more than two classes, of
        which the model's own `predict` chooses one.
    """
    if threshold is None:
        return
    if n_classes > 2:
        raise ValueError(
            f"threshold={threshold!r} decides between two classes, and the target has "
            f"{n_classes}; use threshold=None, the model's own choice"
        )
    if is_rule(threshold):
        return
    if isinstance(threshold, Real) and 0 <= threshold <= 1:
        return
    raise ValueError(f"threshold={threshold!r}: accepted are {ACCEPTED}")


def is_rule(threshold) -> bool:
    """Return whether a threshold is a rule for choosing it on the training rows.

    Parameters
    ----------
    threshold : object

    Returns
    -------
    bool
    """
    return isinstance(threshold, str) and (
        threshold == "youden" or RULE.fullmatch(threshold) is not None
    )


def best_threshold(y_true, probability, rule) -> float:
    """Choose a threshold for predicted probabilities.

    Parameters
    ----------
    y_true : ndarray of 0/1, shape (n_patients,)
    probability : ndarray of shape (n_patients,)
    rule : str
        As in `choose_threshold`.

    Returns
    -------
    float
        Midpoint of the two neighbouring probabilities. With "youden", 0.5 if no threshold is better
        than chance.

    Warns
    -----
    UserWarning
        No threshold reaches the precision; the threshold with the largest precision is returned.

    References
    ----------
    W. J. Youden, Cancer 3(1), 1950.
    """
    if rule.startswith("precision"):
        bound = float(RULE.fullmatch(rule)[2])
        precision, recall, levels = precision_recall_curve(y_true, probability)
        precision, recall = precision[:-1], recall[:-1]
        if precision.max() < bound:
            warnings.warn(
                f"threshold={rule!r}: the largest precision in the inner folds of the training "
                f"patients is {precision.max():.2f}; the threshold that reaches it is used",
                stacklevel=2,
            )
            bound = precision.max()
        enough = precision >= bound
        chosen = levels[enough][np.argmax(recall[enough])]
    else:
        wrong, right, levels = roc_curve(y_true, probability, drop_intermediate=False)
        if rule == "youden":
            best = int(np.argmax(right - wrong))
            if right[best] - wrong[best] <= 0:
                return 0.5
        else:
            best = int(np.argmax(right >= float(RULE.fullmatch(rule)[2])))
        chosen = levels[best]
    lower = probability[probability < chosen]
    return float((chosen + lower.max()) / 2) if len(lower) else float(chosen)


def inner_folds(labels, groups=None, random_state=0):
    """Return the inner folds in which training patients are predicted.

    Parameters
    ----------
    labels : ndarray of shape (n_train,)
    groups : array-like of shape (n_train,), default=None
        No group is split between the training and test rows of a fold.
    random_state : int or None, default=0

    Returns
    -------
    list of (ndarray, ndarray)
        Rows to train on and to predict.

    Raises
    ------
    CohortError
        A fold would be trained on one class only.
    """
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = splitter(THRESHOLD_FOLDS, shuffle=True, random_state=random_state)
    counts = np.unique(labels, return_counts=True)[1]
    n_groups = len(np.unique(groups)) if groups is not None else len(labels)
    if min(counts.min(), n_groups) >= THRESHOLD_FOLDS:
        parts = list(folds.split(np.zeros(len(labels)), labels, groups))
        if all(len(np.unique(labels[train])) == 2 for train, _ in parts):
            return parts
    raise CohortError(
        [
            f"a threshold is chosen in {THRESHOLD_FOLDS} inner folds, and the training patients "
            f"are too few ({counts.min()} of the smaller class, {n_groups} groups) for each fold "
            "to hold both classes; pass a probability as threshold instead"
        ]
    )
