"""Helpers of the estimator checks: prepare estimators, collect outputs, compare by content."""

import functools
import os
import tempfile
from contextlib import contextmanager

import numpy as np
import pandas as pd
from sklearn.base import clone

from sklidh.utils._validation import is_missing, is_path

TOLERANCE = 1e-5
"""Tolerance relative to the largest magnitude of a column or image (float32 rounding)."""


def image_check(check):
    """Decorate a check so that its failures name the estimator and the check."""

    @functools.wraps(check)
    def run(estimator, X, y):
        where = f"{check.__name__} of {name_of(estimator)}"
        try:
            check(estimator, X, y)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error
        except Exception as error:
            error.add_note(f"raised in {where}")
            raise

    return run


def name_of(estimator) -> str:
    """Return an estimator's repr on one short line."""
    text = " ".join(repr(estimator).split())
    return text if len(text) <= 80 else text[:77] + "..."


def prepared(estimator):
    """Return a clone with pandas output and fixed seeds."""
    estimator = clone(estimator)
    if hasattr(estimator, "set_output"):
        estimator.set_output(transform="pandas")
    return estimator.set_params(**dict.fromkeys(parameters_named(estimator, "random_state"), 0))


def recomputing(estimator):
    """Return a prepared clone that uses the default cache, so that `empty_cache` disables it."""
    estimator = prepared(estimator)
    params = estimator.get_params()
    kept = parameters_named(estimator, "cache", "memory")
    return estimator.set_params(**{name: None for name in kept if params[name] is not False})


@contextmanager
def empty_cache():
    """Use an empty folder as the default cache, so that results are computed and not read back."""
    before = os.environ.get("SKLIDH_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SKLIDH_CACHE"] = folder
        try:
            yield
        finally:
            del os.environ["SKLIDH_CACHE"]
            if before is not None:
                os.environ["SKLIDH_CACHE"] = before


def parameters_named(estimator, *endings) -> list[str]:
    """Return the parameters with these names, of the estimator and all its parts."""
    return [name for name in estimator.get_params() if name.split("__")[-1] in endings]


def own_estimators(estimator) -> list:
    """Return the estimator and its parts, except scikit-learn's own, such as a Pipeline."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    return [
        part
        for part in parts
        if hasattr(part, "get_params") and not type(part).__module__.startswith("sklearn.")
    ]


def methods(estimator) -> list:
    """Return the estimator's bound methods `transform`, `predict_proba` and `predict`."""
    names = ("transform", "predict_proba", "predict")
    return [getattr(estimator, name) for name in names if hasattr(estimator, name)]


def outputs(fitted, X) -> dict[str, pd.DataFrame]:
    """Return the output of each method for X, with images read into memory."""
    tables = {}
    for method in methods(fitted):
        output = method(X)
        if not isinstance(output, pd.DataFrame):
            output = np.asarray(output)
            assert len(output) == len(X), f"{len(output)} rows returned for {len(X)} patients"
            output = pd.DataFrame(output, index=X.index)
        tables[method.__name__] = read_images(output) if method.__name__ == "transform" else output
    return tables


def read_images(table: pd.DataFrame) -> pd.DataFrame:
    """Replace every path or image by (grid, voxels); numbers are kept."""
    import SimpleITK as sitk

    def content(cell):
        if is_missing(cell):
            return None
        image = sitk.ReadImage(os.fspath(cell)) if is_path(cell) else cell
        grid = image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()
        return grid, sitk.GetArrayFromImage(image).astype(float)

    return table.apply(lambda column: column.map(content) if column.dtype.kind == "O" else column)


def assert_same(one: dict, other: dict, what: str) -> None:
    """Check that two dictionaries of tables have the same columns, rows and cells."""
    assert one.keys() == other.keys(), f"{what}: methods {[*one]} and {[*other]}"
    for name, table in one.items():
        where, twin = f"{what}: {name}", other[name]
        assert table.columns.equals(twin.columns), f"{where}: the columns differ"
        assert table.index.equals(twin.index), f"{where}: the rows differ in number or order"
        for column in table:
            differ = _differ(table[column], twin[column])
            assert not differ.any(), (
                f"{where}: column {column!r} differs for patients {list(table.index[differ])[:5]}"
            )


def _differ(a: pd.Series, b: pd.Series) -> np.ndarray:
    """Return for each patient whether two columns of numbers, images or labels differ."""
    if a.dtype.kind in "iufb" and b.dtype.kind in "iufb":
        return ~_close(a, b)
    return np.array([not _same_cell(*cells) for cells in zip(a, b, strict=True)], dtype=bool)


def _same_cell(a, b) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return a[0] == b[0] and bool(_close(a[1], b[1]).all())
    return a is b or bool(a == b)


def _close(a, b) -> np.ndarray:
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    largest = np.max(np.abs(a), where=np.isfinite(a), initial=0)
    return np.isclose(a, b, rtol=0, atol=TOLERANCE * largest, equal_nan=True)
