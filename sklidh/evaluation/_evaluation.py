"""The result of an evaluation: predictions of held-out patients, and their scores."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sklidh.evaluation._fold_auc import fold_aucs, mean_auc
from sklidh.evaluation._intervals import (
    call_intervals,
    interval_around,
    mean_interval,
    proportion_interval,
)
from sklidh.evaluation._metrics import classification_metrics
from sklidh.evaluation._summary import html_summary, text_summary
from sklidh.utils import IDH, Target


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Predictions of held-out patients, and their scores.

    With several repeats, every figure is the mean over the repeats. It is NaN if it is undefined in
    any repeat, so that a mean over fewer repeats is never reported as one over all.

    With more than two classes, each is evaluated against all others (`by_class`). Every figure is
    then the unweighted mean over the classes ("macro"), except for the accuracy, the fraction of
    patients whose class is predicted. With two classes only the positive class is evaluated, which
    is the same computation with one term.

    Parameters
    ----------
    predictions : DataFrame of shape (n_predictions, n_columns)
        Index: patients. Columns: ``repeat`` and ``fold`` of the split; ``n_trained``, its number of
        training patients; ``true`` (bool), whether the patient is mutant; ``score``, by which
        patients are ranked: the decision function if the model has one, else the probability;
        ``probability`` of a mutation; ``threshold`` of the fold, NaN if the model's own ``predict``
        decides; and ``called``, whether the patient is predicted mutant. With more than two
        classes ``true`` and ``called`` are codes, and there is a column ``probability <class>``
        per class instead of score and probability.
    estimators : tuple of estimators, default=()
        The fitted model of each fold, if they were kept.
    target : Target, default=IDH
        The classes and their words; the IDH status by default.
    """

    predictions: pd.DataFrame
    estimators: tuple = ()
    target: Target = IDH

    @cached_property
    def by_class(self) -> dict[str, "Evaluation"]:
        """Each class against the rest, by its word; of two classes, this evaluation itself."""
        if self.target.is_binary:
            return {self.target.classes[1]: self}
        parts = {}
        for word, code in self.target.evaluated.items():
            table = self.predictions[["repeat", "fold", "n_trained"]].copy()
            table["true"] = self.predictions["true"] == code
            table["score"] = table["probability"] = self.predictions[f"probability {word}"]
            table["threshold"] = np.nan
            table["called"] = self.predictions["called"] == code
            parts[word] = Evaluation(table, self.estimators, self.target.against_rest(code))
        return parts

    @property
    def _tables(self) -> list[tuple[pd.DataFrame, ...]]:
        """One table per evaluated class, for each repeat."""
        return list(zip(*(each.repeats for each in self.by_class.values()), strict=True))

    @property
    def repeats(self) -> list[pd.DataFrame]:
        """The predictions of each repeat; no patient appears twice in a repeat."""
        return [table for _, table in self.predictions.groupby("repeat", sort=False)]

    @property
    def metrics(self) -> dict[str, float]:
        """The figures of `classification_metrics`; the AUC is the mean over the folds.

        With more than two classes calibration is reported per class only (`by_class`).
        """
        figures = []
        for repeat, tables in zip(self.repeats, self._tables, strict=True):
            each = pd.DataFrame(map(_figures, tables)).mean(skipna=False)
            right = float((repeat["true"] == repeat["called"]).mean())
            figures.append(each.to_dict() | {"AUC": mean_auc(tables)[0], "Accuracy": right})
        # Slopes of plus and minus infinity have no mean.
        with np.errstate(invalid="ignore"):
            means = pd.DataFrame(figures).mean(skipna=False)
        if not self.target.is_binary:
            means = means.drop(["Calibration slope", "Calibration intercept"])
        return means.to_dict()

    @property
    def auc_interval(self) -> tuple[float, float]:
        """95 % confidence interval of the AUC: low and high, each the mean over the repeats.

        Repeats average out fold assignment, not the sampling of patients: more repeats do not make
        the interval narrower.
        """
        ends = [
            interval_around(*mean_auc(tables), int(repeat["true"].value_counts().min()))
            for repeat, tables in zip(self.repeats, self._tables, strict=True)
        ]
        return tuple(np.mean(ends, axis=0).tolist())

    @property
    def intervals(self) -> pd.DataFrame:
        """95 % confidence intervals of the paper's five figures and the specificity: low and high.

        The interval of the AUC is `auc_interval`; the others are Wilson's (`call_intervals`), those
        of means over the classes combined by `mean_interval`. Each end is the mean over the
        repeats.
        """
        rows = []
        for repeat, tables in zip(self.repeats, self._tables, strict=True):
            figures = pd.DataFrame(map(_figures, tables))
            ends = [call_intervals(table["true"], table["called"]) for table in tables]
            right = (repeat["true"] == repeat["called"]).to_numpy()
            row = {"Accuracy": proportion_interval(int(right.sum()), len(right))}
            for name in ends[0].index[1:]:
                related = _f1_correlation(tables) if name == "F1" else None
                row[name] = mean_interval(figures[name], [each.loc[name] for each in ends], related)
            rows.append(pd.DataFrame(row, index=["low", "high"]).T)
        auc = pd.DataFrame([self.auc_interval], index=["AUC"], columns=["low", "high"])
        return pd.concat([auc, sum(rows) / len(rows)])

    @property
    def fold_aucs(self) -> pd.Series:
        """The AUC in each fold of each repeat; NaN if a fold lacks a class."""
        each = [fold_aucs(part.predictions) for part in self.by_class.values()]
        return each[0] if len(each) == 1 else sum(each) / len(each)

    def __repr__(self) -> str:
        return text_summary({"": self})

    def _repr_html_(self) -> str:
        return html_summary({"": self})


def _f1_correlation(tables) -> np.ndarray:
    """Correlate the errors of the classes' F1, to which a patient of one called another adds twice.

    Precisions and recalls of different classes have no patient in common.
    """
    influences = []
    for table in tables:
        right = (table["true"] & table["called"]).to_numpy(float)
        either = (table["true"] | table["called"]).to_numpy(float)
        influences.append(right - either * right.sum() / either.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.nan_to_num(np.atleast_2d(np.corrcoef(influences)))
    np.fill_diagonal(correlation, 1)
    return correlation


def _figures(table: pd.DataFrame) -> dict[str, float]:
    return classification_metrics(
        table["true"], table["probability"], score=table["score"], called=table["called"]
    )
