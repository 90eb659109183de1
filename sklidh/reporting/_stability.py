"""What the models of all folds selected: how often each feature, and how many at each stage."""

from collections.abc import Sequence

import pandas as pd

from sklidh.reporting._fitted import selection_of

COLUMNS = ("modality", "kind", "feature", "p", "coefficient", "selected", "models")


def selections_of(pipelines: Sequence) -> tuple[pd.DataFrame, dict[str, dict[str, dict]]]:
    """Combine what several fitted pipelines of the same steps selected, one per fold.

    The table has a row per feature that any model selected, by modality and the most often selected
    first: how many of the ``models`` ``selected`` it, and its median ``p`` and ``coefficient``. The
    flow is that of `selection_of`, with a list of counts, one per pipeline.
    """
    tables, flows = zip(*map(selection_of, pipelines), strict=True)
    table = pd.concat(tables, ignore_index=True)
    named = table.groupby(["modality", "kind", "feature"], sort=False)
    features = named[["p", "coefficient"]].median()
    features["selected"], features["models"] = named.size(), len(pipelines)
    features = features.reset_index()
    place = {modality: n for n, modality in enumerate(features["modality"].unique())}
    order = pd.DataFrame({"m": features["modality"].map(place), "n": -features["selected"]})
    features = features.loc[order.sort_values(["m", "n"], kind="stable").index]
    flow = {}
    for modality, first in flows[0].items() if all(flows) else ():
        stages = first["left"]
        left = {stage: [each[modality]["left"][stage] for each in flows] for stage in stages}
        flow[modality] = {"extracted": first["extracted"], "left": left}
    return features.reset_index(drop=True)[list(COLUMNS)], flow


def in_total(flow, stage: str | None = None) -> list[int]:
    """Add up how many features each model had left after a stage; None takes the last of all."""
    left = [each["left"] for each in flow.values()]
    counts = [at[stage or list(at)[-1]] for at in left if stage is None or stage in at]
    return [sum(of_model) for of_model in zip(*counts, strict=True)]


def span(counts: Sequence[int]) -> str:
    """Write the numbers of several models: ``22``, or ``22 to 31`` where they differ."""
    low, high = min(counts), max(counts)
    return f"{low}" if low == high else f"{low} to {high}"


def stability_of(features: pd.DataFrame) -> str:
    """State how far the models agree on the features; nothing for a single model."""
    if features.empty or (n_models := features["models"].iloc[0]) == 1:
        return ""
    times = features["selected"]
    return (
        f"Of {len(features)} features that any of the {n_models} models selected, "
        f"all agree on {(times == n_models).sum()}, and one alone selected {(times == 1).sum()}."
    )
