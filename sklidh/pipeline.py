"""Register, extract, select and fuse, as one scikit-learn Pipeline."""

from sklearn.base import clone
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from sklidh.branches import MODALITIES, ModalityBranch, ModalityTransformer, per_modality
from sklidh.features import ClinicalFeatures, RadiomicsExtractor, SANetFeaturizer
from sklidh.fusion import InvariantSpecificFusionClassifier
from sklidh.images import CohortCheck, RigidRegistration
from sklidh.selection import CorrelationPruner, LassoCVSelector, MannWhitneySelector
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
1e-4 in batches of 16 without shuffling. It gives no number of epochs: 500 is ours."""


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
    its own parameters (features only take `missing` from here: all steps must agree on it). The
    pipeline takes any scikit-learn parameter afterwards, such as
    ``set_params(intra__T1__mannwhitneyselector=SelectKBest(k=20))``.

    Parameters
    ----------
    modalities : sequence of str, default=("T1", "T1CE", "T2", "FLAIR")
        Columns of images.
    preset : {"recommended", "paper"}, default="recommended"
        "paper" is the paper's method; "recommended" differs from it where another choice predicted
        real patients better or with less dependence on chance. Every difference is listed, with its
        measured effect, in the guide, under "The paper, point by point".
    reference : str or None, default="T2"
        The modality onto which the others are registered; None leaves the images as they are, and
        the step only checks the table.
    radiomics, deep : "preset", transformer or None, default="preset"
        The two kinds of features; None leaves one out. "recommended" has
        ``RadiomicsExtractor("paper")`` alone, "paper" ``SANetFeaturizer(n_features=128)`` as well.
    selection : "preset", transformer or None, default="preset"
        The steps after the features in each branch: in "recommended" MannWhitneySelector,
        PowerTransformer and CorrelationPruner, in "paper" StandardScaler, MannWhitneySelector,
        CorrelationPruner and LassoCVSelector.
    classifier : "preset" or classifier, default="preset"
        The last step, an InvariantSpecificFusionClassifier on `groups`.
    groups : "preset", sequence of tuples of str or None, default="preset"
        Modalities joined before that classifier. None makes one block of each modality, which is
        the paper's Input Method 2 and recommended. "paper" joins them as its Input Method 3,
        ``[("T1", "T1CE"), ("T2", "FLAIR")]``, if those four are the modalities.
    clinical : sequence of str, default=()
        Columns such as age and sex that enter the classifier as a block called "clinical", encoded
        by `ClinicalFeatures`.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty cell is an error. With "nan" its features are NaN, selection works on
        the patients that have them, and the fusion on the modalities that are there.
    cache : None, False, str or path, default=None
        Folder for registered images and radiomics; None is ``~/.cache/sklidh``, or
        ``$SKLIDH_CACHE``; False keeps nothing.
    memory : str, joblib.Memory or None, default=None
        scikit-learn's cache of fitted steps, those of each modality's branch among them; worth it
        in a grid search, and where models share modalities.
    n_jobs : int, default=None
        Patients registered and extracted at the same time.
    timeout : float, default=None
        Seconds that one patient may take to be registered, or to be extracted from one modality,
        where several are worked on at once; for clusters, see `RadiomicsExtractor`.
    random_state : int or None, default=None
        Seed of every step that draws, but for the registration, whose seed is 0: a registered image
        in the cache belongs to it.
    verbose : int, default=0
        1 shows progress bars.

    Returns
    -------
    Pipeline
        ``fit(X, y)`` takes a DataFrame (n_patients, n_columns) of paths, with the mask in the
        column "mask", and n_patients labels. Its transformers return DataFrames.

    Raises
    ------
    ValueError
        `radiomics` and `deep` are both None, `reference` is not one of the modalities, `preset` is
        unknown, or `clinical` names a column of images.
    TypeError
        `radiomics` or `deep` is not a transformer.

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
    modalities = tuple(modalities)
    if preset not in ("recommended", "paper"):
        raise ValueError(f"preset={preset!r}: expected 'recommended' or 'paper'")
    if reference is not None and reference not in modalities:
        raise ValueError(
            f"reference={reference!r} is not among the modalities {list(modalities)}; name one of "
            "them, or None for images that are registered already"
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
    if deep == "preset":
        networks = SANetFeaturizer(n_features=128, random_state=random_state, **shared)
        deep = networks if preset == "paper" else None
    parts = {"radiomics": radiomics, "deep": deep}
    extractors = [
        (name, _agreeing(name, part, missing)) for name, part in parts.items() if part is not None
    ]
    if not extractors:
        raise ValueError("radiomics=None and deep=None leave no features; keep one of them")
    if groups == "preset":
        joined = preset == "paper" and set(modalities) == set(MODALITIES)
        groups = list(PAPER_GROUPS) if joined else None
    if clinical and groups is not None and (CLINICAL,) not in groups:
        groups = [*groups, (CLINICAL,)]
    if classifier == "preset":
        classifier = InvariantSpecificFusionClassifier(
            modalities=blocks,
            groups=groups,
            missing="raise" if missing == "raise" else "ignore",
            random_state=random_state,
            **(PAPER_FUSION if preset == "paper" else {}),
        )

    def branch():
        steps = [FeatureUnion([(name, clone(part)) for name, part in extractors])]
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
                # The test's ranks are the same before the transform, which is slow on all columns.
                pruner = CorrelationPruner(0.9, keep="relevance", random_state=random_state)
                steps += [test, PowerTransformer(), pruner]
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
    """Build the paper's method: `make_idh_pipeline` with another default preset.

    Parameters
    ----------
    modalities : sequence of str, default=("T1", "T1CE", "T2", "FLAIR")
        Columns of images.
    preset : {"paper", "recommended"}, default="paper"
        As in `make_idh_pipeline`.
    **options : object
        Its other parameters.

    Returns
    -------
    Pipeline
    """
    return make_idh_pipeline(modalities, preset=preset, **options)


def _agreeing(kind, part, missing):
    """Return the features' transformer with the cohort's `missing`, if it has that parameter."""
    if not hasattr(part, "fit"):
        raise TypeError(f"{kind}={part!r}: expected 'preset', a transformer, or None for none")
    part = clone(part)
    return part.set_params(missing=missing) if "missing" in part.get_params(deep=False) else part
