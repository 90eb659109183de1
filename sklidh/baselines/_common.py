"""Baselines that the paper does not include: common classifiers, age, and class frequencies."""

from collections.abc import Callable

from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.baselines._feature_table import from_features
from sklidh.pipeline import paper_pipeline


def on_selected_columns(
    classifier, build: Callable = paper_pipeline, *, deep="preset", features_only=False
) -> Pipeline:
    """Build a classifier on the paper's selected features of all modalities.

    Parameters
    ----------
    classifier : classifier
        It receives the features with NaN replaced by the training mean.
    build : callable, default=paper_pipeline
        As in `cnn`.
    deep : "preset", SANetFeaturizer or None, default="preset"
        As in `make_idh_pipeline`.
    features_only : bool, default=False
        As in `regression_fusion`.

    Returns
    -------
    Pipeline
        Steps ``register``, ``intra`` and ``fusion``; the last two with `features_only`. The last
        has the steps ``impute`` and ``classify``.
    """
    steps = [("impute", SimpleImputer()), ("classify", classifier)]
    pipeline = build(deep=deep, classifier=Pipeline(steps))
    return from_features(pipeline) if features_only else pipeline


def logistic_regression(
    penalty="l2", build: Callable = paper_pipeline, *, random_state=None, **options
) -> Pipeline:
    """Build a logistic regression on all selected columns.

    Parameters
    ----------
    penalty : {"l1", "l2"}, default="l2"
        Penalty on the absolute (l1) or the squared (l2) coefficients.
    build : callable, default=paper_pipeline
        As in `cnn`.
    random_state : int or None, default=None
        Seed of the solver.
    **options : object
        `deep` and `features_only`, as in `on_selected_columns`.

    Returns
    -------
    Pipeline
    """
    model = LogisticRegression(
        l1_ratio={"l1": 1.0, "l2": 0.0}[penalty],
        solver="liblinear",
        max_iter=1000,
        random_state=random_state,
    )
    return on_selected_columns(model, build, **options)


def gradient_boosting(
    build: Callable = paper_pipeline, *, random_state=None, **options
) -> Pipeline:
    """Build gradient-boosted trees on all selected columns.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`.
    random_state : int or None, default=None
        Seed of the trees.
    **options : object
        `deep` and `features_only`, as in `on_selected_columns`.

    Returns
    -------
    Pipeline
    """
    model = HistGradientBoostingClassifier(min_samples_leaf=5, random_state=random_state)
    return on_selected_columns(model, build, **options)


def random_forest(build: Callable = paper_pipeline, *, random_state=None, **options) -> Pipeline:
    """Build a random forest on all selected columns.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`.
    random_state : int or None, default=None
        Seed of the trees.
    **options : object
        `deep` and `features_only`, as in `on_selected_columns`.

    Returns
    -------
    Pipeline
    """
    return on_selected_columns(RandomForestClassifier(random_state=random_state), build, **options)


def majority() -> DummyClassifier:
    """Build a model that predicts the class frequencies.

    Returns
    -------
    DummyClassifier
    """
    return DummyClassifier(strategy="prior")


def age(column="age") -> Pipeline:
    """Build a logistic regression on the patients' age.

    Patients with a mutant tumour are younger on average. An image model that is not better than
    this baseline adds little beyond age.

    Parameters
    ----------
    column : str, default="age"
        Column of ages in years; empty cells are replaced by the training mean.

    Returns
    -------
    Pipeline
        Accepts a table of cases or of features that has the column.
    """
    number = ColumnTransformer([("age", SimpleImputer(), [column])])
    return make_pipeline(number, StandardScaler(), LogisticRegression())
