"""Cohorts: loaded from a table, or made up with a known truth."""

from sklidh.datasets._cohorts import examine_cohort, load_cohort
from sklidh.datasets._phantoms import make_glioma_phantoms
from sklidh.datasets._range import cohort_range, outside_range
from sklidh.datasets._tables import read_table
from sklidh.utils import binary_target

__all__ = [
    "binary_target",
    "cohort_range",
    "examine_cohort",
    "load_cohort",
    "make_glioma_phantoms",
    "outside_range",
    "read_table",
]
