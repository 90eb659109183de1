"""The paper's five figures of merit, and their refusals."""

import numpy as np
import pytest

from sklidh.evaluation import classification_metrics


def test_the_five_figures_follow_the_paper_s_formulas():
    y = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    p = np.array([0.9, 0.8, 0.2, 0.7, 0.1, 0.3, 0.4, 0.2])
    tp, fp, fn, tn = 2, 1, 1, 4
    pairs = [(a > b) + 0.5 * (a == b) for a in p[y == 1] for b in p[y == 0]]
    precision, recall = tp / (tp + fp), tp / (tp + fn)
    assert classification_metrics(y, p) == pytest.approx(
        {
            "AUC": np.mean(pairs),
            "Accuracy": (tp + tn) / 8,
            "Precision": precision,
            "Recall": recall,
            "F1": 2 * precision * recall / (precision + recall),
        }
    )


def test_nobody_called_mutant_costs_precision_and_f1_but_gives_no_nan():
    metrics = classification_metrics([0, 1, 1], [0.1, 0.2, 0.3])
    assert (metrics["Precision"], metrics["F1"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([1, 1], [0.1, 0.2], "one class"),
        ([0, 1, 1], [0.1, 0.2], "shapes"),
        ([0, 2], [0.1, 0.2], "0 .wild-type. and 1"),
        ([0, 1], [0.1, np.nan], "between 0 and 1; got nan"),
        ([0, 1], [0.1, 1.2], "between 0 and 1; got 1.2"),
    ],
)
def test_what_cannot_be_scored_is_refused(y, p, message):
    with pytest.raises(ValueError, match=message):
        classification_metrics(y, p)
