"""One look for all plots."""

from collections.abc import Mapping
from itertools import product

import numpy as np

COLOURS = ("#0b6e8a", "#d1495b", "#edae49", "#6f2dbd", "#23303a", "#9db7c4", "#7a3b12")
"""Told apart by the colour-blind too, as a test computes; a plot takes them in this order."""

LINES = [(colour, line) for line, colour in product(("-", "--", ":", "-."), COLOURS)]
"""Colour and style of one curve after the other: all of a colour differ in style."""

ON_MAP = "#00c8ff"
"""An outline over a map of heat, which has no such blue."""


def widths(curves: Mapping) -> list[float]:
    """Return the widths of curves drawn one over the other, in points.

    Parameters
    ----------
    curves : dict of str to array-like
        What each is drawn from, in the order of drawing.

    Returns
    -------
    list of float
        All the same, but of curves that coincide the lower ones stand out at both sides.
    """
    drawn = [np.ravel(curve) for curve in curves.values()]
    return [
        2 + 1.3 * sum(_coincide(curve, later) for later in drawn[place + 1 :])
        for place, curve in enumerate(drawn)
    ]


def _coincide(one, other) -> bool:
    # By less than a line's width they may differ.
    return one.shape == other.shape and np.allclose(one, other, atol=0.003, equal_nan=True)


def new_axes(ax, *, figsize=(5.0, 4.2)):
    """Return `ax`, or the axes of a new figure, without the frame's top and right side."""
    if ax is None:
        # Not pyplot: a figure drawn for a report must neither need nor leave a window.
        from matplotlib.figure import Figure

        ax = Figure(figsize=figsize, layout="constrained").subplots()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def legend_below(ax, *, title=None, ncols=1):
    """Put the legend below the axes: within, it would lie where some model has its curve."""
    from matplotlib.transforms import ScaledTranslation

    # As far down, in inches, as the numbers and the name of the axis reach.
    below = ax.transAxes + ScaledTranslation(0, -0.45, ax.figure.dpi_scale_trans)
    ax.legend(
        title=title,
        ncols=ncols,
        fontsize="small",
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=below,
    )
