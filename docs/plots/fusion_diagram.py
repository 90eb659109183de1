"""Draw a fitted fusion network: the layers of two blocks, their sizes, and the four losses."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

from sklidh.fusion import InvariantSpecificFusionClassifier

X, y = load_breast_cancer(return_X_y=True)
blocks = {"T1": range(12), "T1CE": range(12, 30)}
net = InvariantSpecificFusionClassifier(modalities=blocks, random_state=0).fit(scale(X), y)
P, H = net.projection_dim, net.hidden_dim
COLOURS, RED = {1: "#4c78a8", -1: "#f58518"}, "#c0392b"


def layer(axes, x, y, text, n, colour):
    """Draw a layer as a box with its number of units."""
    box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": colour, "lw": 1.5}
    axes.text(x, y, f"{text}\n{n}", ha="center", va="center", fontsize=8, bbox=box)


def arrow(axes, start, end):
    """Draw the way from one layer to another."""
    style = {"arrowstyle": "-|>", "color": "0.45", "shrinkA": 38, "shrinkB": 37}
    axes.annotate("", end, start, arrowprops=style)


def loss(axes, x, low, high, text):
    """Draw a loss between two layers, one above the other."""
    axes.plot([x, x], [low + 0.33, high - 0.33], "--", color=RED, lw=1)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    at = x, (low + high) / 2
    axes.text(*at, text, ha="center", va="center", fontsize=8, color=RED, bbox=box)


figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
for (name, columns), base, side in zip(blocks.items(), (4.0, 0.0), (1, -1), strict=True):
    colour = COLOURS[side]
    # The invariant codes of the two blocks face each other.
    invariant, specific = (4.6, base - 0.7 * side), (4.6, base + 0.7 * side)
    reconstruction = 2.3, base + 1.4 * side
    layer(axes, 0, base, f"{name} features", len(columns), colour)
    layer(axes, 2.3, base, "projection", P, colour)
    layer(axes, *invariant, "invariant code", H, colour)
    layer(axes, *specific, "specific code", H, colour)
    layer(axes, *reconstruction, "reconstruction", P, colour)
    arrow(axes, (0, base), (2.3, base))
    for code in (invariant, specific):
        arrow(axes, (2.3, base), code)
        arrow(axes, code, reconstruction)
        arrow(axes, code, (7.0, 2.0))
    loss(axes, 4.6, *sorted([invariant[1], specific[1]]), "β difference")
    loss(axes, 2.3, *sorted([base, reconstruction[1]]), "γ reconstruction")
loss(axes, 4.6, 0.7, 3.3, "α similarity")
layer(axes, 7.0, 2.0, "all codes", 2 * H * len(blocks), "0.2")
layer(axes, 9.0, 2.0, "classifier", "P(mutant)", "0.2")
arrow(axes, (7.0, 2.0), (9.0, 2.0))
axes.set(xlim=(-0.9, 9.8), ylim=(-1.9, 5.9))
axes.axis("off")
