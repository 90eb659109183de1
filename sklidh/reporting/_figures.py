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
    RobustnessDisplay,
    ROCDisplay,
    SelectedFeaturesDisplay,
)
from sklidh.plotting._calibration import FEWEST_BINS, FEWEST_IN_BIN
from sklidh.plotting._loss import histories
from sklidh.plotting._robustness import assessed_features

ONE_LOOK = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, and is the same on every machine
    "font.size": 10,
    "axes.titlesize": 11,
    "figure.dpi": 150,
}
SVG = {"svg.hashsalt": "sklidh"}
"""Ids that are not drawn at random: an SVG file is the same after every run."""

ENOUGH_FOR_CALIBRATION = FEWEST_BINS * FEWEST_IN_BIN
"""Smallest number of patients for three points of a calibration curve."""

OF_COMPARISON = {
    "roc": (
        ROCDisplay,
        "Sensitivity against 1 - specificity on the patients left out of training.",
    ),
    "precision_recall": (PRDisplay, "Precision against recall."),
    "calibration": (
        CalibrationDisplay,
        "Agreement between predicted probability and observed mutation rate.",
    ),
    "decision_curve": (
        DecisionCurveDisplay,
        "Whether acting on the model does more good than acting on everybody or nobody.",
    ),
}
OF_PIPELINE = {
    "robustness": (
        lambda pipeline: not assessed_features(pipeline).empty,
        RobustnessDisplay.from_estimator,
        "Intraclass correlation ICC(1,1) of each feature between the training patients' images and "
        "their perturbed copies, and how many features of each class were kept.",
    ),
    "selected_features": (
        lambda pipeline: "intra" in pipeline.named_steps,
        SelectedFeaturesDisplay.from_estimator,
        "Features selected per sequence, by kind.",
    ),
    "networks": (
        histories,
        LossCurveDisplay.from_networks,
        "Loss of the self-attention networks while they were trained; thin lines are the networks "
        "of inner folds and members, dashed lines held-out patients.",
    ),
    "loss": (
        lambda pipeline: hasattr(pipeline[-1], "loss_curve_"),
        LossCurveDisplay.from_estimator,
        "The terms of the fusion's loss (paper Eq. 3 to 6) while it was trained.",
    ),
}


def draw_figures(comparison: Comparison, pipeline) -> dict:
    """Draw what the predictions and the steps allow; return figure and caption by name."""
    *_, (shown, evaluation) = comparison.evaluations.items()
    first = " In the first repeat." if len(evaluation.repeats) > 1 else ""
    which = " Of the first fold's model." if len(evaluation.estimators) > 1 else ""
    figures = {}
    with rc_context(ONE_LOOK):
        for name, (display, caption) in OF_COMPARISON.items():
            # Of fewer patients each point would be a handful, and its height luck.
            if name != "calibration" or len(evaluation.repeats[0]) >= ENOUGH_FOR_CALIBRATION:
                figures[name] = display.from_comparison(comparison).figure_, caption
        figures["confusion"] = (
            ConfusionMatrixDisplay.from_evaluation(evaluation).figure_,
            f"True against predicted classes of {shown}, at the model's threshold." + first,
        )
        for name, (applies, draw, caption) in OF_PIPELINE.items():
            if applies(pipeline):
                figures[name] = draw(pipeline).figure_, caption + which
    return figures


def drawn(figure, kind: str) -> bytes:
    """Write a figure as a file of a kind: "png" or "svg"."""
    buffer = io.BytesIO()
    with rc_context(SVG):
        metadata = {"Date": None} if kind == "svg" else None
        figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
    return buffer.getvalue()
