"""The plots of a run, each with what it shows in a sentence."""

import io

from matplotlib import rc_context

from sklidh.evaluation import Comparison
from sklidh.plotting import (
    CalibrationDisplay,
    ConfusionMatrixDisplay,
    DecisionCurveDisplay,
    LossCurveDisplay,
    PRDisplay,
    ROCDisplay,
    SelectedFeaturesDisplay,
)
from sklidh.plotting._calibration import FEWEST_BINS, FEWEST_IN_BIN
from sklidh.plotting._loss import histories

ONE_LOOK = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, and is the same on every machine
    "font.size": 10,
    "axes.titlesize": 11,
    "figure.dpi": 150,
}
SVG = {"svg.hashsalt": "sklidh"}
"""Ids that are not drawn at random: an SVG file is the same after every run."""

ENOUGH_FOR_CALIBRATION = FEWEST_BINS * FEWEST_IN_BIN
"""Patients from which on a calibration curve has three points that mean something."""


def draw_figures(comparison: Comparison, pipeline) -> dict:
    """Draw what the predictions and the steps allow; return figure and caption by name."""
    *_, (shown, evaluation) = comparison.evaluations.items()
    first = " In the first repeat." if len(evaluation.repeats) > 1 else ""
    which = " Of the first fold's model." if len(evaluation.estimators) > 1 else ""
    with rc_context(ONE_LOOK):
        figures = {
            "roc": (
                ROCDisplay.from_comparison(comparison).figure_,
                "Sensitivity against 1 - specificity on the patients left out of training.",
            ),
            "precision_recall": (
                PRDisplay.from_comparison(comparison).figure_,
                "Precision against recall.",
            ),
            # Of fewer patients each point would be a handful, and its height luck.
            **(
                {
                    "calibration": (
                        CalibrationDisplay.from_comparison(comparison).figure_,
                        "Agreement between predicted probability and observed mutation rate.",
                    )
                }
                if len(evaluation.repeats[0]) >= ENOUGH_FOR_CALIBRATION
                else {}
            ),
            "decision_curve": (
                DecisionCurveDisplay.from_comparison(comparison).figure_,
                "Whether acting on the model does more good than acting on everybody or nobody.",
            ),
            "confusion": (
                ConfusionMatrixDisplay.from_evaluation(evaluation).figure_,
                f"True against predicted classes of {shown}, at the model's threshold." + first,
            ),
        }
        if "intra" in pipeline.named_steps:
            figures["selected_features"] = (
                SelectedFeaturesDisplay.from_estimator(pipeline).figure_,
                "Features selected per sequence, by kind." + which,
            )
        if histories(pipeline):
            figures["networks"] = (
                LossCurveDisplay.from_networks(pipeline).figure_,
                "Loss of the self-attention networks while they were trained; thin lines are the "
                "networks of inner folds and members, dashed lines held-out patients." + which,
            )
        if hasattr(pipeline[-1], "loss_curve_"):
            figures["loss"] = (
                LossCurveDisplay.from_estimator(pipeline).figure_,
                "The terms of the fusion's loss (paper Eq. 3 to 6) while it was trained." + which,
            )
    return figures


def drawn(figure, kind: str) -> bytes:
    """Write a figure as a file of a kind: "png" or "svg"."""
    buffer = io.BytesIO()
    with rc_context(SVG):
        metadata = {"Date": None} if kind == "svg" else None
        figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
    return buffer.getvalue()
