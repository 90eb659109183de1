"""The terms of the fusion's loss over the epochs."""

from dataclasses import dataclass

from sklidh.plotting._axes import LINES, legend_below, new_axes
from sklidh.plotting._shown import ShownMixin


@dataclass
class LossCurveDisplay(ShownMixin):
    """Draw each term of the fusion's loss (paper Eq. 3 to 6) over the epochs.

    Build it with `from_estimator`.

    Parameters
    ----------
    curves : dict of str to array of shape (n_epochs,)
        Mean loss of an epoch, by term.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    curves: dict

    @classmethod
    def from_estimator(cls, classifier, *, ax=None):
        """Draw the training of a fitted InvariantSpecificFusionClassifier.

        Parameters
        ----------
        classifier : fitted InvariantSpecificFusionClassifier
            Or a Pipeline that ends with one.
        ax : matplotlib Axes, default=None

        Returns
        -------
        LossCurveDisplay
        """
        steps = getattr(classifier, "steps", None)
        final = steps[-1][1] if steps else classifier
        return cls(dict(final.loss_curve_)).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None draws on a new figure.

        Returns
        -------
        LossCurveDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = new_axes(ax, figsize=(5.0, 3.6))
        self.figure_ = self.ax_.figure
        for (colour, line), (term, curve) in zip(LINES, self.curves.items(), strict=False):
            epochs = range(1, len(curve) + 1)
            self.ax_.plot(epochs, curve, color=colour, linestyle=line, label=term)
        # The terms fall by orders of magnitude, each to a floor of its own.
        self.ax_.set(xlabel="epoch", ylabel="loss", yscale="log", title="Training of the fusion")
        legend_below(self.ax_, ncols=3)
        return self
