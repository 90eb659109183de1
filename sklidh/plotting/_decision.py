"""Net benefit of acting on a model, and its confusion matrix."""

from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from sklidh.evaluation import Evaluation, check_calls, decision_curve
from sklidh.plotting._axes import COLOURS, legend_below, new_axes, widths
from sklidh.plotting._predictions import PredictionsMixin
from sklidh.plotting._shown import ShownMixin
from sklidh.utils import binary_target


@dataclass(repr=False)
class DecisionCurveDisplay(PredictionsMixin):
    """Draw the net benefit of acting on each model, beside acting on everybody and on nobody.

    Build it with `from_predictions`, `from_estimator` or `from_comparison`.

    Parameters
    ----------
    curves : DataFrame of shape (n_thresholds, n_models + 2)
        As `decision_curve` returns it.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    curves: pd.DataFrame

    @classmethod
    def from_predictions(cls, y_true, predicted, *, ax=None):
        """Draw probabilities predicted for the same patients.

        Parameters
        ----------
        y_true : array-like of bool or 0/1, shape (n_patients,)
        predicted : dict of str to array-like of shape (n_patients,)
            Probability of a mutation, by model.
        ax : matplotlib Axes, default=None

        Returns
        -------
        DecisionCurveDisplay
        """
        return cls(decision_curve(y_true, predicted)).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None draws on a new figure.

        Returns
        -------
        DecisionCurveDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = new_axes(ax, figsize=(5.0, 4.1 + 0.22 * self.curves.shape[1]))
        self.figure_ = self.ax_.figure
        *_, everybody, nobody = self.curves
        plain = {everybody: ("0.55", "--", 1.3, everybody), nobody: ("0.2", ":", 1.3, nobody)}
        models = [name for name in self.curves if name not in plain]
        looks = zip(models, cycle(COLOURS), widths(dict(self.curves[models])), strict=False)
        styles = {name: (colour, "-", width, name) for name, colour, width in looks} | plain
        for name, (colour, line, width, label) in styles.items():
            self.ax_.plot(
                self.curves.index,
                self.curves[name],
                color=colour,
                linestyle=line,
                linewidth=width,
                label=label,
            )
        best = self.curves.to_numpy().max()
        # Below zero a model does harm, near a threshold of 1 without bound: how much is not drawn.
        floor = -0.2 * max(best, 0.05)
        self.ax_.axhspan(floor, 0, color="0.94", zorder=0)
        self.ax_.text(0.99, floor / 2, "harm", ha="right", va="center", color="0.4", size="small")
        self.ax_.set(
            xlabel="threshold probability, from which one acts",
            ylabel="net benefit (true positives per patient)",
            xlim=(0, 1),
            ylim=(floor, 1.08 * max(best, 0.05)),
            title="Decision curve",
        )
        legend_below(self.ax_)
        return self


@dataclass(repr=False)
class ConfusionMatrixDisplay(ShownMixin):
    """Draw how many patients of each class are predicted as which.

    Build it with `from_predictions`, `from_estimator` or `from_evaluation`.

    Parameters
    ----------
    counts : ndarray of shape (2, 2)
        Row: wild type, mutant. Column: predicted wild type, predicted mutant.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    counts: np.ndarray

    @classmethod
    def from_predictions(cls, y_true, called, *, ax=None):
        """Draw the predicted classes of one model.

        Parameters
        ----------
        y_true : array-like of bool or 0/1, shape (n_patients,)
        called : array-like of bool or 0/1, shape (n_patients,)
            Who is called mutant.
        ax : matplotlib Axes, default=None

        Returns
        -------
        ConfusionMatrixDisplay
        """
        truth = np.asarray(binary_target(y_true), bool)
        called = check_calls("called", called, truth.shape)
        return cls(confusion_matrix(truth, called, labels=[False, True])).plot(ax=ax)

    @classmethod
    def from_estimator(cls, classifier, X, y, *, ax=None):
        """Draw the predicted classes of a fitted classifier.

        Parameters
        ----------
        classifier : fitted classifier
        X : DataFrame of shape (n_patients, n_columns)
        y : array-like of shape (n_patients,)
        ax : matplotlib Axes, default=None

        Returns
        -------
        ConfusionMatrixDisplay
        """
        called = np.asarray(classifier.predict(X)).astype(object)
        return cls.from_predictions(y, binary_target(called), ax=ax)

    @classmethod
    def from_evaluation(cls, evaluation: Evaluation, *, ax=None):
        """Draw the predicted classes of an evaluation, at the threshold of each fold.

        Parameters
        ----------
        evaluation : Evaluation
            With repeats, the first.
        ax : matplotlib Axes, default=None

        Returns
        -------
        ConfusionMatrixDisplay
        """
        first = evaluation.repeats[0]
        return cls.from_predictions(first["mutant"], first["called"], ax=ax)

    def plot(self, *, ax=None):
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None draws on a new figure.

        Returns
        -------
        ConfusionMatrixDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = new_axes(ax, figsize=(3.8, 3.4))
        self.figure_ = self.ax_.figure
        parts = self.counts / np.maximum(self.counts.sum(1, keepdims=True), 1)
        self.ax_.imshow(parts, cmap="Blues", vmin=0, vmax=1.15)
        names = (("specificity", "false positive"), ("false negative", "sensitivity"))
        for (row, column), part in np.ndenumerate(parts):
            self.ax_.text(
                column,
                row,
                f"{self.counts[row, column]}\n{part:.0%}\n{names[row][column]}",
                ha="center",
                va="center",
                color="white" if part > 0.55 else "black",
            )
        self.ax_.set(
            xticks=[0, 1],
            yticks=[0, 1],
            xticklabels=["predicted\nwild type", "predicted\nmutant"],
            yticklabels=["true\nwild type", "true\nmutant"],
            title=f"{self.counts.sum()} patients",
        )
        self.ax_.spines[:].set_visible(False)
        self.ax_.tick_params(length=0)
        return self
