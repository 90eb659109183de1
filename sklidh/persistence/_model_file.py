"""Fitted models on disk: saved without code, loaded without executing any code."""

import io
import json
import platform
import zipfile
from copy import deepcopy
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import FeatureUnion
from sklearn.utils.validation import check_is_fitted
from skops.io import dump, dumps, loads

from sklidh.evaluation import innermost
from sklidh.persistence._trust import (
    SAME_MINOR,
    check_entries,
    check_types,
    check_versions,
    path_of,
)
from sklidh.utils import ModelFileError, atomic_write

FORMAT = 1
ABOUT = "sklidh.json"

RECORDED = (*SAME_MINOR, "numpy", "scipy", "torch", "skorch", "SimpleITK", "skops")

OF_THE_LAST_CALL = ("report_", "errors_")
"""Attributes with information about the last patients of a step; they are not saved."""


def save_model(model, path, *, about=None, trusted=()) -> None:
    """Save a fitted pipeline, estimator or search.

    The file is a zip archive in the format of skops: arrays in numpy's format without pickle,
    network weights as safetensors, everything else as JSON. It also holds ``sklidh.json``, which
    people and `read_about` can read. Data about this machine or its patients are left out: cache
    folders (the parameters ``memory`` and ``cache`` are None in the file), and the tables
    ``report_`` and ``errors_`` of the last patients that a step saw.

    Parameters
    ----------
    model : estimator
        Fitted. It is not changed.
    path : str or path
        The file to write, such as ``idh.skops``. An existing file is replaced once the new one is
        complete.
    about : dict, default=None
        Additional content of ``sklidh.json``, as JSON types; for example the training cohort from
        `sklidh.datasets.cohort_range`.
    trusted : sequence of str, default=()
        Your own types in the model, such as ``mypackage.MySelector``; `load_model` needs them too.

    Raises
    ------
    NotFittedError
        The model is not fitted.
    ModelFileError
        The model holds something that cannot be saved, or that `load_model` would refuse.

    See Also
    --------
    load_model : Load the model.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from sklidh import MannWhitneySelector, load_model, save_model
    >>> X, y = np.arange(20.0).reshape(10, 2), np.repeat([0, 1], 5)
    >>> selector = MannWhitneySelector().fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     save_model(selector, f"{folder}/selector.skops")
    ...     again = load_model(f"{folder}/selector.skops")
    >>> bool((again.transform(X) == selector.transform(X)).all())
    True
    """
    check_is_fitted(model)
    stripped = deepcopy(model)
    for part in parts_of(stripped):
        _leave_out_machine_and_patients(part)
    buffer = io.BytesIO()
    try:
        dump(stripped, buffer)
    except Exception as error:  # an object's own state may raise any error
        raise ModelFileError(
            f"{_culprit(stripped)} cannot be saved as plain values ({error}); leave it out, or "
            "save with joblib; load joblib's files only from people you trust"
        ) from error
    check_types(buffer.getvalue(), trusted, "cannot be saved")
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(ABOUT, json.dumps(describe(model) | (about or {}), indent=2) + "\n")
    with atomic_write(Path(path)) as temporary:
        temporary.write_bytes(buffer.getvalue())


def load_model(path, *, trusted=()) -> BaseEstimator:
    """Load a model saved with `save_model`; nothing in the file is executed.

    Only types of scikit-learn and this package, and plain values, are created. A file from another
    sklidh or scikit-learn than the installed one (first two numbers of the version) is refused,
    because it could load and yet predict differently.

    Parameters
    ----------
    path : str or path
    trusted : sequence of str, default=()
        Your own types that may be created, such as ``mypackage.MySelector``. Their module is
        imported, which executes it: list only code that you wrote or read.

    Returns
    -------
    estimator
        It predicts the same bits as the saved model.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ModelFileError
        The file is damaged, not a model, from another version, or holds an untrusted type.
    """
    read_about(path)
    data = Path(path).read_bytes()
    try:
        types = check_types(data, trusted, f"is not loaded from {path}")
        return loads(data, trusted=types)
    except ModelFileError:
        raise
    except Exception as error:  # a forged file may make skops fail in any way
        raise ModelFileError(
            f"{path}: damaged, or not written by save_model ({type(error).__name__}: {error}); "
            "save the model again"
        ) from error


def read_about(path) -> dict:
    """Read the description of a model from its file, without loading the model.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    dict
        "class", "steps", "columns" and "classes" of the model, the "versions" that created it, the
        time "saved", and the `about` passed to `save_model`.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ModelFileError
        The file is damaged, not a model, or from another version.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_entries(archive, path)
            about = json.loads(archive.read(ABOUT))
            damaged = archive.testzip()
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, EOFError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(
            f"{path}: not a model written by save_model, or damaged ({error}); save it again"
        ) from error
    if damaged:
        raise ModelFileError(f"{path}: {damaged} in it is damaged; copy or save the file again")
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        seen = about.get("format") if isinstance(about, dict) else about
        raise ModelFileError(
            f"{path}: format {seen!r}; this sklidh reads {FORMAT}: install the sklidh that wrote it"
        )
    check_versions(about.get("versions"), path)
    return about


def describe(model) -> dict:
    """Return the description of a fitted model that `read_about` returns.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    dict
        With JSON types only.
    """
    best = innermost(model)
    steps = getattr(best, "named_steps", {})
    columns, classes = getattr(best, "feature_names_in_", ()), getattr(best, "classes_", None)
    return {
        "format": FORMAT,
        "class": path_of(type(model)),
        "steps": {name: path_of(type(step)) for name, step in steps.items()},
        "columns": [str(column) for column in columns],
        "classes": None if classes is None else classes.tolist(),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in RECORDED},
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def parts_of(value) -> list[BaseEstimator]:
    """Return every estimator in a fitted model, at any depth, including itself.

    Parameters
    ----------
    value : object
        An estimator, or a list, tuple or dict that may contain some.

    Returns
    -------
    list of estimators
    """
    if isinstance(value, BaseEstimator):
        return [value, *parts_of(vars(value))]
    # Not an estimator itself, but it holds one per fold.
    if path_of(type(value)) == "sklearn.calibration._CalibratedClassifier":
        return parts_of(vars(value))
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, (dict, list, tuple)):
        return []
    return [part for item in inner for part in parts_of(item)]


def _leave_out_machine_and_patients(estimator):
    for name in ("memory", "cache"):
        if vars(estimator).get(name):
            setattr(estimator, name, None)
    for name in OF_THE_LAST_CALL:
        vars(estimator).pop(name, None)
    if isinstance(estimator, RandomizedSearchCV):
        estimator.param_distributions = _in_words(estimator.param_distributions)
    if isinstance(estimator, FeatureUnion):
        # The only place where scikit-learn keeps names as pandas provided them.
        names = vars(estimator).get("_transformers_feature_names_out", [])
        names[:] = [np.asarray(columns, dtype=object) for columns in names]


def _in_words(distributions):
    """Return a random search's distributions as text: loading scipy's own would execute code."""
    if not isinstance(distributions, dict):
        return [_in_words(each) for each in distributions]
    return {
        name: f"{values.dist.name}{values.args}" if hasattr(values, "rvs") else values
        for name, values in distributions.items()
    }


def _culprit(model) -> str:
    """Return the innermost attribute that cannot be saved."""
    for part in reversed(parts_of(model)):
        for name, value in vars(part).items():
            try:
                dumps(value)
            except Exception:
                return f"{type(part).__name__}.{name} (a {type(value).__name__})"
    return type(model).__name__
