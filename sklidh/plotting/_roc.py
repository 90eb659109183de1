"""ROC curves of several models on the same patients."""

from dataclasses import dataclass

from sklearn.metrics import roc_curve

from sklidh.evaluation import Comparison, auc_interval, classification_metrics
from sklidh.plotting._axes import COLOURS, new_axes


@dataclass
class ROCDisplay:
    """Draw one ROC curve a model, with its AUC and 95 % interval in the legend.

    Build it with `from_predictions` or `from_comparison`.

    Parameters
    ----------
    curves : dict of str to (ndarray, ndarray)
        False and true positive rates, each of shape (n_thresholds,), by model.
    aucs : dict of str to (float, float, float)
        AUC and the ends of its 95 % interval, by model.
    n_patients : int

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    curves: dict
    aucs: dict
    n_patients: int

    @classmethod
    def from_predictions(cls, y_true, probabilities, *, ax=None):
        """Draw the curves of probabilities predicted for the same patients.

        Parameters
        ----------
        y_true : array-like of bool or 0/1, shape (n_patients,)
        probabilities : dict of str to array-like of shape (n_patients,)
            Probability of a mutation, by model.
        ax : matplotlib Axes, default=None

        Returns
        -------
        ROCDisplay
        """
        curves, aucs = {}, {}
        for name, probability in probabilities.items():
            auc = classification_metrics(y_true, probability)["AUC"]
            aucs[name] = (auc, *auc_interval(y_true, probability))
            curves[name] = roc_curve(y_true, probability, drop_intermediate=False)[:2]
        return cls(curves, aucs, len(y_true)).plot(ax=ax)

    @classmethod
    def from_comparison(cls, comparison: Comparison, *, ax=None):
        """Draw the curves of all models of a comparison.

        Parameters
        ----------
        comparison : Comparison
        ax : matplotlib Axes, default=None

        Returns
        -------
        ROCDisplay
        """
        table = comparison.scores
        probabilities = table.drop(columns=["repeat", "fold", "mutant"])
        return cls.from_predictions(table["mutant"], dict(probabilities.items()), ax=ax)

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
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        self.ax_.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle=":")
        for colour, (name, (false_positive, true_positive)) in zip(
            COLOURS * len(self.curves), self.curves.items(), strict=False
        ):
            auc, low, high = self.aucs[name]
            self.ax_.plot(
                false_positive,
                true_positive,
                color=colour,
                linewidth=2,
                label=f"{name}: {auc:.2f} [{low:.2f}, {high:.2f}]",
            )
        self.ax_.set(
            xlabel="1 - specificity",
            ylabel="sensitivity",
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.01),
            aspect="equal",
            title=f"ROC, {self.n_patients} patients",
        )
        self.ax_.legend(title="AUC [95 % interval]", fontsize="small", loc="lower right")
        return self
