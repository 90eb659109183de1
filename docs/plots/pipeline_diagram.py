"""Draw a fitted pipeline: each sequence's way from image to fusion, with its numbers of columns."""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt

from sklidh import make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms

COLOURS = {"T1": "#4c78a8", "T1CE": "#f58518", "T2": "#54a24b", "FLAIR": "#b279a2"}
X_OF = {"image": 0.6, "register": 2.5, "radiomics": 4.6, "test": 6.8, "prune": 9.0}
WIDTH, HEIGHT = 1.7, 0.62


def box(axes, x, y, text, colour, height=HEIGHT):
    """Draw one step."""
    style = {"boxstyle": "round,pad=0.02", "facecolor": "white", "edgecolor": colour}
    corner = x - WIDTH / 2, y - height / 2
    axes.add_patch(plt.matplotlib.patches.FancyBboxPatch(corner, WIDTH, height, lw=1.5, **style))
    axes.text(x, y, text, ha="center", va="center", fontsize=8)


def arrow(axes, start, end, y, y_end=None):
    """Draw an arrow from one step to the next."""
    axes.annotate(
        "",
        (end - WIDTH / 2 - 0.04, y if y_end is None else y_end),
        (start + WIDTH / 2 + 0.04, y),
        arrowprops={"arrowstyle": "-|>", "color": "0.4", "shrinkA": 0, "shrinkB": 0},
    )


with TemporaryDirectory() as folder:
    X, y = make_glioma_phantoms(folder, n_patients=24, size=24, spacing=2.7)
    pipeline = make_idh_pipeline(cache=Path(folder) / "cache", random_state=0).fit(X, y)

figure, axes = plt.subplots(figsize=(10, 3.2), layout="constrained")
for row, (modality, colour) in enumerate(COLOURS.items()):
    height = -row
    union, *others = pipeline["intra"].named_transformers_[modality].named_steps.values()
    test, pruner = (step for step in others if hasattr(step, "get_support"))
    steps = {
        "image": f"{modality}, mask",
        "register": "reference" if modality == "T2" else "registered to T2",
        "radiomics": f"radiomics\n{len(union.get_feature_names_out())} features",
        "test": f"Mann-Whitney test\n{test.get_support().sum()} left",
        "prune": f"|r| ≤ 0.9\n{pruner.get_support().sum()} left",
    }
    places = list(X_OF.values())
    for (step, text), x in zip(steps.items(), places, strict=True):
        box(axes, x, height, text, colour)
        if step != "image":
            arrow(axes, places[places.index(x) - 1], x, height)
    arrow(axes, X_OF["prune"], 11.3, height)
fusion = pipeline["fusion"]
text = f"fusion of\n{len(COLOURS)} blocks,\nmean of\n{fusion.n_members} networks\n\n↓\n\nP(mutant)"
box(axes, 11.3, -1.5, text, "0.2", height=3.6)
axes.set(xlim=(-0.4, 12.3), ylim=(-3.5, 0.5))
axes.axis("off")
