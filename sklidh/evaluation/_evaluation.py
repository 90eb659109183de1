"""What is left of an evaluation: predictions of patients that no model saw, and their scores."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklidh.evaluation._fold_auc import fold_aucs, mean_auc
from sklidh.evaluation._intervals import call_intervals, interval_around
from sklidh.evaluation._metrics import classification_metrics
from sklidh.evaluation._summary import html_summary, text_summary


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Predictions of patients that were left out of training, and their scores.

    Where the patients were divided several times, every figure is the mean over the repeats, and
    NaN where it is not defined in one of them: the mean of the others would pass for that of all.

    Parameters
    ----------
    predictions : DataFrame of shape (n_predictions, 8)
        Index: patients. Columns: ``repeat`` and ``fold`` of the split, and how many patients it
        ``n_trained`` on; ``mutant`` (bool, the truth); ``score``, by which patients are ranked:
        the decision function where the model has one, else its probability; ``probability`` of a
        mutation; the ``threshold`` of the fold, NaN where the model's own ``predict`` decides; and
        who is ``called``, predicted mutant.
    estimators : tuple of estimators, default=()
        The fitted model of each fold, where they were kept.
    """

    predictions: pd.DataFrame
    estimators: tuple = ()

    @property
    def repeats(self) -> list[pd.DataFrame]:
        """The predictions of each repeat, in which no patient is there twice."""
        return [table for _, table in self.predictions.groupby("repeat", sort=False)]

    @property
    def metrics(self) -> dict[str, float]:
        """The figures of `classification_metrics`; the AUC is the mean over the folds."""
        figures = [
            classification_metrics(
                table["mutant"], table["probability"], score=table["score"], called=table["called"]
            )
            | {"AUC": mean_auc(table)[0]}
            for table in self.repeats
        ]
        # Slopes that are infinite in both directions have no mean.
        with np.errstate(invalid="ignore"):
            return pd.DataFrame(figures).mean(skipna=False).to_dict()

    @property
    def auc_interval(self) -> tuple[float, float]:
        """95 % confidence interval of the AUC: low and high, each the mean over the repeats.

        Repeats average out fold assignment, not the sampling of patients: the interval of many
        repeats is as wide as that of one.
        """
        ends = [
            interval_around(*mean_auc(table), int(table["mutant"].value_counts().min()))
            for table in self.repeats
        ]
        return tuple(np.mean(ends, axis=0).tolist())

    @property
    def intervals(self) -> pd.DataFrame:
        """95 % confidence intervals of the paper's five figures: low and high.

        That of the AUC is `auc_interval`; the others are Wilson's (`call_intervals`). Each end is
        the mean over the repeats.
        """
        auc = pd.DataFrame([self.auc_interval], index=["AUC"], columns=["low", "high"])
        counts = [call_intervals(table["mutant"], table["called"]) for table in self.repeats]
        return pd.concat([auc, sum(counts) / len(counts)])

    @property
    def fold_aucs(self) -> pd.Series:
        """The AUC in each fold of each repeat; NaN where a fold holds one class only."""
        return fold_aucs(self.predictions)

    def __repr__(self) -> str:
        return text_summary({"": self})

    def _repr_html_(self) -> str:
        return html_summary({"": self})
