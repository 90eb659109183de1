"""Tables II and III: single modalities, and ways to fuse several."""

from collections.abc import Callable

from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from sklidh.baselines._ablation import late_fusion
from sklidh.baselines._feature_table import from_features
from sklidh.pipeline import PAPER_GROUPS, paper_pipeline

INPUT_METHODS = {
    1: (("T1CE",), ("FLAIR",)),
    2: (("T1",), ("T1CE",), ("T2",), ("FLAIR",)),
    3: PAPER_GROUPS,
}
"""Blocks of the constrained fusion by input method (paper Fig. 7)."""


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
        As in `regression_fusion`.
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
    return from_features(pipeline) if features_only else pipeline


def average_fusion(
    build: Callable = paper_pipeline, *, deep="preset", features_only=False, random_state=None
) -> Pipeline:
    """Build the "Average" of Table III: the mean of the modalities' probabilities.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`.
    deep : "preset", SANetFeaturizer or None, default="preset"
        As in `make_idh_pipeline`.
    features_only : bool, default=False
        As in `regression_fusion`.
    random_state : int or None, default=None
        Seed of the classifiers.

    Returns
    -------
    Pipeline
        Steps ``register``, ``intra`` and ``fusion``; the last two with `features_only`.

    References
    ----------
    Shi et al. 2023, Table III.
    """
    pipeline = build(deep=deep, classifier=late_fusion(build, "average", random_state))
    return from_features(pipeline) if features_only else pipeline


def input_method(
    number: int, build: Callable = paper_pipeline, *, deep="preset", features_only=False
) -> Pipeline:
    """Build a "Method" of Table III: constrained fusion with other blocks of modalities.

    Parameters
    ----------
    number : {1, 2, 3}
        1: T1CE and FLAIR. 2: each modality is a block. 3: T1 with T1CE, and T2 with FLAIR.
    build : callable, default=paper_pipeline
        As in `cnn`. Modalities that its pipeline lacks are left out of their block.
    deep : "preset", SANetFeaturizer or None, default="preset"
        As in `make_idh_pipeline`.
    features_only : bool, default=False
        As in `regression_fusion`.

    Returns
    -------
    Pipeline
        Steps ``register``, ``intra`` and ``fusion``; the last two with `features_only`.

    Raises
    ------
    ValueError
        `number` is not 1, 2 or 3, or fewer than two blocks are left.

    References
    ----------
    Shi et al. 2023, Table III and Fig. 7.
    """
    if number not in INPUT_METHODS:
        raise ValueError(f"number={number!r}: the paper's input methods are 1, 2 and 3")
    available = [name for name, *_ in build()["intra"].transformers]
    groups = [tuple(name for name in group if name in available) for group in INPUT_METHODS[number]]
    groups = [group for group in groups if group]
    if len(groups) < 2:
        wanted = ", ".join("+".join(group) for group in INPUT_METHODS[number])
        raise ValueError(
            f"Input Method {number} fuses {wanted}; this cohort has {', '.join(available)}, which "
            "is not enough for two blocks"
        )
    pipeline = build(deep=deep, groups=groups)
    return from_features(pipeline) if features_only else pipeline
