"""How often the models of all folds selected each feature, and their counts by stage."""

from collections.abc import Sequence

import pandas as pd

from sklidh.reporting._fitted import selection_of

COLUMNS = ("modality", "kind", "feature", "p", "coefficient", "selected", "models")


def selections_of(pipelines: Sequence) -> tuple[pd.DataFrame, dict[str, dict[str, dict]]]:
    """Combine the selections of fitted pipelines with the same steps, one per fold.

    The table has a row per feature that any model selected, sorted by modality and by how many of
    the ``models`` ``selected`` it, with the medians of ``p`` and ``coefficient``. The flow is that
    of `selection_of`, with a list of counts, one per pipeline.
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


def total_counts(flow, stage: str | None = None) -> list[int]:
    """Sum each model's features after a stage over the modalities; None means the last stage."""
    left = [each["left"] for each in flow.values()]
    counts = [at[stage or list(at)[-1]] for at in left if stage is None or stage in at]
    return [sum(of_model) for of_model in zip(*counts, strict=True)]


def span(counts: Sequence[int]) -> str:
    """Format the counts of several models as ``22``, or ``22 to 31`` if they differ."""
    low, high = min(counts), max(counts)
    return f"{low}" if low == high else f"{low} to {high}"


def stability_of(features: pd.DataFrame) -> str:
    """Describe how far the models agree on the features; empty for a single model."""
    if features.empty or (n_models := features["models"].iloc[0]) == 1:
        return ""
    times = features["selected"]
    return (
        f"{len(features)} features were selected by any of the {n_models} models: "
        f"{(times == n_models).sum()} by all of them and {(times == 1).sum()} by only one."
    )
