"""Performance by group of patients: site, sex and age."""

import warnings

import numpy as np
import pandas as pd

from sklidh.evaluation import PAPER_METRICS, Evaluation, figures_with_intervals
from sklidh.utils import is_missing, listed

MOST_GROUPS = 12
FEWEST = 5
"""Minimum number of patients per class for a group's figures to be reported."""

NOT_REPORTED = "–"
"""Stands for a figure of a smaller group."""


def with_ages(X: pd.DataFrame) -> pd.DataFrame:
    """Return X with its column "age", if any, as numbers; warn about other cells.

    Empty cells and cells that are not numbers become NaN.
    """
    ages = {}
    for name in X.columns:
        if str(name).lower() == "age":
            ages[name] = pd.to_numeric(X[name], errors="coerce").astype(float)
            odd = X[name][ages[name].isna() & ~X[name].map(is_missing)]
            if len(odd):
                warnings.warn(
                    f"column {name!r}: {listed(odd, 3)} of patients {listed(odd.index, 3)} cannot "
                    "be read as numbers; the report's figures on age exclude "
                    f"{len(odd)} of {len(X)} patients",
                    stacklevel=3,
                )
    return X.assign(**ages)


def groups_of(X: pd.DataFrame) -> dict[str, pd.Series]:
    """Return each patient's group by site, sex and age, as far as the table has these columns.

    Patients with an empty cell and columns with fewer than 2 or more than 12 groups are left out.
    Ages, which must be numbers as `with_ages` returns them, are divided at their median.
    """
    columns = {str(name).lower(): name for name in X.columns}
    groups = {
        kind: X[columns[kind]].dropna().astype(str) for kind in ("site", "sex") if kind in columns
    }
    if "age" in columns:
        ages = X[columns["age"]].dropna()
        middle = ages.median()
        older = np.where(ages > middle, f"above {middle:g}", f"up to {middle:g}")
        groups["age"] = pd.Series(older, ages.index, dtype=object)
    return {kind: each for kind, each in groups.items() if 1 < each.nunique() <= MOST_GROUPS}


def figures_by_group(evaluation: Evaluation, X: pd.DataFrame) -> pd.DataFrame:
    """Return the figures of each group, "–" if it has fewer than five patients per class."""
    rows, target = {}, evaluation.target
    for kind, group in groups_of(X).items():
        for name, members in group.groupby(group):
            predicted = evaluation.predictions
            part = Evaluation(predicted[predicted.index.isin(members.index)], target=target)
            if part.predictions.empty:
                continue
            n_classes = len(target.classes)
            counts = [np.bincount(t["true"], minlength=n_classes) for t in part.repeats]
            row = {"patients": str(len(part.repeats[0]))}
            row |= {word: str(counts[0][code]) for word, code in target.evaluated.items()}
            row |= dict.fromkeys(PAPER_METRICS, NOT_REPORTED)
            if np.min(counts) >= FEWEST:
                row |= figures_with_intervals({"": part}).iloc[0].to_dict()
            rows[f"{kind} {name}"] = row
    columns = ["patients", *target.evaluated, *PAPER_METRICS]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=object)
    return table.rename_axis("group")
