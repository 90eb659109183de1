"""Colours, lines and axes shared by all plots."""

from collections.abc import Mapping
from itertools import cycle, product

import numpy as np

COLOURS = ("#0b6e8a", "#d1495b", "#908400", "#6f2dbd", "#23303a", "#9084e4", "#6c3000")
"""Colours of curves, in order. Tests check that colour-blind readers can distinguish them and that
they stand out from a report page in light and dark mode."""

OUTLINE = "#edae49"
"""Colour of a tumour's outline over a grey image."""

LINES = [(colour, line) for line, colour in product(("-", "--", ":", "-."), COLOURS)]
"""Colour and line style of successive curves: once the colours are used up, the style changes."""

ON_MAP = "#00c8ff"
"""Colour of a tumour's outline over a heat map, which has no such blue."""


def draw_curves(ax, curves: Mapping, labels: Mapping | None = None, **style) -> dict[str, str]:
    """Draw curves, ``(x, y)`` by name, on the same axes, and return the colour of each."""
    labels = {name: name for name in curves} if labels is None else labels
    colours = {}
    for (colour, line), width, (name, curve) in zip(
        cycle(LINES), widths(curves), curves.items(), strict=False
    ):
        look = {"color": colour, "linestyle": line, "linewidth": width}
        ax.plot(*curve, label=labels[name], **look, **style)
        colours[name] = colour
    return colours


def widths(curves: Mapping) -> list[float]:
    """Return line widths in points; where curves coincide, those drawn first are wider."""
    drawn = [np.ravel(curve) for curve in curves.values()]
    return [
        2 + 1.3 * sum(_coincide(curve, later) for later in drawn[place + 1 :])
        for place, curve in enumerate(drawn)
    ]


def _coincide(one, other) -> bool:
    # The tolerance is less than the width of a line.
    return one.shape == other.shape and np.allclose(one, other, atol=0.003, equal_nan=True)


def new_axes(ax, *, figsize):
    """Return `ax`, or the axes of a new figure, without the top and right sides of the frame."""
    if ax is None:
        # Without pyplot, a figure for a report neither needs nor leaves a window.
        from matplotlib.figure import Figure

        ax = Figure(figsize=figsize, layout="constrained").subplots()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def show_slice(ax, voxels, outline=None, *, colour=OUTLINE, **look):
    """Show a slice in grey, scaled from its 1st to its 99.5th percentile, with an outline."""
    darkest, brightest = np.percentile(voxels, [1, 99.5])
    ax.imshow(voxels, cmap="gray", vmin=darkest, vmax=brightest, **look)
    if outline is not None:
        ax.contour(outline, levels=[0.5], colors=[colour], linewidths=1)


def legend_below(ax, *, title=None, ncols=1):
    """Put the legend below the axes: inside, it would hide part of a curve."""
    from matplotlib.transforms import ScaledTranslation

    # Offset in inches: below the tick labels and the label of the axis.
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
