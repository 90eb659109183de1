"""The paper on one page: register, extract, select, fuse, as one scikit-learn Pipeline."""

from sklearn.base import clone
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.branches import MODALITIES, ModalityBranch, ModalityTransformer, per_modality
from sklidh.features import RadiomicsExtractor, SANetFeaturizer
from sklidh.fusion import InvariantSpecificFusionClassifier
from sklidh.images import CohortCheck, RigidRegistration
from sklidh.selection import CorrelationPruner, LassoCVSelector, MannWhitneySelector

__all__ = [
    "MODALITIES",
    "PAPER_GROUPS",
    "ModalityBranch",
    "ModalityTransformer",
    "make_idh_pipeline",
    "per_modality",
]

PAPER_GROUPS = (("T1", "T1CE"), ("T2", "FLAIR"))
"""Input Method 3 (paper III.C): each sequence with the one that enhances it."""


def make_idh_pipeline(
    modalities=MODALITIES,
    *,
    reference="T2",
    radiomics="paper",
    deep="paper",
    selection="paper",
    classifier="paper",
    groups="paper",
    missing="raise",
    cache=None,
    memory=None,
    n_jobs=None,
    timeout=None,
    random_state=None,
    verbose=0,
) -> Pipeline:
    """Build the paper's method, from image paths to the probability of a mutation.

    The steps are ``register`` (paper III.A), ``intra`` (II.B to II.D, once per modality) and
    ``fusion`` (II.E). Each part is ``"paper"`` or an estimator of yours, which is cloned and keeps
    its own parameters (features only take `missing` from here: all steps must agree on it). What
    is built takes any scikit-learn parameter afterwards, such as
    ``set_params(intra__T1__mannwhitneyselector=SelectKBest(k=20))``.

    Parameters
    ----------
    modalities : sequence of str, default=("T1", "T1CE", "T2", "FLAIR")
        Columns of images.
    reference : str or None, default="T2"
        The modality onto which the others are registered; None leaves the images as they are, and
        the step only checks the table.
    radiomics, deep : "paper", transformer or None, default="paper"
        The two kinds of features; None leaves one out. The paper's are
        ``RadiomicsExtractor("paper")`` and ``SANetFeaturizer(n_features=128)``.
    selection : "paper", transformer or None, default="paper"
        What follows the features in each branch. The paper's is StandardScaler, then
        MannWhitneySelector, CorrelationPruner and LassoCVSelector.
    classifier : "paper" or classifier, default="paper"
        The last step; the paper's is InvariantSpecificFusionClassifier on `groups`.
    groups : "paper", sequence of tuples of str or None, default="paper"
        Modalities joined before the paper's classifier. "paper" is Input Method 3,
        ``[("T1", "T1CE"), ("T2", "FLAIR")]``, where those four are the modalities, and else
        None: every modality for itself.
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
        Neither `radiomics` nor `deep` is there, or `reference` is not one of the modalities.
    TypeError
        One of them is no transformer.

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
    if reference is not None and reference not in modalities:
        raise ValueError(
            f"reference={reference!r} is not among the modalities {list(modalities)}; name one of "
            "them, or None for images that are registered already"
        )
    shared = {"missing": missing, "verbose": verbose}
    spread = {"cache": cache, "n_jobs": n_jobs, "timeout": timeout}
    parts = {
        "radiomics": _part(
            "radiomics", radiomics, RadiomicsExtractor, settings="paper", **spread, **shared
        ),
        "deep": _part(
            "deep", deep, SANetFeaturizer, n_features=128, random_state=random_state, **shared
        ),
    }
    extractors = [(name, part) for name, part in parts.items() if part is not None]
    if not extractors:
        raise ValueError("radiomics=None and deep=None leave no features; keep one of them")
    if groups == "paper":
        groups = list(PAPER_GROUPS) if set(modalities) == set(MODALITIES) else None
    if classifier == "paper":
        classifier = InvariantSpecificFusionClassifier(
            modalities=list(modalities),
            groups=groups,
            missing="raise" if missing == "raise" else "ignore",
            random_state=random_state,
        )

    def branch():
        steps = [FeatureUnion([(name, clone(part)) for name, part in extractors])]
        if selection == "paper":
            steps += [
                StandardScaler(),
                MannWhitneySelector(alpha=0.05),
                CorrelationPruner(threshold=0.9, random_state=random_state),
                LassoCVSelector(cv=10, random_state=random_state),
            ]
        elif selection is not None:
            steps.append(clone(selection))
        return make_pipeline(*steps, memory=memory)

    register = (
        CohortCheck(modalities, missing=missing)
        if reference is None
        else RigidRegistration(reference=reference, modalities=modalities, **spread, **shared)
    )
    return Pipeline(
        [
            ("register", register),
            ("intra", per_modality(branch, modalities)),
            ("fusion", clone(classifier)),
        ],
        memory=memory,
    ).set_output(transform="pandas")


def _part(kind, choice, paper, **parameters):
    """Return the paper's estimator for "paper"; one of the user's with the cohort's `missing`."""
    if choice == "paper":
        return paper(**parameters)
    if choice is not None and not hasattr(choice, "fit"):
        raise TypeError(f"{kind}={choice!r}: expected 'paper', a transformer, or None for none")
    if choice is not None and "missing" in choice.get_params(deep=False):
        return clone(choice).set_params(missing=parameters["missing"])
    return choice
