"""Summary of evaluations: the paper's figures with their intervals, as text and HTML."""

from collections.abc import Mapping

import pandas as pd

from sklidh.evaluation._metrics import PAPER_METRICS


def figures_with_intervals(evaluations: Mapping) -> pd.DataFrame:
    """Format the paper's figures of several models, each with its 95 % interval.

    Parameters
    ----------
    evaluations : dict of str to Evaluation

    Returns
    -------
    DataFrame of str, shape (n_models, 5)
        Figures such as ``0.83 [0.71, 0.91]``; index: models.
    """
    rows = {}
    for name, evaluation in evaluations.items():
        figures, intervals = evaluation.metrics, evaluation.intervals
        rows[name] = {
            metric: f"{figures[metric]:.2f} "
            f"[{intervals.loc[metric, 'low']:.2f}, {intervals.loc[metric, 'high']:.2f}]"
            for metric in PAPER_METRICS
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def text_summary(evaluations: Mapping) -> str:
    """Summarise evaluations as text for a terminal.

    Parameters
    ----------
    evaluations : dict of str to Evaluation

    Returns
    -------
    str
    """
    table = figures_with_intervals(evaluations).rename_axis(None).to_string()
    return f"{_tested_patients(evaluations)}\n{table}"


def html_summary(evaluations: Mapping) -> str:
    """Summarise evaluations in HTML for a notebook.

    Parameters
    ----------
    evaluations : dict of str to Evaluation

    Returns
    -------
    str
        HTML with escaped model names.
    """
    table = figures_with_intervals(evaluations).rename_axis(None).to_html(border=0)
    return f"<p>{_tested_patients(evaluations)}</p>{table}"


def _tested_patients(evaluations: Mapping) -> str:
    evaluation = next(iter(evaluations.values()))
    repeats, target = evaluation.repeats, evaluation.target
    patients, n_folds = repeats[0], repeats[0]["fold"].nunique()
    how = f"{n_folds} folds" if n_folds > 1 else "one split"
    repeated = f", {len(repeats)} repeats" if len(repeats) > 1 else ""
    counts = target.count(patients["true"])
    if target.is_binary:
        counts = counts.split(",")[0]
    return (
        f"{len(patients)} test patients ({counts}), each predicted "
        f"by a model trained on others, {how}{repeated}; 95 % intervals."
    )
