"""Shared utilities: checks of tables, cached files, parallel jobs, progress, estimator checks."""

from sklidh.utils._cache import (
    atomic_write,
    cache_content,
    cache_folder,
    clear_cache,
    fingerprint,
    source_digest,
    sweep,
)
from sklidh.utils._documented import DocumentedMixin
from sklidh.utils._errors import ModelFileError, ResultsError, UserError, WorkerDiedError
from sklidh.utils._folds import splits_of, stratified_folds
from sklidh.utils._image_files import files_of
from sklidh.utils._kept import spread_kept
from sklidh.utils._kernels import kernel
from sklidh.utils._listing import listed
from sklidh.utils._paper import PAPER_GROUPS, PAPER_MODALITIES
from sklidh.utils._perturbed import perturbed_name, unperturbed_name
from sklidh.utils._positive_class import binary_target, mutant_index
from sklidh.utils._progress import located, part, progress
from sklidh.utils._scheduler import SchedulerError, on_scheduler
from sklidh.utils._spread import ignore_joblib, results_as, spread
from sklidh.utils._target import IDH, Target
from sklidh.utils._target_check import check_same_patients, check_target
from sklidh.utils._validation import (
    CohortError,
    Problem,
    category_text,
    check_cases,
    check_image_and_mask,
    grouped,
    is_image,
    is_missing,
    is_path,
)

__all__ = [
    "IDH",
    "PAPER_GROUPS",
    "PAPER_MODALITIES",
    "CohortError",
    "DocumentedMixin",
    "ModelFileError",
    "Problem",
    "ResultsError",
    "SchedulerError",
    "Target",
    "UserError",
    "WorkerDiedError",
    "atomic_write",
    "binary_target",
    "cache_content",
    "cache_folder",
    "category_text",
    "check_cases",
    "check_image_and_mask",
    "check_same_patients",
    "check_target",
    "clear_cache",
    "files_of",
    "fingerprint",
    "grouped",
    "ignore_joblib",
    "is_image",
    "is_missing",
    "is_path",
    "kernel",
    "listed",
    "located",
    "mutant_index",
    "on_scheduler",
    "part",
    "perturbed_name",
    "progress",
    "results_as",
    "source_digest",
    "splits_of",
    "spread",
    "spread_kept",
    "stratified_folds",
    "sweep",
    "unperturbed_name",
]
