"""Forest plot: the AUC of every model of a comparison."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklidh.evaluation import auc_interval, delong_test, delong_variance, holm
from sklidh.plotting._axes import COLOURS
from sklidh.plotting._display import PredictionsDisplay


@dataclass(repr=False)
class ForestDisplay(PredictionsDisplay):
    """Draw one line per model: its AUC with the 95 % interval, and the test against a reference.

    Build it with `from_predictions`, `from_estimator` or `from_comparison`. Models are tested
    against ``reference=``, by default the last one; p-values of models in ``beside=`` are not
    corrected, as in `Comparison.tests`.

    Parameters
    ----------
    aucs : DataFrame of shape (n_models, 3)
        AUC, low and high, by model.
    pvalues : Series of shape (n_models - 1,)
        p-values of the test against the reference, corrected for the number of models (Holm).
    reference : str
    test : str
        Name of the test.
    """

    aucs: pd.DataFrame
    pvalues: pd.Series
    reference: str
    test: str

    _ranks = True
    _by_class = False

    @classmethod
    def _of_predictions(cls, y_true, predicted, *, reference=None):
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
        )

    @classmethod
    def _of_comparison(cls, comparison, *, reference=None, beside=()):
        reference = list(comparison.evaluations)[-1] if reference is None else reference
        columns = {"AUC": "AUC", "AUC low": "low", "AUC high": "high"}
        aucs = comparison.table[list(columns)].rename(columns=columns)
        tests = comparison.tests(reference, beside=beside)
        test = tests["test"].iloc[0] if len(tests) else ""
        return cls(aucs, tests["p Holm"].fillna(tests["p"]), reference, test)

    @property
    def _size(self):
        return 7.0, 0.36 * len(self.aucs) + 1.3

    def _draw(self, ax):
        places = np.arange(len(self.aucs))
        colours = [COLOURS[1 if name == self.reference else 0] for name in self.aucs.index]
        ax.axvline(0.5, color="0.7", linewidth=1, linestyle=":")
        ax.axvline(self.aucs.loc[self.reference, "AUC"], color=COLOURS[1], lw=1, alpha=0.5)
        ax.hlines(places, self.aucs["low"], self.aucs["high"], colors=colours, linewidth=2)
        ax.scatter(self.aucs["AUC"], places, c=colours, marker="s", s=36, zorder=3)
        for place, (name, row) in zip(places, self.aucs.iterrows(), strict=True):
            note = "reference" if name == self.reference else _p(self.pvalues[name])
            ax.text(
                1.02,
                place,
                f"{row['AUC']:.2f} [{row['low']:.2f}, {row['high']:.2f}]   {note}",
                transform=ax.get_yaxis_transform(),
                va="center",
                fontsize="small",
            )
        ax.set_yticks(places, self.aucs.index)
        ax.set(
            ylim=(len(places) - 0.5, -0.5),
            xlabel=f"AUC with 95 % interval; p against the reference ({self.test}, Holm)",
            xlim=(min(0.45, self.aucs["low"].min() - 0.02), 1.0),
        )
        ax.spines["left"].set_visible(False)
        ax.tick_params(axis="y", length=0)


def _p(value) -> str:
    if np.isnan(value):
        return "p unknown"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
