"""Results of two runs never replace each other unawares, nor lie side by side."""

import os
import time
from functools import partial

import numpy as np
import pandas as pd
import pytest
import yaml

from sklidh.results import PlaceError, claimed, write_run


@pytest.fixture
def features(tmp_path):
    rng, y = np.random.default_rng(0), np.arange(30) % 2
    X = pd.DataFrame({f"T1__f{n}": rng.normal(size=30) + y for n in range(3)}).assign(idh=y)
    X.to_csv(tmp_path / "features.csv", index_label="patient")
    return tmp_path / "features.csv"


@pytest.fixture
def folder(tmp_path):
    """Return a function that lets a run write files into a folder, which it returns."""

    def run(*names, overwrite=False, **options):
        out = tmp_path / "results"
        how = {"is_file": False, "command": "evaluate", "overwrite": overwrite}
        with claimed(out, options=options, **how) as outcome:
            outcome["files"] = [out / name for name in names]
            for path in outcome["files"]:
                path.write_text(str(options))
        return out

    return run


def files(out):
    return sorted(path.name for path in out.iterdir())


def test_the_results_of_another_run_are_replaced_only_if_asked_to(sklidh, features, tmp_path):
    words = ("select", features, "--out", tmp_path / "selection.csv")
    assert sklidh(*words).exit_code == 0
    before = (tmp_path / "selection.csv").read_bytes()
    refused = sklidh(*words, "--alpha", 0.01, "--seed", 7, "--wildtype", 1)
    assert refused.exit_code == 2
    said = (
        "another run (wildtype not given there, 1 here; alpha 0.05 there, 0.01 here; seed 0 there,"
    )
    assert said in refused.output
    assert "name another place, or replace it with --overwrite" in refused.output
    assert (tmp_path / "selection.csv").read_bytes() == before
    assert sklidh(*words, "--alpha", 0.01, "--seed", 7, "--overwrite").exit_code == 0
    record = yaml.safe_load((tmp_path / "selection.csv.run.yaml").read_text())
    assert record["alpha"] == 0.01
    assert record["files"] == ["selection.csv"]
    assert "overwrite" not in record


def test_the_same_run_may_be_repeated_until_its_input_has_another_content(
    sklidh, features, tmp_path
):
    words = ("select", features, "--out", tmp_path / "selection.csv")
    assert sklidh(*words).exit_code == sklidh(*words).exit_code == 0
    features.write_text(features.read_text().replace("29,", "patient 29,"))
    refused = sklidh(*words)
    assert refused.exit_code == 2
    assert "another run (the content of features has changed)" in refused.output


def test_a_file_that_sklidh_did_not_make_is_not_replaced(sklidh, features, tmp_path):
    (tmp_path / "mine.csv").write_text("mine")
    refused = sklidh("select", features, "--out", tmp_path / "mine.csv")
    assert refused.exit_code == 2
    assert "already exists and was not written by sklidh" in refused.output
    assert (tmp_path / "mine.csv").read_text() == "mine"


def test_an_input_is_never_the_place_of_results(sklidh, features):
    refused = sklidh("select", features, "--out", features, "--overwrite")
    assert refused.exit_code == 2
    assert "is also the input features" in refused.output
    assert features.read_text().startswith("patient,T1__f0")


def test_what_a_run_before_left_goes_and_what_is_the_user_s_stays(folder):
    out = folder("table.csv", "loss.png", seed=0)
    (out / "notes.txt").write_text("mine")
    folder("table.csv", seed=1, overwrite=True)
    assert files(out) == ["notes.txt", "run.yaml", "table.csv"]
    assert (out / "table.csv").read_text() == "{'seed': 1}"


def test_what_a_killed_run_left_half_written_goes_with_the_next_run(folder):
    out = folder("table.csv", seed=0)
    (out / ".writing-0-table.csv").touch()
    folder("table.csv", seed=0)
    assert files(out) == ["run.yaml", "table.csv"]


def test_beside_a_file_what_others_may_be_writing_stays(sklidh, features, tmp_path):
    old, recent = (tmp_path / f".writing-{name}.csv" for name in ("old", "recent"))
    for path in (old, recent):
        path.touch()
    os.utime(old, (time.time() - 4000,) * 2)
    assert sklidh("select", features, "--out", tmp_path / "s.csv").exit_code == 0
    assert recent.exists()
    assert not old.exists()


def test_the_page_of_check_is_made_anew_but_replaces_nothing_else(tmp_path):
    out = tmp_path / "page.html"
    how = {"is_file": True, "overwrite": False}
    for groups in ("T1", "T2"):
        with claimed(out, command="check", options={"groups": groups}, **how):
            out.touch()
    with (
        pytest.raises(PlaceError, match="sklidh check there, sklidh extract here"),
        claimed(out, command="extract", options={}, **how),
    ):
        pass


def test_workers_make_no_other_run(folder):
    folder("table.csv", seed=0, jobs=1, scheduler="")
    out = folder("table.csv", seed=0, jobs=4, scheduler="tcp://h:1")
    assert yaml.safe_load((out / "run.yaml").read_text())["jobs"] == 4


def test_another_command_s_folder_is_refused(folder, tmp_path):
    out = folder("table.csv", seed=0)
    how = {"is_file": False, "options": {"seed": 0}, "overwrite": False}
    with (
        pytest.raises(PlaceError, match="sklidh evaluate there, sklidh run here"),
        claimed(out, command="run", **how),
    ):
        pass


def test_a_run_that_fails_leaves_the_results_and_the_record_before_it(folder, tmp_path):
    out = folder("table.csv", seed=0)
    before = (out / "run.yaml").read_bytes()
    with pytest.raises(OSError, match="table"):
        folder("nowhere/table.csv", seed=1, overwrite=True)
    assert files(out) == ["run.yaml", "table.csv"]
    assert (out / "run.yaml").read_bytes() == before


def test_results_are_never_beside_the_options_of_another_run_if_killed_between(folder):
    out = folder("table.csv", seed=0)
    how = {"is_file": False, "command": "evaluate", "options": {"seed": 1}}

    def killed_once_all_is_written():
        with claimed(out, overwrite=True, **how):
            write_run(out, {"table": ("table.csv", "of the new run")}, {})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed_once_all_is_written()
    assert files(out) == ["run.yaml", "table.csv"]
    with (
        pytest.raises(PlaceError, match="was not written by sklidh"),
        claimed(out, overwrite=False, **how),
    ):
        pass


def test_the_one_record_holds_the_options_and_what_the_report_needs(folder):
    out = folder("table.csv", seed=0)
    how = {"is_file": False, "command": "evaluate", "options": {"seed": 1}}
    with claimed(out, overwrite=True, **how) as outcome:
        found = write_run(out, {"table": ("table.csv", "new")}, {"seeds": (1, 1e-7)})
        outcome["files"] = [*found.values()]
    assert files(out) == ["run.yaml", "table.csv"]
    record = yaml.safe_load((out / "run.yaml").read_text())
    assert record == {
        "command": "evaluate",
        "seed": 1,
        "inputs": {},
        "files": ["table.csv", "run.yaml"],
        "report": {"seeds": [1, 1e-7]},
    }
    assert "To rerun: sklidh evaluate --config run.yaml\n" in (out / "run.yaml").read_text()


def test_a_file_is_never_beside_the_options_of_another_run_if_killed_between(
    sklidh, features, tmp_path, monkeypatch
):
    out = tmp_path / "selection.csv"
    words = ("select", features, "--out", out)
    assert sklidh(*words).exit_code == 0
    before = out.read_bytes()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sklidh.results._place.record_text", killed)
    assert sklidh(*words, "--alpha", 0.9, "--correlation", 1, "--overwrite").exit_code == 130
    assert out.read_bytes() != before
    assert files(tmp_path) == ["features.csv", "selection.csv"]


def test_a_run_that_fails_leaves_no_empty_folder(sklidh, features, tmp_path):
    words = ("reproduce", "--features", features, "--where", "site=C", "--out", tmp_path / "new")
    assert sklidh(*words).exit_code == 2
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    assert sklidh(*words[:-1], tmp_path / "mine").exit_code == 2
    assert (tmp_path / "mine").exists()


def test_two_runs_do_not_write_to_one_place_at_a_time(tmp_path):
    at = partial(claimed, is_file=True, command="predict", options={}, overwrite=False)
    busy = "another sklidh is writing there now"
    with (
        at(tmp_path / "a.csv"),
        at(tmp_path / "b.csv"),
        pytest.raises(PlaceError, match=busy),
        at(tmp_path / "a.csv"),
    ):
        pass
    assert files(tmp_path) == ["a.csv.run.yaml", "b.csv.run.yaml"], "no lock is left"
    with at(tmp_path / "a.csv"):
        pass


def test_a_record_that_was_tampered_with_removes_nothing_elsewhere(folder, tmp_path):
    out = folder("table.csv", seed=0)
    (tmp_path / "mine.txt").touch()
    record = yaml.safe_load((out / "run.yaml").read_text())
    elsewhere = ["../mine.txt", str(tmp_path / "mine.txt")]
    (out / "run.yaml").write_text(yaml.safe_dump(record | {"files": elsewhere}))
    folder("table.csv", seed=0)
    assert (tmp_path / "mine.txt").exists()


def test_a_result_that_the_next_run_reads_is_not_deleted(folder):
    out = folder("table.csv", "more.csv", seed=0)
    folder("more.csv", seed=1, cases=str(out / "table.csv"), overwrite=True)
    assert files(out) == ["more.csv", "run.yaml", "table.csv"]


def test_settings_of_another_command_are_refused(sklidh, features, tmp_path):
    assert sklidh("select", features, "--out", tmp_path / "s.csv").exit_code == 0
    result = sklidh("extract", "--config", tmp_path / "s.csv.run.yaml")
    assert result.exit_code == 2
    said = "settings of sklidh select, not of sklidh extract"
    assert said in " ".join(result.output.replace("│", " ").split())
