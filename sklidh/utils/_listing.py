"""Names in a message: some of them, however many there are."""

from collections.abc import Iterable


def listed(names: Iterable, most: int = 12) -> str:
    """Write names for a message: each quoted, and how many were left out.

    Parameters
    ----------
    names : iterable
    most : int, default=12
        Names to show. A table of features has thousands of columns.

    Returns
    -------
    str
    """
    names = list(names)
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
