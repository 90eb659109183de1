"""How work is cut into parts: for a core's cache, and so that several threads have a share each.

The cut does not depend on how many threads there are, since the bits of a sum depend on the cut.
"""

import math

AT_LEAST = 2
"""Parts, where there is enough to cut; more would cost a thread alone some of its time."""

ELEMENTS = 2**19
"""What a part of a map of rows may hold."""

ROWS = 128
"""What a part of a map of rows holds at least: a product of fewer is slow."""


def parts(n, size=math.inf):
    """Cut range(n) into slices of at most `size`; into several all the same, where n allows.

    Parameters
    ----------
    n : int
    size : float, default=inf
        A slice has at least one element.

    Returns
    -------
    list of slice
    """
    return _slices(n, max(1, int(min(size, -(-n // AT_LEAST)))))


def row_parts(x):
    """Cut the rows of a matrix (n, C).

    Returns
    -------
    list of slice
    """
    n, C = x.shape
    wanted = max(AT_LEAST, -(-n * C // ELEMENTS))
    return _slices(n, -(-n // max(1, min(wanted, n // ROWS))))


def _slices(n, size):
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def total(tensors):
    """Return the sum of tensors in their order, in the place of the first."""
    first, *others = tensors
    for other in others:
        first += other
    return first
