"""Pictures of cases and results: each Display keeps what it draws."""

from sklidh.plotting._case import CaseDisplay
from sklidh.plotting._loss import LossCurveDisplay
from sklidh.plotting._roc import ROCDisplay
from sklidh.plotting._selection import SelectedFeaturesDisplay
from sklidh.plotting._thumbnails import thumbnail

__all__ = ["CaseDisplay", "LossCurveDisplay", "ROCDisplay", "SelectedFeaturesDisplay", "thumbnail"]
