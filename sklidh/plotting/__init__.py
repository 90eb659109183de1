"""Plots of cases and results; each Display keeps the data that it draws."""

from sklidh.plotting._calibration import CalibrationDisplay, DecisionCurveDisplay
from sklidh.plotting._case import CaseDisplay
from sklidh.plotting._confusion import ConfusionMatrixDisplay
from sklidh.plotting._display import Display, PanelsDisplay, PredictionsDisplay
from sklidh.plotting._explanation import Explanation, explain
from sklidh.plotting._feature_map import FeatureMapDisplay
from sklidh.plotting._forest import ForestDisplay
from sklidh.plotting._fusion import BlockImportanceDisplay, CodesDisplay
from sklidh.plotting._gradient_map import GradientMapDisplay, gradient_maps
from sklidh.plotting._loss import LossCurveDisplay
from sklidh.plotting._ranking import PRDisplay, ROCDisplay
from sklidh.plotting._robustness import RobustnessDisplay
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
    "Display",
    "Explanation",
    "FeatureMapDisplay",
    "ForestDisplay",
    "GradientMapDisplay",
    "LossCurveDisplay",
    "PRDisplay",
    "PanelsDisplay",
    "PredictionsDisplay",
    "ROCDisplay",
    "RobustnessDisplay",
    "SelectedFeaturesDisplay",
    "VolcanoDisplay",
    "explain",
    "gradient_maps",
    "gradient_thumbnail",
    "thumbnail",
]
