"""The report is one file that needs no other, and trusts no text from a cohort."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from sklidh.evaluation import Comparison, figures_with_intervals
from sklidh.reporting import ResultsError, predictions_as_csv, read_run, render_report
from sklidh.reporting._facts import facts_of
from sklidh.reporting._figures import draw_figures
from sklidh.reporting._report import figures_and_tests, flow_of, patients_of
from sklidh.reporting._run import read_comparison, save_run


@pytest.fixture(scope="module")
def html(run):
    return render_report(run)


def test_the_page_fetches_nothing_and_runs_nothing(html):
    assert "http" not in html
    assert "<script" not in html
    assert not re.search(r"\son\w+=", html)
    assert not re.search(r"(src|href)=\"(?!data:image/(png|jpeg);base64,|#)", html)
    assert "url(" not in html
    assert "@import" not in html


def test_every_text_from_the_cohort_is_escaped(html, run, hostile):
    shown = html.count("&lt;script&gt;alert(1)&lt;/script&gt;")
    assert shown > 30
    # The title is the heading too, and a note is a limit on the model card too.
    harmless = replace(run, title="", notes=[], warnings=[])
    assert render_report(harmless).count("&lt;script&gt;") == shown - 2 - 2 - 1


def test_every_model_every_predicted_patient_and_every_figure_is_there(html, run):
    for text in ("Model 1", *(f"P{i}" for i in range(9)), "Few patients."):
        assert text in html
    for text in figures_with_intervals(run.comparison.evaluations).to_numpy().ravel():
        value, interval = text.split(" ", 1)
        assert f"{value}<small>{interval}</small>" in html


def test_a_wrong_call_is_marked_by_more_than_colour(html, run):
    calls = [
        e.predictions["called"] != e.predictions["mutant"]
        for e in run.comparison.evaluations.values()
    ]
    assert html.count(" ✗</td>") == sum(map(sum, calls)) > 0


def test_a_figure_that_is_not_defined_is_a_dash_and_one_without_end_is_infinite(run):
    name, shown = run.shown
    perfect = shown.predictions["mutant"] * 0.8 + 0.1
    best = replace(shown, predictions=shown.predictions.assign(score=perfect, probability=perfect))
    same = replace(run, comparison=Comparison({"copy": best, name: best}))
    table = figures_and_tests(same)
    assert table.loc["copy", "Calibration slope"] == "∞"
    assert table.loc["copy", "p (DeLong, Holm)"] == "1"
    assert table.loc[name, "p (DeLong, Holm)"] == "reference"
    level = replace(shown, predictions=shown.predictions.assign(probability=0.5))
    table = figures_and_tests(replace(run, comparison=Comparison({name: level})))
    assert table.loc[name, "Calibration slope"] == "–"


def test_the_flow_counts_patients_and_features_at_each_stage(run):
    steps = {step.heading: step for step in flow_of(run, facts_of(run))}
    numbers = {heading: step.number for heading, step in steps.items()}
    assert numbers["Patients"] == "30 patients"
    assert numbers["Left out of training"] == "10 predicted"
    assert numbers["Features extracted"] == "2002 features"
    assert numbers["After Mann-Whitney"] == "182 features"
    assert numbers["After LASSO"] == "2 features"
    assert numbers["Fusion"] == "1 blocks"
    assert "T1: 873 radiomics + 128 deep" in steps["Features extracted"].lines


def test_numbers_that_differ_between_the_models_of_the_folds_are_a_range(run):
    left = {"all": [1001, 1001], "Mann-Whitney": [91, 60], "LASSO": [1, 3]}
    flow = {name: each | {"left": left} for name, each in run.flow.items()}
    features = run.features.assign(selected=[2, 1], models=2)
    folded = replace(run, flow=flow, features=features)
    numbers = {step.heading: step.number for step in flow_of(folded, facts_of(folded))}
    assert numbers["Features extracted"] == "2002 features"
    assert numbers["After Mann-Whitney"] == "120 to 182 features"
    page = render_report(folded)
    assert "Of 2 features that any of the 2 models selected, all agree on 1, and one alone" in page
    assert "<td>2 of 2</td>" in page


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
    figure, caption = draw_figures(comparison, make_pipeline(Networks(), "passthrough"))["networks"]
    assert [line.get_label() for line in figure.axes[0].get_lines()] == ["T1", "FLAIR"]
    assert caption.startswith("Loss of the self-attention networks")


def test_groups_too_small_for_figures_are_named_in_a_sentence_and_have_no_table(run, html):
    label = 'aria-label="By group of patients"'
    assert label in html
    groups = pd.DataFrame({"patients": ["3", "4"], "AUC": "–"}, ["sex F", "sex M"])
    small = render_report(replace(run, groups=groups))
    assert label not in small
    assert "none of these groups has five of each class" in small
    assert "sex F (3), sex M (4)." in " ".join(small.split())
    assert "Figures by sex are under" not in small, "nor do the checklists lead there"


def test_the_arrow_before_the_first_box_of_each_row_of_the_flow_is_cut_off(html):
    # It hangs in the gap to the left of a box, where the first of a row has none.
    (flow,) = re.findall(r"^\.flow {(.*?)}", html, re.MULTILINE | re.DOTALL)
    assert "padding: 0;" in flow
    assert "overflow: hidden" in flow
    (arrow,) = re.findall(r"^\.flow li \+ li::before {(.*?)}", html, re.MULTILINE | re.DOTALL)
    assert "left: -" in arrow


def test_a_patient_s_card_has_pictures_and_what_was_predicted(run, hostile):
    first, second, third = patients_of(run)
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
    with pytest.raises(ResultsError, match=r"pictures\.json.*run it again"):
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
    with pytest.raises(ResultsError, match=r"no whole results: run\.json is absent.*interrupted"):
        read_run(tmp_path)
    monkeypatch.undo()
    save_run(tmp_path, run)
    assert read_run(tmp_path).title == run.title


def test_results_in_the_folder_below_are_named(run, tmp_path):
    (tmp_path / "results").mkdir()
    save_run(tmp_path / "results", run)
    with pytest.raises(ResultsError, match=r"they lie in .*results; name that folder"):
        read_run(tmp_path)


def test_predictions_written_and_read_are_the_same_whatever_the_patients_are_called(run, tmp_path):
    names = ["=1+1", "'quoted", "NA", "007", *map(str, range(6))]
    written = Comparison(
        {
            name: replace(evaluation, predictions=evaluation.predictions.set_axis(names))
            for name, evaluation in run.comparison.evaluations.items()
        }
    )
    tables = [e.predictions.assign(model=name) for name, e in written.evaluations.items()]
    text = predictions_as_csv(pd.concat(tables).rename_axis("patient"))
    assert "\n'=1+1," in text
    (tmp_path / "evaluations.csv").write_text(text)
    read = read_comparison(tmp_path / "evaluations.csv")
    for name, evaluation in written.evaluations.items():
        pd.testing.assert_frame_equal(
            read.evaluations[name].predictions, evaluation.predictions, check_names=False
        )
