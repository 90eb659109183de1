"""What selection saw: how features separate the classes, and how they hang together."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklidh.plotting._axes import COLOURS, new_axes
from sklidh.plotting._shown import ShownMixin
from sklidh.utils import binary_target, mutant_index


@dataclass(repr=False)
class VolcanoDisplay(ShownMixin):
    """Draw each feature's p-value against how far it separates the classes.

    Build it with `from_estimator`.

    Parameters
    ----------
    aucs : Series of shape (n_features,)
        Area under each feature's own ROC curve; above 0.5 mutants have more of it.
    pvalues : Series of shape (n_features,)
    alpha : float
        What the selector compared with.
    kept : Series of bool of shape (n_features,)

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    aucs: pd.Series
    pvalues: pd.Series
    alpha: float
    kept: pd.Series

    @classmethod
    def from_estimator(cls, selector, X, y, *, ax=None):
        """Draw what a fitted MannWhitneySelector found.

        Parameters
        ----------
        selector : fitted MannWhitneySelector
            Of two classes.
        X : DataFrame of shape (n_patients, n_features)
            What it was fitted on.
        y : array-like of shape (n_patients,)
        ax : matplotlib Axes, default=None

        Returns
        -------
        VolcanoDisplay
        """
        X, mutant = pd.DataFrame(X), np.asarray(binary_target(y), bool)
        present = X.notna().to_numpy()
        pairs = present[mutant].sum(0) * present[~mutant].sum(0)
        aucs = np.divide(selector.statistics_, pairs, out=np.full(len(pairs), 0.5), where=pairs > 0)
        # The selector's statistic is that of the class that sorts last.
        aucs = aucs if mutant_index(selector.classes_) == 1 else 1 - aucs
        names = X.columns
        return cls(
            pd.Series(aucs, names),
            pd.Series(selector.pvalues_, names),
            selector.alpha,
            pd.Series(selector.get_support(), names),
        ).plot(ax=ax)

    def plot(self, *, ax=None, n_labels=5):
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None draws on a new figure.
        n_labels : int, default=5
            How many of the smallest p-values are named.

        Returns
        -------
        VolcanoDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = new_axes(ax, figsize=(6.0, 4.2))
        self.figure_ = self.ax_.figure
        height = -np.log10(np.maximum(self.pvalues, np.finfo(float).tiny))
        groups = ((~self.kept, "0.7", "left out"), (self.kept, COLOURS[0], "kept"))
        for chosen, colour, label in groups:
            self.ax_.scatter(
                self.aucs[chosen],
                height[chosen],
                s=14,
                color=colour,
                alpha=0.7,
                linewidths=0,
                label=f"{chosen.sum()} {label}",
            )
        self.ax_.axhline(-np.log10(self.alpha), color=COLOURS[1], linewidth=1, linestyle="--")
        best = self.pvalues.nsmallest(n_labels).index
        # The best crowd at the two tips: their numbers stand in a column outside of each.
        columns = {"left": 0, "right": 0}
        for place, name in enumerate(best, start=1):
            side = "right" if self.aucs[name] > 0.5 else "left"
            self.ax_.annotate(
                f"{place}",
                (self.aucs[name], height[name]),
                (16 if side == "right" else -16, -11 * columns[side]),
                textcoords="offset points",
                ha="center",
                va="center",
                fontsize="x-small",
                arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6, "shrinkB": 2},
            )
            columns[side] += 1
        named = "\n".join(f"{place}  {name}" for place, name in enumerate(best, start=1))
        self.ax_.text(
            0.5,
            -0.2,
            named,
            transform=self.ax_.transAxes,
            fontsize="x-small",
            ha="center",
            va="top",
            multialignment="left",
        )
        reach = max(0.05, float((self.aucs - 0.5).abs().max())) * 1.2
        self.ax_.set(
            xlabel="AUC of the feature alone (above 0.5: higher in mutants)",
            ylabel="-log10 p",
            xlim=(0.5 - reach, 0.5 + reach),
            title=f"Mann-Whitney test of {len(self.aucs)} features, p < {self.alpha:g}",
        )
        self.ax_.legend(fontsize="small", loc="upper center")
        return self


@dataclass(repr=False)
class CorrelationMapDisplay(ShownMixin):
    """Draw the correlations of all features, like ones side by side.

    Build it with `from_features` or `from_estimator`.

    Parameters
    ----------
    correlations : DataFrame of shape (n_features, n_features)
        Pearson's r, in the order drawn.
    threshold : float
        Above which the paper removes one of a pair.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    correlations: pd.DataFrame
    threshold: float

    @classmethod
    def from_estimator(cls, pruner, X, *, ax=None):
        """Draw the features that a CorrelationPruner was fitted on, and its threshold.

        Parameters
        ----------
        pruner : CorrelationPruner
        X : DataFrame of shape (n_patients, n_features)
            What it was fitted on.
        ax : matplotlib Axes, default=None

        Returns
        -------
        CorrelationMapDisplay
        """
        return cls.from_features(X, threshold=pruner.threshold, ax=ax)

    @classmethod
    def from_features(cls, X, *, threshold=0.9, ax=None):
        """Draw a table of features.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_features)
            May hold NaN.
        threshold : float, default=0.9
        ax : matplotlib Axes, default=None

        Returns
        -------
        CorrelationMapDisplay
        """
        from scipy.cluster.hierarchy import leaves_list, linkage
        from scipy.spatial.distance import squareform

        r = pd.DataFrame(X).corr().fillna(0.0).to_numpy(copy=True)
        np.fill_diagonal(r, 1.0)
        names = pd.DataFrame(X).columns
        order = np.arange(len(r))
        if len(r) > 2:
            distances = squareform(np.clip(1 - np.abs(r), 0, 1), checks=False)
            order = leaves_list(linkage(distances, "average", optimal_ordering=len(r) <= 500))
        ordered = pd.DataFrame(r[np.ix_(order, order)], names[order], names[order])
        return cls(ordered, threshold).plot(ax=ax)

    def plot(self, *, ax=None, most_names=40):
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None draws on a new figure.
        most_names : int, default=40
            With more features than these, they are not named.

        Returns
        -------
        CorrelationMapDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = new_axes(ax, figsize=(5.6, 4.8))
        self.figure_ = self.ax_.figure
        r = self.correlations.to_numpy()
        image = self.ax_.imshow(r, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
        bar = self.figure_.colorbar(image, ax=self.ax_, label="Pearson's r", shrink=0.8)
        bar.ax.axhline(self.threshold, color="black", linewidth=1)
        upper = np.triu(r > self.threshold, 1)
        self.ax_.set(xticks=[], yticks=[])
        if len(r) <= most_names:
            self.ax_.set_yticks(range(len(r)), self.correlations.index, fontsize="x-small")
        self.ax_.spines[:].set_visible(False)
        self.ax_.set_title(
            f"{len(r)} features; {upper.sum()} pairs with r > {self.threshold:g}", fontsize="medium"
        )
        return self
