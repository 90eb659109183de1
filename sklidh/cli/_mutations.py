"""Which values of a target are mutants: the library's rule, and what came of it in words."""

import pandas as pd

from sklidh.cli._output import console


def mutations(X: pd.DataFrame, y: pd.Series, wildtype: str) -> pd.Series:
    """Return the IDH status as 0 and 1, and print which values were taken for which.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
    wildtype : str
        The value of wild types; empty: known words, or 0 and 1.

    Returns
    -------
    Series of int, shape (n_patients,)

    Raises
    ------
    CohortError
        As `sklidh.datasets.binary_target` and `check_target`.
    """
    from sklidh.utils import binary_target, check_target

    codes = binary_target(y, wildtype=wildtype or None)
    check_target(codes, X)
    mutant, wild = (counted(y[codes == code]) for code in (1, 0))
    n_mutant, n_wild = int((codes == 1).sum()), int((codes == 0).sum())
    console.print(
        f"{y.name}: {n_mutant} mutant{'s' * (n_mutant > 1)} ({mutant}), "
        f"{n_wild} wild type{'s' * (n_wild > 1)} ({wild})",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return codes


def counted(y: pd.Series) -> str:
    """List a class's values, with their counts where there are several."""
    counts = y.astype(str).value_counts()
    if len(counts) == 1:
        return counts.index[0]
    return ", ".join(f"{value} {n}" for value, n in counts.items())
