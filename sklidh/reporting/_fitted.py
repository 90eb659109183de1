"""Read from a fitted pipeline which features it selected, and describe its steps."""

import numpy as np
import pandas as pd
from sklearn.base import OneToOneFeatureMixin

from sklidh.utils import unperturbed_name

STAGES = {
    "RobustnessSelector": "robustness",
    "MannWhitneySelector": "Mann-Whitney",
    "CorrelationPruner": "correlation",
    "LassoCVSelector": "LASSO",
}
"""The paper's names for its three steps; other selectors are named after their class."""


def trace_selection(steps, modality: str, columns) -> pd.DataFrame | None:
    """Return each feature's p-value and coefficient, and the step that dropped it.

    Parameters
    ----------
    steps : sequence of fitted transformers
        Selectors, and transformers that keep all columns.
    modality : str
    columns : sequence of str
        The input of the first step.

    Returns
    -------
    DataFrame of shape (n_features, 5) or None
        ``modality``, ``feature``, ``p`` and ``coefficient`` (NaN where no step computed them for
        the feature; of a coefficient per class the norm) and ``dropped by``, empty for a selected
        feature, with the stages in order as categories. None if a step creates new columns, like a
        PCA.
    """
    table = pd.DataFrame({"modality": modality, "feature": list(columns)})
    table["p"], table["coefficient"] = np.nan, np.nan
    dropped_by, stages = pd.Series("", table.index, dtype=object), [""]
    left = table.index
    for step in steps:
        if not hasattr(step, "get_support"):
            if not isinstance(step, OneToOneFeatureMixin):
                return None
            continue
        for column, attribute in (("p", "pvalues_"), ("coefficient", "coef_"), ("icc", "icc_")):
            values = np.asarray(getattr(step, attribute, ()))
            if values.ndim == 2:  # a row per class
                values = np.linalg.norm(values, axis=0)
            if values.shape == (len(left),):
                table.loc[left, column] = values
        name = type(step).__name__
        if name == "MannWhitneySelector" and len(step.classes_) > 2:
            name = "Kruskal-Wallis"
        stages.append(STAGES.get(name, name))
        dropped_by[left[~step.get_support()]] = stages[-1]
        left = left[step.get_support()]
    table["dropped by"] = pd.Categorical(dropped_by, categories=list(dict.fromkeys(stages)))
    # Perturbed values of a feature are no features.
    return table[table["feature"].map(unperturbed_name).isna()].reset_index(drop=True)


def stage_counts(traces: pd.DataFrame) -> dict[str, int]:
    """Count the features of one modality that remain after each stage.

    Parameters
    ----------
    traces : DataFrame
        From `trace_selection`.

    Returns
    -------
    dict of str to int
        ``all``, then each stage.
    """
    left, counts = len(traces), {"all": len(traces)}
    for stage, n_dropped in traces["dropped by"].value_counts(sort=False).items():
        if stage:
            left -= n_dropped
            counts[stage] = int(left)
    return counts


def branches_of(pipeline) -> dict:
    """Return the fitted extractors of each modality, and the steps that follow.

    Empty if the pipeline has no step ``intra`` like that of `make_idh_pipeline`.
    """
    intra = pipeline.named_steps.get("intra")
    branches = {}
    for modality, branch, _ in getattr(intra, "transformers_", ()):
        extractors, *steps = [step for _, step in getattr(branch, "steps", [("", branch)])]
        if hasattr(extractors, "transformer_list"):
            branches[modality] = extractors, steps
    return branches


def selection_of(pipeline) -> tuple[pd.DataFrame, dict[str, dict[str, dict[str, int]]]]:
    """Return the features that reach the last step, and the counts after each stage.

    The table has the columns ``modality``, ``kind``, ``feature``, ``p`` and ``coefficient``. The
    flow holds, by modality, the number of features ``extracted`` of each kind and the number
    ``left`` after each stage, starting with "all"; it is empty if a step creates new columns.
    """
    names, flow, selected = [], {}, []
    if "intra" in pipeline.named_steps:
        names = [name.split("__", 1) for name in pipeline[:-1].get_feature_names_out()]
    for modality, (extractors, steps) in branches_of(pipeline).items():
        columns = pd.Series(extractors.get_feature_names_out(), dtype=object)
        traces = trace_selection(steps, modality, columns)
        if traces is not None:
            kinds = traces["feature"].str.split("__", n=1).str[0].value_counts(sort=False)
            extracted = {kind: int(n) for kind, n in kinds.items()}
            flow[modality] = {"extracted": extracted, "left": stage_counts(traces)}
            selected.append(traces[traces["dropped by"] == ""])
    table = pd.DataFrame(names, columns=["modality", "feature"], dtype=object)
    # Clinical columns are a block that nothing is selected from.
    others = table[~table["modality"].isin(branches_of(pipeline))]
    if flow and sum(map(len, selected)) == len(table) - len(others):
        table = pd.concat([*selected, *([others] if len(others) else [])], ignore_index=True)
    else:
        flow = {}
    parts = table["feature"].astype(str).str.extract("^(?:(.*?)__)?(.*)$")
    table = table.assign(kind=parts[0].fillna(""), feature=parts[1])
    return table.reindex(columns=["modality", "kind", "feature", "p", "coefficient"]), flow


def description_of(pipeline) -> dict[str, str]:
    """Describe the classifier, the first modality's steps, and the radiomics settings."""
    words = {"classifier": _repr(pipeline[-1])}
    for extractors, steps in branches_of(pipeline).values():
        if steps:
            words["steps"] = ", ".join(map(_repr, steps))
        for _, extractor in extractors.transformer_list:
            if hasattr(extractor, "settings_"):
                words |= _settings_in_words(extractor.settings_)
        break
    return words


def _repr(estimator) -> str:
    return " ".join(repr(estimator).split())


def _settings_in_words(settings) -> dict[str, str]:
    chosen = settings.setting
    spacing, count = chosen["resampledPixelSpacing"], chosen["binCount"]
    images = {
        name: ", ".join(f"{key} {value}" for key, value in own.items())
        for name, own in settings.image_types.items()
    }
    classes = settings.feature_classes.items()
    return {
        "image types": ", ".join(f"{n} ({own})" if own else n for n, own in images.items()),
        "feature classes": ", ".join(f"{name} ({len(features)})" for name, features in classes),
        "resampling": "none; the voxels of the registered image are used"
        if spacing is None
        else f"to {spacing} mm by {chosen['interpolator']}",
        "discretisation": f"bins of width {chosen['binWidth']:g}"
        if count is None
        else f"{count} bins",
        "dimensions": "slice by slice (force2D)" if chosen["force2D"] else "in three dimensions",
        "normalisation": f"z-score times {chosen['normalizeScale']:g}"
        if chosen["normalize"]
        else "none",
    }
