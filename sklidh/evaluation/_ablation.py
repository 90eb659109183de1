"""Compare models on the same patients, split the same way: the paper's Table I, or any other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from sklidh.evaluation._cross_validation import Evaluation


@dataclass(frozen=True)
class Comparison:
    """Evaluations of several models on the same patients.

    Parameters
    ----------
    evaluations : dict of str to Evaluation
        One a model, in the order of the table's rows.
    """

    evaluations: Mapping[str, Evaluation]

    @property
    def table(self) -> pd.DataFrame:
        """One row a model: AUC, its 95 % interval, Accuracy, Precision, Recall and F1."""
        rows = {}
        for name, evaluation in self.evaluations.items():
            metrics = evaluation.metrics
            low, high = evaluation.auc_interval
            rows[name] = {"AUC": metrics.pop("AUC"), "AUC low": low, "AUC high": high, **metrics}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")

    @property
    def predictions(self) -> pd.DataFrame:
        """One row a predicted patient: fold, mutant, and a column of probabilities a model."""
        first = next(iter(self.evaluations.values())).predictions
        columns = {
            name: evaluation.predictions["probability"]
            for name, evaluation in self.evaluations.items()
        }
        return pd.concat([first[["fold", "mutant"]], pd.DataFrame(columns)], axis=1)


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
    if not models:
        raise ValueError("there are no models to compare")
    evaluations = {}
    for name, model in models.items():
        if on_model is not None:
            on_model(name)
        evaluations[name] = evaluate(model, X, y)
    patients = [evaluation.predictions.index for evaluation in evaluations.values()]
    if not all(index.equals(patients[0]) for index in patients):
        raise ValueError("the models were evaluated on different patients; fix random_state")
    return Comparison(evaluations)
