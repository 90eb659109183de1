"""What a fitted pipeline selected and how, as plain data read from the attributes of its steps."""

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
"""The paper's names of its three steps; any other selector has the name of its class."""


def fate_of(steps, modality: str, columns) -> pd.DataFrame | None:
    """Trace each feature of a modality: its p-value, its coefficient, and the step that dropped it.

    Parameters
    ----------
    steps : sequence of fitted transformers
        Selectors, and what changes columns without adding or dropping any.
    modality : str
    columns : sequence of str
        What enters the first step.

    Returns
    -------
    DataFrame of shape (n_features, 5) or None
        ``modality``, ``feature``, ``p`` and ``coefficient`` (NaN where no step that saw the feature
        has them) and ``dropped by``, empty for a selected feature; its categories are the stages,
        in their order. None where a step makes new columns, such as a PCA.
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
            if values.shape == (len(left),):
                table.loc[left, column] = values
        name = type(step).__name__
        stages.append(STAGES.get(name, name))
        dropped_by[left[~step.get_support()]] = stages[-1]
        left = left[step.get_support()]
    table["dropped by"] = pd.Categorical(dropped_by, categories=list(dict.fromkeys(stages)))
    # Perturbed values of a feature are no features.
    return table[table["feature"].map(unperturbed_name).isna()].reset_index(drop=True)


def counts_left(fates: pd.DataFrame) -> dict[str, int]:
    """Count the features of one modality that are left after each stage.

    Parameters
    ----------
    fates : DataFrame
        From `fate_of`.

    Returns
    -------
    dict of str to int
        ``all``, then each stage.
    """
    left, counts = len(fates), {"all": len(fates)}
    for stage, n_dropped in fates["dropped by"].value_counts(sort=False).items():
        if stage:
            left -= n_dropped
            counts[stage] = int(left)
    return counts


def branches_of(pipeline) -> dict:
    """Return the fitted extractors of each modality, and the steps after them.

    Empty if the pipeline has no step ``intra`` that is built as by `make_idh_pipeline`.
    """
    intra = pipeline.named_steps.get("intra")
    branches = {}
    for modality, branch, _ in getattr(intra, "transformers_", ()):
        extractors, *steps = [step for _, step in getattr(branch, "steps", [("", branch)])]
        if hasattr(extractors, "transformer_list"):
            branches[modality] = extractors, steps
    return branches


def selection_of(pipeline) -> tuple[pd.DataFrame, dict[str, dict[str, dict[str, int]]]]:
    """Return the features that reach the last step, and how many were left after each stage.

    The table has the columns ``modality``, ``kind``, ``feature``, ``p`` and ``coefficient``. The
    flow holds by modality how many features of each kind were ``extracted``, and how many were
    ``left`` after each stage, the first being "all"; it is empty if the steps cannot be followed.
    """
    names, flow, selected = [], {}, []
    if "intra" in pipeline.named_steps:
        names = [name.split("__", 1) for name in pipeline[:-1].get_feature_names_out()]
    for modality, (extractors, steps) in branches_of(pipeline).items():
        columns = pd.Series(extractors.get_feature_names_out(), dtype=object)
        fates = fate_of(steps, modality, columns)
        if fates is not None:
            kinds = fates["feature"].str.split("__", n=1).str[0].value_counts(sort=False)
            extracted = {kind: int(n) for kind, n in kinds.items()}
            flow[modality] = {"extracted": extracted, "left": counts_left(fates)}
            selected.append(fates[fates["dropped by"] == ""])
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
    """Describe the classifier, the first modality's steps, and how radiomics were extracted."""
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
        "resampling": "none, the voxels are those of the registered image"
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
