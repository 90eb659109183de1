"""Record which patients are passed to the `fit` of any estimator."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import isfunction

from sklearn.base import BaseEstimator, clone

WATCHED = ("fit", "fit_transform", "partial_fit")


@contextmanager
def watched_fits() -> Iterator[list]:
    """Record every call of any estimator's `fit` in this process while the block runs.

    All loaded estimator classes are watched, not only the parts of one model, so that fits that an
    evaluation runs outside the model are recorded too.

    Yields
    ------
    list of (str, frozenset or int)
        Name of the class, and the rows passed to it: their index, or their number if X was an
        array.
    """
    calls, replaced = [], []

    def watch(function):
        @wraps(function)
        def watching(self, X, *arguments, **options):
            rows = frozenset(X.index) if hasattr(X, "iloc") else len(X)
            calls.append((type(self).__name__, rows))
            return function(self, X, *arguments, **options)

        return watching

    for cls in set(_descendants(BaseEstimator)):
        for name in WATCHED:
            function = vars(cls).get(name)
            if isfunction(function):
                replaced.append((cls, name, function))
                setattr(cls, name, watch(function))
    try:
        yield calls
    finally:
        for cls, name, function in replaced:
            setattr(cls, name, function)


def estimators_that_saw(calls, test_rows) -> list[str]:
    """List the estimators that were fitted on test patients.

    With several splits, every patient is a training patient in some of them: a fit is accepted if
    it saw no test patient of at least one split.

    Parameters
    ----------
    calls : list of (str, frozenset or int)
        From `watched_fits`.
    test_rows : list of frozenset
        The patients predicted in each split.

    Returns
    -------
    list of str
        Class and number of test patients, each class once. For arrays only the number of rows is
        known; they are listed if they have more rows than the largest training set.
    """
    patients = frozenset().union(*test_rows)
    for _, rows in calls:
        if not isinstance(rows, int):
            patients |= rows
    most = max(len(patients - tested) for tested in test_rows)
    seen = {}
    for name, rows in calls:
        fewest = (
            max(rows - most, 0)
            if isinstance(rows, int)
            else min(len(rows & tested) for tested in test_rows)
        )
        seen[name] = max(fewest, seen.get(name, 0))
    return [f"{name} ({n} test patients)" for name, n in seen.items() if n]


def fitted_before(model) -> list[str]:
    """List the parts of a model that were fitted before the audit, on unknown patients.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    list of str
        Their class names.
    """
    bare = clone(model)
    parts = [bare, *bare.get_params(deep=True).values()]
    return sorted(
        {
            type(part).__name__
            for part in parts
            if isinstance(part, BaseEstimator)
            and any(name.endswith("_") and not name.startswith("_") for name in vars(part))
        }
        | {type(part).__name__ for part in parts if type(part).__name__ == "FrozenEstimator"}
    )


def _descendants(cls) -> Iterator[type]:
    for child in cls.__subclasses__():
        yield child
        yield from _descendants(child)
