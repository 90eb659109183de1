"""Stage 5: honest figures from patients that the model never saw."""

from sklidh.evaluation._ablation import Comparison, compare
from sklidh.evaluation._cross_validation import Evaluation, check_folds, cross_validate, holdout
from sklidh.evaluation._intervals import auc_interval, delong_variance
from sklidh.evaluation._metrics import classification_metrics

__all__ = [
    "Comparison",
    "Evaluation",
    "auc_interval",
    "check_folds",
    "classification_metrics",
    "compare",
    "cross_validate",
    "delong_variance",
    "holdout",
]
