"""Columns of numbers in a table of images."""

import numpy as np
import pandas as pd

from sklidh.utils import CohortError, listed


def radiomics_columns(X, names):
    """Return the columns of numbers that a network reads beside the images.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    names : sequence of str, or None
        None is none.

    Returns
    -------
    ndarray of shape (n_patients, len(names)), float64

    Raises
    ------
    CohortError
        A column is absent, or a cell is no finite number.
    """
    names = [] if names is None else list(names)
    absent = [name for name in names if name not in X.columns]
    if absent:
        raise CohortError(
            [f"radiomics={absent}: no such column; the table has {listed(X.columns)}"]
        )
    numbers = X[names].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    rows, columns = np.nonzero(~np.isfinite(numbers))
    if len(rows):
        raise CohortError(
            f"patient {X.index[row]!r}, column {names[column]!r}: "
            f"{X[names[column]].iloc[row]} is no finite number; impute or drop it first"
            for row, column in zip(rows, columns, strict=True)
        )
    return numbers
