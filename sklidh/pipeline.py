"""Registration, feature extraction, selection and fusion as one scikit-learn Pipeline."""

from sklearn.base import clone
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from sklidh.branches import MODALITIES, ModalityBranch, ModalityTransformer, per_modality
from sklidh.features import ClinicalFeatures, RadiomicsExtractor
from sklidh.images import CohortCheck, RigidRegistration
from sklidh.selection import (
    CorrelationPruner,
    LassoCVSelector,
    MannWhitneySelector,
    RobustnessSelector,
)
from sklidh.utils import PAPER_GROUPS, listed

__all__ = [
    "CLINICAL",
    "MODALITIES",
    "PAPER_FUSION",
    "PAPER_GROUPS",
    "ModalityBranch",
    "ModalityTransformer",
    "make_idh_pipeline",
    "paper_pipeline",
    "per_modality",
]

CLINICAL = "clinical"
"""The block of the clinical columns."""

PAPER_FUSION = {
    "difference": "distance",
    "reconstruction": "norm",
    "n_members": 1,
    "max_epochs": 500,
    "lr": 1e-4,
    "lr_schedule": "constant",
    "warm_up": 0.0,
    "batch_size": 16,
}
"""The fusion network and its training as the paper prints them (II.E, III.B): Eq. 4 and 5, Adam at
1e-4 in batches of 16 without shuffling. The paper does not state the number of epochs; 500 is our
choice."""


def make_idh_pipeline(
    modalities=MODALITIES,
    *,
    preset="recommended",
    reference="T2",
    radiomics="preset",
    deep="preset",
    selection="preset",
    classifier="preset",
    groups="preset",
    clinical=(),
    missing="raise",
    cache=None,
    memory=None,
    n_jobs=None,
    timeout=None,
    random_state=None,
    verbose=0,
) -> Pipeline:
    """Build the pipeline from image paths to the probability of a mutation.

    The steps are ``register`` (paper III.A), ``intra`` (II.B to II.D, once per modality) and
    ``fusion`` (II.E). Each part is ``"preset"`` or your own estimator, which is cloned and keeps
    its parameters, except that feature extractors get `missing`, which must be the same in all
    steps. Any parameter can be set afterwards, as in
    ``set_params(intra__T1__mannwhitneyselector=SelectKBest(k=20))``.

    Parameters
    ----------
    modalities : sequence of str, default=("T1", "T1CE", "T2", "FLAIR")
        Columns of images.
    preset : {"recommended", "paper"}, default="recommended"
        "paper" is the paper's method. "recommended" differs where another choice predicted real
        patients better or with less dependence on chance. The guide page "The paper, line by
        line" lists every difference with its measured effect.
    reference : str or None, default="T2"
        The modality to which the others are registered. None means that the images are already
        registered; the step then only checks the table.
    radiomics, deep : "preset", transformer or None, default="preset"
        The two kinds of features; None leaves one out. "recommended" uses only
        ``RadiomicsExtractor("paper")``, "paper" also ``SANetFeaturizer(n_features=128)``. After an
        extractor with ``perturbations``, a `RobustnessSelector` is the first step of selection.
    selection : "preset", transformer or None, default="preset"
        The steps after feature extraction in each branch. "recommended" uses MannWhitneySelector,
        CorrelationPruner on ranks, StandardScaler and PowerTransformer; "paper" uses
        StandardScaler, MannWhitneySelector, CorrelationPruner and LassoCVSelector.
    classifier : "preset" or classifier, default="preset"
        The last step; the preset is an InvariantSpecificFusionClassifier on `groups`.
    groups : "preset", sequence of tuples of str or None, default="preset"
        Modalities joined before the classifier. None makes each modality a block, which is the
        paper's Input Method 2 and the choice of "recommended". "paper" uses Input Method 3,
        ``[("T1", "T1CE"), ("T2", "FLAIR")]``, if the modalities are these four.
    clinical : sequence of str, default=()
        Columns such as age and sex that enter the classifier as a block called "clinical", encoded
        by `ClinicalFeatures`.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty cell is an error. With "nan" its features are NaN, selection uses the
        patients who have them, and the fusion uses each patient's available modalities.
    cache : None, False, str or path, default=None
        Folder for registered images and radiomics. None means ``$SKLIDH_CACHE`` or
        ``~/.cache/sklidh``; False disables the cache.
    memory : str, joblib.Memory or None, default=None
        scikit-learn's cache of fitted steps, including those of each branch; useful in a grid
        search, and if models share modalities.
    n_jobs : int, default=None
        Number of patients registered and extracted in parallel.
    timeout : float, default=None
        Maximum time in s to register a patient, or to extract one modality of a patient, if
        patients are processed in parallel; for clusters, see `RadiomicsExtractor`.
    random_state : int or None, default=None
        Random seed of all steps except registration, which always uses seed 0 because cached
        registered images depend on it.
    verbose : int, default=0
        1 shows progress bars.

    Returns
    -------
    Pipeline
        ``fit(X, y)`` takes a DataFrame of paths (n_patients, n_columns), with the mask in the
        column "mask", and one label per patient. The transformers return DataFrames.

    Raises
    ------
    ValueError
        `radiomics` and `deep` are both None, `reference` is not one of the modalities, `preset` is
        unknown, or `clinical` names a column of images.
    TypeError
        `radiomics` or `deep` is not a transformer, or `modalities` or `clinical` is one string.

    References
    ----------
    X. Shi et al., 2023, sections II and III: "An Intra- and Inter-Modality Fusion Model with
    Invariant- and Specific-Constraints Using MR Images for Prediction of Glioma Isocitrate
    Dehydrogenase Mutation Status".

    Examples
    --------
    >>> from sklidh import make_idh_pipeline
    >>> list(make_idh_pipeline(reference="T2").named_steps)
    ['register', 'intra', 'fusion']
    """
    for name, given in (("modalities", modalities), ("clinical", clinical)):
        if isinstance(given, str):
            raise TypeError(f"{name}={given!r}: expected a list of names, such as [{given!r}]")
    modalities = tuple(modalities)
    if preset not in ("recommended", "paper"):
        raise ValueError(f"preset={preset!r}: expected 'recommended' or 'paper'")
    if reference is not None and reference not in modalities:
        raise ValueError(
            f"reference={reference!r} is not among the modalities {list(modalities)}; use one of "
            "them, or None if the images are already registered"
        )
    clinical = list(clinical)
    if wrong := [name for name in clinical if name in (*modalities, "mask")]:
        raise ValueError(f"clinical={clinical}: {listed(wrong)} holds images; name other columns")
    if CLINICAL in modalities and clinical:
        raise ValueError(f"modalities={modalities}: {CLINICAL!r} is the block of clinical columns")
    blocks = [*modalities, CLINICAL] if clinical else list(modalities)
    shared = {"missing": missing, "verbose": verbose}
    spread = {"cache": cache, "n_jobs": n_jobs, "timeout": timeout}
    if radiomics == "preset":
        radiomics = RadiomicsExtractor(settings="paper", **spread, **shared)
    # Networks and fusion import torch, which not every pipeline needs.
    if deep == "preset" and preset == "paper":
        from sklidh.features import SANetFeaturizer

        deep = SANetFeaturizer(n_features=128, random_state=random_state, **shared)
    elif deep == "preset":
        deep = None
    parts = {"radiomics": radiomics, "deep": deep}
    extractors = [
        (name, _with_missing(name, part, missing))
        for name, part in parts.items()
        if part is not None
    ]
    if not extractors:
        raise ValueError("radiomics=None and deep=None leave no features; keep one of them")
    if groups == "preset":
        joined = preset == "paper" and set(modalities) == set(MODALITIES)
        groups = list(PAPER_GROUPS) if joined else None
    if clinical and groups is not None and (CLINICAL,) not in groups:
        groups = [*groups, (CLINICAL,)]
    if classifier == "preset":
        from sklidh.fusion import InvariantSpecificFusionClassifier

        classifier = InvariantSpecificFusionClassifier(
            modalities=blocks,
            groups=groups,
            missing="raise" if missing == "raise" else "ignore",
            random_state=random_state,
            **(PAPER_FUSION if preset == "paper" else {}),
        )

    def branch():
        steps = [FeatureUnion([(name, clone(part)) for name, part in extractors])]
        if getattr(radiomics, "perturbations", None) is not None:
            steps.append(RobustnessSelector())
        if selection == "preset":
            test = MannWhitneySelector(alpha=0.05)
            if preset == "paper":
                steps += [
                    StandardScaler(),
                    test,
                    CorrelationPruner(threshold=0.9, keep="random", random_state=random_state),
                    LassoCVSelector(cv=10, random_state=random_state or 0),
                ]
            else:
                # Selection by ranks needs no scaling, so the slow transform gets few columns. The
                # scaler makes its exponents independent of units, and well determined for columns
                # of nearly equal values.
                pruner = CorrelationPruner(
                    0.9, method="spearman", keep="relevance", random_state=random_state
                )
                steps += [test, pruner, StandardScaler(), PowerTransformer()]
        elif selection is not None:
            steps.append(clone(selection))
        return make_pipeline(*steps, memory=memory)

    intra = per_modality(branch, modalities)
    if clinical:
        intra.transformers.append((CLINICAL, ClinicalFeatures(), clinical))
    register = (
        CohortCheck(modalities, missing=missing)
        if reference is None
        else RigidRegistration(reference=reference, modalities=modalities, **spread, **shared)
    )
    return Pipeline(
        [
            ("register", register),
            ("intra", intra),
            ("fusion", clone(classifier)),
        ],
        memory=memory,
    ).set_output(transform="pandas")


def paper_pipeline(modalities=MODALITIES, *, preset="paper", **options) -> Pipeline:
    """Build the paper's method: `make_idh_pipeline` with ``preset="paper"`` as default.

    Parameters
    ----------
    modalities : sequence of str, default=("T1", "T1CE", "T2", "FLAIR")
        Columns of images.
    preset : {"paper", "recommended"}, default="paper"
        As in `make_idh_pipeline`.
    **options : object
        Other parameters of `make_idh_pipeline`.

    Returns
    -------
    Pipeline
    """
    return make_idh_pipeline(modalities, preset=preset, **options)


def _with_missing(kind, part, missing):
    """Return a clone of the transformer with `missing` set, if it has that parameter."""
    if not hasattr(part, "fit"):
        raise TypeError(f"{kind}={part!r}: expected 'preset', a transformer, or None for none")
    part = clone(part)
    return part.set_params(missing=missing) if "missing" in part.get_params(deep=False) else part
