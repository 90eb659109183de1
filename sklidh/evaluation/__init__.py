"""Stage 5: honest figures from patients that the model never saw."""

from sklidh.evaluation._calibration import calibration_line, decision_curve
from sklidh.evaluation._comparison import Comparison, compare
from sklidh.evaluation._cross_validation import (
    cross_validate,
    external_test,
    holdout,
    leave_one_site_out,
)
from sklidh.evaluation._evaluation import Evaluation
from sklidh.evaluation._intervals import auc_interval, bootstrap_interval, delong_variance
from sklidh.evaluation._metrics import PAPER_METRICS, classification_metrics
from sklidh.evaluation._splits import check_folds
from sklidh.evaluation._tests import (
    PairedTest,
    auc_permutation_test,
    corrected_resampled_ttest,
    delong_test,
    holm,
    mcnemar_test,
)

__all__ = [
    "PAPER_METRICS",
    "Comparison",
    "Evaluation",
    "PairedTest",
    "auc_interval",
    "auc_permutation_test",
    "bootstrap_interval",
    "calibration_line",
    "check_folds",
    "classification_metrics",
    "compare",
    "corrected_resampled_ttest",
    "cross_validate",
    "decision_curve",
    "delong_test",
    "delong_variance",
    "external_test",
    "holdout",
    "holm",
    "leave_one_site_out",
    "mcnemar_test",
]
