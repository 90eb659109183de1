"""The report is one file that needs no other, and trusts no text from a cohort."""

import base64
import hashlib
import os
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from sklidh.evaluation import Comparison, figures_with_intervals
from sklidh.reporting import ResultsError, read_run, render_report
from sklidh.reporting._facts import facts_of
from sklidh.reporting._figures import draw_figures, drawn
from sklidh.reporting._intervals import probability_figures
from sklidh.reporting._report import (
    figures_and_tests,
    flow_steps,
    pictured_patients,
    prediction_rows,
    sort_features,
)
from sklidh.reporting._run import save_run
from sklidh.reporting._warnings import group_warnings


@pytest.fixture(scope="module")
def html(run):
    return render_report(run)


def test_the_page_fetches_nothing_and_lets_nothing_run_but_its_own_script(html):
    assert "http:" not in html
    assert "https" not in html
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert "<script" not in html.replace("<script>" + script, "")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = unescape(re.search(r'Content-Security-Policy" content="(.*?)"', html)[1])
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert policy.endswith(f"script-src 'sha256-{digest}'")
    assert not re.search(r"<[^>]*\son\w+=", html)
    assert not re.search(r"(src|href)=\"(?!data:image/(png|jpeg);base64,|#)", html)
    assert "url(" not in html
    assert "@import" not in html


def test_every_text_from_the_cohort_is_escaped(html, run, hostile):
    shown = html.count("&lt;script&gt;alert(1)&lt;/script&gt;")
    assert shown > 30
    # The title is the heading too, and the command is in the section's heading too.
    harmless = replace(run, title="", notes=[], warnings=[], command="")
    assert render_report(harmless).count("&lt;script&gt;") == shown - 2 - 1 - 1 - 2


def test_every_model_every_predicted_patient_and_every_figure_is_there(html, run):
    for text in ("Model 1", *(f"P{i}" for i in range(9)), "Few patients."):
        assert text in html
    for text in figures_with_intervals(run.comparison.evaluations).to_numpy().ravel():
        value, interval = text.split(" ", 1)
        assert f"{value}<small>{interval}</small>" in html


def test_a_wrong_call_is_marked_by_more_than_colour(html, run):
    calls = [
        e.predictions["called"] != e.predictions["true"]
        for e in run.comparison.evaluations.values()
    ]
    assert html.count(" ✗</td>") == sum(map(sum, calls)) > 0


def test_a_figure_that_is_not_defined_is_a_dash_and_one_without_end_is_infinite(run):
    name, shown = run.shown
    perfect = shown.predictions["true"] * 0.8 + 0.1
    best = replace(shown, predictions=shown.predictions.assign(score=perfect, probability=perfect))
    same = replace(run, comparison=Comparison({"copy": best, name: best}))
    slopes = probability_figures(same.comparison.evaluations)["Calibration slope"]
    assert slopes["copy"] == "∞ [classes are separated]"
    table = figures_and_tests(same)
    assert table.loc["copy", "p (DeLong, Holm)"] == "1"
    assert table.loc[name, "p (DeLong, Holm)"] == "reference"
    level = replace(shown, predictions=shown.predictions.assign(probability=0.5))
    table = probability_figures({name: level})
    assert table.loc[name, "Calibration slope"] == "– [all probabilities are equal]"


def test_the_flow_counts_patients_and_features_at_each_stage(run):
    steps = {step.heading: step for step in flow_steps(run, facts_of(run))}
    numbers = {heading: step.number for heading, step in steps.items()}
    assert numbers["Patients"] == "30 patients"
    assert numbers["Test patients"] == "10 patients"
    assert numbers["Features extracted"] == "2002 features"
    assert numbers["After Mann-Whitney"] == "182 features"
    assert numbers["After LASSO"] == "2 features"
    assert numbers["Fusion"] == "1 block"
    assert "T1: 873 radiomics + 128 deep" in steps["Features extracted"].lines


def test_numbers_that_differ_between_the_models_of_the_folds_are_a_range(run):
    left = {"all": [1001, 1001], "Mann-Whitney": [91, 60], "LASSO": [1, 3]}
    flow = {name: each | {"left": left} for name, each in run.flow.items()}
    features = run.features.assign(selected=[2, 1], models=2)
    folded = replace(run, flow=flow, features=features)
    numbers = {step.heading: step.number for step in flow_steps(folded, facts_of(folded))}
    assert numbers["Features extracted"] == "2002 features"
    assert numbers["After Mann-Whitney"] == "120 to 182 features"
    page = render_report(folded)
    assert "2 features were selected by any of the 2 models: 1 by all of them and 1 by only" in page
    assert '<td data-label="Selected by">2 of 2</td>' in page


def test_the_counts_of_repeats_are_said_to_be_of_the_first(run):
    name, shown = run.shown
    pipeline = make_pipeline("passthrough")
    once = draw_figures(Comparison({name: shown}), pipeline)["confusion"][1]
    assert "repeat" not in once
    predictions = pd.concat([shown.predictions, shown.predictions.assign(repeat=1)])
    twice = Comparison({name: replace(shown, predictions=predictions)})
    assert draw_figures(twice, pipeline)["confusion"][1].endswith("In the first repeat.")


def test_the_training_of_the_networks_is_drawn_where_there_are_any(run):
    class Networks:
        history_ = {"T1": {"train_loss": [0.7, 0.5]}, "FLAIR": {"train_loss": [0.6, 0.4]}}

    comparison = Comparison(dict([run.shown]))
    assert "networks" not in draw_figures(comparison, make_pipeline("passthrough"))
    display, caption = draw_figures(comparison, make_pipeline(Networks(), "passthrough"))[
        "networks"
    ]
    assert [line.get_label() for line in display.ax_.get_lines()] == ["T1", "FLAIR"]
    assert caption.startswith("Loss of the self-attention networks")


def test_groups_too_small_for_figures_are_named_in_a_sentence_and_have_no_table(run, html):
    label = 'aria-label="By group of patients"'
    assert label in html
    groups = pd.DataFrame({"patients": ["3", "4"], "AUC": "–"}, ["sex F", "sex M"])
    small = render_report(replace(run, groups=groups))
    assert label not in small
    assert "No group has at least five test patients of each class" in small
    assert "sex F (3), sex M (4)." in " ".join(small.split())
    assert "Performance by sex is under" not in small, "nor do the checklists lead there"


def test_predictions_are_complete_with_the_errors_of_the_shown_model_first(run, html):
    name, shown = run.shown
    rows = prediction_rows(run)
    predicted = shown.predictions
    assert {row["patient"] for row in rows} == set(predicted.index)
    wrong = [bool(row["models"][name]["wrong"]) for row in rows]
    assert wrong == sorted(wrong, reverse=True)
    assert sum(wrong) == (predicted["called"] != predicted["true"]).sum()
    away = [abs(row["models"][name]["mean"] - row["true"]) for row in rows]
    assert away[: sum(wrong)] == sorted(away[: sum(wrong)], reverse=True)
    assert away[sum(wrong) :] == sorted(away[sum(wrong) :], reverse=True)


def test_of_repeats_each_patient_has_one_row_with_the_mean_and_the_errors_counted(run):
    name, shown = run.shown
    other = shown.predictions.assign(repeat=1, probability=0.0, called=False)
    twice = replace(shown, predictions=pd.concat([shown.predictions, other]))
    rows = prediction_rows(replace(run, comparison=Comparison({name: twice})))
    assert len(rows) == 10
    for row in rows:
        before = shown.predictions.loc[row["patient"]]
        n_wrong = int(before["called"] != before["true"]) + int(before["true"])
        assert row["models"][name] == {"mean": before["probability"] / 2, "wrong": n_wrong, "n": 2}


def test_features_are_sorted_by_weight_and_those_without_one_by_p():
    table = {"feature": list("abcde"), "selected": [1, 1, 2, 1, 1]}
    table |= {"coefficient": [0.1, -0.5, 0.0, np.nan, np.nan], "p": [0.2, 0.3, 0.9, 0.04, 0.01]}
    assert sort_features(pd.DataFrame(table))["feature"].tolist() == ["c", "b", "a", "e", "d"]


def test_warnings_that_differ_in_a_patient_or_a_number_are_one_kind(html):
    told = [("patient 'P1': 3 voxels", 2), ("patient 'P2': 0.5 voxels (4 more like this)", 1)]
    first, other = group_warnings([*told, ("no sites", 1)])
    assert (first.text, first.count) == ("patient 'P1': 3 voxels", 7)
    assert first.texts == ["patient 'P1': 3 voxels", "patient 'P2': 0.5 voxels"]
    assert (other.text, other.count) == ("no sites", 1)
    (one,) = group_warnings(told, models=["Model 1", "Model 2"])
    assert one.texts[1] == "Model 2: patient 'P2': 0.5 voxels"
    (same,) = group_warnings([("T1CE: 3 folds", 1), ("FLAIR: 5 folds", 1)])
    assert same.texts == ["T1CE: 3 folds", "FLAIR: 5 folds"]
    assert "2 times:</b> patient &#39;P1&#39;: 3 voxels" in html


def test_the_command_that_repeats_the_run_is_there_or_that_there_is_none(run, html):
    assert "<pre><code>sklidh run --config &lt;script" in html
    assert "started from Python" in render_report(replace(run, command=""))


def test_calibration_is_drawn_of_thirty_patients_and_its_absence_is_explained(run, html):
    name, shown = run.shown
    few, pipeline = Comparison({name: shown}), make_pipeline("passthrough")
    assert "calibration" not in draw_figures(few, pipeline)
    assert "Calibration is not drawn" in html
    tables = [shown.predictions.set_axis([f"{i} {j}" for j in range(10)]) for i in range(3)]
    thirty = Comparison({name: replace(shown, predictions=pd.concat(tables))})
    drawn = draw_figures(thirty, pipeline)["calibration"]
    calibration = replace(run, figures=run.figures | {"calibration": (run.figures["roc"][0], "")})
    assert "10 patients per point" in drawn[0].ax_.get_title()
    assert "Calibration is not drawn" not in render_report(calibration)


def test_plots_are_files_too_that_are_the_same_whenever_they_are_drawn(run, tmp_path):
    comparison, pipeline = Comparison(dict([run.shown])), make_pipeline("passthrough")
    once, twice = (draw_figures(comparison, pipeline)["roc"][0].figure_ for _ in range(2))
    assert drawn(once, "svg") == drawn(twice, "svg")
    assert drawn(once, "png").startswith(b"\x89PNG")
    files = save_run(tmp_path, run, {"roc": drawn(once, "svg")})
    assert files["roc (SVG)"].read_bytes().startswith(b"<?xml")


def test_a_run_is_printed_in_one_line(run):
    assert repr(run).startswith("<Run 'A run of <script>")
    assert len(repr(run)) < 200


def test_the_arrow_before_the_first_box_of_each_row_of_the_flow_is_cut_off(html):
    # It hangs in the gap to the left of a box, where the first of a row has none.
    (flow,) = re.findall(r"^\.flow {(.*?)}", html, re.MULTILINE | re.DOTALL)
    assert "padding: 0;" in flow
    assert "overflow: hidden" in flow
    (arrow,) = re.findall(r"^\.flow li \+ li::before {(.*?)}", html, re.MULTILINE | re.DOTALL)
    assert "left: -" in arrow


def test_a_patient_s_card_has_pictures_and_what_was_predicted(run, hostile):
    first, second, third = pictured_patients(run)
    predicted = run.shown[1].predictions.loc[hostile]
    assert first["probability"] == predicted["probability"]
    assert first["called"] == predicted["called"]
    assert first["attention"]
    assert "called" in second
    assert "called" not in third
    assert third == {"name": "in training", "slices": {}, "attention": {}}


def test_a_sequence_that_was_not_acquired_is_said_to_be_so(html):
    assert html.count("not acquired") == 1 + 2 + 1, "of P0, of the one in training, and of a map"


def test_every_picture_says_what_it_shows(html):
    images = re.findall(r"<img [^>]*>", html)
    assert len(images) == 1 + 3 + 1
    assert all(re.search(r'alt="[^"]{12,}"', image) for image in images)


def test_what_is_written_and_read_gives_the_same_page(run, html, tmp_path):
    files = save_run(tmp_path, run)
    assert all(path.exists() for path in files.values())
    assert render_report(read_run(tmp_path)) == html


def test_a_folder_that_lacks_a_file_is_told(run, tmp_path):
    save_run(tmp_path, run)
    (tmp_path / "pictures.json").unlink()
    with pytest.raises(ResultsError, match=r"pictures\.json.*re-run"):
        read_run(tmp_path)


def test_a_run_that_was_killed_while_it_renamed_leaves_no_results(run, tmp_path, monkeypatch):
    save_run(tmp_path, run)
    (tmp_path / "report.html").touch()
    renamed = []

    def rename_one(source, target):
        if renamed:
            raise KeyboardInterrupt
        renamed.append(Path(source).rename(target))

    monkeypatch.setattr(os, "replace", rename_one)
    with pytest.raises(KeyboardInterrupt):
        save_run(tmp_path, run)
    assert renamed
    assert not (tmp_path / "report.html").exists()
    with pytest.raises(
        ResultsError, match=r"incomplete results folder: run\.yaml.* is missing.*interrupted"
    ):
        read_run(tmp_path)
    monkeypatch.undo()
    save_run(tmp_path, run)
    assert read_run(tmp_path).title == run.title


def test_predictions_written_and_read_are_the_same_whatever_the_patients_are_called(run, tmp_path):
    names = ["=1+1", "'quoted", "NA", "007", *map(str, range(6))]

    def renamed(evaluations):
        return {
            name: replace(evaluation, predictions=evaluation.predictions.set_axis(names))
            for name, evaluation in evaluations.items()
        }

    written = renamed(run.comparison.evaluations)
    simple = renamed(run.yardsticks)
    save_run(tmp_path, replace(run, comparison=Comparison(written), yardsticks=simple))
    assert "\n'=1+1," in (tmp_path / "evaluations.csv").read_text()
    read = read_run(tmp_path)
    assert simple
    for before, after in ((written, read.comparison.evaluations), (simple, read.yardsticks)):
        assert list(before) == list(after)
        for name, evaluation in before.items():
            pd.testing.assert_frame_equal(
                after[name].predictions, evaluation.predictions, check_names=False
            )
