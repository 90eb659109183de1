"""All systems of the paper's tables: how to build and how to tune each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sklearn.base import BaseEstimator
from sklearn.model_selection import StratifiedKFold

from sklidh.baselines import _common as common
from sklidh.baselines._ablation import (
    cnn,
    constraint_fusion,
    radiomics_only,
    recommended,
    regression_fusion,
)
from sklidh.baselines._modalities import average_fusion, input_method, single_modality
from sklidh.baselines._paper import (
    MODEL_1,
    MODEL_2,
    MODEL_3,
    MODEL_4,
    MODEL_4_RADIOMICS,
    RECOMMENDED,
    ZHANG_2021,
    ZHANG_2022,
)
from sklidh.baselines._published import zhang_2021, zhang_2022
from sklidh.pipeline import MODALITIES, paper_pipeline

STRENGTHS = {f"fusion__{name}": [0.3, 0.5, 0.7, 0.9] for name in ("alpha", "beta", "gamma")}
"""Grid of the three constraints' strengths; it includes the paper's choice, 0.7."""

INNER_FOLDS = 3
"""Number of inner folds in which a nested evaluation tunes."""

YARDSTICKS = ("Age alone", "Class frequencies")
"""Baselines without images; they are not counted in the correction of p-values."""

INVERSE_PENALTIES = {"fusion__classify__C": [0.01, 0.1, 1.0, 10.0]}


@dataclass(frozen=True)
class System:
    """One model of the comparison.

    Parameters
    ----------
    make : callable
        Function without arguments that returns the estimator; raises ValueError if the cohort does
        not allow it.
    grid : dict, default={}
        Parameter grid for the inner folds of a nested evaluation, as in GridSearchCV.
    modalities : tuple of str, default=("T1", "T1CE", "T2", "FLAIR")
        Modalities that the system reads.
    alias : str, default=""
        Name on the command line.
    """

    make: Callable[[], BaseEstimator]
    grid: Mapping = field(default_factory=dict)
    modalities: tuple[str, ...] = MODALITIES
    alias: str = ""

    def tuned(self, *, random_state=0) -> BaseEstimator:
        """Return the estimator, wrapped in a grid search if the system has a grid.

        Parameters
        ----------
        random_state : int or None, default=0
            Seed of the search's folds.

        Returns
        -------
        classifier
        """
        model = self.make()
        return tuned(model, self.grid, random_state=random_state) if self.grid else model


def tuned(model, grid: Mapping, *, random_state=0) -> BaseEstimator:
    """Wrap a model in the grid search that all commands use.

    Parameters
    ----------
    model : classifier
    grid : dict
        As in GridSearchCV.
    random_state : int or None, default=0
        Seed of the three stratified inner folds.

    Returns
    -------
    BatchedGridSearchCV
        Search by AUC; a candidate that fails raises its error.
    """
    # Imported on use: it loads torch.
    from sklidh.fusion import BatchedGridSearchCV

    folds = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=random_state)
    return BatchedGridSearchCV(model, grid, cv=folds, scoring="roc_auc", error_score="raise")


def paper_systems(
    build: Callable = paper_pipeline,
    *,
    deep="preset",
    features_only=False,
    random_state=None,
) -> dict[str, System]:
    """Return all systems by title: the paper's rows and the "others" of `PAPER_TABLES`.

    Tables, plots, tests, the audit and files use this title; ``--model`` uses the alias.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        Returns the paper's pipeline for your cohort, as in `cnn`.
    deep : "preset" or SANetFeaturizer, default="preset"
        The networks.
    features_only : bool, default=False
        Whether the systems take feature columns ``MOD__name`` instead of images. Systems that need
        images then raise a ValueError when they are built.
    random_state : int or None, default=None
        Seed of everything that `build` and `deep` do not seed.

    Returns
    -------
    dict of str to System

    Examples
    --------
    >>> from sklidh.baselines import paper_systems
    >>> systems = paper_systems(features_only=True)
    >>> systems["Model 3 (late fusion)"].make()
    Pipeline(...)
    """
    both = {"deep": deep, "features_only": features_only}
    seeded = {**both, "random_state": random_state}

    own = None if deep == "preset" else deep

    def on_images(make):
        if features_only:
            raise ValueError("needs images; it cannot be trained on a table of features")
        return make()

    single = {
        modality: System(
            lambda modality=modality: single_modality(modality, build, **seeded),
            {"fusion__mlpclassifier__alpha": [0.01, 0.1, 1.0, 10.0]},
            (modality,),
        )
        for modality in MODALITIES
    }
    return {
        MODEL_1: System(lambda: on_images(lambda: cnn(build, deep=own)), alias="model-1"),
        MODEL_2: System(
            lambda: radiomics_only(build, features_only=features_only, random_state=random_state),
            alias="model-2",
        ),
        MODEL_3: System(lambda: regression_fusion(build, **seeded), alias="model-3"),
        MODEL_4: System(lambda: constraint_fusion(build, **both), STRENGTHS, alias="model-4"),
        MODEL_4_RADIOMICS: System(
            lambda: constraint_fusion(build, deep=None, features_only=features_only),
            STRENGTHS,
            alias="model-4-radiomics",
        ),
        RECOMMENDED: System(
            lambda: recommended(build, features_only=features_only), alias="recommended"
        ),
        **single,
        "Average": System(lambda: average_fusion(build, **seeded)),
        "Method 1": System(lambda: input_method(1, build, **both), STRENGTHS, ("T1CE", "FLAIR")),
        "Method 2": System(lambda: input_method(2, build, **both), STRENGTHS),
        ZHANG_2021: System(lambda: on_images(lambda: zhang_2021(build, deep=own))),
        ZHANG_2022: System(lambda: on_images(lambda: zhang_2022(build, deep=own))),
        "Logistic regression, L1": System(
            lambda: common.logistic_regression("l1", build, **seeded), INVERSE_PENALTIES
        ),
        "Logistic regression, L2": System(
            lambda: common.logistic_regression("l2", build, **seeded), INVERSE_PENALTIES
        ),
        "Gradient boosting": System(
            lambda: common.gradient_boosting(build, **seeded),
            {
                "fusion__classify__learning_rate": [0.03, 0.1],
                "fusion__classify__max_leaf_nodes": [4, 15],
            },
        ),
        "Random forest": System(
            lambda: common.random_forest(build, **seeded),
            {"fusion__classify__min_samples_leaf": [1, 5]},
        ),
        "Age alone": System(common.age, modalities=()),
        "Class frequencies": System(common.majority, modalities=()),
    }
