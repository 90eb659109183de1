"""Performance figures as text, each with its 95 % interval or why it has none."""

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from sklidh.evaluation import Evaluation, figures_with_intervals
from sklidh.evaluation._calibration import CLIP

Z = norm.ppf(0.975)


def number(value: float, form: str) -> str:
    """Format a figure; undefined ones, like the p-value of two equal models, become a dash."""
    if np.isnan(value):
        return "–"
    return f"{value:{form}}".replace("inf", "∞")


def p_value(p: float) -> str:
    """Format a p-value with two digits, or as ``< 0.001``."""
    return "<\N{NO-BREAK SPACE}0.001" if p < 0.001 else number(p, ".2g")


def main_figures(evaluations) -> pd.DataFrame:
    """Return the paper's five figures and the specificity as ``0.83 [0.71, 0.91]``, by model."""
    table = figures_with_intervals(evaluations)
    specificity = {
        name: _text(each.metrics["Specificity"], *each.intervals.loc["Specificity"])
        for name, each in evaluations.items()
    }
    table.insert(4, "Specificity", pd.Series(specificity))
    return table


def probability_figures(evaluations) -> pd.DataFrame:
    """Return PR-AUC, Brier score, and slope and intercept of calibration, with intervals, by model.

    With repeats, the ends of an interval are means over them. Where there is no interval, the
    brackets give the reason.

    References
    ----------
    K. Boyd, K. H. Eng, C. D. Page, ECML PKDD 2013: the interval of the PR-AUC on the logit scale.
    """
    rows = {}
    for name, evaluation in evaluations.items():
        figures, ends = evaluation.metrics, [_interval_ends(part) for part in evaluation.repeats]
        rows[name] = {
            figure: _text(figures[figure], *np.mean([each[figure] for each in ends], axis=0))
            for figure in ends[0]
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _text(value, low, high) -> str:
    if np.isnan(value):
        return "– [all probabilities are equal]"
    if np.isinf(value):
        return f"{number(value, '.2f')} [classes are separated]"
    if np.isnan(low) or np.isnan(high):
        return f"{value:.2f} [no interval: perfect ranking]"
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _interval_ends(part: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return the ends of the intervals of one repeat."""
    figures = Evaluation(part).metrics
    mutant = part["true"].to_numpy(bool)
    probability = part["probability"].to_numpy(float)
    errors = (probability - mutant) ** 2
    ap, half = figures["PR-AUC"], np.nan
    if 0 < ap < 1:
        half = Z / np.sqrt(mutant.sum() * ap * (1 - ap))
    spread = Z * errors.std(ddof=1) / np.sqrt(len(errors))
    logits = logit(np.clip(probability, CLIP, 1 - CLIP))
    slope, intercept = figures["Calibration slope"], figures["Calibration intercept"]
    # Wald: from the information of the logistic regression at its solution.
    weight = _weights(intercept + logits)
    intercept_half = Z / np.sqrt(weight.sum())
    slope_half = np.nan
    if np.isfinite(slope):
        bound = abs(slope) * np.abs(logits).max() + 40
        at = brentq(lambda a: np.sum(expit(a + slope * logits) - mutant), -bound, bound)
        weight = _weights(at + slope * logits)
        centred = logits - np.average(logits, weights=weight)
        slope_half = Z / np.sqrt(np.sum(weight * centred**2))
    return {
        "PR-AUC": (expit(logit(ap) - half), expit(logit(ap) + half)),
        "Brier": (max(figures["Brier"] - spread, 0), min(figures["Brier"] + spread, 1)),
        "Calibration slope": (slope - slope_half, slope + slope_half),
        "Calibration intercept": (intercept - intercept_half, intercept + intercept_half),
    }


def _weights(logits):
    return expit(logits) * expit(-logits)
