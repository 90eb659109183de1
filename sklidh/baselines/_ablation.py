"""Table I: networks only, radiomics only, both with late fusion, and the proposed model."""

from collections.abc import Callable

from sklearn.pipeline import Pipeline

from sklidh.baselines._feature_table import from_features
from sklidh.baselines._paper import MODEL_1, MODEL_2, MODEL_3, MODEL_4, RECOMMENDED
from sklidh.fusion import BRNNClassifier, LateFusionClassifier
from sklidh.pipeline import CLINICAL, PAPER_GROUPS, paper_pipeline


def cnn(build: Callable = paper_pipeline, *, deep=None, **networks) -> Pipeline:
    """Build Model 1: one self-attention network per modality; their probabilities are averaged.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        Returns the paper's pipeline for your cohort, for instance
        ``functools.partial(paper_pipeline, ["T1CE", "FLAIR"], reference=None)``. Its registration
        is kept.
    deep : SANetFeaturizer, default=None
        Sets the networks' architecture and training; None means the paper's.
    **networks : object
        Parameters of `SANetClassifier` that the featurizer does not have.

    Returns
    -------
    Pipeline
        Steps ``register`` and ``network``. It needs images; a table of features is not enough.
        Clinical columns are not used.

    References
    ----------
    Shi et al. 2023, Table I. The paper does not state how the four networks are combined; the mean
    is our choice.
    """
    pipeline = build(radiomics=None, deep="preset" if deep is None else deep)
    parts = pipeline["intra"].transformers
    branches = {name: branch for name, branch, _ in parts if name != CLINICAL}
    ((_, featurizer),) = next(iter(branches.values()))["featureunion"].transformer_list
    # Imported on use: it loads torch.
    from sklidh.features import SANetClassifier

    network = SANetClassifier(modalities=list(branches), **networks)
    shared = network.get_params(deep=False).keys() & featurizer.get_params(deep=False).keys()
    network.set_params(**{name: getattr(featurizer, name) for name in shared})
    return Pipeline([pipeline.steps[0], ("network", network)], memory=pipeline.memory).set_output(
        transform="pandas"
    )


def radiomics_only(
    build: Callable = paper_pipeline, *, features_only=False, random_state=None
) -> Pipeline:
    """Build Model 2: radiomics only, with selection, classification and fusion as in Model 3.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`.
    features_only : bool, default=False
        Whether the pipeline takes feature columns ``MOD__name`` instead of images.
    random_state : int or None, default=None
        Seed of the classifiers.

    Returns
    -------
    Pipeline
        Steps ``register``, ``intra`` and ``fusion``; the last two with `features_only`.

    References
    ----------
    Shi et al. 2023, Table I; Yan et al. 2021 [9], for which Table V prints the same figures.
    """
    pipeline = build(deep=None, classifier=late_fusion(build, "regression", random_state))
    return from_features(pipeline) if features_only else pipeline


def regression_fusion(
    build: Callable = paper_pipeline, *, deep="preset", features_only=False, random_state=None
) -> Pipeline:
    """Build Model 3: radiomics and deep features, one BRNN per modality, fused by a regression.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`.
    deep : "preset" or SANetFeaturizer, default="preset"
        As in `make_idh_pipeline`.
    features_only : bool, default=False
        As in `radiomics_only`; deep features are then columns ``MOD__deep__name``.
    random_state : int or None, default=None
        Seed of the classifiers.

    Returns
    -------
    Pipeline
        Steps ``register``, ``intra`` and ``fusion``; the last two with `features_only`.

    References
    ----------
    Shi et al. 2023, section II.E and Tables I, III and IV; Shi et al. 2022 [17].
    """
    pipeline = build(deep=deep, classifier=late_fusion(build, "regression", random_state))
    return from_features(pipeline) if features_only else pipeline


def constraint_fusion(
    build: Callable = paper_pipeline, *, deep="preset", features_only=False
) -> Pipeline:
    """Build Model 4, the proposed model: fusion with invariant and specific constraints.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`.
    deep : "preset", SANetFeaturizer or None, default="preset"
        As in `make_idh_pipeline`; None fuses radiomics only.
    features_only : bool, default=False
        As in `regression_fusion`.

    Returns
    -------
    Pipeline
        Steps ``register``, ``intra`` and ``fusion``; the last two with `features_only`.

    References
    ----------
    Shi et al. 2023, section II.E and Table I.
    """
    pipeline = build(deep=deep)
    return from_features(pipeline) if features_only else pipeline


def recommended(build: Callable = paper_pipeline, *, features_only=False) -> Pipeline:
    """Build the recommended configuration: radiomics, and an ensemble of fusion networks.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`; called with ``preset="recommended"``.
    features_only : bool, default=False
        As in `regression_fusion`.

    Returns
    -------
    Pipeline
        Steps ``register``, ``intra`` and ``fusion``; the last two with `features_only`.
    """
    pipeline = build(preset="recommended", deep=None)
    groups = pipeline["fusion"].groups or []
    if [group for group in groups if group != (CLINICAL,)] == list(PAPER_GROUPS):
        pipeline.set_params(fusion__groups=None)
    return from_features(pipeline) if features_only else pipeline


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
    part = "preset" if deep is None else deep
    return {
        MODEL_1: cnn(build, deep=deep),
        MODEL_2: radiomics_only(build, random_state=random_state),
        MODEL_3: regression_fusion(build, deep=part, random_state=random_state),
        MODEL_4: constraint_fusion(build, deep=part),
        RECOMMENDED: recommended(build),
    }


def late_fusion(build, method, random_state) -> LateFusionClassifier:
    """Fuse one BRNN per modality, with the modalities and missing sequences of `build`."""
    proposed = build()["fusion"]
    return LateFusionClassifier(
        BRNNClassifier(random_state=random_state),
        method=method,
        modalities=proposed.modalities,
        missing=proposed.missing,
    )
