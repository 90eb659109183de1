"""The paper's Tables I to V: their rows, which system each is, and the figures that are printed."""

from dataclasses import dataclass

COLUMNS = ("AUC", "Acc", "Pre", "Rec", "F1")
"""The paper's headings of AUC, accuracy, precision, recall and F1."""

PARTS = ("CNN", "Radiomics", "Constraints fusion")
"""The ticked columns of Table I."""


@dataclass(frozen=True)
class PaperRow:
    """One row of a table.

    Parameters
    ----------
    label : str
    system : str
        A key of `paper_systems`; the same system stands in several tables.
    printed : tuple of float or None, default=None
        The paper's figures, in the order of `COLUMNS`; None for rows that are not in the paper.
    parts : tuple of str, default=()
        What the paper's Table I ticks.
    """

    label: str
    system: str
    printed: tuple[float, ...] | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaperTable:
    """One table: its title and rows.

    Parameters
    ----------
    title : str
    rows : tuple of PaperRow
    """

    title: str
    rows: tuple[PaperRow, ...]


PAPER_TABLES = {
    "I": PaperTable(
        "Table I. Ablation experiments results",
        (
            PaperRow("Model 1", "cnn", (0.77, 0.70, 0.69, 0.70, 0.69), ("CNN",)),
            PaperRow("Model 2", "radiomics", (0.77, 0.71, 0.74, 0.62, 0.67), ("Radiomics",)),
            PaperRow("Model 3", "regression", (0.82, 0.77, 0.77, 0.77, 0.77), ("CNN", "Radiomics")),
            PaperRow("Model 4 (proposed)", "method 3", (0.81, 0.79, 0.80, 0.75, 0.77), PARTS),
        ),
    ),
    "II": PaperTable(
        "Table II. Comparison of independent modalities",
        (
            PaperRow("T1", "T1", (0.53, 0.54, 0.53, 0.58, 0.57)),
            PaperRow("T1CE", "T1CE", (0.76, 0.74, 0.73, 0.73, 0.73)),
            PaperRow("T2", "T2", (0.56, 0.50, 0.49, 0.42, 0.45)),
            PaperRow("FLAIR", "FLAIR", (0.68, 0.66, 0.66, 0.63, 0.64)),
        ),
    ),
    "III": PaperTable(
        "Table III. Comparison of inter-modality fusion methods",
        (
            PaperRow("Average", "average", (0.79, 0.74, 0.71, 0.78, 0.75)),
            PaperRow("Regression", "regression", (0.82, 0.77, 0.77, 0.77, 0.77)),
            PaperRow("Method 1", "method 1", (0.79, 0.71, 0.65, 0.87, 0.74)),
            PaperRow("Method 2", "method 2", (0.77, 0.76, 0.78, 0.70, 0.74)),
            PaperRow("Method 3", "method 3", (0.81, 0.79, 0.80, 0.75, 0.77)),
        ),
    ),
    "IV": PaperTable(
        "Table IV. Weights of each modality in regression model",
        (PaperRow("Regression", "regression"),),
    ),
    "V": PaperTable(
        "Table V. Comparison with state-of-the-art methods",
        (
            PaperRow("Zhang et al. 2021 [8]", "zhang 2021", (0.77, 0.72, 0.72, 0.70, 0.71)),
            PaperRow("Yan et al. 2021 [9]", "radiomics", (0.77, 0.71, 0.74, 0.62, 0.67)),
            PaperRow("Zhang et al. 2022 [10]", "zhang 2022", (0.78, 0.76, 0.72, 0.83, 0.77)),
            PaperRow("Shi et al. 2022 [17]", "regression", (0.82, 0.77, 0.77, 0.77, 0.77)),
            PaperRow("Proposed method", "method 3", (0.81, 0.79, 0.80, 0.75, 0.77)),
        ),
    ),
    "others": PaperTable(
        "Systems that the paper does not compare with",
        (
            PaperRow("Logistic regression, L1", "logistic L1"),
            PaperRow("Logistic regression, L2", "logistic L2"),
            PaperRow("Gradient boosting", "gradient boosting"),
            PaperRow("Random forest", "random forest"),
            PaperRow("Age alone", "age"),
            PaperRow("Class frequencies", "majority"),
        ),
    ),
}

PRINTED_WEIGHTS = {"T1": 0.40, "T1CE": 0.49, "T2": 0.30, "FLAIR": 0.47, "Bias": -0.28}
"""Table IV."""
