"""The paper's full comparison on one cohort: every system on the same splits."""

from collections.abc import Callable
from functools import partial

import numpy as np

from sklidh.baselines._paper import PAPER_TABLES
from sklidh.baselines._system import INNER_FOLDS
from sklidh.baselines._systems import paper_systems
from sklidh.evaluation import (
    Study,
    check_classes,
    holdout_splits,
    run_study,
    stratified_splits,
)
from sklidh.pipeline import paper_pipeline
from sklidh.utils import CohortError


def reproduce(
    X,
    y,
    folder,
    build: Callable = paper_pipeline,
    *,
    tables=tuple(PAPER_TABLES),
    protocol="nested",
    deep="preset",
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
        Cases, or features with `features_only`; an ``age`` column is optional.
    y : Series of shape (n_patients,)
    folder : str or path
        Stores each split of each system (see `run_study`); the same call resumes from there.
    build : callable, default=paper_pipeline
        Returns the paper's pipeline for your cohort, as in `cnn`.
    tables : sequence of str, default=("I", "II", "III", "IV", "V", "others")
    protocol : {"paper", "nested"}, default="nested"
        "paper": random 3:1 splits without tuning, and a threshold of 0.5; the paper has one split.
        "nested": repeated stratified cross-validation; strengths, penalties and the threshold are
        chosen by an inner cross-validation of the training patients only.
    deep : "preset" or SANetFeaturizer, default="preset"
    features_only : bool, default=False
        Whether X holds feature columns ``MOD__name``.
    n_folds : int, default=5
        Number of folds of "nested".
    n_repeats : int, default=1
        Number of repeats of the cross-validation, or of splits with "paper".
    random_state : int, default=0
        Seed of the splits, searches and classifiers.
    n_jobs : int, default=None
        Number of splits evaluated in parallel.
    verbose : int, default=0
        1 shows a progress bar with the time left.

    Returns
    -------
    Study
        Its models are the keys of `paper_systems` that appear in the tables.

    Raises
    ------
    ValueError
        A table or the protocol does not exist.
    StudyError
        All systems failed.
    CohortError
        A class has fewer patients than folds, or too few for the inner folds of "nested", or y has
        a single class.
    """
    unknown = [name for name in tables if name not in PAPER_TABLES]
    if unknown or not tables or protocol not in ("paper", "nested"):
        raise ValueError(
            f"tables={list(tables)}, protocol={protocol!r}: accepted tables are "
            f"{list(PAPER_TABLES)}, and protocols 'paper' and 'nested'"
        )
    labels, target = check_classes(X, y)
    systems = paper_systems(
        build, deep=deep, features_only=features_only, random_state=random_state
    )
    asked = dict.fromkeys(row.system for name in tables for row in PAPER_TABLES[name].rows)
    if protocol == "paper":
        threshold = 0.5
        splits = holdout_splits(
            labels, n_repeats=n_repeats, random_state=random_state, target=target
        )
        models = {key: systems[key].make for key in asked}
    else:
        threshold = "youden"
        splits = stratified_splits(
            labels, n_folds=n_folds, n_repeats=n_repeats, random_state=random_state, target=target
        )
        check_inner_folds(labels, splits)
        models = {key: partial(systems[key].tuned, random_state=random_state) for key in asked}
    return run_study(
        models,
        X,
        y,
        splits,
        folder,
        threshold=threshold if target.is_binary else None,
        random_state=random_state,
        describe=describe_model,
        n_jobs=n_jobs,
        verbose=verbose,
    )


def check_inner_folds(labels, splits):
    """Raise unless every training set can be split into inner folds that hold both classes."""
    classes, counts = np.unique(labels, return_counts=True)
    fewest = min(np.unique(labels[s.train], return_counts=True)[1].min() for s in splits)
    if fewest < INNER_FOLDS:
        remedy = f"n_folds={counts.min()} or " if counts.min() > INNER_FOLDS else ""
        raise CohortError(
            [
                f"class {classes[counts.argmin()]} has {counts.min()} patients, and a fold trains "
                f"on {fewest} of them; the nested protocol splits these into {INNER_FOLDS} inner "
                f"folds: use {remedy}protocol='paper'"
            ]
        )


def describe_model(model) -> dict:
    """Describe a fitted system by the facts that apply to it.

    ``chosen``, the parameters that the search chose of ``candidates``; ``selected``, the number of
    features of each kind that reach the classifier, by modality; ``deep``, whether a network
    computed any feature; ``weights``, those of a regression (Table IV).
    """
    facts = {}
    if hasattr(model, "best_params_"):
        facts["chosen"] = {name.split("__")[-1]: v for name, v in model.best_params_.items()}
        facts["candidates"] = len(model.cv_results_["params"])
        model = model.best_estimator_
    steps = getattr(model, "named_steps", {})
    fusion = steps.get("fusion")
    if "intra" in steps:
        facts["deep"] = has_deep_features(steps["intra"])
        names = [name.split("__") for name in steps["intra"].get_feature_names_out()]
        entering = [name for group in getattr(fusion, "groups", None) or [] for name in group]
        selected = {}
        for modality, *rest in names:
            if not entering or modality in entering:
                kinds = selected.setdefault(modality, {"radiomics": 0, "deep": 0})
                kinds["deep" if rest[0] == "deep" else "radiomics"] += 1
        facts["selected"] = selected
    elif "network" in steps:
        facts["deep"] = True
    # With more than two classes the regression has a row of weights per class.
    if getattr(fusion, "method", None) == "regression" and fusion.weights_.ndim == 1:
        blocks = zip(fusion.blocks_, fusion.weights_.tolist(), strict=True)
        facts["weights"] = dict(blocks) | {"Bias": fusion.intercept_}
    return facts


def has_deep_features(intra) -> bool:
    """Return whether a network computed features: within the pipeline, or those of its table."""
    for _, branch, columns in intra.transformers_:
        parts = dict(getattr(branch, "named_steps", {}).items()).get("featureunion")
        if parts is not None and any(name == "deep" for name, _ in parts.transformer_list):
            return True
        if any("__deep__" in str(column) for column in columns):
            return True
    return False
