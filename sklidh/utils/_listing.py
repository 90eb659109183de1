"""Lists of names in messages, with a limited length."""

from collections.abc import Iterable


def listed(names: Iterable, most: int = 12) -> str:
    """Format names for a message: quoted, with the number of names left out.

    Parameters
    ----------
    names : iterable
    most : int, default=12
        Maximum number of names to show; a table of features may have thousands of columns.

    Returns
    -------
    str
    """
    names = list(names)
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
