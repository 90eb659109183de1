"""All models of a comparison at a glance: a forest plot."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklidh.evaluation import Comparison, auc_interval, delong_test, delong_variance, holm
from sklidh.plotting._axes import COLOURS, new_axes
from sklidh.plotting._predictions import PredictionsMixin


@dataclass(repr=False)
class ForestDisplay(PredictionsMixin):
    """Draw one line a model: its AUC with the 95 % interval, and how it differs from a reference.

    Build it with `from_predictions`, `from_estimator` or `from_comparison`.

    Parameters
    ----------
    aucs : DataFrame of shape (n_models, 3)
        AUC, low and high; index: the models.
    pvalues : Series of shape (n_models - 1,)
        Of the test against the reference, corrected for the number of models (Holm).
    reference : str
    test : str
        Name of the test.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    aucs: pd.DataFrame
    pvalues: pd.Series
    reference: str
    test: str

    _ranks = True

    @classmethod
    def from_predictions(cls, y_true, predicted, *, reference=None, ax=None):
        """Draw scores predicted for the same patients.

        Parameters
        ----------
        y_true : array-like of bool or 0/1, shape (n_patients,)
        predicted : dict of str to array-like of shape (n_patients,)
            Probability of a mutation or another score, by model.
        reference : str, default=None
            The model that the others are tested against; None takes the last.
        ax : matplotlib Axes, default=None

        Returns
        -------
        ForestDisplay
        """
        reference = list(predicted)[-1] if reference is None else reference
        rows = {
            name: (delong_variance(y_true, score)[0], *auc_interval(y_true, score))
            for name, score in predicted.items()
        }
        others = {name: score for name, score in predicted.items() if name != reference}
        pvalues = [delong_test(y_true, s, predicted[reference]).pvalue for s in others.values()]
        return cls(
            pd.DataFrame.from_dict(rows, orient="index", columns=["AUC", "low", "high"]),
            pd.Series(holm(pvalues), index=list(others), dtype=float),
            reference,
            "DeLong",
        ).plot(ax=ax)

    @classmethod
    def from_comparison(cls, comparison: Comparison, *, reference=None, beside=(), ax=None):
        """Draw all models of a comparison.

        Parameters
        ----------
        comparison : Comparison
        reference : str, default=None
            The model that the others are tested against; None takes the last.
        beside : sequence of str, default=()
            As in `Comparison.tests`; their p-values are not corrected.
        ax : matplotlib Axes, default=None

        Returns
        -------
        ForestDisplay
        """
        reference = list(comparison.evaluations)[-1] if reference is None else reference
        columns = {"AUC": "AUC", "AUC low": "low", "AUC high": "high"}
        aucs = comparison.table[list(columns)].rename(columns=columns)
        tests = comparison.tests(reference, beside=beside)
        test = tests["test"].iloc[0] if len(tests) else ""
        return cls(aucs, tests["p Holm"].fillna(tests["p"]), reference, test).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None draws on a new figure.

        Returns
        -------
        ForestDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = new_axes(ax, figsize=(7.0, 0.36 * len(self.aucs) + 1.3))
        self.figure_ = self.ax_.figure
        places = np.arange(len(self.aucs))
        colours = [COLOURS[1 if name == self.reference else 0] for name in self.aucs.index]
        self.ax_.axvline(0.5, color="0.7", linewidth=1, linestyle=":")
        self.ax_.axvline(self.aucs.loc[self.reference, "AUC"], color=COLOURS[1], lw=1, alpha=0.5)
        self.ax_.hlines(places, self.aucs["low"], self.aucs["high"], colors=colours, linewidth=2)
        self.ax_.scatter(self.aucs["AUC"], places, c=colours, marker="s", s=36, zorder=3)
        for place, (name, row) in zip(places, self.aucs.iterrows(), strict=True):
            told = "reference" if name == self.reference else _p(self.pvalues[name])
            self.ax_.text(
                1.02,
                place,
                f"{row['AUC']:.2f} [{row['low']:.2f}, {row['high']:.2f}]   {told}",
                transform=self.ax_.get_yaxis_transform(),
                va="center",
                fontsize="small",
            )
        self.ax_.set_yticks(places, self.aucs.index)
        self.ax_.set(
            ylim=(len(places) - 0.5, -0.5),
            xlabel=f"AUC with 95 % interval; p against the reference ({self.test}, Holm)",
            xlim=(min(0.45, self.aucs["low"].min() - 0.02), 1.0),
        )
        self.ax_.spines["left"].set_visible(False)
        self.ax_.tick_params(axis="y", length=0)
        return self


def _p(value) -> str:
    if np.isnan(value):
        return "p unknown"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
