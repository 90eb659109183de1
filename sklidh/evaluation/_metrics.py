"""Metrics of predicted probabilities: the paper's five, and others in common use."""

from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from sklidh.evaluation._calibration import calibration_line
from sklidh.evaluation._checks import check_calls, check_probabilities, check_scores

PAPER_METRICS = ("AUC", "Accuracy", "Precision", "Recall", "F1")
"""The columns of the paper's tables (section III.B)."""


def classification_metrics(
    y_true, probability, *, threshold=0.5, score=None, called=None
) -> dict[str, float]:
    """Score predicted probabilities of a mutation.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
        True where the tumour is IDH-mutant.
    probability : array-like of shape (n_patients,)
        Predicted probability of a mutation.
    threshold : float or array-like of shape (n_patients,), default=0.5
        Probability from which a patient is predicted mutant.
    score : array-like of shape (n_patients,), default=None
        Scores by which AUC and PR-AUC rank the patients, such as a decision function, which does
        not saturate at 0 and 1; None means the probability.
    called : array-like of bool or 0/1, shape (n_patients,), default=None
        Predicted classes, True for mutant; they override `threshold`.

    Returns
    -------
    dict of str to float
        The paper's ``AUC``, ``Accuracy``, ``Precision``, ``Recall`` and ``F1``, then
        ``Sensitivity`` (the clinical name of recall), ``Specificity``, ``Balanced accuracy``,
        ``PR-AUC`` (average precision), ``Brier``, ``Calibration slope`` and ``Calibration
        intercept`` (see `calibration_line`). Precision and F1 are 0 if no patient is predicted
        mutant.

    Raises
    ------
    ValueError
        All patients are of one class, the lengths differ, or a probability is NaN or outside 0 to
        1.

    References
    ----------
    Shi et al. 2023, section III.B.

    Examples
    --------
    >>> from sklidh.evaluation import classification_metrics
    >>> classification_metrics([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])["AUC"]
    0.75
    """
    y_true, probability = check_probabilities(y_true, probability)
    score = probability if score is None else check_scores(y_true, score)[1]
    if called is None:
        called = probability >= threshold
    called = check_calls("called", called, y_true.shape)
    recall = recall_score(y_true, called)
    slope, intercept = calibration_line(y_true, probability)
    metrics = {
        "AUC": roc_auc_score(y_true, score),
        "Accuracy": accuracy_score(y_true, called),
        "Precision": precision_score(y_true, called, zero_division=0.0),
        "Recall": recall,
        "F1": f1_score(y_true, called, zero_division=0.0),
        "Sensitivity": recall,
        "Specificity": recall_score(y_true, called, pos_label=False),
        "Balanced accuracy": balanced_accuracy_score(y_true, called),
        "PR-AUC": average_precision_score(y_true, score),
        "Brier": brier_score_loss(y_true, probability),
        "Calibration slope": slope,
        "Calibration intercept": intercept,
    }
    return {name: float(value) for name, value in metrics.items()}
