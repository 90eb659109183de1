"""Checks that an estimator refuses a bad table with a clear message before any work."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from sklearn.utils import get_tags

from sklidh.utils._image_estimators import image_check, methods, prepared


@contextmanager
def _with_unreadable_first_patient(X):
    """Yield X with unreadable images for the first patient, so that reading an image fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unreadable.nii"
        path.write_bytes(b"not an image")
        X = X.astype(object)
        X.iloc[0] = str(path)
        yield X


def _assert_refused(problem, names, method, *arguments) -> None:
    """Check that a call raises a ValueError that contains `names`, before any image is read."""
    call = f"{method.__name__} with {problem}"
    try:
        method(*arguments)
    except Exception as error:
        if not isinstance(error, ValueError):
            raise AssertionError(f"{call}: expected a ValueError, got {error!r}") from error
        message = str(error)
    else:
        raise AssertionError(f"{call}: expected a ValueError, but no error was raised")
    assert "unreadable.nii" not in message, f"{call}: images were read first: {message}"
    for name in names:
        assert str(name) in message, f"{call}: the message lacks {name!r}: {message}"


@image_check
def check_missing_file_is_an_error(estimator, X, y):
    """A path to a missing file is refused before any image is read; the message names it."""
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
    """A patient with two rows is refused, and the message contains the id."""
    fitted = prepared(estimator).fit(X, y)
    problem, patient = "a patient with two rows", X.index[-1]
    with _with_unreadable_first_patient(X) as bad:
        table, labels = pd.concat([bad, bad.iloc[[-1]]]), pd.concat([y, y.iloc[[-1]]])
        _assert_refused(problem, [patient], prepared(estimator).fit, table, labels)
        for method in methods(fitted):
            _assert_refused(problem, [patient], method, table)


@image_check
def check_absent_column_is_an_error(estimator, X, y):
    """A table that lacks a column seen at fit is refused, and the message names the column."""
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
    """Too few labels, missing labels, a single class or another order are refused."""
    if not get_tags(estimator).target_tags.required:
        return
    fit = prepared(estimator).fit
    hole, single = y.astype(object), y.copy()
    hole.iloc[-1] = None
    single[:] = y.iloc[0]
    with _with_unreadable_first_patient(X) as bad:
        _assert_refused("one label too few", [len(X), len(X) - 1], fit, bad, y.iloc[:-1])
        _assert_refused("a missing label", [y.index[-1]], fit, bad, hole)
        _assert_refused("a single class", ["class"], fit, bad, single)
        _assert_refused("labels in another order", [], fit, bad, y.iloc[::-1])
