"""The paper's Tables I to V: the system of each row, and figures without a system."""

from collections.abc import Mapping
from typing import NamedTuple

from sklidh.baselines._systems import (
    MODEL_1,
    MODEL_2,
    MODEL_3,
    MODEL_4,
    RECOMMENDED,
    SYSTEMS,
    YARDSTICKS,
    ZHANG_2021,
    ZHANG_2022,
)
from sklidh.pipeline import MODALITIES

COLUMNS = ("AUC", "Acc", "Pre", "Rec", "F1")
"""The paper's column headings: AUC, accuracy, precision, recall and F1."""


class PaperRow(NamedTuple):
    """One row of a table: its label, and its system's title, figures, ticks and description."""

    label: str
    system: str
    printed: tuple[float, ...] | None
    parts: tuple[str, ...]
    what: str


class PaperTable(NamedTuple):
    """One table of the paper."""

    title: str
    rows: tuple[PaperRow, ...]


def _table(title, rows: Mapping[str, str], *, of_figures=True) -> PaperTable:
    """Lay a table out from the titles of the systems, by the rows' labels."""
    by_title = {system.title: system for system in SYSTEMS}
    found = []
    for label, name in rows.items():
        system = by_title[name]
        same = "" if name.startswith(label) else f"same as {name}"
        if same and "et al." in label:
            same += "; the paper prints its figures here"
        printed = system.printed if of_figures else None
        found.append(PaperRow(label, name, printed, system.parts, system.what or same))
    return PaperTable(title, tuple(found))


OTHERS = (
    RECOMMENDED,
    "Logistic regression, L1",
    "Logistic regression, L2",
    "Gradient boosting",
    "Random forest",
    *YARDSTICKS,
)
PAPER_TABLES = {
    "I": _table(
        "Table I. Ablation experiments results",
        {"Model 1": MODEL_1, "Model 2": MODEL_2, "Model 3": MODEL_3, MODEL_4: MODEL_4},
    ),
    "II": _table(
        "Table II. Comparison of independent modalities", {name: name for name in MODALITIES}
    ),
    "III": _table(
        "Table III. Comparison of inter-modality fusion methods",
        {
            "Average": "Average",
            "Regression": MODEL_3,
            "Method 1": "Method 1",
            "Method 2": "Method 2",
            "Method 3": MODEL_4,
        },
    ),
    "IV": _table(
        "Table IV. Weights of each modality in regression model",
        {"Regression": MODEL_3},
        of_figures=False,
    ),
    "V": _table(
        "Table V. Comparison with state-of-the-art methods",
        {
            ZHANG_2021: ZHANG_2021,
            "Yan et al. 2021 [9]": MODEL_2,
            ZHANG_2022: ZHANG_2022,
            "Shi et al. 2022 [17]": MODEL_3,
            "Proposed method": MODEL_4,
        },
    ),
    "others": _table(
        "Systems that the paper does not compare with", {name: name for name in OTHERS}
    ),
}

PRINTED_WEIGHTS = {"T1": 0.40, "T1CE": 0.49, "T2": 0.30, "FLAIR": 0.47, "Bias": -0.28}
"""Weights printed in Table IV."""

PRINTED_SELECTION = {
    name: {"radiomics": n, "deep": 1} for name, n in zip(MODALITIES, (3, 6, 4, 6), strict=True)
}
"""Number of selected features in the paper (section II.D)."""
