"""The types, entries and versions that a model file may hold."""

import zipfile
from functools import cache
from importlib import import_module
from importlib.metadata import version
from inspect import isfunction

from sklearn import feature_selection
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer, get_scorer_names
from skops.io import get_untrusted_types

from sklidh.utils import ModelFileError, listed

SAME_MINOR = ("sklidh", "scikit-learn")
"""Packages whose fitted attributes a file holds: only 0.1.x reads a file of 0.1."""

HOMES = (
    "sklidh.images",
    "sklidh.features",
    "sklidh.selection",
    "sklidh.fusion",
    "sklidh.baselines",
    "sklidh.evaluation",
)
"""Packages whose public estimators are trusted."""

_SPLITTERS = (
    "KFold", "StratifiedKFold", "GroupKFold", "StratifiedGroupKFold", "RepeatedKFold",
    "RepeatedStratifiedKFold", "ShuffleSplit", "StratifiedShuffleSplit", "GroupShuffleSplit",
    "LeaveOneOut", "LeaveOneGroupOut",
)  # fmt: skip
PLAIN = frozenset(
    [
        "numpy.dtype",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.metrics._scorer._CurveScorer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._MultimetricScorer",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
        "sklidh.baselines._feature_table.ModalityColumns",
        "sklidh.branches.ModalityBranch",
        "sklidh.branches.ModalityTransformer",
        "sklidh.images._perturbation.Perturbations",
        "sklidh.radiomics._settings.Settings",
        *(f"sklearn.model_selection._split.{name}" for name in _SPLITTERS),
    ]
)
"""Types allowed as values only, besides estimators: scikit-learn's (from skops) and ours."""

TREES = frozenset(
    [
        "sklearn.tree._tree.Tree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    ]
)
"""Nodes that scikit-learn's compiled code follows unchecked, so a forged tree can crash it."""


def path_of(kind) -> str:
    """Return a type's or function's name as written in files: ``module.Class``."""
    return f"{kind.__module__}.{kind.__qualname__}"


@cache
def _scores() -> frozenset[str]:
    """Return the scikit-learn functions that a search or a selector stores.

    These are the functions behind named scorers, and the score functions of SelectKBest and others.
    """
    scores = [get_scorer(name)._score_func for name in get_scorer_names()]
    scores += filter(isfunction, (getattr(feature_selection, n) for n in feature_selection.__all__))
    return frozenset(path_of(score) for score in scores)


def is_our_estimator(path: str) -> bool:
    """Return whether a type is a public estimator of a trusted package."""
    module, _, name = path.rpartition(".")
    home = ".".join(module.split(".")[:2])
    if home not in HOMES or name not in import_module(home).__all__:
        return False
    found = getattr(import_module(home), name)
    return isinstance(found, type) and issubclass(found, BaseEstimator) and path_of(found) == path


def check_types(data: bytes, trusted, refusal: str) -> list[str]:
    """Return the types in a file beyond those skops trusts, if all of them are trusted.

    Parameters
    ----------
    data : bytes
        The file.
    trusted : sequence of str
        The user's own types.
    refusal : str
        What happens to a model with an untrusted type: "cannot be saved".

    Returns
    -------
    list of str

    Raises
    ------
    ModelFileError
        A type belongs neither to scikit-learn, nor to this package, nor to the user's types.
    """
    types = get_untrusted_types(data=data)
    known = PLAIN | _scores() | set(trusted)
    strangers = [kind for kind in types if kind not in known and not is_our_estimator(kind)]
    if trees := sorted(TREES.intersection(strangers)):
        raise ModelFileError(
            f"a model with trees {refusal}: scikit-learn follows their nodes unchecked, so that a "
            f"forged file can crash Python; if you know who made it, pass trusted={trees}"
        )
    if strangers:
        raise ModelFileError(
            f"a model with {listed(strangers, 5)} {refusal}: only estimators of "
            "scikit-learn and sklidh are trusted; list your own types in trusted=[...]"
        )
    return types


def check_entries(archive: zipfile.ZipFile, path):
    """Refuse names that point outside the archive, and entries that expand when read."""
    for entry in archive.infolist():
        if "/" in entry.filename or "\\" in entry.filename or entry.filename.startswith("."):
            raise ModelFileError(
                f"{path}: an entry is named {entry.filename!r}, which save_model never writes; do "
                "not trust this file"
            )
        if entry.file_size != entry.compress_size:
            raise ModelFileError(
                f"{path}: entry {entry.filename!r} is compressed, which save_model never does; do "
                "not trust this file"
            )


def check_versions(versions, path):
    """Refuse a file from another sklidh or scikit-learn than the installed one."""
    for package in SAME_MINOR:
        seen = versions.get(package) if isinstance(versions, dict) else None
        if str(seen).split(".")[:2] != version(package).split(".")[:2]:
            raise ModelFileError(
                f"{path}: made with {package} {seen}, but {version(package)} is installed; install "
                f"that one (pip install '{package}=={seen}'), or retrain the model"
            )
