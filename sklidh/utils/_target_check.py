"""Check a target before expensive work starts."""

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d

from sklidh.utils._validation import CohortError, Problem


def check_target(y, X=None) -> np.ndarray:
    """Check a target: one label per patient, none missing, at least two classes.

    Parameters
    ----------
    y : array-like of shape (n_patients,)
        The IDH status, with any two or more labels.
    X : array-like of shape (n_patients, n_columns), default=None
        The cases, whose number must agree; the index of a DataFrame identifies the patients in
        messages.

    Returns
    -------
    ndarray of shape (n_patients,)

    Raises
    ------
    CohortError
        y has another length or index than X, a missing value, both words and numbers, a real
        number, or a single class.
    """
    if y is None:
        raise CohortError(["no target; pass y with one label per patient"])
    labels = column_or_1d(y) if isinstance(y, np.ndarray) else column_or_1d(y, dtype=object)
    if X is not None and len(labels) != len(X):
        raise CohortError([f"y has {len(labels)} labels for {len(X)} patients"])
    check_same_patients("y", y, X)
    patients = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(len(labels))
    labels = _checked_labels(labels, patients.to_numpy(dtype=object), getattr(y, "name", None))
    classes = np.unique(labels)
    if len(classes) < 2:
        raise CohortError(
            [
                f"the target has one class only, {classes.tolist()}, in {len(labels)} patients; "
                "at least two are needed"
            ]
        )
    return labels


def check_same_patients(name: str, values, X) -> None:
    """Check that values per patient have the same index, in the same order, as a table.

    Parameters
    ----------
    name : str
        Name of the values in messages.
    values : array-like of shape (n_patients,)
    X : array-like of shape (n_patients, n_columns)

    Raises
    ------
    CohortError
        Both have an index, and they differ.
    """
    both = isinstance(values, pd.Series | pd.DataFrame) and isinstance(X, pd.DataFrame)
    if both and not values.index.equals(X.index):
        raise CohortError(
            [
                f"{name} has another index than X, so values would be assigned to the wrong "
                f"patients; use {name}.loc[X.index]"
            ]
        )


def _checked_labels(labels, patients, name) -> np.ndarray:
    """Return labels of one type; raise with the patient's id if a label is invalid."""
    absent = pd.isna(labels)
    if absent.any():
        raise CohortError(
            Problem.of(patient, "the target is missing; drop the row or fill it in", name)
            for patient in patients[absent]
        )
    words = np.array([isinstance(label, str) for label in labels], dtype=bool)
    if words.any() and not words.all():
        pairs = ((patients[i], labels[i]) for i in (words.argmax(), words.argmin()))
        seen = " and ".join(f"{label!r} (patient {patient!r})" for patient, label in pairs)
        column = "" if name is None else f", column {name!r}"
        raise CohortError([f"the target{column} mixes words and numbers: {seen}; use one kind"])
    labels = np.asarray(labels.tolist()) if labels.dtype == object else labels
    if labels.dtype.kind == "f":
        fractional = ~np.isfinite(labels) | (labels != np.round(labels))
        if fractional.any():
            i = fractional.argmax()
            text = f"the target must be a class label, got the real number {labels[i].item()}"
            raise CohortError([Problem.of(patients[i], text, name)])
    return labels
