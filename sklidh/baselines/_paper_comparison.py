"""Comparison of a study with the paper: the paper's tables with both figures, and differences."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sklidh.baselines._paper import (
    COLUMNS,
    PAPER_TABLES,
    PRINTED_SELECTION,
    PRINTED_WEIGHTS,
)
from sklidh.baselines._systems import MODEL_3, PARTS
from sklidh.evaluation import PAPER_METRICS, Study
from sklidh.pipeline import MODALITIES
from sklidh.utils import IDH, is_missing

IN_SAMPLE = (
    "The networks that compute the deep features of the training patients were trained on the same "
    "patients (the paper's protocol), so models may rely on deep features too much; "
    "--train-features out_of_fold avoids this."
)


def paper_table(name: str, study: Study) -> pd.DataFrame:
    """Arrange a study as one of the paper's tables, next to the printed figures.

    Parameters
    ----------
    name : {"I", "II", "III", "IV", "V", "others"}
    study : Study
        From `reproduce`.

    Returns
    -------
    DataFrame
        One row per row of the paper. The columns are pairs: ``here`` or ``paper`` with the paper's
        heading; ``low`` and ``high`` with a heading, the 95 % intervals; and, with an empty
        heading, ``tuned``, the number of candidates compared in inner folds, ``what``, a
        description of the row, and ``why not``, the reason if the row is missing. Table I starts
        with the columns that the paper ticks; CNN is ticked only if a network computed features.
        Table IV has one column per modality and the bias, with mean and standard deviation over the
        splits.
    """
    if name == "IV":
        return _weights_table(study)
    rows = {}
    for row in PAPER_TABLES[name].rows:
        facts = study.facts.get(row.system, [])
        ticked = [
            part
            for part in row.parts
            if part != "CNN" or not facts or any(each.get("deep") for each in facts)
        ]
        cells = {("parts", part): "✓" if part in ticked else "" for part in PARTS if name == "I"}
        if row.system in study.comparison.evaluations:
            evaluation = study.comparison.evaluations[row.system]
            metrics, intervals = evaluation.metrics, evaluation.intervals
            for heading, metric in zip(COLUMNS, PAPER_METRICS, strict=True):
                cells["here", heading] = metrics[metric]
            for end in ("low", "high"):
                for heading, metric in zip(COLUMNS, PAPER_METRICS, strict=True):
                    cells[end, heading] = intervals.loc[metric, end]
            candidates = max((each.get("candidates", 0) for each in facts), default=0)
            cells["tuned", ""] = f"of {candidates}" if candidates else "no"
        else:
            cells["why not", ""] = study.failures.get(row.system, "not requested")
        if row.what:
            cells["what", ""] = row.what
        if row.printed is not None:
            cells |= {("paper", c): v for c, v in zip(COLUMNS, row.printed, strict=True)}
        rows[row.label] = cells
    columns = [("parts", part) for part in PARTS]
    columns += [(kind, c) for kind in ("here", "low", "high", "paper") for c in COLUMNS]
    columns += [("tuned", ""), ("what", ""), ("why not", "")]
    table = pd.DataFrame(list(rows.values()), index=pd.Index(rows, name="Model"))
    table = table[[column for column in columns if column in table.columns]]
    return table.set_axis(pd.MultiIndex.from_tuples(table.columns), axis=1)


def _weights_table(study: Study) -> pd.DataFrame:
    # With more than two classes there is a row of weights per class, and none to compare.
    each = [facts["weights"] for facts in study.facts.get(MODEL_3, []) if "weights" in facts]
    weights = pd.DataFrame(each)
    rows = {
        "here, mean": weights.mean(),
        "here, standard deviation": weights.std() if len(weights) > 1 else None,
        "paper": pd.Series(PRINTED_WEIGHTS),
    }
    table = pd.DataFrame({name: row for name, row in rows.items() if row is not None}).T
    if not len(weights):
        table = table.loc[["paper"]]
    return table[list(PRINTED_WEIGHTS)].rename_axis("Model")


def selection_table(study: Study) -> pd.DataFrame:
    """Tabulate the number of features that reached each classifier, as in section II.D.

    Parameters
    ----------
    study : Study
        From `reproduce`.

    Returns
    -------
    DataFrame of str, shape (n_systems + 1, n_modalities)
        Cells such as "3 radiomics, 1 deep", means over the splits; the last row is "paper". Empty
        if no system selects features.
    """
    rows = {}
    for name, facts in study.facts.items():
        selections = [each["selected"] for each in facts if each.get("selected")]
        if not selections:
            continue
        rows[name] = {}
        for modality in dict.fromkeys(key for each in selections for key in each):
            kinds = pd.DataFrame([each.get(modality, {}) for each in selections]).fillna(0).mean()
            rows[name][modality] = _in_words(kinds)
    if not rows:
        return pd.DataFrame()
    rows["paper"] = {name: _in_words(pd.Series(n)) for name, n in PRINTED_SELECTION.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").fillna("-").rename_axis("Model")
    return table[sorted(table.columns, key=[*MODALITIES, *table.columns].index)]


def _in_words(kinds: pd.Series) -> str:
    return ", ".join(f"{round(n, 1):g} {kind}" for kind, n in kinds.items() if n) or "none"


def differences_from_paper(
    X,
    study: Study,
    *,
    modalities=MODALITIES,
    protocol,
    features_only=False,
    settings: Mapping | None = None,
) -> list[str]:
    """List the reasons why a cohort's figures differ from the paper's.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    study : Study
    modalities : sequence of str, default=("T1", "T1CE", "T2", "FLAIR")
        Modalities of this cohort.
    protocol : {"paper", "nested"}
    features_only : bool, default=False
    settings : mapping, default=None
        ``epochs``, ``slice_size``, ``radiomics``, ``engine`` and ``train_features`` of a run on
        images.

    Returns
    -------
    list of str
    """
    predictions = next(iter(study.comparison.evaluations.values())).predictions
    splits = predictions.groupby(["repeat", "fold"], sort=False)["n_trained"]
    trained, tested = splits.first().mean(), splits.size().mean()
    notes = [f"Cohort: {len(X)} patients; the paper has 489, from another hospital."]
    if (target := study.comparison.target) != IDH:
        means = "; figures are means over the classes, each against all others"
        notes.append(
            f"Target: {target.name} ({', '.join(target.classes)}); the paper predicts the IDH "
            f"status{'' if target.is_binary else means}."
        )
    how = f"({trained:.0f} patients for training, {tested:.0f} for testing)"
    theirs = "the paper has one split of 366 and 122"
    if protocol == "paper":
        several = splits.ngroups > 1
        notes.append(
            f"Protocol: {splits.ngroups if several else 'one'} random 3:1 "
            f"split{'s' * several} {how}, stratified by class; no tuning, threshold 0.5; "
            f"{theirs}{'' if several else '. One split cannot rank models; set --repeats'}."
        )
    else:
        notes.append(
            f"Protocol: {splits.ngroups} splits of a cross-validation {how}; strengths, penalties "
            f"and thresholds are chosen on the training patients only; {theirs}."
        )
    others = _other_settings({} if features_only else settings or {})
    notes.append(
        "Settings: a StandardScaler before selection, and 500 epochs of fusion training, which the "
        "paper does not state" + "".join(f"; {text}" for text in others) + "."
    )
    if settings and not features_only and settings.get("train_features") == "in_sample":
        notes.append(IN_SAMPLE)
    absent = [modality for modality in MODALITIES if modality not in modalities]
    if absent:
        notes.append(
            f"This cohort lacks {', '.join(absent)}: rows that need it are missing, and the other "
            "rows use the remaining sequences."
        )
    if features_only and not any("__deep__" in str(column) for column in X.columns):
        notes.append(
            "The table has no deep features: Models 2 and 3 are identical here, and Model 4 and "
            "the rows of Tables II and III use radiomics only."
        )
    if features_only:
        prefixes = {name.split("__")[0] for name in map(str, X.columns) if "__" in name}
        if others := sorted(prefixes - set(modalities)):
            notes.append(f"Columns of {', '.join(others)} do not belong to a modality; not used.")
    for modality in modalities:
        if modality in X.columns and (n := int(X[modality].map(is_missing).sum())):
            notes.append(
                f"{n} of {len(X)} patients lack {modality}. Fusion rows predict them from their "
                f"other sequences; the row {modality} uses the training patients' mean features."
            )
    return notes


def _other_settings(settings: Mapping) -> list[str]:
    """List how a run on images differs from the paper's settings."""
    texts = {
        "epochs": f"{settings.get('epochs')} epochs per network; the paper does not state these",
        "engine": "radiomics from this package's own engine instead of PyRadiomics 2.0.0",
        "slice_size": f"slices of {settings.get('slice_size')} pixels instead of 72",
        "radiomics": "radiomics settings other than the preset 'paper'",
        "train_features": "deep features of training patients from networks of other folds",
    }
    paper = {"slice_size": 72, "radiomics": "paper", "train_features": "in_sample"}
    return [
        text
        for name, text in texts.items()
        if name in settings and settings[name] != paper.get(name, "pyradiomics")
    ]


def mean_selected(study: Study) -> float | None:
    """Return the mean number of features that reached the classifier.

    Parameters
    ----------
    study : Study
        From `reproduce`.

    Returns
    -------
    float or None
        The mean over systems and splits; None if no system selects features.
    """
    selections = [f["selected"] for facts in study.facts.values() for f in facts if "selected" in f]
    counts = [sum(sum(kinds.values()) for kinds in each.values()) for each in selections]
    return float(np.mean(counts)) if counts else None
