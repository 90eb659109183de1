"""Stage 5: performance estimated on patients whom the model was not trained on."""

from sklidh.evaluation._audit import audit
from sklidh.evaluation._calibration import calibration_line, decision_curve
from sklidh.evaluation._checks import check_calls
from sklidh.evaluation._comparison import Comparison, compare
from sklidh.evaluation._cross_validation import (
    cross_validate,
    external_test,
    holdout,
    leave_one_site_out,
)
from sklidh.evaluation._delong import delong_variance
from sklidh.evaluation._evaluation import Evaluation
from sklidh.evaluation._intervals import (
    auc_interval,
    bootstrap_interval,
    call_intervals,
)
from sklidh.evaluation._metrics import PAPER_METRICS, classification_metrics
from sklidh.evaluation._prediction import choose_threshold
from sklidh.evaluation._sample_size import sample_size_notes
from sklidh.evaluation._splits import (
    Split,
    check_classes,
    check_folds,
    holdout_splits,
    site_splits,
    stratified_splits,
)
from sklidh.evaluation._study import Study, StudyError, run_study
from sklidh.evaluation._summary import figures_with_intervals
from sklidh.evaluation._tests import (
    PairedTest,
    auc_permutation_test,
    corrected_resampled_ttest,
    delong_test,
    holm,
    mcnemar_test,
)
from sklidh.evaluation._threshold import check_threshold, is_rule

__all__ = [
    "PAPER_METRICS",
    "Comparison",
    "Evaluation",
    "PairedTest",
    "Split",
    "Study",
    "StudyError",
    "auc_interval",
    "auc_permutation_test",
    "audit",
    "bootstrap_interval",
    "calibration_line",
    "call_intervals",
    "check_calls",
    "check_classes",
    "check_folds",
    "check_threshold",
    "choose_threshold",
    "classification_metrics",
    "compare",
    "corrected_resampled_ttest",
    "cross_validate",
    "decision_curve",
    "delong_test",
    "delong_variance",
    "external_test",
    "figures_with_intervals",
    "holdout",
    "holdout_splits",
    "holm",
    "is_rule",
    "leave_one_site_out",
    "mcnemar_test",
    "run_study",
    "sample_size_notes",
    "site_splits",
    "stratified_splits",
]
