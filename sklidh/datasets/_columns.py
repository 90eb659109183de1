"""Find the columns of a table that a model reads: sequences and clinical data."""

import warnings
from collections.abc import Iterable

import pandas as pd

from sklidh.datasets._headings import matches, near_misses
from sklidh.images import image_columns
from sklidh.utils import PAPER_MODALITIES, CohortError, listed


def other_columns(X: pd.DataFrame, modalities: Iterable[str] = ()) -> list[str]:
    """Return the columns that hold neither images, `modalities` among them, nor features."""
    images = {*modalities, *image_columns(X), "mask"}
    return [name for name in X.columns if name not in images and "__" not in str(name)]


def clinical_columns(
    X: pd.DataFrame, names: Iterable[str], modalities: Iterable[str] = (), *, of: str = ""
) -> tuple[dict[str, str], list[str]]:
    """Find clinical columns by name, whatever the case.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    names : iterable of str
    modalities : iterable of str, default=()
        Columns known to hold images, which are never clinical.
    of : str, default=""
        Where the names come from, added to the messages.

    Returns
    -------
    found : dict of str to str
        Column by name.
    problems : list of str
        One line per name that is not found.
    """
    others = other_columns(X, modalities)
    columns = {name: next(iter(matches(name, others)), None) for name in names}
    problems = [
        f"clinical column {name!r}{of} not found; available columns: {listed(others) or 'none'}"
        for name, column in columns.items()
        if column is None
    ]
    return {name: column for name, column in columns.items() if column is not None}, problems


def paper_modalities(X: pd.DataFrame) -> tuple[str, ...]:
    """Return the paper's sequences that a table has.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)

    Returns
    -------
    tuple of str
        T1, T1CE, T2 and FLAIR, as far as the table has them.

    Raises
    ------
    CohortError
        The table has none of them, or a column of images whose name is almost one of theirs.

    Warns
    -----
    UserWarning
        About other columns of images, which are not used.
    """
    found = tuple(name for name in PAPER_MODALITIES if name in X.columns)
    unused = [name for name in image_columns(X) if name not in found]
    near = {
        heading: name
        for name in PAPER_MODALITIES
        if name not in found
        for heading in near_misses(name, unused)
    }
    if near:
        raise CohortError(
            f"column {heading!r} holds images; did you mean {name}? Rename it, give --columns "
            f"{name}={heading}, or name the sequences to use with --groups"
            for heading, name in near.items()
        )
    expected = ", ".join(PAPER_MODALITIES)
    if not found:
        raise CohortError(
            [
                f"no column is called {expected}; rename "
                f"{listed(unused) or 'the columns of images'}, map them with --columns, or name "
                "them with --groups"
            ]
        )
    if unused:
        warnings.warn(
            f"columns of images that are not used: {listed(unused)}. The sequences used are "
            f"{', '.join(found)}; to use another column, name it with --groups or map it with "
            "--columns",
            stacklevel=2,
        )
    return found
