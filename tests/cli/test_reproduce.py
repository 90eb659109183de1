"""`sklidh reproduce` and `sklidh audit`, from a table of features to tables on disk."""

import html
import re
import shlex

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from sklidh.cli import app

MODALITIES = ("T1", "T1CE", "T2", "FLAIR")


def sklidh(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    rng = np.random.default_rng(0)
    y = np.resize([0, 1, 0], 45)
    X = pd.DataFrame({f"{m}__f{i}": rng.normal(size=45) for m in MODALITIES for i in range(2)})
    X["T1CE__f0"] += 2 * y
    table = X.assign(age=60 - 15 * y + rng.normal(0, 8, 45), idh=y, site=np.resize(["A", "B"], 45))
    path = tmp_path_factory.mktemp("features") / "features.csv"
    table.set_index(pd.Index([f"P{i:02d}" for i in range(45)], name="patient")).to_csv(path)
    return path


@pytest.fixture(scope="module")
def run(features, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    words = ["reproduce", "--features", features, "--tables", "III,others", "--protocol", "paper"]
    return sklidh(*words, "--out", out), out


def test_the_tables_are_written_thrice_with_the_paper_s_figures(run):
    result, out = run
    assert result.exit_code == 0, result.output
    table = pd.read_csv(out / "table_III.csv", index_col=0)
    ours = table.loc["Method 1"]
    assert ours["AUC paper"] == 0.79
    printed = f"{ours['AUC']:.2f} [{ours['AUC low']:.2f}, "
    assert printed in (out / "tables.md").read_text()
    source = (out / "tables.tex").read_text()
    assert printed in source
    assert r"\caption{Comparison of inter-modality fusion methods}" in source, "LaTeX counts"
    assert r"\caption{Systems that the paper does not compare with}" in source
    assert "45 patients; the paper has 489" in (out / "tables.md").read_text()


def test_one_page_has_the_tables_the_plot_and_the_command(run):
    _, out = run
    page = (out / "report.html").read_text()
    assert "http:" not in page
    assert "https" not in page
    assert "<script" not in page
    table = pd.read_csv(out / "table_III.csv", index_col=0).loc["Method 1"]
    assert f"{table['AUC']:.2f}<small>[{table['AUC low']:.2f}, " in page
    assert page.count("data:image/png;base64,") == 1
    assert "Tests against Model 4 (proposed)" in page
    assert yaml.safe_load((out / "run.yaml").read_text())["report"]["command"] in html.unescape(
        page
    )


def test_every_model_is_tested_against_the_proposal_and_drawn_beside_it(run):
    _, out = run
    tests = pd.read_csv(out / "tests.csv", index_col=0)
    assert "Model 4 (proposed)" not in tests.index
    assert {"Average", "Model 3 (late fusion)", "Age alone", "Class frequencies"} <= set(
        tests.index
    )
    assert (out / "forest.png").stat().st_size > 10_000


def test_the_written_command_repeats_the_run_to_the_digit(run, tmp_path):
    _, out = run
    record = yaml.safe_load((out / "run.yaml").read_text())["report"]
    words = shlex.split(record["command"].replace("run.yaml", str(out / "run.yaml")))[1:]
    assert sklidh(*words, "--out", tmp_path).exit_code == 0
    for name in ("measures.csv", "table_III.csv", "predictions.csv"):
        assert (tmp_path / name).read_text() == (out / name).read_text()
    assert record["seed"] == 0
    assert {"Python", "sklidh", "scikit-learn"} <= record["versions"].keys()


def test_report_names_the_report_that_reproduce_has_written(run):
    _, out = run
    result = sklidh("report", out)
    assert result.exit_code == 1
    assert f"whose report is already there ({out / 'report.html'}); name" in result.output


def test_only_the_patients_asked_for_take_part(features, tmp_path):
    words = ["--features", features, "--tables", "others", "--protocol", "paper", "--out", tmp_path]
    words = [*words, "--overwrite"]
    assert "23 patients" in sklidh("reproduce", *words, "--where", "site=A").output
    result = sklidh("reproduce", *words, "--where", "site=C")
    assert result.exit_code == 2
    assert "--where site=C: no patient has this value; 'site' holds 'A', 'B'" in result.output
    assert "expected COLUMN=VALUE" in sklidh("reproduce", *words, "--where", "hospital").output
    output = sklidh("reproduce", *words, "--where", "hospital=A").output
    assert "no column is called 'hospital'; available columns: 'age', 'site'\n" in output


def test_only_the_modalities_asked_for_take_part(features, tmp_path):
    words = ["--features", features, "--tables", "II", "--protocol", "paper", "--out", tmp_path]
    words = [*words, "--overwrite"]
    result = sklidh("reproduce", *words, "--groups", "T1+T1CE")
    assert result.exit_code == 0, result.output
    assert "45 patients, features of T1, T1CE" in result.output
    table = pd.read_csv(tmp_path / "table_II.csv", index_col=0)
    assert table["AUC"].notna().to_dict() == {"T1": True, "T1CE": True, "T2": False, "FLAIR": False}
    result = sklidh("reproduce", *words, "--groups", "T1+SWI")
    assert result.exit_code == 1
    assert "no column named SWI__...; the table has features of T1, T1CE, T2, FLAIR" in (
        result.output
    )


def test_if_every_row_fails_the_command_says_why(features, tmp_path):
    short = pd.read_csv(features, index_col=0).drop(columns="T2__f0").drop(columns="T2__f1")
    short[[c for c in short if c.startswith("T1_")] + ["T1CE__f0", "T1CE__f1"]] = np.inf
    short[["FLAIR__f0", "FLAIR__f1"]] = np.inf
    path = tmp_path / "short.csv"
    short.to_csv(path)
    result = sklidh("reproduce", "--features", path, "--tables", "II", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "no model could be evaluated" in result.output
    assert "T2: needs T2, which this cohort lacks" in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name a table of cases, or a table of features"),
        ((__file__, "--features", __file__), "not both"),
        (("--tables", "I,VI"), "'VI' is not among I,II,III,IV,V,others"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_starts(words, message):
    result = sklidh("reproduce", *words)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_the_audit_prints_a_verdict_a_system_and_writes_it(features, tmp_path):
    result = sklidh(
        "audit", "--features", features, "--tables", "II", "--rounds", 1, "--out", tmp_path
    )
    assert result.exit_code == 0, result.output
    assert re.search(r"Audit, 45 patients, 1 round\s", result.output)
    table = pd.read_csv(tmp_path / "audit.csv", index_col=0)
    assert list(table.index) == list(MODALITIES)
    assert table["result"].str.startswith("inconclusive: at least 5 rounds are needed").all()
