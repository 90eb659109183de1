"""Cohorts: loaded from a table, or made up with a known truth."""

from sklidh.datasets._cohorts import examine_cohort, load_cohort
from sklidh.datasets._phantoms import make_glioma_phantoms

__all__ = ["examine_cohort", "load_cohort", "make_glioma_phantoms"]
