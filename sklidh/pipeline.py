"""The paper on one page: register, extract, select, fuse, as one scikit-learn Pipeline."""

from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.features import RadiomicsExtractor, SANetFeaturizer
from sklidh.fusion import InvariantSpecificFusionClassifier
from sklidh.images import CohortCheck, RigidRegistration
from sklidh.selection import CorrelationPruner, LassoCVSelector, MannWhitneySelector
from sklidh.utils import DocumentedMixin, part

MODALITIES = ("T1", "T1CE", "T2", "FLAIR")

PAPER_GROUPS = (("T1", "T1CE"), ("T2", "FLAIR"))
"""Input Method 3 (paper III.C): each sequence with the one that enhances it."""


class ModalityBranch(DocumentedMixin, Pipeline):
    """The steps of one modality, whose warnings and progress name it.

    A selector sees columns that are the same in every branch; which modality they are of is told by
    the table that enters the branch. `per_modality` makes these of Pipelines.

    Parameters
    ----------
    steps : list of (str, estimator)
    transform_input, memory, verbose : optional
        All as in `sklearn.pipeline.Pipeline`.
    """

    def fit_transform(self, X, y=None, **params):
        """Fit the steps, and transform with them.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            The image's column first, or features named ``modality__feature``.
        y : array-like of shape (n_patients,), default=None
        **params
            As in `Pipeline.fit_transform`.

        Returns
        -------
        DataFrame of shape (n_patients, n_features)
        """
        with part(str(X.columns[0]).split("__")[0]):
            return super().fit_transform(X, y, **params)


class ModalityTransformer(DocumentedMixin, ColumnTransformer):
    """A ColumnTransformer whose steps have its output format, whenever they were put in.

    scikit-learn gives a container's output format to the steps that it has when ``set_output`` is
    called. A selector put in later, by ``set_params`` or into a branch's ``steps``, would return a
    bare array: the index of the patients would be lost there, and the modalities could not be
    joined row by row. So the format is handed down once more before the steps are fitted.

    Parameters
    ----------
    transformers : list of (str, transformer, list of str)
        Modality, its branch, and its columns: the image and the mask. `per_modality` makes them.
    remainder, sparse_threshold, n_jobs, transformer_weights : optional
        As in `sklearn.compose.ColumnTransformer`.
    verbose, verbose_feature_names_out : bool
        As there.
    """

    def fit_transform(self, X, y=None, **params):
        """Fit all branches, and transform what they were fitted on.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
        y : array-like of shape (n_patients,), default=None
        **params
            As in `ColumnTransformer`.

        Returns
        -------
        DataFrame or ndarray of shape (n_patients, n_features)
        """
        output = getattr(self, "_sklearn_output_config", {}).get("transform")
        if output is not None:
            self.set_output(transform=output)
        return super().fit_transform(X, y, **params)


def per_modality(branch, modalities=MODALITIES, *, mask="mask", n_jobs=None) -> ModalityTransformer:
    """Give every modality a branch of its own, fed with its image and the tumour mask.

    Parameters
    ----------
    branch : callable or estimator
        Called without arguments once per modality, it returns the transformer of that modality;
        an estimator is cloned instead.
    modalities : sequence of str, default=("T1", "T1CE", "T2", "FLAIR")
        Columns of images. Each names its branch and the first part of its features' names.
    mask : str, default="mask"
        Column of tumour masks.
    n_jobs : int, default=None
        Branches fitted at the same time.

    Returns
    -------
    ModalityTransformer
        A ColumnTransformer, from a DataFrame of images (n_patients, n_columns) to features named
        ``modality__feature``, once ``set_output(transform="pandas")`` is on.

    Raises
    ------
    ValueError
        `modalities` is empty, names a modality twice or names the mask.

    Examples
    --------
    >>> from sklidh import RadiomicsExtractor, per_modality
    >>> [name for name, _, _ in per_modality(RadiomicsExtractor(), ["T1CE", "FLAIR"]).transformers]
    ['T1CE', 'FLAIR']
    """
    modalities = list(modalities)
    if not modalities or len(set(modalities)) < len(modalities) or mask in modalities:
        raise ValueError(
            f"modalities must be one or more different columns of images, without the mask "
            f"{mask!r}; got {modalities}"
        )
    make = (lambda: clone(branch)) if isinstance(branch, BaseEstimator) else branch
    return ModalityTransformer(
        [(modality, _naming(make()), [modality, mask]) for modality in modalities], n_jobs=n_jobs
    )


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
        Seed of every step that draws.
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
        "radiomics": _part(radiomics, RadiomicsExtractor, settings="paper", **spread, **shared),
        "deep": _part(deep, SANetFeaturizer, n_features=128, random_state=random_state, **shared),
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


def _naming(branch):
    """Return a Pipeline as a branch that names its modality; anything else as it is."""
    if type(branch) is not Pipeline:
        return branch
    return ModalityBranch(**branch.get_params(deep=False))


def _part(choice, paper, **parameters):
    """Return the paper's estimator for "paper"; one of the user's with the cohort's `missing`."""
    if choice == "paper":
        return paper(**parameters)
    if choice is not None and "missing" in choice.get_params(deep=False):
        return clone(choice).set_params(missing=parameters["missing"])
    return choice
