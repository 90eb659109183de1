"""Precision against recall, which the paper cares about most."""

from dataclasses import dataclass
from itertools import cycle

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve

from sklidh.evaluation import Comparison
from sklidh.plotting._axes import LINES, legend_below, new_axes, widths
from sklidh.plotting._predictions import PredictionsMixin
from sklidh.utils import binary_target


@dataclass(repr=False)
class PRDisplay(PredictionsMixin):
    """Draw one precision-recall curve a model, with its average precision in the legend.

    Build it with `from_predictions`, `from_estimator` or `from_comparison`.

    Parameters
    ----------
    curves : dict of str to (ndarray, ndarray)
        Recall and precision, each of shape (n_thresholds + 1,), by model.
    averages : dict of str to float
        Average precision (PR-AUC), by model.
    prevalence : float
        The precision of predicting everybody mutant.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    curves: dict
    averages: dict
    prevalence: float

    _ranks = True

    @classmethod
    def from_predictions(cls, y_true, predicted, *, ax=None):
        """Draw the curves of scores predicted for the same patients.

        Parameters
        ----------
        y_true : array-like of bool or 0/1, shape (n_patients,)
        predicted : dict of str to array-like of shape (n_patients,)
            Probability of a mutation or another score, by model.
        ax : matplotlib Axes, default=None

        Returns
        -------
        PRDisplay
        """
        y_true = np.asarray(binary_target(y_true), bool)
        curves, averages = {}, {}
        for name, score in predicted.items():
            precision, recall, _ = precision_recall_curve(y_true, score)
            curves[name] = recall, precision
            averages[name] = float(average_precision_score(y_true, score))
        return cls(curves, averages, float(np.mean(y_true))).plot(ax=ax)

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
        PRDisplay
        """
        drawn = super().from_comparison(comparison)
        drawn.averages = comparison.measures["PR-AUC"].to_dict()
        return drawn.plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None draws on a new figure.

        Returns
        -------
        PRDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = new_axes(ax, figsize=(5.0, 4.4 + 0.22 * len(self.curves)))
        self.figure_ = self.ax_.figure
        self.ax_.axhline(self.prevalence, color="0.7", linewidth=1, linestyle=":")
        for (colour, line), width, (name, (recall, precision)) in zip(
            cycle(LINES), widths(self.curves), self.curves.items(), strict=False
        ):
            # Steps, as average precision counts: between two thresholds nothing is promised.
            self.ax_.step(
                recall,
                precision,
                where="post",
                color=colour,
                linestyle=line,
                linewidth=width,
                label=f"{name}: {self.averages[name]:.2f}",
            )
        self.ax_.set(
            xlabel="recall",
            ylabel="precision",
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.02),
            title=f"Precision and recall, {self.prevalence:.0%} mutant",
        )
        legend_below(self.ax_, title="average precision")
        return self
