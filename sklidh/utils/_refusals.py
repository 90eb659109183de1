"""Checks that an image-in estimator refuses a bad table, saying why, before it works on it."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from sklearn.utils import get_tags

from sklidh.utils._image_estimators import image_check, methods, prepared


@contextmanager
def _with_unreadable_first_patient(X):
    """Yield X with images of the first patient that are none: work would stumble on them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unreadable.nii"
        path.write_bytes(b"not an image")
        X = X.astype(object)
        X.iloc[0] = str(path)
        yield X


def _assert_refused(problem, names, method, *arguments) -> None:
    """Check that a call raises a ValueError that mentions `names`, before any image is read."""
    said = f"what {method.__name__} says to {problem}"
    try:
        method(*arguments)
    except Exception as error:
        if not isinstance(error, ValueError):
            raise AssertionError(f"{said} is no ValueError but {error!r}") from error
        message = str(error)
    else:
        raise AssertionError(f"{method.__name__} accepts {problem}; ValueError expected")
    assert "unreadable.nii" not in message, f"{said} comes after work began: {message}"
    for name in names:
        assert str(name) in message, f"{said} does not name {name!r}: {message}"


@image_check
def check_missing_file_is_an_error(estimator, X, y):
    """A path to nowhere is refused before any image is read; patient and column are named."""
    fitted = prepared(estimator).fit(X, y)
    patient = X.index[-1]
    with _with_unreadable_first_patient(X) as bad:
        for column in X.columns:
            table = bad.copy()
            table.loc[patient, column] = os.path.join("nowhere", "image.nii.gz")
            problem = f"a file of column {column!r} that does not exist"
            _assert_refused(problem, [patient, column], prepared(estimator).fit, table, y)
            for method in methods(fitted):
                _assert_refused(problem, [patient, column], method, table)


@image_check
def check_duplicate_patient_is_an_error(estimator, X, y):
    """A patient listed twice is refused and named."""
    fitted = prepared(estimator).fit(X, y)
    problem, patient = "a patient with two rows", X.index[-1]
    with _with_unreadable_first_patient(X) as bad:
        table, labels = pd.concat([bad, bad.iloc[[-1]]]), pd.concat([y, y.iloc[[-1]]])
        _assert_refused(problem, [patient], prepared(estimator).fit, table, labels)
        for method in methods(fitted):
            _assert_refused(problem, [patient], method, table)


@image_check
def check_absent_column_is_an_error(estimator, X, y):
    """A table without a column that was there at fit is refused, and the column is named."""
    fitted = prepared(estimator).fit(X, y)
    with _with_unreadable_first_patient(X) as bad:
        for column in X.columns:
            for method in methods(fitted):
                problem = f"a table without column {column!r}"
                _assert_refused(problem, [column], method, bad.drop(columns=column))


@image_check
def check_empty_table_is_an_error(estimator, X, y):
    """A table without rows is refused."""
    _assert_refused("no rows", [], prepared(estimator).fit, X.iloc[:0], y.iloc[:0])


@image_check
def check_bad_target_is_an_error(estimator, X, y):
    """Labels that are too few, missing, of one class or in another order are refused."""
    if not get_tags(estimator).target_tags.required:
        return
    fit = prepared(estimator).fit
    hole, single = y.astype(object), y.copy()
    hole.iloc[-1] = None
    single[:] = y.iloc[0]
    with _with_unreadable_first_patient(X) as bad:
        _assert_refused("a label too few", [len(X), len(X) - 1], fit, bad, y.iloc[:-1])
        _assert_refused("a missing label", [y.index[-1]], fit, bad, hole)
        _assert_refused("a single class", ["class"], fit, bad, single)
        _assert_refused("labels in another order", [], fit, bad, y.iloc[::-1])
