"""The registry of models, with the names, builder, grid and printed figures of each."""

from collections.abc import Callable
from dataclasses import replace

from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

from sklidh.baselines import _models as models
from sklidh.baselines._published import zhang_2021, zhang_2022
from sklidh.baselines._system import Setting, System
from sklidh.pipeline import paper_pipeline

MODEL_1, MODEL_2 = "Model 1 (SA-Net)", "Model 2 (radiomics)"
MODEL_3, MODEL_4 = "Model 3 (late fusion)", "Model 4 (proposed)"
RECOMMENDED = "Recommended"
ZHANG_2021, ZHANG_2022 = "Zhang et al. 2021 [8]", "Zhang et al. 2022 [10]"
YARDSTICKS = ("Age alone", "Class frequencies")
"""Baselines without images; they are not counted in the correction of p-values."""

STRENGTHS = {f"fusion__{name}": [0.3, 0.5, 0.7, 0.9] for name in ("alpha", "beta", "gamma")}
"""Grid of the three constraints' strengths; it includes the paper's choice, 0.7."""
PENALTIES = {"fusion__mlpclassifier__alpha": [0.01, 0.1, 1.0, 10.0]}
INVERSE_PENALTIES = {"fusion__classify__estimator__C": [0.01, 0.1, 1.0, 10.0]}
BOOSTING = {
    "fusion__classify__learning_rate": [0.03, 0.1],
    "fusion__classify__max_leaf_nodes": [4, 15],
}
FOREST = {"fusion__classify__min_samples_leaf": [1, 5]}

PARTS = ("CNN", "Radiomics", "Constraints fusion")
"""The ticked columns of Table I."""

MEAN_OF_NETWORKS = "mean probability of one network per sequence; the paper does not state how"
MLP_OF_8 = "multilayer perceptron with 8 hidden units; the paper does not state its size"
REBUILT = "reconstructed from the publication, not the authors' code"


def _single(modality, printed) -> System:
    return System(
        modality,
        lambda s: models.single_modality(modality, s.build, **s.seeded),
        grid=PENALTIES,
        modalities=(modality,),
        printed=printed,
        what=MLP_OF_8,
    )


def _on_columns(title, classifier, grid, **parameters) -> System:
    def builder(s):
        model = classifier(random_state=s.random_state, **parameters)
        return models.on_selected_columns(model, s.build, **s.options)

    return System(title, builder, grid=grid)


def _logistic(title, l1_ratio) -> System:
    parameters = {"l1_ratio": l1_ratio, "solver": "liblinear", "max_iter": 1000}

    def one_per_class(**seed):
        # liblinear takes two classes; of two, there is one regression.
        return OneVsRestClassifier(LogisticRegression(**seed, **parameters))

    return _on_columns(title, one_per_class, INVERSE_PENALTIES)


SYSTEMS = (
    System(
        MODEL_1,
        lambda s: models.cnn(s.build, deep=s.networks),
        "model-1",
        printed=(0.77, 0.70, 0.69, 0.70, 0.69),
        parts=PARTS[:1],
        what=MEAN_OF_NETWORKS,
    ),
    System(
        MODEL_2,
        lambda s: models.late_fusion(s.build, **{**s.seeded, "deep": None}),
        "model-2",
        printed=(0.77, 0.71, 0.74, 0.62, 0.67),
        parts=PARTS[1:2],
    ),
    System(
        MODEL_3,
        lambda s: models.late_fusion(s.build, **s.seeded),
        "model-3",
        printed=(0.82, 0.77, 0.77, 0.77, 0.77),
        parts=PARTS[:2],
    ),
    System(
        MODEL_4,
        lambda s: models.constraint_fusion(s.build, **s.options),
        "model-4",
        STRENGTHS,
        printed=(0.81, 0.79, 0.80, 0.75, 0.77),
        parts=PARTS,
    ),
    System(
        "Model 4 on radiomics alone",
        lambda s: models.constraint_fusion(s.build, **{**s.options, "deep": None}),
        "model-4-radiomics",
        STRENGTHS,
    ),
    System(
        RECOMMENDED,
        lambda s: models.recommended(s.build, features_only=s.features_only),
        "recommended",
    ),
    _single("T1", (0.53, 0.54, 0.53, 0.58, 0.57)),
    _single("T1CE", (0.76, 0.74, 0.73, 0.73, 0.73)),
    _single("T2", (0.56, 0.50, 0.49, 0.42, 0.45)),
    _single("FLAIR", (0.68, 0.66, 0.66, 0.63, 0.64)),
    System(
        "Average",
        lambda s: models.late_fusion(s.build, method="average", **s.seeded),
        printed=(0.79, 0.74, 0.71, 0.78, 0.75),
    ),
    System(
        "Method 1",
        lambda s: models.constraint_fusion(s.build, method=1, **s.options),
        grid=STRENGTHS,
        modalities=("T1CE", "FLAIR"),
        printed=(0.79, 0.71, 0.65, 0.87, 0.74),
    ),
    System(
        "Method 2",
        lambda s: models.constraint_fusion(s.build, method=2, **s.options),
        grid=STRENGTHS,
        printed=(0.77, 0.76, 0.78, 0.70, 0.74),
    ),
    System(
        ZHANG_2021,
        lambda s: zhang_2021(s.build, deep=s.networks),
        printed=(0.77, 0.72, 0.72, 0.70, 0.71),
        what=REBUILT,
    ),
    System(
        ZHANG_2022,
        lambda s: zhang_2022(s.build, deep=s.networks),
        printed=(0.78, 0.76, 0.72, 0.83, 0.77),
        what=REBUILT,
    ),
    _logistic("Logistic regression, L1", 1.0),
    _logistic("Logistic regression, L2", 0.0),
    _on_columns("Gradient boosting", HistGradientBoostingClassifier, BOOSTING, min_samples_leaf=5),
    _on_columns("Random forest", RandomForestClassifier, FOREST),
    System("Age alone", lambda _: models.one_number("age"), modalities=()),
    System("Class frequencies", lambda _: models.majority(), modalities=()),
)


def paper_systems(
    build: Callable = paper_pipeline, *, deep="preset", features_only=False, random_state=None
) -> dict[str, System]:
    """Return all systems by title: the paper's rows and the "others" of `PAPER_TABLES`.

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
    setting = Setting(build, deep, features_only, random_state)
    return {system.title: replace(system, setting=setting) for system in SYSTEMS}


def ablation_models(
    build: Callable = paper_pipeline, *, deep=None, random_state=None
) -> dict[str, Pipeline]:
    """Build the rows of the paper's Table I.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`.
    deep : SANetFeaturizer, default=None
        The networks of Models 1, 3 and 4; None means the paper's.
    random_state : int or None, default=None
        Seed of the classifiers of Models 2 and 3.

    Returns
    -------
    dict of str to Pipeline
        Models 1 to 4, in order, and the recommended configuration.

    References
    ----------
    Shi et al. 2023, Table I.
    """
    networks = "preset" if deep is None else deep
    systems = paper_systems(build, deep=networks, random_state=random_state)
    return {
        name: systems[name].make() for name in (MODEL_1, MODEL_2, MODEL_3, MODEL_4, RECOMMENDED)
    }
