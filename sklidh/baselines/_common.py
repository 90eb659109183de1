"""What a reader asks for beside the paper's rows: common classifiers, and no features at all."""

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
    """Put a classifier behind the paper's features and selection, all modalities side by side.

    Parameters
    ----------
    classifier : classifier
        NaN is replaced by the training mean before it.
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
        Of the absolute or the squared coefficients.
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
    """Build the model that knows the class frequencies and nothing else.

    Returns
    -------
    DummyClassifier
    """
    return DummyClassifier(strategy="prior")


def age(column="age") -> Pipeline:
    """Build a logistic regression on the patients' age alone.

    Mutants are younger: a model on images that is no better has found little more than age.

    Parameters
    ----------
    column : str, default="age"
        Years; an empty cell is given the training mean.

    Returns
    -------
    Pipeline
        It takes the table of cases or of features; either must have the column.
    """
    number = ColumnTransformer([("age", SimpleImputer(), [column])])
    return make_pipeline(number, StandardScaler(), LogisticRegression())
