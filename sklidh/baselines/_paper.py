"""The paper's Tables I to V: rows, the system behind each row, and the printed figures."""

from dataclasses import dataclass

COLUMNS = ("AUC", "Acc", "Pre", "Rec", "F1")
"""The paper's column headings: AUC, accuracy, precision, recall and F1."""

PARTS = ("CNN", "Radiomics", "Constraints fusion")
"""The ticked columns of Table I."""


@dataclass(frozen=True)
class PaperRow:
    """One row of a table.

    Parameters
    ----------
    label : str
    system : str
        A key of `paper_systems`; a system can appear in several tables.
    printed : tuple of float or None, default=None
        The paper's figures, in the order of `COLUMNS`; None for rows that are not in the paper.
    parts : tuple of str, default=()
        The columns that Table I ticks.
    what : str, default=""
        Description of the row in this package, if the label is not enough.
    """

    label: str
    system: str
    printed: tuple[float, ...] | None = None
    parts: tuple[str, ...] = ()
    what: str = ""


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper.

    Parameters
    ----------
    title : str
    rows : tuple of PaperRow
    """

    title: str
    rows: tuple[PaperRow, ...]


MODEL_1, MODEL_2 = "Model 1 (SA-Net)", "Model 2 (radiomics)"
MODEL_3, MODEL_4 = "Model 3 (late fusion)", "Model 4 (proposed)"
MODEL_4_RADIOMICS = "Model 4 on radiomics alone"
RECOMMENDED = "Recommended"
ZHANG_2021, ZHANG_2022 = "Zhang et al. 2021 [8]", "Zhang et al. 2022 [10]"

MEAN_OF_NETWORKS = "mean probability of one network per sequence; the paper does not state how"
MLP_OF_8 = "multilayer perceptron with 8 hidden units; the paper does not state its size"
REBUILT = "reconstructed from the publication, not the authors' code"

PAPER_TABLES = {
    "I": PaperTable(
        "Table I. Ablation experiments results",
        (
            PaperRow(
                "Model 1", MODEL_1, (0.77, 0.70, 0.69, 0.70, 0.69), ("CNN",), MEAN_OF_NETWORKS
            ),
            PaperRow("Model 2", MODEL_2, (0.77, 0.71, 0.74, 0.62, 0.67), ("Radiomics",)),
            PaperRow("Model 3", MODEL_3, (0.82, 0.77, 0.77, 0.77, 0.77), ("CNN", "Radiomics")),
            PaperRow("Model 4 (proposed)", MODEL_4, (0.81, 0.79, 0.80, 0.75, 0.77), PARTS),
        ),
    ),
    "II": PaperTable(
        "Table II. Comparison of independent modalities",
        (
            PaperRow("T1", "T1", (0.53, 0.54, 0.53, 0.58, 0.57), what=MLP_OF_8),
            PaperRow("T1CE", "T1CE", (0.76, 0.74, 0.73, 0.73, 0.73), what=MLP_OF_8),
            PaperRow("T2", "T2", (0.56, 0.50, 0.49, 0.42, 0.45), what=MLP_OF_8),
            PaperRow("FLAIR", "FLAIR", (0.68, 0.66, 0.66, 0.63, 0.64), what=MLP_OF_8),
        ),
    ),
    "III": PaperTable(
        "Table III. Comparison of inter-modality fusion methods",
        (
            PaperRow("Average", "Average", (0.79, 0.74, 0.71, 0.78, 0.75)),
            PaperRow(
                "Regression", MODEL_3, (0.82, 0.77, 0.77, 0.77, 0.77), what=f"same as {MODEL_3}"
            ),
            PaperRow("Method 1", "Method 1", (0.79, 0.71, 0.65, 0.87, 0.74)),
            PaperRow("Method 2", "Method 2", (0.77, 0.76, 0.78, 0.70, 0.74)),
            PaperRow(
                "Method 3", MODEL_4, (0.81, 0.79, 0.80, 0.75, 0.77), what=f"same as {MODEL_4}"
            ),
        ),
    ),
    "IV": PaperTable(
        "Table IV. Weights of each modality in regression model",
        (PaperRow("Regression", MODEL_3),),
    ),
    "V": PaperTable(
        "Table V. Comparison with state-of-the-art methods",
        (
            PaperRow(ZHANG_2021, ZHANG_2021, (0.77, 0.72, 0.72, 0.70, 0.71), what=REBUILT),
            PaperRow(
                "Yan et al. 2021 [9]",
                MODEL_2,
                (0.77, 0.71, 0.74, 0.62, 0.67),
                what=f"same as {MODEL_2}; the paper prints its figures here",
            ),
            PaperRow(ZHANG_2022, ZHANG_2022, (0.78, 0.76, 0.72, 0.83, 0.77), what=REBUILT),
            PaperRow(
                "Shi et al. 2022 [17]",
                MODEL_3,
                (0.82, 0.77, 0.77, 0.77, 0.77),
                what=f"same as {MODEL_3}; the paper prints its figures here",
            ),
            PaperRow(
                "Proposed method",
                MODEL_4,
                (0.81, 0.79, 0.80, 0.75, 0.77),
                what=f"same as {MODEL_4}",
            ),
        ),
    ),
    "others": PaperTable(
        "Systems that the paper does not compare with",
        tuple(
            PaperRow(name, name)
            for name in (
                RECOMMENDED,
                "Logistic regression, L1",
                "Logistic regression, L2",
                "Gradient boosting",
                "Random forest",
                "Age alone",
                "Class frequencies",
            )
        ),
    ),
}

PRINTED_WEIGHTS = {"T1": 0.40, "T1CE": 0.49, "T2": 0.30, "FLAIR": 0.47, "Bias": -0.28}
"""Weights printed in Table IV."""

PRINTED_SELECTION = {
    "T1": {"radiomics": 3, "deep": 1},
    "T1CE": {"radiomics": 6, "deep": 1},
    "T2": {"radiomics": 4, "deep": 1},
    "FLAIR": {"radiomics": 6, "deep": 1},
}
"""Number of selected features in the paper (section II.D)."""
