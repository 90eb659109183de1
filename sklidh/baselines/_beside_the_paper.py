"""A study laid beside the paper: its tables with both figures, and why these differ."""

import numpy as np
import pandas as pd

from sklidh.baselines._paper import COLUMNS, PAPER_TABLES, PARTS, PRINTED_WEIGHTS
from sklidh.evaluation import PAPER_METRICS, Study
from sklidh.pipeline import MODALITIES
from sklidh.utils import is_missing


def paper_table(name: str, study: Study) -> pd.DataFrame:
    """Lay a study out as one of the paper's tables, the printed figures beside ours.

    Parameters
    ----------
    name : {"I", "II", "III", "IV", "V", "others"}
    study : Study
        From `reproduce`.

    Returns
    -------
    DataFrame
        One row as in the paper. Columns, in pairs: ``here`` or ``paper``, and the paper's heading;
        ``low`` and ``high`` with a heading, the 95 % intervals; ``why not`` with an empty heading,
        the reason where a row could not be had; Table I begins with what the paper ticks. Table
        IV: one column a modality and the bias; mean and standard deviation over the splits.
    """
    if name == "IV":
        return _weights_table(study)
    rows = {}
    for row in PAPER_TABLES[name].rows:
        cells = {("parts", part): "✓" if part in row.parts else "" for part in PARTS if name == "I"}
        if row.system in study.comparison.evaluations:
            evaluation = study.comparison.evaluations[row.system]
            metrics, intervals = evaluation.metrics, evaluation.intervals
            for heading, metric in zip(COLUMNS, PAPER_METRICS, strict=True):
                cells["here", heading] = metrics[metric]
            for end in ("low", "high"):
                for heading, metric in zip(COLUMNS, PAPER_METRICS, strict=True):
                    cells[end, heading] = intervals.loc[metric, end]
        else:
            cells["why not", ""] = study.failures.get(row.system, "not asked for")
        if row.printed is not None:
            cells |= {("paper", c): v for c, v in zip(COLUMNS, row.printed, strict=True)}
        rows[row.label] = cells
    columns = [("parts", part) for part in PARTS]
    columns += [(kind, c) for kind in ("here", "low", "high", "paper") for c in COLUMNS]
    columns.append(("why not", ""))
    table = pd.DataFrame(list(rows.values()), index=pd.Index(rows, name="Model"))
    table = table[[column for column in columns if column in table.columns]]
    return table.set_axis(pd.MultiIndex.from_tuples(table.columns), axis=1)


def _weights_table(study: Study) -> pd.DataFrame:
    weights = pd.DataFrame([facts["weights"] for facts in study.facts.get("regression", [])])
    rows = {
        "here, mean": weights.mean(),
        "here, standard deviation": weights.std() if len(weights) > 1 else None,
        "paper": pd.Series(PRINTED_WEIGHTS),
    }
    table = pd.DataFrame({name: row for name, row in rows.items() if row is not None}).T
    if not len(weights):
        table = table.loc[["paper"]]
    return table[list(PRINTED_WEIGHTS)].rename_axis("Model")


def differences_from_paper(
    X, study: Study, *, modalities=MODALITIES, protocol, features_only=False
) -> list[str]:
    """Say in words why a cohort's figures are not the paper's.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    study : Study
    modalities : sequence of str, default=("T1", "T1CE", "T2", "FLAIR")
        Those of this cohort.
    protocol : {"paper", "nested"}
    features_only : bool, default=False

    Returns
    -------
    list of str
    """
    predictions = next(iter(study.comparison.evaluations.values())).predictions
    splits = predictions.groupby(["repeat", "fold"], sort=False)["n_trained"]
    trained, tested = splits.first().mean(), splits.size().mean()
    notes = [f"Cohort: {len(X)} patients; the paper has 489, of another hospital."]
    if protocol == "paper":
        notes.append(
            f"Protocol: as the paper, one random split, {trained:.0f} trained and {tested:.0f} "
            "tested, nothing tuned, threshold 0.5."
        )
    else:
        notes.append(
            f"Protocol: {splits.ngroups} splits, about {trained:.0f} patients trained and "
            f"{tested:.0f} tested in each, strengths, penalties and thresholds chosen inside the "
            "training rows; the paper has one split of 366 and 122."
        )
    absent = [modality for modality in MODALITIES if modality not in modalities]
    if absent:
        notes.append(
            f"No {', '.join(absent)} here: rows that name it are missing, the others do without."
        )
    if features_only and not any("__deep__" in str(column) for column in X.columns):
        notes.append(
            "No deep features in the table: Models 2 and 3 are one system here, and Model 4 and "
            "the rows of Tables II and III are on radiomics alone."
        )
    if features_only:
        prefixes = {name.split("__")[0] for name in map(str, X.columns) if "__" in name}
        if others := sorted(prefixes - set(modalities)):
            notes.append(f"Columns of {', '.join(others)} belong to no modality and are not used.")
    for modality in modalities:
        if modality in X.columns and (n := int(X[modality].map(is_missing).sum())):
            notes.append(
                f"{n} of {len(X)} patients lack {modality}. Rows that fuse predict them from what "
                f"they have; the row {modality} predicts them from the training patients' mean."
            )
    return notes


def mean_selected(study: Study) -> float | None:
    """Return how many features reached the fusion.

    Parameters
    ----------
    study : Study
        From `reproduce`.

    Returns
    -------
    float or None
        The mean over systems and splits; None where no system told.
    """
    counts = [f["n_selected"] for facts in study.facts.values() for f in facts if "n_selected" in f]
    return float(np.mean(counts)) if counts else None
