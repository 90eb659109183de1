"""Volcano plot: p-value and AUC of every feature."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklidh.plotting._axes import COLOURS
from sklidh.plotting._display import Display
from sklidh.utils import IDH, Target


@dataclass(repr=False)
class VolcanoDisplay(Display):
    """Draw each feature's p-value against its AUC.

    Build it with `from_estimator`. The ``n_labels=5`` features with the smallest p-values are
    labelled.

    Parameters
    ----------
    aucs : Series of shape (n_features,)
        Area under each feature's own ROC curve; above 0.5, values are higher in mutants.
    pvalues : Series of shape (n_features,)
    alpha : float
        Significance level of the selector.
    kept : Series of bool of shape (n_features,)
    """

    aucs: pd.Series
    pvalues: pd.Series
    alpha: float
    kept: pd.Series

    _size = (6.0, 4.2)
    target = IDH

    @classmethod
    def from_estimator(cls, selector, X, y, *, ax=None):
        """Draw the results of a fitted MannWhitneySelector.

        Parameters
        ----------
        selector : fitted MannWhitneySelector
            Fitted on two classes.
        X : DataFrame of shape (n_patients, n_features)
            The data that it was fitted on.
        y : array-like of shape (n_patients,)
        ax : matplotlib Axes, default=None

        Returns
        -------
        VolcanoDisplay
        """
        target, codes = Target.read(y)
        if not target.is_binary:
            raise ValueError(f"VolcanoDisplay draws two classes, y has {len(target.classes)}")
        X, mutant = pd.DataFrame(X), np.asarray(codes, bool)
        present = X.notna().to_numpy()
        pairs = present[mutant].sum(0) * present[~mutant].sum(0)
        aucs = np.divide(selector.statistics_, pairs, out=np.full(len(pairs), 0.5), where=pairs > 0)
        # The selector's statistic belongs to the class that sorts last.
        aucs = aucs if target.columns(selector.classes_)[1] == 1 else 1 - aucs
        names = X.columns
        display = cls(
            pd.Series(aucs, names),
            pd.Series(selector.pvalues_, names),
            selector.alpha,
            pd.Series(selector.get_support(), names),
        )
        display.target = target
        return display.plot(ax=ax)

    def _draw(self, ax, *, n_labels=5):
        height = -np.log10(np.maximum(self.pvalues, np.finfo(float).tiny))
        groups = ((~self.kept, "0.7", "left out"), (self.kept, COLOURS[0], "kept"))
        for chosen, colour, label in groups:
            look = {"s": 14, "color": colour, "alpha": 0.7, "linewidths": 0}
            label = f"{chosen.sum()} {label}"
            ax.scatter(self.aucs[chosen], height[chosen], label=label, **look)
        ax.axhline(-np.log10(self.alpha), color=COLOURS[1], linewidth=1, linestyle="--")
        best = self.pvalues.nsmallest(n_labels).index
        # The best features crowd at the two tips: their numbers form a column beside each tip.
        columns = {"left": 0, "right": 0}
        for place, name in enumerate(best, start=1):
            side = "right" if self.aucs[name] > 0.5 else "left"
            ax.annotate(
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
        below = {"transform": ax.transAxes, "ha": "center", "va": "top"}
        ax.text(0.5, -0.2, named, fontsize="x-small", multialignment="left", **below)
        reach = max(0.05, float((self.aucs - 0.5).abs().max())) * 1.2
        ax.set(
            xlabel=f"AUC of the feature alone (above 0.5: higher if {self.target.classes[1]})",
            ylabel="-log10 p",
            xlim=(0.5 - reach, 0.5 + reach),
            title=f"Mann-Whitney test of {len(self.aucs)} features, p < {self.alpha:g}",
        )
        ax.legend(fontsize="small", loc="upper center")
