"""The result of an evaluation: predictions of held-out patients, and their scores."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklidh.evaluation._fold_auc import fold_aucs, mean_auc
from sklidh.evaluation._intervals import call_intervals, interval_around
from sklidh.evaluation._metrics import classification_metrics
from sklidh.evaluation._summary import html_summary, text_summary


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Predictions of held-out patients, and their scores.

    With several repeats, every figure is the mean over the repeats. It is NaN if it is undefined in
    any repeat, so that a mean over fewer repeats is never reported as one over all.

    Parameters
    ----------
    predictions : DataFrame of shape (n_predictions, 8)
        Index: patients. Columns: ``repeat`` and ``fold`` of the split; ``n_trained``, its number of
        training patients; ``true`` (bool), whether the patient is mutant; ``score``, by which
        patients are ranked: the decision function if the model has one, else the probability;
        ``probability`` of a mutation; ``threshold`` of the fold, NaN if the model's own ``predict``
        decides; and ``called``, whether the patient is predicted mutant.
    estimators : tuple of estimators, default=()
        The fitted model of each fold, if they were kept.
    """

    predictions: pd.DataFrame
    estimators: tuple = ()

    @property
    def repeats(self) -> list[pd.DataFrame]:
        """The predictions of each repeat; no patient appears twice in a repeat."""
        return [table for _, table in self.predictions.groupby("repeat", sort=False)]

    @property
    def metrics(self) -> dict[str, float]:
        """The figures of `classification_metrics`; the AUC is the mean over the folds."""
        figures = [
            classification_metrics(
                table["true"], table["probability"], score=table["score"], called=table["called"]
            )
            | {"AUC": mean_auc(table)[0]}
            for table in self.repeats
        ]
        # Slopes of plus and minus infinity have no mean.
        with np.errstate(invalid="ignore"):
            return pd.DataFrame(figures).mean(skipna=False).to_dict()

    @property
    def auc_interval(self) -> tuple[float, float]:
        """95 % confidence interval of the AUC: low and high, each the mean over the repeats.

        Repeats average out fold assignment, not the sampling of patients: more repeats do not make
        the interval narrower.
        """
        ends = [
            interval_around(*mean_auc(table), int(table["true"].value_counts().min()))
            for table in self.repeats
        ]
        return tuple(np.mean(ends, axis=0).tolist())

    @property
    def intervals(self) -> pd.DataFrame:
        """95 % confidence intervals of the paper's five figures: low and high.

        The interval of the AUC is `auc_interval`; the others are Wilson's (`call_intervals`). Each
        end is the mean over the repeats.
        """
        auc = pd.DataFrame([self.auc_interval], index=["AUC"], columns=["low", "high"])
        counts = [call_intervals(table["true"], table["called"]) for table in self.repeats]
        return pd.concat([auc, sum(counts) / len(counts)])

    @property
    def fold_aucs(self) -> pd.Series:
        """The AUC in each fold of each repeat; NaN if a fold holds only one class."""
        return fold_aucs(self.predictions)

    def __repr__(self) -> str:
        return text_summary({"": self})

    def _repr_html_(self) -> str:
        return html_summary({"": self})
