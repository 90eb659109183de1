"""Checks for estimators whose input is a table of images, one row per patient.

scikit-learn's own checks use arrays of numbers and therefore skip estimators that take images. The
checks in this module replace them. Each is a function ``check(estimator, X, y)`` that raises an
AssertionError with the names of the estimator and the check. `X` is a small table of the columns
that the estimator reads, with paths or SimpleITK images; `y` contains the labels, with at least two
patients of each class. The output may be a table of numbers or of images; images are compared by
content.
"""

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import FeatureUnion
from sklearn.utils import get_tags

from sklidh.utils._image_estimators import (
    assert_same,
    empty_cache,
    image_check,
    methods,
    name_of,
    outputs,
    own_estimators,
    parameters_named,
    prepared,
    read_images,
    recomputing,
)
from sklidh.utils._refusals import (
    check_absent_column_is_an_error,
    check_bad_target_is_an_error,
    check_duplicate_patient_is_an_error,
    check_empty_table_is_an_error,
    check_missing_file_is_an_error,
)

if TYPE_CHECKING:
    import pytest

__all__ = ["IMAGE_CHECKS", "check_image_estimator", "parametrize_with_image_checks"]


def check_image_estimator(estimator, X, y, *, expected_failed_checks=()) -> None:
    """Run all checks on an estimator that takes images.

    Parameters
    ----------
    estimator : estimator
        Transformer, classifier or pipeline. It is cloned and not modified.
    X : DataFrame of shape (n_patients, n_columns)
        Paths or SimpleITK images in exactly the columns that the estimator reads.
    y : Series of shape (n_patients,)
        Labels, at least two patients of each class.
    expected_failed_checks : dict or collection of str, default=()
        Names of checks to skip; a dict also gives the reasons.

    Raises
    ------
    AssertionError
        A check failed; the message names the estimator and the check.
    """
    for check in IMAGE_CHECKS:
        if check.__name__ not in expected_failed_checks:
            check(estimator, X, y)


def parametrize_with_image_checks(
    estimators, *, expected_failed_checks=None
) -> "pytest.MarkDecorator":
    """Parametrise a test with all pairs of ``estimator`` and ``check``.

    Parameters
    ----------
    estimators : sequence of estimators
    expected_failed_checks : callable, default=None
        Function that takes an estimator and returns a dict from the names of checks that must fail
        to the reasons.

    Returns
    -------
    pytest.MarkDecorator

    Examples
    --------
    >>> from sklidh.features import RadiomicsExtractor
    >>> from sklidh.utils.estimator_checks import parametrize_with_image_checks
    >>> @parametrize_with_image_checks([RadiomicsExtractor()])
    ... def test_image_in_checks(estimator, check, phantoms):
    ...     X, y = phantoms
    ...     check(estimator, X[["T1", "mask"]], y)
    """
    import pytest

    cases = []
    for estimator in estimators:
        failing = expected_failed_checks(estimator) if expected_failed_checks else {}
        for check in IMAGE_CHECKS:
            reason = failing.get(check.__name__)
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            name = f"{name_of(estimator)}-{check.__name__}"
            cases.append(pytest.param(estimator, check, marks=marks, id=name))
    return pytest.mark.parametrize(("estimator", "check"), cases)


@image_check
def check_clone_and_params(estimator, X, y):
    """Clone works, and get_params returns the values set by set_params."""
    copy = clone(estimator)
    assert copy.get_params().keys() == estimator.get_params().keys(), "clone loses parameters"
    for part in own_estimators(copy):
        for name in part.get_params(deep=False):
            value = object()
            assert part.set_params(**{name: value}) is part, "set_params does not return self"
            assert part.get_params(deep=False)[name] is value, f"set_params loses {name!r}"


@image_check
def check_init_only_assigns(estimator, X, y):
    """The constructor stores each parameter unchanged, and nothing else."""
    for part in own_estimators(estimator):
        names = part.get_params(deep=False).keys()
        for value in (object(), [], None):
            try:
                new = type(part)(**dict.fromkeys(names, value))
            except Exception as error:
                raise AssertionError(f"__init__ processes its parameters: {error!r}") from error
            for name in names:
                assert getattr(new, name) is value, f"__init__ changes {name!r}"
            extra = vars(new).keys() - names
            assert not extra, f"__init__ sets {sorted(extra)}, which are not parameters"


@image_check
def check_fit_returns_self_and_keeps_parameters(estimator, X, y):
    """The method fit returns self and leaves all parameters unchanged."""
    estimator = prepared(estimator)
    before = [part.get_params(deep=False) for part in own_estimators(estimator)]
    parts = own_estimators(estimator)
    assert estimator.fit(X, y) is estimator, "fit does not return self"
    for part, params in zip(parts, before, strict=True):
        for name, value in params.items():
            assert part.get_params(deep=False)[name] is value, f"fit changes {name!r}"


@image_check
def check_unfitted_is_an_error(estimator, X, y):
    """An unfitted estimator raises NotFittedError."""
    for method in methods(clone(estimator)) if get_tags(estimator).requires_fit else ():
        try:
            method(X)
        except NotFittedError:
            continue
        except Exception as error:
            raise AssertionError(f"{method.__name__} without fit: {error!r}") from error
        raise AssertionError(f"{method.__name__} works without fit; NotFittedError expected")


@image_check
def check_index_kept(estimator, X, y):
    """The output has the index of the input, in the same order."""
    fitted = prepared(estimator).fit(X, y)
    order = np.random.default_rng(0).permutation(len(X))
    shuffled = outputs(fitted, X.iloc[order])
    for method, table in shuffled.items():
        pd.testing.assert_index_equal(table.index, X.index[order], obj=f"the index of {method}")
    straight = {method: table.iloc[order] for method, table in outputs(fitted, X).items()}
    assert_same(straight, shuffled, "in order and shuffled")


@image_check
def check_inside_a_feature_union(estimator, X, y):
    """In a FeatureUnion with a copy of itself, every patient keeps one aligned row."""
    if not hasattr(estimator, "transform"):
        return
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X.iloc[order], y.iloc[order]
    twins = [("one", prepared(estimator)), ("other", prepared(estimator))]
    table = FeatureUnion(twins).set_output(transform="pandas").fit_transform(X, y)
    assert len(table) == len(X), f"{len(table)} rows returned for {len(X)} patients"
    pd.testing.assert_index_equal(table.index, X.index)
    one, other = np.split(np.arange(table.shape[1]), 2)
    left, right = table.iloc[:, one], table.iloc[:, other].set_axis(table.columns[one], axis=1)
    assert_same({"union": left}, {"union": right}, "the two halves")


@image_check
def check_feature_names_out(estimator, X, y):
    """get_feature_names_out returns the output columns: unique strings."""
    if not hasattr(estimator, "transform"):
        return
    names = list(prepared(estimator).fit(X, y).get_feature_names_out())
    # With pandas output, scikit-learn assigns the announced names to any columns, so the
    # estimator's own output is checked.
    table = clone(estimator).fit(X, y).transform(X)
    assert table.shape[1] == len(names), f"{len(names)} names for {table.shape[1]} columns"
    if isinstance(table, pd.DataFrame):
        columns = list(table.columns)
        assert names == columns, f"the names are {names[:5]}, the columns {columns[:5]}"
    assert all(isinstance(name, str) for name in names), "a name is not a string"
    assert len(set(names)) == len(names), "a name appears twice"


@image_check
def check_fit_transform_is_fit_then_transform(estimator, X, y):
    """fit_transform returns the same as fit followed by transform."""
    if not hasattr(estimator, "fit_transform"):
        return
    with empty_cache():
        short = read_images(recomputing(estimator).fit_transform(X, y))
    with empty_cache():
        long = read_images(recomputing(estimator).fit(X, y).transform(X))
    assert_same({"transform": short}, {"transform": long}, "fit_transform and fit, transform")


@image_check
def check_batch_equals_its_cases(estimator, X, y):
    """A patient's result does not depend on the other patients in the table."""
    with empty_cache():
        fitted = recomputing(estimator).fit(X, y)
        batch = outputs(fitted, X)
    with empty_cache():
        cases = [outputs(fitted, X.iloc[[row]]) for row in range(len(X))]
    joined = {method: pd.concat([case[method] for case in cases]) for method in batch}
    assert_same(batch, joined, "all at once and one by one")


@image_check
def check_pickle(estimator, X, y):
    """A fitted estimator gives the same output after pickling."""
    with empty_cache():
        fitted = recomputing(estimator).fit(X, y)
        before = outputs(fitted, X)
    copy = pickle.loads(pickle.dumps(fitted))
    with empty_cache():
        assert_same(before, outputs(copy, X), "before and after pickling")


@image_check
def check_n_jobs(estimator, X, y):
    """The output is the same for any n_jobs."""
    names = parameters_named(estimator, "n_jobs")
    results = []
    for n_jobs in (1, 2) if names else ():
        with empty_cache():
            model = recomputing(estimator).set_params(**dict.fromkeys(names, n_jobs))
            results.append(outputs(model.fit(X, y), X))
    if results:
        assert_same(*results, "n_jobs=1 and n_jobs=2")


@image_check
def check_refit_forgets(estimator, X, y):
    """Refitting on all patients gives the same output as a first fit on all patients."""
    with empty_cache():
        twice = recomputing(estimator).fit(X.iloc[:-1], y.iloc[:-1]).fit(X, y)
        after = outputs(twice, X)
    with empty_cache():
        once = outputs(recomputing(estimator).fit(X, y), X)
    assert_same(once, after, "fitted once and twice")


@image_check
def check_input_not_modified(estimator, X, y):
    """fit and prediction do not modify the table, the labels or the images."""
    table, labels, images = X.copy(), y.copy(), read_images(X)
    with empty_cache():
        outputs(recomputing(estimator).fit(X, y), X)
    pd.testing.assert_frame_equal(X, table)
    pd.testing.assert_series_equal(y, labels)
    assert_same({"X": images}, {"X": read_images(X)}, "the images before and after")


IMAGE_CHECKS = [
    check_clone_and_params,
    check_init_only_assigns,
    check_fit_returns_self_and_keeps_parameters,
    check_unfitted_is_an_error,
    check_index_kept,
    check_inside_a_feature_union,
    check_feature_names_out,
    check_fit_transform_is_fit_then_transform,
    check_batch_equals_its_cases,
    check_pickle,
    check_n_jobs,
    check_refit_forgets,
    check_input_not_modified,
    check_missing_file_is_an_error,
    check_duplicate_patient_is_an_error,
    check_absent_column_is_an_error,
    check_empty_table_is_an_error,
    check_bad_target_is_an_error,
]
"""All checks, in the order in which they run."""
