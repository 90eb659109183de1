"""Several runs in one table: what differs, what came out, and what could not be read."""

from dataclasses import replace
from html import unescape

import pytest

from sklidh.evaluation import figures_with_intervals
from sklidh.reporting import ResultsError, write_report
from sklidh.reporting._run import save_run
from sklidh.reporting._runs import (
    figures_of_runs,
    learning_pictures,
    settings_that_differ,
    write_runs,
)


@pytest.fixture
def folder(run, tmp_path):
    longer = replace(run, settings=run.settings | {"epochs": 40, "jobs": 3, "repeats": 2})
    for name, each in (("short", run), ("long/results", longer)):
        (tmp_path / name).mkdir(parents=True)
        save_run(tmp_path / name, each)
    return tmp_path


def test_settings_that_differ_are_listed_and_no_others(run):
    other = replace(run, settings=run.settings | {"epochs": 40, "jobs": 3, "clinical": []})
    runs = {"short": run, "long": other}
    assert settings_that_differ(runs).to_dict("index") == {
        "epochs": {"short": "20", "long": "40"},
        "clinical": {"short": "–", "long": "none"},
    }
    assert settings_that_differ({"one": run, "other": run}).empty
    name, shown = run.shown
    figures = figures_of_runs(runs)
    assert figures.loc["short", "AUC"] == figures_with_intervals({"": shown}).loc["", "AUC"]
    assert figures.loc["short", ["Model", "Tested"]].tolist() == [name, "10"]


def test_learning_curves_of_all_runs_have_the_same_axes(run, monkeypatch):
    longer = {"networks": {"curves": {"T1": [0.9, 0.2, 0.1]}, "of_networks": True}}
    axes = []
    monkeypatch.setattr(
        "sklidh.reporting._runs.drawn", lambda figure, _: axes.extend(figure.axes) or b""
    )
    runs = {"short": run, "long": replace(run, learning=longer), "none": replace(run, learning={})}
    (pictures,) = learning_pictures(runs).values()
    assert list(pictures) == ["short", "long"]
    one, other = axes
    assert one.get_xlim() == other.get_xlim()
    assert one.get_ylim() == other.get_ylim()
    assert other.get_ylim()[0] <= 0.1 < 0.9 <= other.get_ylim()[1]


def test_the_report_of_a_folder_of_runs_compares_them(folder, hostile):
    path = write_report(folder)
    assert path == folder / "runs.html"
    page = path.read_text(encoding="utf-8")
    assert "long/results" in page
    assert '<th scope="row">epochs</th><td>40</td><td>20</td>' in page
    assert page.count('alt="Training of the networks of ') == 2
    assert "different patients" not in page
    assert hostile not in page
    assert hostile in unescape(page)


def test_runs_of_different_patients_are_said_to_be_so(folder, run):
    (folder / "more").mkdir()
    save_run(folder / "more", replace(run, cohort=run.cohort + 1))
    assert "different patients" in write_runs(folder).read_text(encoding="utf-8")


def test_a_run_that_cannot_be_read_is_named(folder, run):
    (folder / "spoilt").mkdir()
    save_run(folder / "spoilt", run)
    (folder / "spoilt" / "pictures.json").unlink()
    page = write_runs(folder).read_text(encoding="utf-8")
    assert "spoilt: incomplete results folder" in page
    assert "(pictures.json is missing)" in page
    (folder / "short" / "run.yaml").unlink()
    with pytest.raises(ResultsError, match=r"1 runs to compare; two are needed: .*pictures\.json"):
        write_runs(folder)
