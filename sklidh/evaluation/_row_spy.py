"""See which patients reach the `fit` of any estimator."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import isfunction

from sklearn.base import BaseEstimator, clone

WATCHED = ("fit", "fit_transform", "partial_fit")


@contextmanager
def watched_fits() -> Iterator[list]:
    """Record every call of `fit`, by whatever estimator, while the block runs in this process.

    Every class of estimators that is loaded is watched, not only the parts of one model: what an
    evaluation does beside the model is seen too.

    Yields
    ------
    list of (str, frozenset or int)
        Name of the class, and the rows it was given: their index, or their number where X was an
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


def who_saw(calls, test_rows) -> list[str]:
    """Tell which estimators were fitted on patients who were predicted.

    With several splits every patient is trained on in some: a fit is innocent if there is a split
    of whose test patients it saw none.

    Parameters
    ----------
    calls : list of (str, frozenset or int)
        From `watched_fits`.
    test_rows : list of frozenset
        The patients predicted in each split.

    Returns
    -------
    list of str
        Class and number of test patients, each class once. Of arrays only the number of rows is
        known: they are named where there are more than any split trains on.
    """
    everybody = frozenset().union(*test_rows)
    for _, rows in calls:
        if not isinstance(rows, int):
            everybody |= rows
    most = max(len(everybody - tested) for tested in test_rows)
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
    """Tell which parts of a model are fitted although nobody has called `fit`.

    Nobody can say whom such a part has seen.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    list of str
        Their classes.
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
