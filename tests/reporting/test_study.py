"""The page of a study says what failed, and trusts no text of the cohort."""

import numpy as np
import pandas as pd

from sklidh.evaluation import Comparison
from sklidh.reporting._study import headline_of_study, render_study


def page(hostile, **parts):
    record = {"command": f"sklidh {hostile}", "settings": {"where": hostile}, "notes": [hostile]}
    record |= {"versions": {"sklidh": "0.1.0"}, "failures": {hostile: hostile}}
    record |= {"headline": hostile, "warnings": {hostile: {hostile: 3}}}
    table = pd.DataFrame({"AUC": ["0.81 [0.70, 0.90]"], hostile: ["-"]}, index=[hostile])
    printed = [(hostile, table, {hostile: hostile})]
    tests = pd.DataFrame({"test": ["DeLong"], "p": [np.nan]}, index=[hostile])
    found = {"tests": tests, "forest": b"PNG", "reference": hostile} | parts
    return render_study(record, printed, **found)


def test_the_page_fetches_nothing_and_runs_nothing(hostile):
    html = page(hostile)
    assert "http:" not in html
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 15


def test_figures_failures_and_warnings_are_there(hostile):
    html = page(hostile)
    assert "0.81<small>[0.70, 0.90]</small>" in html
    assert "Failed:" in html
    assert "3 times:" in html


def test_without_a_reference_there_are_no_tests(hostile):
    html = page(hostile, tests=None, forest=b"")
    assert "Tests against" not in html
    assert "data:image" not in html


def test_the_headline_names_the_best_model_and_the_best_yardstick(run):
    comparison = Comparison(run.comparison.evaluations | run.yardsticks)
    text = headline_of_study(comparison, list(run.yardsticks))
    best = run.comparison.measures["AUC"].idxmax()
    assert text.startswith(f"Highest AUC: {best}, ")
    assert "Best simple baseline: Age alone, " in text
    assert text.endswith("10 patients were tested, 5 of them mutant.")
    assert "baseline" not in headline_of_study(run.comparison, [])
