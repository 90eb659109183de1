"""Calibration curves and decision curves."""

from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve

from sklidh.evaluation import calibration_line, decision_curve
from sklidh.plotting._axes import COLOURS, draw_curves, legend_below, widths
from sklidh.plotting._display import PredictionsDisplay
from sklidh.utils import binary_target

FEWEST_IN_BIN = 10
FEWEST_BINS, MOST_BINS = 3, 8


@dataclass(repr=False)
class CalibrationDisplay(PredictionsDisplay):
    """Draw the observed fraction of mutants against the predicted probability.

    Build it with `from_predictions`, `from_estimator` or `from_comparison`. With ``n_repeats``
    repeats, each patient counts once in the bins and their intervals.

    Parameters
    ----------
    curves : dict of str to (ndarray, ndarray)
        Mean probability and fraction of mutants, each of shape (n_bins,), by model. All bins have
        the same number of patients, at least 10 if there are enough.
    lines : dict of str to (float, float)
        Slope and intercept of calibration, by model (`calibration_line`).
    probabilities : dict of str to ndarray of shape (n_patients,)
        Drawn as tick marks at the bottom.
    n_in_bin : int
        Patients per bin.
    """

    curves: dict
    lines: dict
    probabilities: dict
    n_in_bin: int

    @classmethod
    def _of_predictions(cls, y_true, predicted, *, n_repeats=1):
        y_true = np.asarray(binary_target(y_true), bool)
        n_patients = len(y_true) // n_repeats
        n_bins = int(np.clip(n_patients // FEWEST_IN_BIN, 1, MOST_BINS))
        bins = {"n_bins": n_bins, "strategy": "quantile"}
        predicted = {name: np.asarray(p, float) for name, p in predicted.items()}
        curves = {name: calibration_curve(y_true, p, **bins)[::-1] for name, p in predicted.items()}
        lines = {name: calibration_line(y_true, p) for name, p in predicted.items()}
        return cls(curves, lines, predicted, n_patients // n_bins)

    @classmethod
    def _of_comparison(cls, comparison):
        n_repeats = comparison.predictions["repeat"].nunique()
        display = super()._of_comparison(comparison, n_repeats=n_repeats)
        figures = comparison.measures[["Calibration slope", "Calibration intercept"]]
        display.lines = dict(zip(figures.index, figures.itertuples(index=False), strict=True))
        return display

    @property
    def _size(self):
        return 5.0, 4.2 + 0.22 * len(self.curves)

    def _draw(self, ax):
        from matplotlib.colors import to_rgba

        binary = self.target.is_binary
        event = self.target.event if binary else "the class"
        ax.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle=":")
        looks = zip(cycle(COLOURS), widths(self.curves), self.curves.items(), strict=False)
        for place, (colour, width, (name, (mean, observed))) in enumerate(looks):
            slope, intercept = self.lines[name]
            counts = np.rint(observed * self.n_in_bin).astype(int)
            low, high = zip(
                *(binomtest(n, self.n_in_bin).proportion_ci() for n in counts), strict=True
            )
            ax.errorbar(
                mean,
                observed,
                yerr=np.maximum([observed - low, high - observed], 0),
                color=colour,
                ecolor=to_rgba(colour, 0.35),
                marker="o",
                markersize=4 + width,
                linewidth=width,
                elinewidth=1.5,
                label=f"{name}: slope {slope:.2f}, intercept {intercept:+.2f}",
            )
            foot = np.full(len(self.probabilities[name]), -0.03 - 0.03 * place)
            ax.plot(self.probabilities[name], foot, "|", color=colour, alpha=0.5, ms=5)
        ax.set(
            xlabel=f"predicted probability of {event}",
            ylabel=f"observed fraction {self.target.classes[1] if binary else 'of the class'}",
            xlim=(-0.02, 1.02),
            ylim=(-0.04 - 0.03 * len(self.curves), 1.02),
            title=f"Calibration, about {self.n_in_bin} patients per point",
        )
        legend_below(ax)


@dataclass(repr=False)
class DecisionCurveDisplay(PredictionsDisplay):
    """Draw the net benefit of treating according to each model, treating all, and treating none.

    Build it with `from_predictions`, `from_estimator` or `from_comparison`.

    Parameters
    ----------
    curves : DataFrame of shape (n_thresholds, n_models + 2)
        From `decision_curve`.
    """

    curves: pd.DataFrame

    @classmethod
    def _of_predictions(cls, y_true, predicted):
        return cls(decision_curve(y_true, predicted))

    @property
    def _size(self):
        return 5.0, 4.1 + 0.22 * self.curves.shape[1]

    def _draw(self, ax):
        *models, everybody, nobody = self.curves
        draw_curves(ax, {name: (self.curves.index, self.curves[name]) for name in models})
        for name, colour, line in ((everybody, "0.55", "--"), (nobody, "0.2", ":")):
            ax.plot(self.curves[name], color=colour, linestyle=line, linewidth=1.3, label=name)
        best = max(self.curves.to_numpy().max(), 0.05)
        # Near a threshold of 1 the harm is unbounded, so the axis is cut a little below zero.
        floor = -0.2 * best
        ax.axhspan(floor, 0, color="0.94", zorder=0)
        ax.text(0.99, floor / 2, "harm", ha="right", va="center", color="0.4", size="small")
        ax.set(
            xlabel="threshold probability",
            ylabel="net benefit (true positives per patient)",
            xlim=(0, 1),
            ylim=(floor, 1.08 * best),
            title="Decision curve",
        )
        legend_below(ax)
