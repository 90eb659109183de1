"""Evaluations show their figures with intervals in a notebook."""

import numpy as np
import pandas as pd

from sklidh.evaluation import PAPER_METRICS, Comparison, Evaluation, figures_with_intervals

HOSTILE = "<script>alert(1)</script>"


def evaluation(n_repeats=1, seed=0):
    rng = np.random.default_rng(seed)
    probability = rng.random(24 * n_repeats)
    columns = {"fold": [0, 1] * 12 * n_repeats, "n_trained": 12}
    columns["true"] = [True, False] * 12 * n_repeats
    columns |= {"repeat": np.repeat(range(n_repeats), 24), "score": probability}
    columns |= {"probability": probability, "threshold": 0.5, "called": probability >= 0.5}
    return Evaluation(pd.DataFrame(columns, index=[f"P{i}" for i in range(24)] * n_repeats))


def test_every_printed_figure_lies_within_its_interval():
    found = evaluation()
    (row,) = figures_with_intervals({"model": found}).to_dict("records")
    for metric, text in row.items():
        low, high = found.intervals.loc[metric]
        assert text == f"{found.metrics[metric]:.2f} [{low:.2f}, {high:.2f}]"
    assert list(row) == ["AUC", "Accuracy", "Precision", "Recall", "F1"]


def test_the_notebook_shows_patients_folds_repeats_and_figures():
    html = evaluation(n_repeats=3)._repr_html_()
    assert "24 test patients (12 mutant)" in html
    assert "2 folds, 3 repeats" in html
    assert figures_with_intervals({"": evaluation(n_repeats=3)}).loc["", "AUC"] in html


def test_a_comparison_shows_every_model_and_escapes_its_name():
    html = Comparison({HOSTILE: evaluation(), "other": evaluation(seed=1)})._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "other" in html


def test_printed_it_is_the_figures_and_not_the_predictions():
    comparison = Comparison({"one": evaluation(), "other": evaluation(seed=1)})
    who, headings, *rows = str(comparison).splitlines()
    assert who.endswith("95 % intervals.")
    assert headings.split() == list(PAPER_METRICS)
    assert [row.split()[0] for row in rows] == ["one", "other"]
    assert len(str(evaluation()).splitlines()) == 3
