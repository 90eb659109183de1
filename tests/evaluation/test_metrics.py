"""The paper's five metrics, the additional ones, and refused input."""

import numpy as np
import pytest

from sklidh.evaluation import PAPER_METRICS, classification_metrics


def test_the_five_figures_follow_the_paper_s_formulas():
    y = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    p = np.array([0.9, 0.8, 0.2, 0.7, 0.1, 0.3, 0.4, 0.2])
    tp, fp, fn, tn = 2, 1, 1, 4
    pairs = [(a > b) + 0.5 * (a == b) for a in p[y == 1] for b in p[y == 0]]
    precision, recall = tp / (tp + fp), tp / (tp + fn)
    metrics = classification_metrics(y, p)
    assert tuple(metrics)[:5] == PAPER_METRICS
    assert {name: metrics[name] for name in PAPER_METRICS} == pytest.approx(
        {
            "AUC": np.mean(pairs),
            "Accuracy": (tp + tn) / 8,
            "Precision": precision,
            "Recall": recall,
            "F1": 2 * precision * recall / (precision + recall),
        }
    )


def test_the_other_metrics_follow_their_formulas():
    y = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    p = np.array([0.9, 0.8, 0.2, 0.7, 0.1, 0.3, 0.4, 0.2])
    metrics = classification_metrics(y, p)
    assert metrics["Sensitivity"] == metrics["Recall"] == pytest.approx(2 / 3)
    assert metrics["Specificity"] == pytest.approx(4 / 5)
    assert metrics["Balanced accuracy"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert metrics["Brier"] == pytest.approx(np.mean((p - y) ** 2))
    # Mutants rank first, second, and at .2 last but one beside a wild type: precision 3 of 7.
    assert metrics["PR-AUC"] == pytest.approx((1 + 1 + 3 / 7) / 3)


def test_the_threshold_decides_the_class_and_the_score_the_rank():
    y, p = [0, 1, 0, 1], [0.0, 0.3, 0.3, 0.4]
    assert classification_metrics(y, p, threshold=0.35)["Recall"] == 0.5
    assert classification_metrics(y, p, threshold=[0.5, 0.2, 0.5, 0.2])["Accuracy"] == 1
    ranked = classification_metrics(y, p, score=[-2.0, 0.3, -1.0, 7.0])
    assert (classification_metrics(y, p)["AUC"], ranked["AUC"]) == (0.875, 1.0)


def test_without_predicted_mutants_precision_and_f1_are_0():
    metrics = classification_metrics([0, 1, 1], [0.1, 0.2, 0.3])
    assert (metrics["Precision"], metrics["F1"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([1, 1], [0.1, 0.2], "one class"),
        ([0, 1, 1], [0.1, 0.2], "inconsistent numbers of samples"),
        ([0, 2], [0.1, 0.2], "'2' may be a mutant or a wild type"),
        ([0, 1], [0.1, np.nan], "finite; got nan"),
        ([0, 1], [0.1, 1.2], "between 0 and 1; got 1.2"),
    ],
)
def test_invalid_labels_and_probabilities_are_refused(y, p, message):
    with pytest.raises(ValueError, match=message):
        classification_metrics(y, p)
