"""Builders of models: the paper's Tables I to III, and baselines that it does not include."""

from collections.abc import Callable

from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.baselines._feature_table import from_features
from sklidh.pipeline import CLINICAL, PAPER_GROUPS, paper_pipeline

INPUT_METHODS = {
    1: (("T1CE",), ("FLAIR",)),
    2: (("T1",), ("T1CE",), ("T2",), ("FLAIR",)),
    3: PAPER_GROUPS,
}
"""Blocks of the constrained fusion by input method (paper Fig. 7)."""


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
    # Imported on use: it loads torch.
    from sklidh.features import SANetClassifier

    pipeline = build(radiomics=None, deep="preset" if deep is None else deep)
    parts = pipeline["intra"].transformers
    branches = {name: branch for name, branch, _ in parts if name != CLINICAL}
    ((_, featurizer),) = next(iter(branches.values()))["featureunion"].transformer_list
    network = SANetClassifier(modalities=list(branches), **networks)
    shared = network.get_params(deep=False).keys() & featurizer.get_params(deep=False).keys()
    network.set_params(**{name: getattr(featurizer, name) for name in shared})
    return Pipeline([pipeline.steps[0], ("network", network)], memory=pipeline.memory).set_output(
        transform="pandas"
    )


def late_fusion(
    build: Callable = paper_pipeline,
    *,
    method="regression",
    deep="preset",
    features_only=False,
    random_state=None,
) -> Pipeline:
    """Build Model 3, and with other parameters Model 2 and the "Average" of Table III.

    One BRNN per modality predicts from the selected features; their probabilities are fused.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`.
    method : {"regression", "average"}, default="regression"
        As in `LateFusionClassifier`.
    deep : "preset", SANetFeaturizer or None, default="preset"
        As in `make_idh_pipeline`; None uses radiomics only, which is Model 2.
    features_only : bool, default=False
        Whether the pipeline takes feature columns ``MOD__name`` instead of images; deep features
        are then columns ``MOD__deep__name``.
    random_state : int or None, default=None
        Seed of the classifiers.

    Returns
    -------
    Pipeline
        Steps ``register``, ``intra`` and ``fusion``; the last two with `features_only`.

    References
    ----------
    Shi et al. 2023, section II.E and Tables I, III and IV. Table V prints the figures of Model 2
    for Yan et al. 2021 [9], and those of Model 3 for Shi et al. 2022 [17].
    """
    from sklidh.fusion import BRNNClassifier, LateFusionClassifier

    proposed = build()["fusion"]
    classifier = LateFusionClassifier(
        BRNNClassifier(random_state=random_state),
        method=method,
        modalities=proposed.modalities,
        missing=proposed.missing,
    )
    return _adapted(build(deep=deep, classifier=classifier), features_only)


def constraint_fusion(
    build: Callable = paper_pipeline, *, method=None, deep="preset", features_only=False
) -> Pipeline:
    """Build Model 4, the proposed model: fusion with invariant and specific constraints.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`.
    method : {1, 2, 3} or None, default=None
        Input method of Table III. 1: T1CE and FLAIR. 2: each modality is a block. 3: T1 with T1CE,
        and T2 with FLAIR. Modalities that the pipeline of `build` lacks are left out of their
        block. None keeps the blocks of `build`.
    deep : "preset", SANetFeaturizer or None, default="preset"
        As in `make_idh_pipeline`; None fuses radiomics only.
    features_only : bool, default=False
        As in `late_fusion`.

    Returns
    -------
    Pipeline
        Steps ``register``, ``intra`` and ``fusion``; the last two with `features_only`.

    Raises
    ------
    ValueError
        `method` does not exist, or fewer than two of its blocks are left.

    References
    ----------
    Shi et al. 2023, section II.E, Tables I and III, Fig. 7.
    """
    if method is None:
        return _adapted(build(deep=deep), features_only)
    if method not in INPUT_METHODS:
        raise ValueError(f"method={method!r}: the paper's input methods are 1, 2 and 3")
    available = [name for name, *_ in build()["intra"].transformers]
    groups = [tuple(name for name in group if name in available) for group in INPUT_METHODS[method]]
    groups = [group for group in groups if group]
    if len(groups) < 2:
        wanted = ", ".join("+".join(group) for group in INPUT_METHODS[method])
        raise ValueError(
            f"Input Method {method} fuses {wanted}; this cohort has {', '.join(available)}, which "
            "is not enough for two blocks"
        )
    return _adapted(build(deep=deep, groups=groups), features_only)


def recommended(build: Callable = paper_pipeline, *, features_only=False) -> Pipeline:
    """Build the recommended configuration: radiomics, and an ensemble of fusion networks."""
    pipeline = build(preset="recommended", deep=None)
    groups = pipeline["fusion"].groups or []
    if [group for group in groups if group != (CLINICAL,)] == list(PAPER_GROUPS):
        pipeline.set_params(fusion__groups=None)
    return _adapted(pipeline, features_only)


def single_modality(
    modality: str,
    build: Callable = paper_pipeline,
    *,
    deep="preset",
    features_only=False,
    random_state=None,
) -> Pipeline:
    """Build a row of Table II: an MLP on radiomics and deep features of one modality.

    Patients who lack the modality get the mean features of the training patients.

    Parameters
    ----------
    modality : str
        Such as ``"T1CE"``.
    build : callable, default=paper_pipeline
        As in `cnn`. The modality is registered to the reference as in the other rows.
    deep : "preset", SANetFeaturizer or None, default="preset"
        As in `make_idh_pipeline`.
    features_only : bool, default=False
        As in `late_fusion`.
    random_state : int or None, default=None
        Seed of the MLP.

    Returns
    -------
    Pipeline
        Steps ``register``, ``intra`` and ``fusion``; the last two with `features_only`.

    Raises
    ------
    ValueError
        The pipeline of `build` lacks the modality.

    References
    ----------
    Shi et al. 2023, Table II. The paper does not state the size of the MLP; we use 8 hidden units,
    the width of the fusion network's projection.
    """
    perceptron = MLPClassifier(
        hidden_layer_sizes=(8,), solver="lbfgs", max_iter=1000, random_state=random_state
    )
    pipeline = build(deep=deep, classifier=make_pipeline(SimpleImputer(), perceptron))
    branches = pipeline["intra"].transformers
    pipeline["intra"].transformers = [branch for branch in branches if branch[0] == modality]
    if not pipeline["intra"].transformers:
        raise ValueError(
            f"needs {modality}, which this cohort lacks; it has "
            f"{', '.join(name for name, *_ in branches)}"
        )
    return _adapted(pipeline, features_only)


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
        As in `late_fusion`.

    Returns
    -------
    Pipeline
        Steps ``register``, ``intra`` and ``fusion``; the last two with `features_only`. The last
        has the steps ``impute`` and ``classify``.
    """
    steps = [("impute", SimpleImputer()), ("classify", classifier)]
    return _adapted(build(deep=deep, classifier=Pipeline(steps)), features_only)


def majority() -> DummyClassifier:
    """Build a model that predicts the class frequencies.

    Returns
    -------
    DummyClassifier
    """
    return DummyClassifier(strategy="prior")


def one_number(column) -> Pipeline:
    """Build a logistic regression on one number per patient, such as age or tumour volume.

    Patients with a mutant tumour are younger on average. An image model that is not better than age
    adds little beyond it.

    Parameters
    ----------
    column : str
        Column of numbers; empty cells are replaced by the training mean.

    Returns
    -------
    Pipeline
        Accepts a table of cases or of features that has the column.
    """
    number = ColumnTransformer([(str(column), SimpleImputer(), [column])])
    return make_pipeline(number, StandardScaler(), LogisticRegression())


def _adapted(pipeline: Pipeline, features_only: bool) -> Pipeline:
    return from_features(pipeline) if features_only else pipeline
