"""Cohorts: loaded from a table, or simulated with known truth."""

from sklidh.datasets._cohorts import load_cohort, write_cohort
from sklidh.datasets._columns import clinical_columns, paper_modalities
from sklidh.datasets._examination import check_ids, examine_cohort
from sklidh.datasets._examined import ExaminedCohort
from sklidh.datasets._headings import matches, near_misses, not_found
from sklidh.datasets._image_check import check_images
from sklidh.datasets._phantoms import make_glioma_phantoms
from sklidh.datasets._range import cohort_range, outside_range
from sklidh.datasets._tables import Table, read_table, scan_table
from sklidh.utils import binary_target

__all__ = [
    "ExaminedCohort",
    "Table",
    "binary_target",
    "check_ids",
    "check_images",
    "clinical_columns",
    "cohort_range",
    "examine_cohort",
    "load_cohort",
    "make_glioma_phantoms",
    "matches",
    "near_misses",
    "not_found",
    "outside_range",
    "paper_modalities",
    "read_table",
    "scan_table",
    "write_cohort",
]
