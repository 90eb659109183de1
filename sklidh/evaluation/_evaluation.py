"""What is left of an evaluation: predictions of patients that no model saw, and their scores."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from sklidh.evaluation._delong import delong_variance
from sklidh.evaluation._intervals import call_intervals, interval_around
from sklidh.evaluation._metrics import classification_metrics
from sklidh.evaluation._summary import html_summary


@dataclass(frozen=True)
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
        mutation; the ``threshold`` of the fold, and who was ``called`` mutant by it.
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
        """The figures of `classification_metrics` over all predicted patients."""
        figures = [
            classification_metrics(
                table["mutant"], table["probability"], score=table["score"], called=table["called"]
            )
            for table in self.repeats
        ]
        return pd.DataFrame(figures).mean(skipna=False).to_dict()

    @property
    def auc_interval(self) -> tuple[float, float]:
        """95 % confidence interval of the AUC.

        Its variance is DeLong's, the mean over the repeats: more repeats wear off the luck of the
        folds, and not that of which patients there are.
        """
        estimates = [delong_variance(table["mutant"], table["score"]) for table in self.repeats]
        auc, variance = np.mean(estimates, axis=0)
        n_smaller = self.repeats[0]["mutant"].value_counts().min()
        return interval_around(auc, variance, int(n_smaller))

    @property
    def intervals(self) -> pd.DataFrame:
        """95 % confidence intervals of the paper's five figures: low and high.

        That of the AUC is `auc_interval`; the others come from 1000 bootstraps of the patients.
        """
        # The repeats of a cross-validation share their patients; those of `holdout` do not.
        mutant = pd.concat([table["mutant"] for table in self.repeats])
        mutant = mutant[~mutant.index.duplicated()]
        called = [table["called"].reindex(mutant.index) for table in self.repeats]
        predicted = np.column_stack([column.notna() for column in called])
        called = np.column_stack([column.eq(True) for column in called])
        auc = pd.DataFrame([self.auc_interval], index=["AUC"], columns=["low", "high"])
        return pd.concat([auc, call_intervals(mutant, called, predicted=predicted)])

    @property
    def fold_aucs(self) -> pd.Series:
        """The AUC in each fold of each repeat; NaN where a fold holds one class only."""
        return pd.Series(
            {
                key: roc_auc_score(fold["mutant"], fold["score"])
                if fold["mutant"].nunique() == 2
                else np.nan
                for key, fold in self.predictions.groupby(["repeat", "fold"], sort=False)
            }
        ).rename_axis(["repeat", "fold"])

    def _repr_html_(self) -> str:
        return html_summary({"": self})
