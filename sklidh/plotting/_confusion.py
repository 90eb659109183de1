"""Confusion matrix of a model's predicted classes."""

from dataclasses import dataclass
from textwrap import wrap

import numpy as np
from sklearn.metrics import confusion_matrix

from sklidh.evaluation import Evaluation, check_calls
from sklidh.plotting._display import Display
from sklidh.utils import IDH, Target


@dataclass(repr=False)
class ConfusionMatrixDisplay(Display):
    """Draw the numbers of patients by true and predicted class.

    Build it with `from_predictions`, `from_estimator` or `from_evaluation`.

    Parameters
    ----------
    counts : ndarray of shape (n_classes, n_classes)
        Row: true class. Column: predicted class.
    classes : tuple of str, default=("wild type", "mutant")
        Words of the classes, in this order.
    """

    counts: np.ndarray
    classes: tuple = IDH.classes

    @property
    def _size(self):
        return 1.2 + 1.3 * len(self.counts), 0.8 + 1.3 * len(self.counts)

    @classmethod
    def from_predictions(cls, y_true, called, *, ax=None):
        """Draw the predicted classes of one model.

        Parameters
        ----------
        y_true : array-like of shape (n_patients,)
            The classes, as `sklidh.utils.Target.read` takes them.
        called : array-like of shape (n_patients,)
            Whether each patient is predicted to be of the positive class, bool or 0/1; with more
            than two classes, the predicted ones.
        ax : matplotlib Axes, default=None

        Returns
        -------
        ConfusionMatrixDisplay
        """
        target, truth = Target.read(y_true)
        if target.is_binary:
            called = check_calls("called", called, np.shape(truth)).astype(int)
        else:
            called = target.codes(called)
        return cls._of_codes(truth, called, target).plot(ax=ax)

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
        target, truth = Target.read(y)
        called = np.asarray(classifier.predict(X)).astype(object)
        return cls._of_codes(truth, target.codes(called), target).plot(ax=ax)

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
        return cls._of_codes(first["true"], first["called"], evaluation.target).plot(ax=ax)

    @classmethod
    def _of_codes(cls, truth, called, target):
        codes = range(len(target.classes))
        counts = confusion_matrix(np.asarray(truth, int), np.asarray(called, int), labels=codes)
        return cls(counts, target.classes)

    def _draw(self, ax):
        parts = self.counts / np.maximum(self.counts.sum(1, keepdims=True), 1)
        ax.imshow(parts, cmap="Blues", vmin=0, vmax=1.15)
        binary = len(self.counts) == 2
        names = (("specificity", "false positive"), ("false negative", "sensitivity"))
        for (row, column), part in np.ndenumerate(parts):
            text = f"{self.counts[row, column]}\n{part:.0%}"
            text += f"\n{names[row][column]}" if binary else ""
            colour = "white" if part > 0.55 else "black"
            ax.text(column, row, text, ha="center", va="center", color=colour)
        words = ["\n".join(wrap(word, 14)) for word in self.classes]
        places = range(len(words))
        ax.set_xticks(places, [f"predicted\n{word}" for word in words])
        ax.set_yticks(places, [f"true\n{word}" for word in words])
        ax.set_title(f"{self.counts.sum()} patients")
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
