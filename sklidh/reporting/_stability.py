"""What the models of all folds selected: how often each feature, and how many at each stage."""

from collections.abc import Sequence

import pandas as pd

from sklidh.reporting._fitted import selection_of

COLUMNS = ("modality", "kind", "feature", "p", "coefficient", "selected", "models")


def selections_of(pipelines: Sequence) -> tuple[pd.DataFrame, dict[str, dict[str, dict]]]:
    """Put together what several fitted pipelines of the same steps selected.

    Parameters
    ----------
    pipelines : sequence of fitted Pipeline
        One a fold.

    Returns
    -------
    features : DataFrame of shape (n_features, 7)
        Each feature that any of the `models` selected: ``modality``, ``kind``, ``feature``, how
        many ``selected`` it, and the medians over these of ``p`` and ``coefficient``. Modality by
        modality, those selected most often first.
    flow : dict of str to dict
        By modality: how many features of each kind were ``extracted``, and how many were ``left``
        after each stage, the first being "all", in a list of one number a pipeline. Empty where the
        steps cannot be followed.
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
    """Tell in a sentence how far the models agree on the features; nothing of a single model."""
    if features.empty or (n_models := features["models"].iloc[0]) == 1:
        return ""
    times = features["selected"]
    return (
        f"Of {len(features)} features that any of the {n_models} models selected, "
        f"all agree on {(times == n_models).sum()}, and one alone selected {(times == 1).sum()}."
    )
