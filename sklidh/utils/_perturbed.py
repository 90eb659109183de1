"""Names of columns that hold a feature's value in a perturbed image."""

import re

SUFFIX = "__perturbed-"


def perturbed_name(name: str, number) -> str:
    """Return the column of a feature in a perturbed image.

    Parameters
    ----------
    name : str
        The feature's own column.
    number : int or str
        Which perturbation.

    Returns
    -------
    str
    """
    return f"{name}{SUFFIX}{number}"


def unperturbed_name(name: str) -> str | None:
    """Return the feature's own column for one of a perturbed image.

    Parameters
    ----------
    name : str

    Returns
    -------
    str or None
        None if the column is not of a perturbed image.

    Examples
    --------
    >>> from sklidh.utils import unperturbed_name
    >>> unperturbed_name("T1__original_firstorder_Mean__perturbed-3")
    'T1__original_firstorder_Mean'
    >>> unperturbed_name("T1__original_firstorder_Mean") is None
    True
    """
    match = re.fullmatch(f"(.+){SUFFIX}[^_]+", str(name))
    return match and match[1]
