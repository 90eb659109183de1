"""The paper's five figures of merit: AUC, accuracy, precision, recall and F1."""

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

METRICS = ("AUC", "Accuracy", "Precision", "Recall", "F1")


def classification_metrics(y_true, probability, *, threshold=0.5) -> dict[str, float]:
    """Score predicted probabilities of a mutation as the paper does.

    Parameters
    ----------
    y_true : array-like of bool or 0/1, shape (n_patients,)
        True where the tumour is IDH-mutant.
    probability : array-like of shape (n_patients,)
        Predicted probability of a mutation.
    threshold : float, default=0.5
        A patient is called mutant from this probability on.

    Returns
    -------
    dict of str to float
        ``AUC``, ``Accuracy``, ``Precision``, ``Recall``, ``F1``. Precision and F1 are 0 where
        nobody is called mutant.

    Raises
    ------
    ValueError
        One class only, different lengths, or a probability that is NaN or outside 0 to 1.

    References
    ----------
    Shi et al. 2023, section III.B.

    Examples
    --------
    >>> from sklidh.evaluation import classification_metrics
    >>> classification_metrics([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])["AUC"]
    0.75
    """
    y_true, probability = check_predictions(y_true, probability)
    called = probability >= threshold
    return {
        "AUC": float(roc_auc_score(y_true, probability)),
        "Accuracy": float(accuracy_score(y_true, called)),
        "Precision": float(precision_score(y_true, called, zero_division=0.0)),
        "Recall": float(recall_score(y_true, called)),
        "F1": float(f1_score(y_true, called, zero_division=0.0)),
    }


def check_predictions(y_true, probability) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as bool and probabilities as float64, or say what is wrong with them."""
    y_true = np.asarray(y_true)
    probability = np.asarray(probability, dtype=np.float64)
    if y_true.ndim != 1 or y_true.shape != probability.shape:
        raise ValueError(
            f"y_true and probability must be one value a patient; got shapes {y_true.shape} and "
            f"{probability.shape}"
        )
    if not np.isin(y_true, [0, 1]).all():
        raise ValueError(
            f"y_true must hold 0 (wild-type) and 1 (mutant); got {np.unique(y_true)[:5].tolist()}"
        )
    y_true = y_true.astype(bool)
    if y_true.all() or not y_true.any():
        raise ValueError(
            f"all {len(y_true)} patients are of one class; AUC needs at least one of each"
        )
    if not ((probability >= 0) & (probability <= 1)).all():
        bad = probability[~((probability >= 0) & (probability <= 1))][0]
        raise ValueError(f"probabilities must lie between 0 and 1; got {bad}")
    return y_true, probability
