"""Compare models on the same patients and the same splits, as in the paper's Table I."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklidh.evaluation._evaluation import Evaluation
from sklidh.evaluation._fold_auc import auc_and_influence, tested_per_trained
from sklidh.evaluation._metrics import PAPER_METRICS
from sklidh.evaluation._summary import html_summary, text_summary
from sklidh.evaluation._tests import (
    PairedTest,
    corrected_resampled_ttest,
    holm,
    sign_test,
    z_test,
)
from sklidh.utils import Target


@dataclass(frozen=True, repr=False)
class Comparison:
    """Evaluations of several models on the same patients.

    Parameters
    ----------
    evaluations : dict of str to Evaluation
        One evaluation per model, in the order of the table's rows.
    """

    evaluations: Mapping[str, Evaluation]

    def __post_init__(self):
        tables = [evaluation.predictions for evaluation in self.evaluations.values()]
        if not tables:
            raise ValueError("no models to compare; give at least one evaluation")
        if len({evaluation.target for evaluation in self.evaluations.values()}) > 1:
            raise ValueError("the models were evaluated on different targets")
        first = tables[0][["repeat", "fold"]]
        if not all(table[["repeat", "fold"]].equals(first) for table in tables):
            raise ValueError(
                "the models were evaluated on different patients; fix random_state, so that every "
                "model is tested on the same patients in the same folds"
            )

    @property
    def table(self) -> pd.DataFrame:
        """One row per model: AUC, its 95 % interval, Accuracy, Precision, Recall and F1."""
        measures = self.measures[list(PAPER_METRICS)]
        intervals = [evaluation.auc_interval for evaluation in self.evaluations.values()]
        for place, name in enumerate(("AUC low", "AUC high")):
            measures.insert(place + 1, name, [interval[place] for interval in intervals])
        return measures

    @property
    def measures(self) -> pd.DataFrame:
        """One row per model, one column per figure of `classification_metrics`."""
        rows = {name: evaluation.metrics for name, evaluation in self.evaluations.items()}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")

    @property
    def predictions(self) -> pd.DataFrame:
        """One row per prediction: repeat, fold, true class, and the probability from each model.

        With more than two classes a column "model: class" for each class, and true is its code.
        """
        return self._side_by_side("probability")

    @property
    def scores(self) -> pd.DataFrame:
        """Like `predictions`, with the scores by which each model ranks the patients."""
        return self._side_by_side("score")

    def _side_by_side(self, column) -> pd.DataFrame:
        first = next(iter(self.evaluations.values())).predictions
        columns = {name: part.predictions[column] for name, part in self.by_class.items()}
        return pd.concat([first[["repeat", "fold", "true"]], pd.DataFrame(columns)], axis=1)

    @property
    def target(self) -> Target:
        """What the models predict."""
        return next(iter(self.evaluations.values())).target

    @property
    def by_class(self) -> dict[str, Evaluation]:
        """The evaluations of each class against the rest: "model: class"; of two, the models'."""
        if self.target.is_binary:
            return dict(self.evaluations)
        return {
            f"{name}: {word}": part
            for name, evaluation in self.evaluations.items()
            for word, part in evaluation.by_class.items()
        }

    def tests(self, reference: str | None = None, *, beside=()) -> pd.DataFrame:
        """Test every model against a reference model.

        On a single split the AUCs are compared with DeLong's test, and the predicted classes with
        McNemar's. On several splits, whose training sets overlap, these tests would reject two to
        three times too often; the AUCs of the splits are then compared with the corrected resampled
        t test.

        Parameters
        ----------
        reference : str, default=None
            The model that the others are compared with; None means the last one, which is the
            proposed model in the paper's Table I.
        beside : sequence of str, default=()
            Baselines that are not candidates, such as class frequencies. They are tested, but not
            counted in the correction of the p-values.

        Returns
        -------
        DataFrame of shape (n_models - 1, n_columns)
            The model's AUC minus the reference's, with its 95 % interval (``difference``, ``low``,
            ``high``); the name of the ``test`` and its p-value ``p``, NaN if it is not defined; ``p
            Holm``, corrected for the number of models compared, NaN for the models in `beside`. On
            a single split also ``McNemar`` and ``McNemar Holm``.

        Raises
        ------
        ValueError
            `reference` is not one of the models.
        """
        reference = list(self.evaluations)[-1] if reference is None else reference
        if reference not in self.evaluations:
            raise ValueError(
                f"reference={reference!r} is not among the models {list(self.evaluations)}"
            )
        base = self.evaluations[reference]
        rows = {
            name: _paired(evaluation, base)
            for name, evaluation in self.evaluations.items()
            if name != reference
        }
        columns = ["difference", "low", "high", "test", "p"]
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
        table = table if len(table) else table.reindex(columns=columns)
        for name in table.columns.intersection(["p", "McNemar"]):
            place = table.columns.get_loc(name) + 1
            candidates = table[name].where(~table.index.isin(list(beside))).astype(float)
            table.insert(place, f"{name} Holm", holm(candidates))
        return table

    def __repr__(self) -> str:
        return text_summary(self.evaluations)

    def _repr_html_(self) -> str:
        return html_summary(self.evaluations)


def _paired(first: Evaluation, second: Evaluation) -> dict:
    splits = first.predictions.groupby(["repeat", "fold"], sort=False)
    if splits.ngroups > 1:
        by_split = (first.fold_aucs - second.fold_aucs).dropna()
        found = PairedTest(by_split.mean(), np.nan, np.nan)
        if len(by_split) >= 2:
            found = corrected_resampled_ttest(
                by_split, test_ratio=tested_per_trained(first.predictions)
            )
        return _row(found, "resampled t")
    both = [
        [auc_and_influence(part.predictions) for part in each.by_class.values()]
        for each in (first, second)
    ]
    difference, influence = (
        np.mean([one[kind] for one in both[0]], axis=0)
        - np.mean([other[kind] for other in both[1]], axis=0)
        for kind in (0, 1)
    )
    found = z_test(float(difference), float(np.sum(influence**2)))
    right = [each.predictions["called"] == each.predictions["true"] for each in (first, second)]
    return _row(found, "DeLong") | {"McNemar": sign_test(*right).pvalue}


def _row(found: PairedTest, name: str) -> dict:
    ends = {"low": found.low, "high": found.high}
    return {"difference": found.difference, **ends, "test": name, "p": found.pvalue}


def compare(
    models: Mapping, X, y, evaluate: Callable, *, on_model: Callable | None = None
) -> Comparison:
    """Evaluate every model in the same way.

    Parameters
    ----------
    models : dict of str to classifier
    X : DataFrame of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
    evaluate : callable
        ``evaluate(model, X, y)`` returns an Evaluation: `holdout` or `cross_validate`, with their
        settings in a ``functools.partial``. Its seed gives every model the same folds.
    on_model : callable, default=None
        Function called with the name of each model before it is evaluated, to report progress.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        There are no models, or `evaluate` did not use the same test patients for every model.

    Examples
    --------
    >>> from functools import partial
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklidh.evaluation import compare, holdout
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> models = {"majority": DummyClassifier(), "naive Bayes": GaussianNB()}
    >>> compare(models, X, y, partial(holdout, random_state=0)).table["AUC"].round(2).to_dict()
    {'majority': 0.5, 'naive Bayes': 0.98}
    """
    evaluations = {}
    for name, model in models.items():
        if on_model is not None:
            on_model(name)
        evaluations[name] = evaluate(model, X, y)
    return Comparison(evaluations)
