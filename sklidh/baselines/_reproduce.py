"""The paper's whole comparison on one cohort."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from sklidh.baselines._paper import COLUMNS, PAPER_TABLES, PARTS, PRINTED_WEIGHTS
from sklidh.baselines._systems import INNER_FOLDS, paper_systems
from sklidh.evaluation import PAPER_METRICS, Study, holdout_splits, run_study, stratified_splits
from sklidh.pipeline import MODALITIES, make_idh_pipeline
from sklidh.utils import CohortError, check_target, is_missing


def reproduce(
    X,
    y,
    folder,
    build: Callable = make_idh_pipeline,
    *,
    tables=tuple(PAPER_TABLES),
    protocol="nested",
    deep="paper",
    features_only=False,
    n_folds=5,
    n_repeats=1,
    random_state=0,
    n_jobs=None,
    verbose=0,
) -> Study:
    """Evaluate every system of the paper's tables on a cohort.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
        Cases, or features with `features_only`; with a column ``age`` where it is known.
    y : Series of shape (n_patients,)
    folder : str or path
        Keeps each split of each system (see `run_study`): the same call goes on from there.
    build : callable, default=make_idh_pipeline
        Returns the paper's pipeline for your cohort, as in `cnn`.
    tables : sequence of str, default=("I", "II", "III", "IV", "V", "others")
    protocol : {"paper", "nested"}, default="nested"
        "paper": one random 3:1 split, every parameter as the paper has it, mutants called from a
        probability of 0.5 on. "nested": repeated stratified cross-validation, in whose training
        rows alone an inner cross-validation chooses strengths, penalties and the threshold.
    deep : "paper" or SANetFeaturizer, default="paper"
    features_only : bool, default=False
        Whether X holds feature columns ``MOD__name``.
    n_folds, n_repeats : int, default=5 and 1
        Of "nested".
    random_state : int, default=0
        Seed of splits, searches and classifiers.
    n_jobs : int, default=None
        Splits evaluated at the same time.
    verbose : int, default=0
        1 shows a progress bar with the time left.

    Returns
    -------
    Study
        Its models are the keys of `paper_systems` that the tables ask for.

    Raises
    ------
    ValueError
        A table or a protocol that is not there.
    StudyError
        All systems failed.
    CohortError
        A class has fewer patients than folds, or too few for the inner folds of "nested", or y is
        not two classes.
    """
    unknown = [name for name in tables if name not in PAPER_TABLES]
    if unknown or not tables or protocol not in ("paper", "nested"):
        raise ValueError(
            f"tables={list(tables)}, protocol={protocol!r}: accepted are tables among "
            f"{list(PAPER_TABLES)} and a protocol of 'paper' or 'nested'"
        )
    labels = check_target(y, X)
    systems = paper_systems(
        build, deep=deep, features_only=features_only, random_state=random_state
    )
    asked = dict.fromkeys(row.system for name in tables for row in PAPER_TABLES[name].rows)
    if protocol == "paper":
        splits, threshold = holdout_splits(labels, random_state=random_state), 0.5
        models = {key: systems[key].make for key in asked}
    else:
        threshold = "youden"
        splits = stratified_splits(
            labels, n_folds=n_folds, n_repeats=n_repeats, random_state=random_state
        )
        check_inner_folds(labels, splits)
        models = {key: partial(systems[key].tuned, random_state=random_state) for key in asked}
    return run_study(
        models,
        X,
        y,
        splits,
        folder,
        threshold=threshold,
        describe=describe_model,
        n_jobs=n_jobs,
        verbose=verbose,
    )


def check_inner_folds(labels, splits):
    """Raise unless every training set can be divided once more, both classes in each part.

    Parameters
    ----------
    labels : ndarray of shape (n_patients,)
    splits : list of Split

    Raises
    ------
    CohortError
        Too few patients of a class: not one system could be tuned.
    """
    classes, counts = np.unique(labels, return_counts=True)
    fewest = min(np.unique(labels[s.train], return_counts=True)[1].min() for s in splits)
    if fewest < INNER_FOLDS:
        remedy = f"n_folds={counts.min()} or " if counts.min() > INNER_FOLDS else ""
        raise CohortError(
            [
                f"class {classes[counts.argmin()]} has {counts.min()} patients, and a fold trains "
                f"on {fewest} of them; the nested protocol divides these once more, in "
                f"{INNER_FOLDS}: use {remedy}protocol='paper'"
            ]
        )


def describe_model(model) -> dict:
    """Tell what a fitted system chose.

    Parameters
    ----------
    model : fitted classifier

    Returns
    -------
    dict
        ``chosen``: what the search chose; ``n_selected``: features that reach the fusion;
        ``weights``: Table IV's, of a regression. Each where there is such.
    """
    facts = {}
    if hasattr(model, "best_params_"):
        facts["chosen"] = {name.split("__")[-1]: v for name, v in model.best_params_.items()}
        model = model.best_estimator_
    steps = getattr(model, "named_steps", {})
    fusion = steps.get("fusion")
    if "intra" in steps:
        facts["n_selected"] = len(steps["intra"].get_feature_names_out())
    if getattr(fusion, "method", None) == "regression":
        blocks = zip(fusion.blocks_, fusion.weights_.tolist(), strict=True)
        facts["weights"] = dict(blocks) | {"Bias": fusion.intercept_}
    return facts


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
