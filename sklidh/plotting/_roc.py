"""ROC curves of several models on the same patients."""

from dataclasses import dataclass
from itertools import cycle

import numpy as np
from sklearn.metrics import roc_curve

from sklidh.evaluation import Comparison, auc_interval, delong_variance
from sklidh.plotting._axes import LINES, legend_below, new_axes, widths
from sklidh.plotting._predictions import PredictionsMixin
from sklidh.utils import binary_target

GRID = np.linspace(0, 1, 101)
MOST_BANDS = 3
"""More bands than these hide one another."""


def sensitivity_band(y_true, score, *, n_resamples=500, random_state=0):
    """Compute the 95 % band of the sensitivity at every specificity, by bootstraps of each class.

    Parameters
    ----------
    y_true : ndarray of bool of shape (n_patients,)
    score : ndarray of shape (n_patients,)
    n_resamples : int, default=500
    random_state : int, default=0

    Returns
    -------
    ndarray of shape (2, 101)
        Low and high, at 1 - specificity of 0, .01, ... 1.
    """
    rng = np.random.default_rng(random_state)
    classes = [score[y_true], score[~y_true]]
    labels = np.repeat([1, 0], [len(part) for part in classes])
    curves = []
    for _ in range(n_resamples):
        drawn = np.concatenate([rng.choice(part, len(part)) for part in classes])
        curves.append(np.interp(GRID, *roc_curve(labels, drawn)[:2]))
    return np.quantile(curves, [0.025, 0.975], axis=0)


def mean_curve(splits) -> tuple[np.ndarray, np.ndarray]:
    """Average the ROC curves of several splits: the mean sensitivity at every specificity.

    Scores of different models are not compared, as they would be in one curve of all.

    Parameters
    ----------
    splits : list of (ndarray of bool, ndarray)
        Truth and score of the patients of each split.

    Returns
    -------
    false_positive, true_positive : ndarray
        From (0, 0) to (1, 1).
    """
    curves = [np.interp(GRID, *roc_curve(truth, score)[:2]) for truth, score in splits]
    return np.r_[0, GRID], np.r_[0, np.mean(curves, axis=0)]


@dataclass(repr=False)
class ROCDisplay(PredictionsMixin):
    """Draw one ROC curve a model, with its AUC and 95 % interval in the legend.

    Build it with `from_predictions`, `from_estimator` or `from_comparison`.

    Parameters
    ----------
    curves : dict of str to (ndarray, ndarray)
        False and true positive rates, each of shape (n_thresholds,), by model.
    aucs : dict of str to (float, float, float)
        AUC and the ends of its 95 % interval, by model.
    bands : dict of str to ndarray of shape (2, 101)
        As `sensitivity_band`, by model; empty with more than three models, or several splits.
    n_patients : int

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    curves: dict
    aucs: dict
    bands: dict
    n_patients: int

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
        ROCDisplay
        """
        truth = np.asarray(binary_target(y_true), bool)
        curves, aucs, bands = {}, {}, {}
        for name, score in predicted.items():
            score = np.asarray(score, float)
            curves[name] = roc_curve(truth, score, drop_intermediate=False)[:2]
            aucs[name] = (delong_variance(truth, score)[0], *auc_interval(truth, score))
            if len(predicted) <= MOST_BANDS:
                bands[name] = sensitivity_band(truth, score)
        return cls(curves, aucs, bands, len(truth)).plot(ax=ax)

    @classmethod
    def from_comparison(cls, comparison: Comparison, *, ax=None):
        """Draw all models of a comparison, with the figures of its table.

        Parameters
        ----------
        comparison : Comparison
            Of several splits the mean of their curves is drawn, without a band.
        ax : matplotlib Axes, default=None

        Returns
        -------
        ROCDisplay
        """
        evaluations = comparison.evaluations
        table = next(iter(evaluations.values())).predictions
        if table.groupby(["repeat", "fold"]).ngroups == 1:
            return super().from_comparison(comparison, ax=ax)
        curves, aucs = {}, {}
        for name, evaluation in evaluations.items():
            splits = evaluation.predictions.groupby(["repeat", "fold"], sort=False)
            both = [split for _, split in splits if split["mutant"].nunique() == 2]
            curves[name] = mean_curve([(split["mutant"], split["score"]) for split in both])
            aucs[name] = (evaluation.metrics["AUC"], *evaluation.auc_interval)
        return cls(curves, aucs, {}, table.index.nunique()).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None draws on a new figure.

        Returns
        -------
        ROCDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = new_axes(ax, figsize=(5.0, 4.6 + 0.22 * len(self.curves)))
        self.figure_ = self.ax_.figure
        self.ax_.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle=":")
        for (colour, line), width, (name, (false_positive, true_positive)) in zip(
            cycle(LINES), widths(self.curves), self.curves.items(), strict=False
        ):
            auc, low, high = self.aucs[name]
            self.ax_.plot(
                false_positive,
                true_positive,
                color=colour,
                linestyle=line,
                linewidth=width,
                label=f"{name}: {auc:.2f} [{low:.2f}, {high:.2f}]",
            )
            if name in self.bands:
                self.ax_.fill_between(GRID, *self.bands[name], color=colour, alpha=0.13, lw=0)
        self.ax_.set(
            xlabel="1 - specificity",
            ylabel="sensitivity",
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.01),
            aspect="equal",
            title=f"ROC, {self.n_patients} patients",
        )
        legend_below(self.ax_, title="AUC [95 % interval]")
        return self
