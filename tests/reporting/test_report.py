"""The report is one file that needs no other, and trusts no text from a cohort."""

import numpy as np
import pandas as pd

from sklidh.evaluation import Comparison, Evaluation
from sklidh.reporting import predictions_as_csv, render_report
from sklidh.reporting._folder import read_comparison

HOSTILE = "<script>alert(1)</script>"


def comparison():
    rng = np.random.default_rng(0)
    patients = [HOSTILE, *(f"P{i}" for i in range(9))]

    def evaluation():
        table = {"repeat": 0, "fold": 0, "n_trained": 20, "mutant": [True, False] * 5}
        table |= {"probability": rng.random(10), "threshold": 0.5}
        table = pd.DataFrame(table, index=patients)
        called = table["probability"] >= 0.5
        return Evaluation(table.assign(score=table["probability"], called=called))

    return Comparison({name: evaluation() for name in ("Model 1", "Model 2")})


def page():
    return render_report(
        title="A run",
        comparison=comparison(),
        cohort=pd.DataFrame({"patients": [5, 5]}, index=["0", "1"]),
        figures={"roc": (b"PNG", "A curve.")},
        features=pd.DataFrame({"feature": [HOSTILE]}),
        facts={"seed": "0"},
        notes=["Few patients.", HOSTILE],
    )


def test_the_page_fetches_nothing_and_runs_nothing():
    html = page()
    assert "http" not in html
    assert "<script" not in html
    assert "data:image/png;base64," in html


def test_every_text_from_the_cohort_is_escaped():
    assert page().count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3


def test_predictions_written_and_read_are_the_same_whatever_the_patients_are_called(tmp_path):
    written = comparison()
    for evaluation in written.evaluations.values():
        evaluation.predictions.index = ["=1+1", "'quoted", "NA", "007", *map(str, range(6))]
    tables = [e.predictions.assign(model=name) for name, e in written.evaluations.items()]
    text = predictions_as_csv(pd.concat(tables).rename_axis("patient"))
    assert "\n'=1+1," in text
    (tmp_path / "evaluations.csv").write_text(text)
    read = read_comparison(tmp_path / "evaluations.csv")
    for name, evaluation in written.evaluations.items():
        pd.testing.assert_frame_equal(
            read.evaluations[name].predictions, evaluation.predictions, check_names=False
        )


def test_every_model_and_every_patient_is_there():
    html = page()
    for text in ("Model 1", "Model 2", *(f"P{i}" for i in range(9)), "Few patients."):
        assert text in html


def test_the_printed_figures_are_the_comparison_s():
    html, table = page(), comparison().table
    for value in table["AUC"]:
        assert f">{value:.2f}</td>" in html
