"""ROC curves and precision-recall curves."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

from sklidh.evaluation import auc_interval, delong_variance
from sklidh.plotting._axes import draw_curves, legend_below
from sklidh.plotting._display import PredictionsDisplay
from sklidh.utils import binary_target

GRID = np.linspace(0, 1, 101)
MOST_BANDS = 3
"""Maximum number of models drawn with bands: more would hide each other."""


def sensitivity_band(y_true, score, *, n_resamples=500, random_state=0):
    """Return the sensitivity's 95 % interval on `GRID`, from bootstraps within the classes."""
    rng = np.random.default_rng(random_state)
    classes = [score[y_true], score[~y_true]]
    labels = np.repeat([1, 0], [len(part) for part in classes])
    curves = []
    for _ in range(n_resamples):
        drawn = np.concatenate([rng.choice(part, len(part)) for part in classes])
        curves.append(np.interp(GRID, *roc_curve(labels, drawn)[:2]))
    return np.quantile(curves, [0.025, 0.975], axis=0)


def mean_curve(splits) -> tuple[np.ndarray, np.ndarray]:
    """Average the ROC curves of splits, ``(truth, score)``, at each specificity.

    A single curve of all splits would compare the scores of different models.
    """
    curves = [np.interp(GRID, *roc_curve(truth, score)[:2]) for truth, score in splits]
    return np.r_[0, GRID], np.r_[0, np.mean(curves, axis=0)]


@dataclass(repr=False)
class ROCDisplay(PredictionsDisplay):
    """Draw one ROC curve per model, with its AUC and 95 % interval in the legend.

    Build it with `from_predictions`, `from_estimator` or `from_comparison`. With several splits,
    the mean of their curves is drawn, without a band.

    Parameters
    ----------
    curves : dict of str to (ndarray, ndarray)
        False and true positive rates, each of shape (n_thresholds,), by model.
    aucs : dict of str to (float, float, float)
        AUC and the ends of its 95 % interval, by model.
    bands : dict of str to ndarray of shape (2, 101)
        95 % interval of the sensitivity at 1 - specificity of 0, 0.01, ..., 1, by model; empty with
        more than three models or several splits.
    n_patients : int
    """

    curves: dict
    aucs: dict
    bands: dict
    n_patients: int

    _ranks = True

    @classmethod
    def _of_predictions(cls, y_true, predicted):
        truth = np.asarray(binary_target(y_true), bool)
        curves, aucs, bands = {}, {}, {}
        for name, score in predicted.items():
            score = np.asarray(score, float)
            curves[name] = roc_curve(truth, score, drop_intermediate=False)[:2]
            aucs[name] = (delong_variance(truth, score)[0], *auc_interval(truth, score))
            if len(predicted) <= MOST_BANDS:
                bands[name] = sensitivity_band(truth, score)
        return cls(curves, aucs, bands, len(truth))

    @classmethod
    def _of_comparison(cls, comparison):
        evaluations = comparison.evaluations
        table = next(iter(evaluations.values())).predictions
        if table.groupby(["repeat", "fold"]).ngroups == 1:
            return super()._of_comparison(comparison)
        curves, aucs = {}, {}
        for name, evaluation in evaluations.items():
            splits = evaluation.predictions.groupby(["repeat", "fold"], sort=False)
            both = [split for _, split in splits if split["true"].nunique() == 2]
            curves[name] = mean_curve([(split["true"], split["score"]) for split in both])
            aucs[name] = (evaluation.metrics["AUC"], *evaluation.auc_interval)
        return cls(curves, aucs, {}, table.index.nunique())

    @property
    def _size(self):
        return 4.2, 3.9 + 0.22 * len(self.curves)

    def _draw(self, ax):
        ax.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle=":")
        labels = {
            name: f"{name}: {auc:.2f} [{low:.2f}, {high:.2f}]"
            for name, (auc, low, high) in self.aucs.items()
        }
        for name, colour in draw_curves(ax, self.curves, labels).items():
            if name in self.bands:
                ax.fill_between(GRID, *self.bands[name], color=colour, alpha=0.13, lw=0)
        limits = {"xlim": (-0.01, 1.01), "ylim": (-0.01, 1.01), "aspect": "equal"}
        ax.set(xlabel="1 - specificity", ylabel="sensitivity", **limits)
        ax.set_title(f"ROC, {self.n_patients} patients")
        legend_below(ax, title="AUC [95 % interval]")


@dataclass(repr=False)
class PRDisplay(PredictionsDisplay):
    """Draw one precision-recall curve per model, with its average precision in the legend.

    Build it with `from_predictions`, `from_estimator` or `from_comparison`.

    Parameters
    ----------
    curves : dict of str to (ndarray, ndarray)
        Recall and precision, each of shape (n_thresholds + 1,), by model.
    averages : dict of str to float
        Average precision (PR-AUC), by model.
    prevalence : float
        Precision of predicting mutant for every patient; not drawn with more than two classes.
    """

    curves: dict
    averages: dict
    prevalence: float

    _ranks = True

    @classmethod
    def _of_predictions(cls, y_true, predicted):
        y_true = np.asarray(binary_target(y_true), bool)
        curves, averages = {}, {}
        for name, score in predicted.items():
            precision, recall, _ = precision_recall_curve(y_true, score)
            curves[name] = recall, precision
            averages[name] = float(average_precision_score(y_true, score))
        return cls(curves, averages, float(np.mean(y_true)))

    @classmethod
    def _of_comparison(cls, comparison):
        display = super()._of_comparison(comparison)
        display.averages = comparison.measures["PR-AUC"].to_dict()
        return display

    @property
    def _size(self):
        return 5.0, 4.4 + 0.22 * len(self.curves)

    def _draw(self, ax):
        title = "Precision and recall"
        if self.target.is_binary:
            ax.axhline(self.prevalence, color="0.7", linewidth=1, linestyle=":")
            title += f", {self.prevalence:.0%} {self.target.classes[1]}"
        labels = {name: f"{name}: {average:.2f}" for name, average in self.averages.items()}
        # Steps, as in the definition of average precision.
        draw_curves(ax, self.curves, labels, drawstyle="steps-post")
        ax.set(xlabel="recall", ylabel="precision", xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
        ax.set_title(title)
        legend_below(ax, title="average precision")
