"""Learning curves of the fusion and of self-attention networks."""

from dataclasses import dataclass, field
from itertools import cycle

from sklidh.plotting._axes import COLOURS, draw_curves, legend_below
from sklidh.plotting._display import Display
from sklidh.plotting._nested import parts_of, without_networks


def histories(estimator) -> dict:
    """Return the learning curves of all networks in a fitted estimator, by network name."""
    found = dict(getattr(estimator, "history_", {}))
    for part, _ in parts_of(estimator):
        found |= histories(part)
    return found


def over_epochs(curve):
    """Return the epoch numbers and the curve."""
    return range(1, len(curve) + 1), curve


@dataclass(repr=False)
class LossCurveDisplay(Display):
    """Draw the training loss over the epochs.

    For the fusion, every term is drawn (paper Eq. 3 to 6); for self-attention networks, the
    cross-entropy on training patients, and as dashed lines on held-out patients. Build it with
    `from_estimator` or `from_networks`.

    Parameters
    ----------
    curves : dict of str to array of shape (n_epochs,)
        Mean loss per epoch, by term or network.
    validation : dict of str to array of shape (n_epochs,), optional
        Loss of held-out patients, by network.
    of_networks : bool, default=False
        Whether the curves belong to networks instead of terms of the fusion.
    """

    curves: dict
    validation: dict = field(default_factory=dict)
    of_networks: bool = False

    _size = (5.0, 3.6)

    @classmethod
    def from_estimator(cls, classifier, *, ax=None):
        """Draw the training of a fusion classifier, or of self-attention networks.

        Parameters
        ----------
        classifier : fitted InvariantSpecificFusionClassifier, SANetClassifier or SANetFeaturizer
            A Pipeline that ends with one is accepted too.
        ax : matplotlib Axes, default=None

        Returns
        -------
        LossCurveDisplay
        """
        steps = getattr(classifier, "steps", None)
        final = steps[-1][1] if steps else classifier
        if hasattr(final, "history_"):
            return cls.from_networks(final, ax=ax)
        return cls(dict(final.loss_curve_)).plot(ax=ax)

    @classmethod
    def from_networks(cls, estimator, *, ax=None):
        """Draw the training of all self-attention networks in a fitted estimator.

        Each modality has one colour; networks of inner folds and members are thin lines.

        Parameters
        ----------
        estimator : fitted estimator
            A SANetFeaturizer, a SANetClassifier, or a pipeline or search that contains one.
        ax : matplotlib Axes, default=None

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ValueError
            The estimator contains no network.
        """
        found = histories(estimator)
        if not found:
            raise without_networks(estimator)
        learning, held_out = (
            {name: curves[loss] for name, curves in found.items() if loss in curves}
            for loss in ("train_loss", "valid_loss")
        )
        return cls(learning, held_out, of_networks=True).plot(ax=ax)

    def _draw(self, ax):
        if self.of_networks:
            self._draw_networks(ax)
            ax.set(ylabel="cross-entropy", title="Training of the networks")
        else:
            draw_curves(ax, {term: over_epochs(curve) for term, curve in self.curves.items()})
            # The terms fall by different orders of magnitude.
            ax.set(ylabel="loss", yscale="log", title="Training of the fusion")
        ax.set(xlabel="epoch")
        legend_below(ax, ncols=3)

    def _draw_networks(self, ax):
        colours, of_modality = cycle(COLOURS), {}
        for name, curve in self.curves.items():
            modality = name.partition(",")[0]
            style = {"linewidth": 0.7, "alpha": 0.6}
            labels = None, None
            if modality not in of_modality:
                of_modality[modality] = next(colours)
                style, labels = {}, (modality, f"{modality}, held out")
            style["color"] = of_modality[modality]
            ax.plot(*over_epochs(curve), label=labels[0], **style)
            if name in self.validation:
                held_out = over_epochs(self.validation[name])
                ax.plot(*held_out, label=labels[1], linestyle="--", **style)
