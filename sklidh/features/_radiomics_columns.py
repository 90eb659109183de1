"""Numeric columns in a table of images."""

import numpy as np
import pandas as pd

from sklidh.utils import CohortError, listed


def radiomics_columns(X, names):
    """Return the numeric columns that a network uses in addition to the images.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    names : sequence of str, or None
        None means no columns.

    Returns
    -------
    ndarray of shape (n_patients, len(names)), float64

    Raises
    ------
    CohortError
        A column is missing, or a cell is not a finite number.
    """
    names = [] if names is None else list(names)
    absent = [name for name in names if name not in X.columns]
    if absent:
        raise CohortError(
            [f"radiomics={absent}: not found; available columns: {listed(X.columns)}"]
        )
    numbers = X[names].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    rows, columns = np.nonzero(~np.isfinite(numbers))
    if len(rows):
        raise CohortError(
            f"patient {X.index[row]!r}, column {names[column]!r}: "
            f"{X[names[column]].iloc[row]} is not a finite number; impute or drop it first"
            for row, column in zip(rows, columns, strict=True)
        )
    return numbers
