"""Find the fitted estimators inside an estimator."""

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

WORDS = "drop", "passthrough"
"""Words that scikit-learn accepts instead of an estimator."""


def without_networks(estimator) -> ValueError:
    """Return the error for an estimator that contains no self-attention network."""
    return ValueError(
        f"{type(estimator).__name__} has no self-attention network; give a fitted SANetFeaturizer, "
        "SANetClassifier, or a pipeline that contains one"
    )


def parts_of(estimator):
    """Return the fitted estimators one level down.

    Parameters
    ----------
    estimator : fitted estimator
        Pipelines, column transformers, unions and searches contain others.

    Returns
    -------
    list of (estimator, columns)
        The columns that the estimator uses; None means all.
    """
    if isinstance(estimator, ColumnTransformer):
        parts = [(part, columns) for _, part, columns in estimator.transformers_]
    elif isinstance(estimator, FeatureUnion):
        parts = [(part, None) for _, part in estimator.transformer_list]
    elif isinstance(estimator, Pipeline):
        parts = [(part, None) for _, part in estimator.steps]
    else:
        inner = (getattr(estimator, name, None) for name in ("best_estimator_", "estimator_"))
        parts = [(part, None) for part in inner]
    return [(part, columns) for part, columns in parts if part is not None and part not in WORDS]
