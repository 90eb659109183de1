"""Whether of the patients given a probability of 0.7, seven in ten are mutant."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve

from sklidh.evaluation import Comparison, calibration_line
from sklidh.plotting._axes import COLOURS, legend_below, new_axes, widths
from sklidh.plotting._predictions import PredictionsMixin
from sklidh.utils import binary_target

FEWEST_IN_BIN = 10
FEWEST_BINS, MOST_BINS = 3, 8


@dataclass(repr=False)
class CalibrationDisplay(PredictionsMixin):
    """Draw the observed fraction of mutants against the predicted probability.

    Build it with `from_predictions`, `from_estimator` or `from_comparison`.

    Parameters
    ----------
    curves : dict of str to (ndarray, ndarray)
        Mean probability and fraction of mutants, each of shape (n_bins,), by model; as many
        patients in each bin, at least 10 if there are so many.
    lines : dict of str to (float, float)
        Slope and intercept of calibration, by model (`calibration_line`).
    probabilities : dict of str to ndarray of shape (n_patients,)
        Drawn as marks at the foot.
    n_in_bin : int

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    curves: dict
    lines: dict
    probabilities: dict
    n_in_bin: int

    _counts = True

    @classmethod
    def from_predictions(cls, y_true, predicted, *, n_repeats=1, ax=None):
        """Draw probabilities predicted for the same patients.

        Parameters
        ----------
        y_true : array-like of bool or 0/1, shape (n_patients,)
        predicted : dict of str to array-like of shape (n_patients,)
            Probability of a mutation, by model.
        n_repeats : int, default=1
            How often each patient is there; for the bins and their intervals everybody counts once.
        ax : matplotlib Axes, default=None

        Returns
        -------
        CalibrationDisplay
        """
        y_true = np.asarray(binary_target(y_true), bool)
        n_patients = len(y_true) // n_repeats
        n_bins = int(np.clip(n_patients // FEWEST_IN_BIN, 1, MOST_BINS))
        curves, lines = {}, {}
        for name, probability in predicted.items():
            observed, mean = calibration_curve(
                y_true, probability, n_bins=n_bins, strategy="quantile"
            )
            curves[name] = mean, observed
            lines[name] = calibration_line(y_true, probability)
        predicted = {name: np.asarray(p, float) for name, p in predicted.items()}
        return cls(curves, lines, predicted, n_patients // n_bins).plot(ax=ax)

    @classmethod
    def from_comparison(cls, comparison: Comparison, *, ax=None):
        """Draw all models of a comparison, with the figures of its table.

        Parameters
        ----------
        comparison : Comparison
            With repeats, the predictions of all of them are drawn together.
        ax : matplotlib Axes, default=None

        Returns
        -------
        CalibrationDisplay
        """
        drawn = super().from_comparison(comparison)
        figures = comparison.measures[["Calibration slope", "Calibration intercept"]]
        drawn.lines = {
            name: tuple(row) for name, row in zip(figures.index, figures.to_numpy(), strict=True)
        }
        return drawn.plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None draws on a new figure.

        Returns
        -------
        CalibrationDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = new_axes(ax, figsize=(5.0, 4.2 + 0.22 * len(self.curves)))
        self.figure_ = self.ax_.figure
        self.ax_.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle=":")
        thick = widths(self.curves)
        for place, (name, (mean, observed)) in enumerate(self.curves.items()):
            colour = COLOURS[place % len(COLOURS)]
            slope, intercept = self.lines[name]
            label = f"{name}: slope {slope:.2f}, intercept {intercept:+.2f}"
            spans = [
                binomtest(round(part * self.n_in_bin), self.n_in_bin).proportion_ci()
                for part in observed
            ]
            below = [max(part - span.low, 0) for part, span in zip(observed, spans, strict=True)]
            above = [max(span.high - part, 0) for part, span in zip(observed, spans, strict=True)]
            self.ax_.errorbar(
                mean,
                observed,
                yerr=[below, above],
                color=colour,
                ecolor=(*_rgb(colour), 0.35),
                marker="o",
                markersize=4 + thick[place],
                linewidth=thick[place],
                elinewidth=1.5,
                label=label,
            )
            foot = np.full(len(self.probabilities[name]), -0.03 - 0.03 * place)
            self.ax_.plot(self.probabilities[name], foot, "|", color=colour, alpha=0.5, ms=5)
        self.ax_.set(
            xlabel="predicted probability of a mutation",
            ylabel="observed fraction mutant",
            xlim=(-0.02, 1.02),
            ylim=(-0.04 - 0.03 * len(self.curves), 1.02),
            title=f"Calibration, about {self.n_in_bin} patients per point",
        )
        legend_below(self.ax_)
        return self


def _rgb(colour):
    from matplotlib.colors import to_rgb

    return to_rgb(colour)
