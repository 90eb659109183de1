"""Pictures of cases and results: each Display keeps what it draws."""

from sklidh.plotting._calibration import CalibrationDisplay
from sklidh.plotting._case import CaseDisplay
from sklidh.plotting._decision import ConfusionMatrixDisplay, DecisionCurveDisplay
from sklidh.plotting._explanation import Explanation, explain
from sklidh.plotting._forest import ForestDisplay
from sklidh.plotting._fusion import BlockImportanceDisplay, CodesDisplay
from sklidh.plotting._gradient_map import GradientMapDisplay, gradient_maps
from sklidh.plotting._loss import LossCurveDisplay
from sklidh.plotting._precision_recall import PRDisplay
from sklidh.plotting._roc import ROCDisplay
from sklidh.plotting._selection import SelectedFeaturesDisplay
from sklidh.plotting._thumbnails import gradient_thumbnail, thumbnail
from sklidh.plotting._volcano import VolcanoDisplay

__all__ = [
    "BlockImportanceDisplay",
    "CalibrationDisplay",
    "CaseDisplay",
    "CodesDisplay",
    "ConfusionMatrixDisplay",
    "DecisionCurveDisplay",
    "Explanation",
    "ForestDisplay",
    "GradientMapDisplay",
    "LossCurveDisplay",
    "PRDisplay",
    "ROCDisplay",
    "SelectedFeaturesDisplay",
    "VolcanoDisplay",
    "explain",
    "gradient_maps",
    "gradient_thumbnail",
    "thumbnail",
]
