"""What a run leaves behind: tables, plots and one HTML file that tells the whole."""

from sklidh.reporting._check_page import examine, render_check
from sklidh.reporting._folder import ResultsError, predictions_as_csv, write_report
from sklidh.reporting._paper_tables import printed_table, write_study
from sklidh.reporting._report import render_report
from sklidh.reporting._results import write_results

__all__ = [
    "ResultsError",
    "examine",
    "predictions_as_csv",
    "printed_table",
    "render_check",
    "render_report",
    "write_report",
    "write_results",
    "write_study",
]
