"""Write and read the results of a run: tables, plots and an HTML report."""

from sklidh.reporting._check_page import examine, render_check
from sklidh.reporting._fitted import stage_counts, trace_selection
from sklidh.reporting._model_card import ModelCard, card_of_training
from sklidh.reporting._overview import CohortOverview
from sklidh.reporting._paper_tables import printed_table
from sklidh.reporting._predictions import write_predictions
from sklidh.reporting._report import render_report
from sklidh.reporting._results import write_report, write_results
from sklidh.reporting._run import Run, read_run
from sklidh.reporting._study import write_study
from sklidh.results import predictions_as_csv
from sklidh.utils import ResultsError

__all__ = [
    "CohortOverview",
    "ModelCard",
    "ResultsError",
    "Run",
    "card_of_training",
    "examine",
    "predictions_as_csv",
    "printed_table",
    "read_run",
    "render_check",
    "render_report",
    "stage_counts",
    "trace_selection",
    "write_predictions",
    "write_report",
    "write_results",
    "write_study",
]
