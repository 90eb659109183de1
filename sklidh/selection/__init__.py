"""Stage 3: keep the few columns of one modality that separate the classes."""

from sklidh.selection._combat import ComBat
from sklidh.selection._correlation import CorrelationPruner
from sklidh.selection._icc import intraclass_correlation
from sklidh.selection._lasso import LassoCVSelector
from sklidh.selection._mann_whitney import MannWhitneySelector
from sklidh.selection._robustness import RobustnessSelector
from sklidh.selection._stability import StabilitySelector

__all__ = [
    "ComBat",
    "CorrelationPruner",
    "LassoCVSelector",
    "MannWhitneySelector",
    "RobustnessSelector",
    "StabilitySelector",
    "intraclass_correlation",
]
