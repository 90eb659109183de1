"""Compare models on the same patients, split the same way: the paper's Table I, or any other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from sklidh.evaluation._delong import delong_difference
from sklidh.evaluation._evaluation import Evaluation
from sklidh.evaluation._metrics import PAPER_METRICS
from sklidh.evaluation._summary import html_summary
from sklidh.evaluation._tests import (
    corrected_resampled_ttest,
    holm,
    mcnemar_test,
    z_test,
)


@dataclass(frozen=True)
class Comparison:
    """Evaluations of several models on the same patients.

    Parameters
    ----------
    evaluations : dict of str to Evaluation
        One a model, in the order of the table's rows.
    """

    evaluations: Mapping[str, Evaluation]

    def __post_init__(self):
        tables = [evaluation.predictions for evaluation in self.evaluations.values()]
        if not tables:
            raise ValueError("there are no models to compare")
        first = tables[0][["repeat", "fold"]]
        if not all(table[["repeat", "fold"]].equals(first) for table in tables):
            raise ValueError("the models were evaluated on different patients; fix random_state")

    @property
    def table(self) -> pd.DataFrame:
        """One row a model: AUC, its 95 % interval, Accuracy, Precision, Recall and F1."""
        measures = self.measures[list(PAPER_METRICS)]
        intervals = [evaluation.auc_interval for evaluation in self.evaluations.values()]
        for place, name in enumerate(("AUC low", "AUC high")):
            measures.insert(place + 1, name, [interval[place] for interval in intervals])
        return measures

    @property
    def measures(self) -> pd.DataFrame:
        """One row a model, one column each figure of `classification_metrics`."""
        rows = {name: evaluation.metrics for name, evaluation in self.evaluations.items()}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")

    @property
    def predictions(self) -> pd.DataFrame:
        """One row a prediction: repeat, fold, mutant, and a column of probabilities a model."""
        return self._side_by_side("probability")

    @property
    def scores(self) -> pd.DataFrame:
        """The same with the scores by which each model ranks the patients."""
        return self._side_by_side("score")

    def _side_by_side(self, column) -> pd.DataFrame:
        first = next(iter(self.evaluations.values())).predictions
        columns = {name: e.predictions[column] for name, e in self.evaluations.items()}
        return pd.concat([first[["repeat", "fold", "mutant"]], pd.DataFrame(columns)], axis=1)

    def tests(self, reference: str | None = None) -> pd.DataFrame:
        """Test every model against one of them.

        Parameters
        ----------
        reference : str, default=None
            The model that the others are compared with; None takes the last, the paper's proposal
            in its Table I.

        Returns
        -------
        DataFrame of shape (n_models - 1, 9)
            The other model's AUC less the reference's, with its 95 % interval (``difference``,
            ``low``, ``high``); p-values of ``DeLong``'s test, of the ``resampled t`` test over the
            folds' AUCs (NaN where there are not two folds with both classes) and of ``McNemar``'s
            on the calls of the first repeat; and each corrected for the number of models compared
            (``... Holm``). With repeats, DeLong's difference and variance are the means over them.

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
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
        for name in ("DeLong", "resampled t", "McNemar"):
            table[f"{name} Holm"] = holm(table[name]) if len(table) else []
        return table

    def _repr_html_(self) -> str:
        return html_summary(self.evaluations)


def _paired(first: Evaluation, second: Evaluation) -> dict[str, float]:
    pairs = list(zip(first.repeats, second.repeats, strict=True))
    estimates = [delong_difference(a["mutant"], a["score"], b["score"]) for a, b in pairs]
    difference, variance = np.mean(estimates, axis=0)
    half = norm.ppf(0.975) * np.sqrt(variance)
    one, other = pairs[0]
    row = {
        "difference": difference,
        "low": difference - half,
        "high": difference + half,
        "DeLong": z_test(difference, variance).pvalue,
        "resampled t": np.nan,
        "McNemar": mcnemar_test(one["mutant"], one["called"], other["called"]).pvalue,
    }
    by_fold = (first.fold_aucs - second.fold_aucs).dropna()
    if len(by_fold) >= 2:
        folds = first.predictions.groupby(["repeat", "fold"])["n_trained"]
        ratio = (folds.size() / folds.first()).mean()
        row["resampled t"] = corrected_resampled_ttest(by_fold, test_ratio=ratio).pvalue
    return row


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
        settings in a ``functools.partial``. Its seed makes every model meet the same folds.
    on_model : callable, default=None
        Called with a model's name before it is evaluated, to report progress.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        There are no models, or `evaluate` left out other patients for one model than another.

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
