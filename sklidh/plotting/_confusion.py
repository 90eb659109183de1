"""Confusion matrix of a model's predicted classes."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import confusion_matrix

from sklidh.evaluation import Evaluation, check_calls
from sklidh.plotting._display import Display
from sklidh.utils import binary_target


@dataclass(repr=False)
class ConfusionMatrixDisplay(Display):
    """Draw the numbers of patients by true and predicted class.

    Build it with `from_predictions`, `from_estimator` or `from_evaluation`.

    Parameters
    ----------
    counts : ndarray of shape (2, 2)
        Rows: true wild type, true mutant. Columns: predicted wild type, predicted mutant.
    """

    counts: np.ndarray

    _size = (3.8, 3.4)

    @classmethod
    def from_predictions(cls, y_true, called, *, ax=None):
        """Draw the predicted classes of one model.

        Parameters
        ----------
        y_true : array-like of bool or 0/1, shape (n_patients,)
        called : array-like of bool or 0/1, shape (n_patients,)
            Whether each patient is predicted mutant.
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
            With repeats, the first one is drawn.
        ax : matplotlib Axes, default=None

        Returns
        -------
        ConfusionMatrixDisplay
        """
        first = evaluation.repeats[0]
        return cls.from_predictions(first["mutant"], first["called"], ax=ax)

    def _draw(self, ax):
        parts = self.counts / np.maximum(self.counts.sum(1, keepdims=True), 1)
        ax.imshow(parts, cmap="Blues", vmin=0, vmax=1.15)
        names = (("specificity", "false positive"), ("false negative", "sensitivity"))
        for (row, column), part in np.ndenumerate(parts):
            text = f"{self.counts[row, column]}\n{part:.0%}\n{names[row][column]}"
            colour = "white" if part > 0.55 else "black"
            ax.text(column, row, text, ha="center", va="center", color=colour)
        ax.set_xticks([0, 1], ["predicted\nwild type", "predicted\nmutant"])
        ax.set_yticks([0, 1], ["true\nwild type", "true\nmutant"])
        ax.set_title(f"{self.counts.sum()} patients")
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
