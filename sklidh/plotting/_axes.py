"""One look for all plots."""

from itertools import product

COLOURS = ("#0b6e8a", "#d1495b", "#edae49", "#5b8e3e", "#7a5ba8", "#5f6b73", "#c46d3b", "#2f4858")
"""Told apart by the colour-blind too; a plot takes them in this order."""

LINES = [(colour, line) for line, colour in product(("-", "--", ":", "-."), COLOURS)]
"""Colour and style of one curve after the other: all of a colour differ in style."""


def new_axes(ax, *, figsize=(5.0, 4.2)):
    """Return `ax`, or the axes of a new figure, without the frame's top and right side."""
    if ax is None:
        # Not pyplot: a figure drawn for a report must neither need nor leave a window.
        from matplotlib.figure import Figure

        ax = Figure(figsize=figsize, layout="constrained").subplots()
    ax.spines[["top", "right"]].set_visible(False)
    return ax
