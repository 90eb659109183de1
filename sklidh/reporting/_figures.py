"""The plots of a run, each with a caption."""

import io

from matplotlib import rc_context

from sklidh.evaluation import Comparison
from sklidh.plotting import (
    CalibrationDisplay,
    ConfusionMatrixDisplay,
    DecisionCurveDisplay,
    Display,
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
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 10,
    "axes.titlesize": 11,
    "figure.dpi": 150,
}
SVG = {"svg.hashsalt": "sklidh"}
"""Makes the ids in an SVG file the same in every run."""

ENOUGH_FOR_CALIBRATION = FEWEST_BINS * FEWEST_IN_BIN
"""Minimum number of patients for a calibration curve of three points."""

OF_COMPARISON = {
    "roc": (ROCDisplay, "Sensitivity against 1 - specificity on test patients."),
    "precision_recall": (PRDisplay, "Precision against recall."),
    "calibration": (
        CalibrationDisplay,
        "Agreement between predicted probability and observed fraction.",
    ),
    "decision_curve": (
        DecisionCurveDisplay,
        "Net benefit of acting on the model's predictions, on every patient, and on none.",
    ),
}
NETWORKS = (
    "Loss of the self-attention networks during training; thin lines: networks of inner folds and "
    "members; dashed: held-out patients."
)
ROBUSTNESS = (
    "Intraclass correlation ICC(1,1) of each feature between the training patients' images and "
    "their perturbed copies, and the number of features kept per class."
)
FUSION = "The terms of the fusion's loss (paper Eq. 3 to 6) during training."


def draw_figures(comparison: Comparison, pipeline) -> dict[str, tuple[Display, str]]:
    """Draw what the predictions and the steps allow; return Display and caption by name.

    Where the shown model has no networks, those of the last model that has some are drawn.
    """
    *_, (shown, evaluation) = comparison.evaluations.items()
    first = " In the first repeat." if len(evaluation.repeats) > 1 else ""
    which = " Of the first fold's model." if len(evaluation.estimators) > 1 else ""
    rule = ", at the model's threshold" if comparison.target.is_binary else ""
    displays = {}
    with rc_context(ONE_LOOK):
        drawn_from, some = comparison, dict(OF_COMPARISON)
        if not comparison.target.is_binary:
            # One curve per class of the shown model; net benefit is that of one decision.
            drawn_from = Comparison({shown: evaluation})
            del some["decision_curve"]
        for name, (display, caption) in some.items():
            if not comparison.target.is_binary:
                caption += f" {shown}, each class against all others."
            # With fewer patients each point would rest on a handful of them.
            if name != "calibration" or len(evaluation.repeats[0]) >= ENOUGH_FOR_CALIBRATION:
                displays[name] = display.from_comparison(drawn_from), caption
        displays["confusion"] = (
            ConfusionMatrixDisplay.from_evaluation(evaluation),
            f"True against predicted classes of {shown}{rule}." + first,
        )
        if "intra" in getattr(pipeline, "named_steps", ()):
            kept = SelectedFeaturesDisplay.from_estimator(pipeline)
            displays["selected_features"] = kept, "Features selected per sequence." + which
        if not assessed_features(pipeline).empty:
            displays["robustness"] = RobustnessDisplay.from_estimator(pipeline), ROBUSTNESS + which
        models = {name: each.estimators[:1] for name, each in comparison.evaluations.items()}
        for name, fitted in [(shown, [pipeline]), *reversed(models.items())]:
            if fitted and histories(fitted[0]):
                networks = LossCurveDisplay.from_networks(fitted[0])
                displays["networks"] = networks, f"{NETWORKS} {name}.{which}"
                break
        if hasattr(pipeline[-1], "loss_curve_"):
            displays["loss"] = LossCurveDisplay.from_estimator(pipeline), FUSION + which
    return displays


def drawn(figure, kind: str) -> bytes:
    """Write a figure as a "png" or "svg" file."""
    buffer = io.BytesIO()
    with rc_context(SVG):
        metadata = {"Date": None} if kind == "svg" else None
        figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
    return buffer.getvalue()
