"""What all plots of predicted patients share: three ways to hand the predictions over."""

from collections.abc import Mapping

from sklidh.evaluation import Comparison
from sklidh.plotting._shown import ShownMixin
from sklidh.utils import mutant_index


class PredictionsMixin(ShownMixin):
    """Build a Display from predictions, from fitted models, or from a comparison."""

    # Whether it draws ranks, to which a decision function gives more than a probability does.
    _ranks = False
    # Whether it draws intervals, for which a patient of several repeats is one patient.
    _counts = False

    @classmethod
    def from_estimator(cls, estimators, X, y, *, ax=None):
        """Draw one fitted model or several, on patients whom none was trained on.

        Parameters
        ----------
        estimators : fitted classifier, or dict of str to fitted classifier
        X : DataFrame of shape (n_patients, n_columns)
        y : array-like of shape (n_patients,)
            The IDH status, as `sklidh.datasets.binary_target` takes it.
        ax : matplotlib Axes, default=None

        Returns
        -------
        Display
        """
        if not isinstance(estimators, Mapping):
            estimators = {type(estimators).__name__: estimators}
        predicted = {}
        for name, model in estimators.items():
            mutant = mutant_index(model.classes_)
            decide = getattr(model, "decision_function", None) if cls._ranks else None
            if decide is None:
                predicted[name] = model.predict_proba(X)[:, mutant]
            else:
                predicted[name] = decide(X) if mutant == 1 else -decide(X)
        return cls.from_predictions(y, predicted, ax=ax)

    @classmethod
    def from_comparison(cls, comparison: Comparison, *, ax=None):
        """Draw all models of a comparison.

        Parameters
        ----------
        comparison : Comparison
            With repeats, the predictions of all of them are drawn together.
        ax : matplotlib Axes, default=None

        Returns
        -------
        Display
        """
        table = comparison.scores if cls._ranks else comparison.predictions
        predicted = dict(table.drop(columns=["repeat", "fold", "mutant"]).items())
        options = {"n_repeats": table["repeat"].nunique()} if cls._counts else {}
        return cls.from_predictions(table["mutant"], predicted, ax=ax, **options)
