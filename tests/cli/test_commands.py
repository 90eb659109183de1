"""The commands do what the library does, say what they did, and can be repeated."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import typer
import yaml
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import Pipeline

from sklidh import load_cohort, load_model
from sklidh.baselines import STRENGTHS
from sklidh.cli.commands.evaluate import choices
from sklidh.cli.commands.predict import print_predictions
from sklidh.cli.console import clear_errors
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import cross_validate
from sklidh.fusion import InvariantSpecificFusionClassifier
from sklidh.persistence import load_trained, read_about, save_model
from sklidh.utils import IDH, CohortError


def test_the_table_of_predictions_is_the_model_s(sklidh, model, cases, tmp_path):
    out = tmp_path / "predictions.csv"
    result = sklidh("predict", model, cases, "--out", out, "--threshold", 0.4)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(out, index_col="patient")
    X, _ = load_cohort(cases)
    expected = load_model(model).predict_proba(X[["T1", "FLAIR", "mask"]])[:, 1]
    assert table["probability"].tolist() == expected.tolist()
    in_python = load_trained(model).predict(X.rename(columns={"T2": "unused"}), threshold=0.4)
    assert in_python["warnings"].map("; ".join).tolist() == table["warnings"].tolist()
    same = ["probability", "threshold", "class", "model"]
    pd.testing.assert_frame_equal(in_python[same], table[same], check_exact=True)
    with pytest.raises(CohortError, match=r"'FLAIR' \(a sequence that small.*\) not found"):
        load_trained(model).predict(X.drop(columns="FLAIR"))
    words = ["IDH mutant" if p >= 0.4 else "IDH wild type" for p in expected]
    assert table["class"].tolist() == words
    assert set(table["threshold"]) == {0.4}
    assert "Predicted mutant from a probability of 0.4" in result.output
    assert set(table["model"]) == {"small: Model 2 (radiomics), 12 patients"}
    seen = "trained on this patient, with the same T1, FLAIR, mask"
    assert table["warnings"].str.startswith(seen).all()
    assert "small: Model 2 (radiomics), 12 patients" in result.stdout
    assert result.output.count("trained on this patient") == 1, "all twelve in one sentence"


def test_a_model_in_a_wrapper_of_scikit_learn_is_predicted_by(sklidh, model, cases, tmp_path):
    X, y = load_cohort(cases)
    fitted = load_model(model)
    wrapped = FixedThresholdClassifier(FrozenEstimator(fitted), threshold=0.4)
    wrapped.fit(X[["T1", "FLAIR", "mask"]], y)
    save_model(wrapped, tmp_path / "wrapped.skops", about=read_about(model))
    words = (cases, "--jobs", 1, "--out", tmp_path / "p.csv")
    result = sklidh("predict", tmp_path / "wrapped.skops", *words)
    assert result.exit_code == 0, result.output
    expected = fitted.predict_proba(X[["T1", "FLAIR", "mask"]])[:, 1]
    assert pd.read_csv(tmp_path / "p.csv")["probability"].tolist() == expected.tolist()


def test_a_page_shows_the_patients_who_were_predicted(sklidh, model, cases, tmp_path):
    words = ("--out", tmp_path / "p.csv", "--report", tmp_path / "pages" / "p.html", "--jobs", 1)
    result = sklidh("predict", model, cases, *words)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "pages" / "p.html").read_text()
    assert "phantom-011" in page
    assert "data:image/jpeg;base64," in page
    assert yaml.safe_load((tmp_path / "p.csv.run.yaml").read_text())["files"] == [
        "p.csv",
        "pages/p.html",
    ]


def test_with_the_training_patients_the_page_explains_each_prediction(
    sklidh, model, cases, tmp_path
):
    X, y = load_cohort(cases)
    X.iloc[:2].to_csv(tmp_path / "new.csv", index_label="patient")
    words = ("predict", model, tmp_path / "new.csv", "--jobs", 1, "--out", tmp_path / "p.csv")
    words = (*words, "--training", tmp_path / "training.csv")
    known = X.assign(IDH=y.map({0: "wt", 1: "mut"}))
    known.to_csv(tmp_path / "training.csv", index_label="patient")
    result = sklidh(*words)
    assert result.exit_code == 2
    assert "--training explains the page of --report; give both" in result.output
    words = (*words, "--target", "IDH", "--report", tmp_path / "page.html")
    result = sklidh(*words)
    assert result.exit_code == 0, result.output
    assert "IDH: 5 mutants (mut), 7 wild types (wt)" in result.output
    page = (tmp_path / "page.html").read_text()
    assert page.count("Most similar training patients: ") == 2
    (tmp_path / "p.csv").unlink()
    known.assign(FLAIR=None).to_csv(tmp_path / "training.csv", index_label="patient")
    result = sklidh(*words, "--overwrite")
    assert result.exit_code == 2
    assert "no training patient has all of this patient's sequences" in result.output
    assert not (tmp_path / "p.csv").exists()


def test_extract_and_select_leave_torch_unloaded(sklidh, cases, parameters, tmp_path):
    """Loading it costs every process of a batch a second."""
    words = [cases, "--groups", "T1", "--radiomics", parameters, "--jobs", 1, "--out"]
    extract = ["extract", *words, tmp_path / "f.csv"]
    select = ["select", tmp_path / "f.csv", "--out", tmp_path / "s.csv"]
    run = "import sys, json\nfrom sklidh.cli import app\nfor words in json.loads(sys.argv[1]):\n"
    run += "    app(words, standalone_mode=False)\nassert 'torch' not in sys.modules"
    commands = json.dumps([[str(word) for word in words] for words in (extract, select)])
    done = subprocess.run([sys.executable, "-c", run, commands], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "s.csv").exists()


def test_the_model_s_file_tells_what_it_was_trained_on(model):
    about = read_about(model)
    assert about["threshold"] == 0.5
    assert about["cohort"]["patients"] == 12
    assert list(about["cohort"]["modalities"]) == ["T1", "FLAIR"]


def test_the_model_s_card_lies_beside_it(model):
    card = model.with_suffix(".model_card.md").read_text()
    assert "# Model card: small: Model 2 (radiomics), 12 patients" in card
    assert "LateFusionClassifier(" in card
    assert "firstorder (2)" in card, "how radiomics were extracted"
    assert "FLAIR: 12 patients, voxels of 2 x 2 x 2 mm." in card
    assert "\n- threshold: 0.5\n" in card, "as it was chosen, among the settings"


def test_who_is_unlike_the_training_patients_is_told(sklidh, model, tmp_path):
    size = {"size": 32, "spacing": 2.0, "random_state": 1}
    X, _ = make_glioma_phantoms(tmp_path / "others", 4, **size)
    X.index = [*X.index[:2].str.replace("phantom", "new"), X.index[2], "new-003"]
    X.loc[X.index[0], "site"] = "far away"
    X.loc[X.index[1], "FLAIR"] = None
    for column in ("T1", "FLAIR", "mask"):
        image = sitk.ReadImage(X[column].iloc[3])
        image.SetSpacing((2.0, 2.0, 5.0))
        X.loc[X.index[3], column] = str(tmp_path / f"{column}.nii.gz")
        sitk.WriteImage(image, tmp_path / f"{column}.nii.gz")
    X.iloc[:4].to_csv(tmp_path / "new.csv", index_label="patient")
    result = sklidh("predict", model, tmp_path / "new.csv", "--out", tmp_path / "p.csv")
    assert pd.read_csv(tmp_path / "p.csv", keep_default_na=False)["warnings"].tolist() == [
        "site 'far away' is not among the 1 of the training cohort",
        "no FLAIR, which 12 of 12 training patients had",
        "trained on a patient with this id, from other images",
        "T1 with spacing 2 x 2 x 5 mm (trained on 2 x 2 x 2 mm); "
        "FLAIR with spacing 2 x 2 x 5 mm (trained on 2 x 2 x 2 mm)",
    ]
    assert "Warning: patient 'new-000': site 'far away'" in result.stderr
    assert f"4 patients, T1, FLAIR; 1 without FLAIR: {read_about(model)['name']}" in result.stdout


def test_intensities_matter_to_radiomics_that_are_not_normalised_alone(
    model, sklidh, cases, parameters
):
    about = read_about(model)["cohort"]["modalities"]
    assert about["T1"]["intensities"]["ends"][0] == 0
    normalised = model.with_name("normalised.yaml")
    normalised.write_text(parameters.read_text() + "setting: {normalize: true}\n")
    words = ("--model", "model-2", "--radiomics", normalised, "--groups", "T1", "--jobs", 1)
    out = model.with_name("normalised.skops")
    result = sklidh("train", cases, "--out", out, *words, "--json")
    assert result.exit_code == 0, result.output
    assert "intensities" not in read_about(out)["cohort"]["modalities"]["T1"]
    assert "fingerprints" not in json.loads(result.stdout)["cohort"]


def test_what_is_true_of_many_patients_is_told_once(capsys):
    patients = [f"P{i:02}" for i in range(14)]
    table = pd.DataFrame({"probability": 0.7, "class": "IDH mutant", "threshold": 0.5}, patients)
    warned = pd.Series([["no T1"], ["no T1", "no T2"], *[["no T1"]] * 11, []], patients)
    print_predictions(table, warned, IDH)
    first, second = capsys.readouterr().err.splitlines()
    assert first == "Warning: 13 patients ('P00', 'P01', 'P02' and 10 more): no T1"
    assert second == "Warning: patient 'P01': no T2"
    table = table.iloc[:1].loc[["P00"] * 50].set_axis(range(50))
    print_predictions(table, pd.Series([[f"T1 {n}"] for n in range(50)], range(50)), IDH)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "Warning: 30 other warnings are in the file"


@pytest.mark.parametrize("command", ["train", "extract", "run", "evaluate", "audit", "predict"])
def test_every_damaged_image_is_named_before_any_work(command, sklidh, model, cases, tmp_path):
    X, y = load_cohort(cases)
    for patient, column in (("phantom-002", "T1"), ("phantom-007", "FLAIR")):
        (tmp_path / f"{patient}.nii.gz").write_bytes(b"")
        X.loc[patient, column] = str(tmp_path / f"{patient}.nii.gz")
    X.join(y).to_csv(tmp_path / "cases.csv", index_label="patient")
    words = (model,) if command == "predict" else ("--groups", "T1,FLAIR")
    out = tmp_path / f"out{'.csv' if command in ('extract', 'predict') else ''}"
    result = sklidh(command, *words, tmp_path / "cases.csv", "--out", out, "--jobs", 1)
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if line.startswith("  - line")]
    assert [line.split(", column")[0] for line in lines] == [
        "  - line 4, patient 'phantom-002'",
        "  - line 9, patient 'phantom-007'",
    ]
    assert not out.is_file()
    assert not list(out.glob("*"))


@pytest.mark.parametrize("command", ["check", "extract", "train", "predict"])
def test_what_is_wrong_with_table_and_images_is_told_together(
    command, sklidh, model, cases, tmp_path
):
    X, y = load_cohort(cases)
    (tmp_path / "text.nii.gz").write_text("no image")
    X.loc["phantom-002", "T1"] = str(tmp_path / "text.nii.gz")
    X.loc["phantom-003", "FLAIR"] = "nowhere.nii.gz"
    table = X.join(y.astype(object)).iloc[:6]
    table.loc["phantom-004", "idh"] = None
    pd.concat([table, table.iloc[-1:]]).to_csv(tmp_path / "cases.csv", index_label="patient")
    words = (model,) if command == "predict" else ("--groups", "T1,FLAIR")
    result = sklidh(
        command, *words, tmp_path / "cases.csv", "--out", tmp_path / "out.csv", "--jobs", 1
    )
    assert result.exit_code == 1
    told = [line for line in result.output.splitlines() if "patient 'phantom" in line]
    target = [] if command == "predict" else ["phantom-004', column 'idh': the target is missing"]
    expected = [
        "phantom-005' appears in lines",
        *target,
        "phantom-002', column 'T1'",
        "phantom-003', column 'FLAIR'",
    ]
    for line, part in zip(told, expected, strict=True):
        assert part in line


def test_patients_are_predicted_by_as_many_workers_as_asked_for(sklidh, model, cases, tmp_path):
    for jobs in (1, 2):
        out = tmp_path / f"{jobs}.csv"
        assert sklidh("predict", model, cases, "--out", out, "--jobs", jobs).exit_code == 0
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_a_column_that_the_model_needs_is_recognised_or_named(sklidh, model, cases, tmp_path):
    X, _ = load_cohort(cases)
    new = tmp_path / "new.csv"
    X.rename(columns={"T1": "t1", "FLAIR": "T2 flair"}).to_csv(new, index_label="Patient ID")
    result = sklidh("predict", model, new, "--out", tmp_path / "p.csv", "--jobs", 1)
    assert result.exit_code == 0, result.output
    said = (
        "Note: headings recognised: 'Patient ID' as 'patient', 't1' as 'T1', 'T2 flair' as 'FLAIR'"
    )
    assert said in result.output
    X.rename(columns={"T1": "first", "FLAIR": "FLIAR"}).to_csv(new, index_label="patient")
    result = sklidh("predict", model, new, "--out", tmp_path / "q.csv")
    assert result.exit_code == 1
    assert "column 'T1' (a sequence that small: Model 2" in result.output
    assert "not found; available columns: 'first', 'T1CE'" in result.output
    assert "not found; did you mean 'FLIAR'? available columns" in result.output
    assert "if no patient has it, add an empty column" in result.output
    assert "no image, all cells" not in result.output, "the columns are to blame, not the patients"
    assert not (tmp_path / "q.csv").exists()
    columns = ("--columns", "T1=first,FLAIR=FLIAR")
    assert sklidh("predict", model, new, "--out", tmp_path / "q.csv", *columns).exit_code == 0
    mapped, recognised = ((tmp_path / f"{name}.csv").read_bytes() for name in "pq")
    assert mapped == recognised


@pytest.mark.parametrize("name", ["p.xlsx", "p.csv.gz", "p"])
@pytest.mark.parametrize("command", ["predict", "extract", "select"])
def test_a_table_is_csv_by_name_too(command, name, sklidh, model, cases, tmp_path):
    inputs = {"predict": [model, cases]}.get(command, [cases])
    result = sklidh(command, *inputs, "--out", tmp_path / name)
    assert result.exit_code == 2
    said = result.output.replace("│", " ").split()
    assert "file that ends in .csv, such as p.csv " in " ".join(said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "/"])
def test_a_table_is_no_folder(name, sklidh, cases):
    result = sklidh("extract", cases, "--out", name)
    assert result.exit_code == 2
    assert "such as table.csv" in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("predict", "no.skops", "cases.csv"), "file 'no.skops' does not exist"),
        (("select", "no.csv"), "file 'no.csv' does not exist"),
        (("report", "nowhere"), "'nowhere' does not exist"),
        (("train", "no.csv"), "'no.csv' does not exist"),
        (("reproduce", "no.csv"), "'no.csv' does not exist"),
        (("check", ".", "--patients", "no.csv"), "'no.csv' does not exist"),
    ],
)
def test_what_is_not_there_is_told_in_words(words, said, sklidh):
    result = sklidh(*words)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split()).replace("File", "file")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"patient,T1,mask,idh\n", "there is no patient below the line of headings"),
        (
            "patient,site\n1,Köln\n".encode("latin-1"),
            "not in UTF-8, so it was read as Windows-1252",
        ),
    ],
)
@pytest.mark.parametrize("command", ["train", "select", "check"])
def test_a_table_without_patients_or_in_another_encoding_is_told_in_words(
    command, content, said, sklidh, tmp_path
):
    (tmp_path / "table.csv").write_bytes(content)
    result = sklidh(command, tmp_path / "table.csv", "--out", tmp_path / "out.csv")
    assert result.exit_code == 1
    assert said in result.output


def test_an_import_that_is_no_choice_of_the_user_s_is_not_hidden():
    with pytest.raises(ModuleNotFoundError), clear_errors():
        import no_such_module  # noqa: F401
    with pytest.raises(typer.Exit), clear_errors():
        raise ImportError("install the extra")


def test_a_cache_that_cannot_be_made_is_told_before_any_work(sklidh, cases, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SKLIDH_CACHE", str(tmp_path / "file" / "cache"))
    result = sklidh("extract", cases, "--out", tmp_path / "features.csv")
    assert result.exit_code == 1
    assert "cannot be created (Not a directory); set another with $SKLIDH_CACHE" in result.output


def test_a_file_that_is_no_model_is_one_line_and_status_1(sklidh, cases, tmp_path):
    (tmp_path / "model.skops").write_text("hello")
    result = sklidh("predict", tmp_path / "model.skops", cases, "--out", tmp_path / "p.csv")
    assert result.exit_code == 1
    assert "not a model written by save_model" in result.output
    assert "Traceback" not in result.output


@pytest.fixture(scope="module")
def extracted(sklidh, cases, parameters, tmp_path_factory):
    folder = tmp_path_factory.mktemp("extracted")
    config = {
        "cases": str(cases),
        "radiomics": str(parameters),
        "groups": "T1,T2",
        "jobs": 1,
        "quiet": True,
    }
    (folder / "wanted.yaml").write_text(yaml.safe_dump(config | {"reference": "T2"}))
    words = ("--config", folder / "wanted.yaml", "--out", folder / "features.csv")
    result = sklidh("extract", *words, "--reference", "none")
    assert result.exit_code == 0, result.output
    return folder, result


def test_features_are_named_by_modality_beside_what_is_known_of_the_patient(extracted):
    table = pd.read_csv(extracted[0] / "features.csv", index_col="patient")
    assert list(table) == [
        "idh",
        "age",
        "site",
        *(f"{m}__original_firstorder_{f}" for m in ("T1", "T2") for f in ("Mean", "Range")),
    ]
    assert table.notna().all(axis=None)


def test_maps_of_named_columns_lie_beside_the_table(sklidh, cases, parameters, tmp_path):
    words = ("extract", cases, "--groups", "T1,T2", "--reference", "none", "--jobs", 1)
    words += ("--radiomics", parameters, "--out", tmp_path / "f.csv", "--overwrite")
    for name in ("T1__original_firstorder_Mean", "T2__original_firstorder_Range"):
        result = sklidh(*words, "--maps", name, "--kernel-radius", 2)
        assert result.exit_code == 0, result.output
        paths = pd.read_csv(tmp_path / "f.maps.csv", index_col="patient")[name]
        assert (tmp_path / paths.iloc[0]).is_file()
        # Those of the run before are gone.
        assert len(list((tmp_path / "f.maps").rglob("*.nii.gz"))) == len(paths)
    result = sklidh(*words, "--maps", "T1__original_firstorder_Meen")
    assert result.exit_code == 2
    assert "did you mean 'original_firstorder_Mean'" in result.output


@pytest.mark.parametrize("patient", ["a/1", ".."])
def test_maps_of_ids_that_cannot_name_a_folder_are_refused_before_the_work(
    sklidh, cases, parameters, tmp_path, patient
):
    table = pd.read_csv(cases)
    for name in ("T1", "mask"):
        table[name] = [str(cases.parent / cell) for cell in table[name]]
    table.loc[0, "patient"] = patient
    table.to_csv(tmp_path / "cases.csv", index=False)
    words = ("extract", tmp_path / "cases.csv", "--groups", "T1", "--reference", "none")
    words += ("--radiomics", parameters, "--maps", "T1__original_firstorder_Mean", "--jobs", 1)
    result = sklidh(*words, "--out", tmp_path / "f.csv")
    assert result.exit_code == 1
    assert f"patient '{patient}': the id cannot name a folder" in " ".join(result.output.split())
    assert not (tmp_path / "f.csv").exists()


def test_the_command_line_goes_before_the_configuration(extracted):
    effective = yaml.safe_load((extracted[0] / "features.csv.run.yaml").read_text())
    assert effective["reference"] == "none"
    assert effective["groups"] == "T1,T2"


def test_the_record_tells_what_was_found_where_nothing_was_said(
    sklidh, cases, parameters, tmp_path
):
    X, y = load_cohort(cases)
    X[["T1", "FLAIR", "mask"]].join(y).to_csv(tmp_path / "cases.csv", index_label="patient")
    words = ("--radiomics", parameters, "--jobs", 1, "--json")
    out = tmp_path / "features.csv"
    result = sklidh("extract", tmp_path / "cases.csv", "--out", out, *words)
    assert result.exit_code == 0, result.output
    record = yaml.safe_load((tmp_path / "features.csv.run.yaml").read_text())
    assert record["groups"] == record["reference"] == ""
    assert record["found"] == {"groups": "T1,FLAIR", "reference": "none"}
    assert json.loads(result.stdout)["found"] == record["found"]


def test_a_path_of_the_configuration_must_be_there_only_if_it_is_used(sklidh, cases, tmp_path):
    (tmp_path / "moved.yaml").write_text("cases: nowhere.csv\nlayout: bids")
    words = ("check", "--config", tmp_path / "moved.yaml", "--out", tmp_path / "page.html")
    assert sklidh(*words, cases).exit_code == 0
    result = sklidh(*words)
    assert result.exit_code == 2
    assert "'nowhere.csv' does not exist" in result.output


def test_quiet_in_the_configuration_prints_nothing(extracted):
    assert extracted[1].stdout == ""


def test_the_saved_configuration_repeats_the_run(sklidh, extracted):
    folder, _ = extracted
    before = (folder / "features.csv").read_bytes()
    (folder / "features.csv").unlink()
    assert sklidh("extract", "--config", folder / "features.csv.run.yaml").exit_code == 0
    assert (folder / "features.csv").read_bytes() == before


def test_json_is_the_one_thing_on_the_output(sklidh, model, cases, tmp_path):
    result = sklidh("predict", model, cases, "--out", tmp_path / "p.csv", "--json")
    said = json.loads(result.stdout)
    assert said["settings"]["cases"] == str(cases)
    assert len(said["predictions"]) == 12


def test_problems_found_are_status_1_and_in_the_json(sklidh, cases, tmp_path):
    X, y = load_cohort(cases)
    X.loc[X.index[0], "T1"] = "nowhere.nii"
    table = X.join(y).iloc[:4]
    table.to_csv(tmp_path / "cases.csv", index_label="patient")
    result = sklidh(
        "check", tmp_path / "cases.csv", "--out", tmp_path / "check.html", "--jobs", 1, "--json"
    )
    assert result.exit_code == 1
    assert any("nowhere.nii" in line for line in json.loads(result.stdout)["problems"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("slize: 3", "unknown slize; accepted are cases"),
        ("groups: [T1, FLAIR]", "groups: got ['T1', 'FLAIR']; write several values as one text"),
        ("target: yes", "target: got True; write the value in quotes"),
        ("quiet: 3", "quiet: got 3; true or false is accepted"),
        ("- a\n- b", "not a table of options"),
        ("a: [", "while parsing"),
        (None, "No such file"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_status_2(text, said, sklidh, tmp_path):
    path = tmp_path / "config.yaml"
    if text is not None:
        path.write_text(text)
    result = sklidh("train", "cases.csv", "--config", path)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_a_value_out_of_range_is_named_with_its_file_key_and_limit(sklidh, tmp_path):
    (tmp_path / "config.yaml").write_text("slice-size: 3")
    result = sklidh("train", "cases.csv", "--config", tmp_path / "config.yaml")
    assert result.exit_code == 2
    assert re.search(r"config\.yaml: slice-size: '?3'? is not .*16", result.output)


def test_a_parameter_file_that_is_not_there_is_status_2(sklidh, cases):
    result = sklidh("extract", cases, "--radiomics", "nowhere.yaml")
    assert result.exit_code == 2
    assert "neither a preset" in result.output


def test_a_parameter_file_that_is_none_is_told_before_an_image_is_read(
    sklidh, cases, tmp_path, monkeypatch
):
    monkeypatch.setattr("sklidh.cli.patients.image_problems", lambda *_, **__: pytest.fail("read"))
    (tmp_path / "params.yaml").write_text("patient,T1,T2\n" * 100)
    words = ("--radiomics", tmp_path / "params.yaml", "--out", tmp_path / "features.csv")
    result = sklidh("extract", cases, *words)
    assert result.exit_code == 1
    assert "params.yaml: the settings: expected keys and values, got 'patient,T1" in result.output
    assert len(result.output) < 400


def test_ctrl_c_leaves_what_is_finished_and_says_how_to_go_on(
    sklidh, cases, parameters, tmp_path, monkeypatch
):
    from sklidh.features import _radiomics

    cache = tmp_path / "cache"
    monkeypatch.setenv("SKLIDH_CACHE", str(cache))
    extract, seen = _radiomics.features_of_case, []

    def extract_until_interrupted(case, *settings, **options):
        seen.append(case.patient)
        if len(seen) == 5:
            raise KeyboardInterrupt
        return extract(case, *settings, **options)

    words = ("extract", cases, "--radiomics", parameters, "--groups", "T1", "--jobs", 1)
    words = (*words, "--reference", "none", "--out", tmp_path / "features.csv")
    monkeypatch.setattr(_radiomics, "features_of_case", extract_until_interrupted)
    monkeypatch.setattr(sys, "argv", ["sklidh", "extract", "my cases.csv", "--jobs", "1"])
    result = sklidh(*words)
    assert result.exit_code == 130
    assert "To continue: sklidh extract 'my cases.csv' --jobs 1" in " ".join(result.output.split())
    assert not (tmp_path / "features.csv").exists()
    features = cache / "radiomics"
    finished = {path: path.stat().st_mtime_ns for path in features.rglob("*") if path.is_file()}
    assert len(finished) == 4
    assert sklidh(*words).exit_code == 0
    assert len([path for path in features.rglob("*") if path.is_file()]) == 12
    assert {path: path.stat().st_mtime_ns for path in finished} == finished


def test_ctrl_c_while_python_imports_is_one_line(tmp_path):
    # Imported by the command line before anything of its own could catch it.
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    result = subprocess.run(
        [sys.executable, "-m", "sklidh", "info"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
        check=False,
    )
    assert result.returncode == 130
    assert result.stderr.strip() == "Interrupted before any work began."


def test_info_tells_versions_engines_and_the_cache(sklidh):
    said = json.loads(sklidh("info", "--json").stdout)
    assert said["packages"]["scikit-learn"]
    assert "native" in said["engines"]
    assert said["cores"] >= 1
    assert said["cache size"] >= 0


@pytest.fixture(scope="module")
def evaluated(sklidh, cases, parameters, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluated") / "results"
    words = ("--model", "model-2", "--radiomics", parameters, "--groups", "T1,FLAIR")
    words = (*words, "--reference", "none", "--folds", 4, "--jobs", 1, "--json")
    result = sklidh("evaluate", cases, "--out", out, *words)
    assert result.exit_code == 0, result.output
    return out, json.loads(result.stdout)


def test_every_patient_is_predicted_once_by_a_model_trained_on_others(evaluated):
    out, said = evaluated
    table = pd.read_csv(out / "evaluations.csv")
    assert table["patient"].is_unique
    assert len(table) == 12
    assert (table["n_trained"] == 9).all()
    folds = [roc_auc_score(fold["true"], fold["score"]) for _, fold in table.groupby("fold")]
    assert said["table"]["Model 2 (radiomics)"]["AUC"] == pytest.approx(np.mean(folds))


def test_what_was_chosen_in_each_fold_is_told():
    rng = np.random.default_rng(0)
    y = pd.Series(np.arange(30) % 2, [f"P{row}" for row in range(30)])
    X = pd.DataFrame(rng.normal(size=(30, 2)), y.index, ["T1__a", "FLAIR__a"]).add(y, axis=0)
    fusion = InvariantSpecificFusionClassifier(max_epochs=5, random_state=0)
    grid = {strength: [0.3] for strength in STRENGTHS}
    search = GridSearchCV(Pipeline([("fusion", fusion)]), grid, cv=2)
    evaluation = cross_validate(search, X, y, cv=3, threshold="youden")
    chosen, thresholds = choices(evaluation, {"tune": True, "threshold": "youden"})
    assert chosen == (
        "Chosen in the folds: alpha 0.3, 0.3, 0.3; beta 0.3, 0.3, 0.3; gamma 0.3, 0.3, 0.3."
    )
    used = evaluation.predictions.groupby("fold")["threshold"].first()
    told = ", ".join(f"{value:.2f}" for value in used)
    assert thresholds == f"Thresholds of the folds (youden): {told}."
    assert choices(evaluation, {"tune": False, "threshold": 0.5}) == []


def test_a_model_without_strengths_cannot_be_tuned(sklidh, cases, tmp_path):
    words = ("--tune", "--model", "model-2", "--out", tmp_path / "out")
    result = sklidh("evaluate", cases, *words)
    assert result.exit_code == 2
    assert (
        "--tune: model-2 has no constraints; choose --model recommended, model-4" in result.output
    )


def test_the_report_is_made_again_from_the_files_alone(sklidh, evaluated):
    out, _ = evaluated
    before = (out / "report.html").read_bytes()
    (out / "report.html").unlink()
    assert sklidh("report", out).exit_code == 0
    assert (out / "report.html").read_bytes() == before


def test_the_report_tells_the_folds_the_selection_and_every_patient(evaluated):
    out, _ = evaluated
    page = (out / "report.html").read_text()
    assert "4-fold cross-validation: each patient was predicted by a model" in page
    assert "After Mann-Whitney" in page
    assert "<code>sklidh evaluate --config run.yaml</code>" in page
    assert page.count('<article class="patient">') == 12
    assert page.count('<img alt="FLAIR of') == 12


def test_a_model_s_card_takes_the_figures_of_its_evaluation(
    sklidh, cases, parameters, evaluated, tmp_path
):
    results, said = evaluated
    words = ("train", cases, "--out", tmp_path / "m.skops", "--model", "model-2", "--groups")
    words = (*words, "T1,FLAIR", "--reference", "none", "--radiomics", parameters, "--jobs", 1)
    result = sklidh(*words, "--evaluated", results)
    assert result.exit_code == 0, result.output
    card = (tmp_path / "m.model_card.md").read_text()
    assert f"| AUC | {said['table']['Model 2 (radiomics)']['AUC']:.2f} [" in card
    assert "4-fold cross-validation" in card
    assert "in this one" not in card, "the options are the same"
    refused = sklidh(*words, "--evaluated", tmp_path, "--overwrite")
    assert refused.exit_code == 1
    assert "incomplete results folder" in " ".join(refused.output.split())


def test_a_folder_without_results_is_said_to_be_so(sklidh, tmp_path):
    result = sklidh("report", tmp_path)
    assert result.exit_code == 1
    assert "incomplete results folder" in result.output
    assert "run.yaml" in result.output


def test_selection_tells_what_became_of_every_feature(sklidh, tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    signal = rng.normal(size=40) + 2 * y
    features = {
        "T1__good": signal,
        "T1__twin": signal + 0.01 * rng.normal(size=40),
        "T1__noise": rng.permutation(40),
        "FLAIR__good": rng.normal(size=40) + 2 * y,
    }
    table = pd.DataFrame(features, index=[f"P{row}" for row in range(40)]).assign(idh=y)
    table.to_csv(tmp_path / "features.csv", index_label="patient")
    out = tmp_path / "selection.csv"
    result = sklidh("select", tmp_path / "features.csv", "--out", out, "--json")
    assert result.exit_code == 0, result.output
    fate = pd.read_csv(out, index_col="feature", keep_default_na=False)["dropped by"]
    assert fate["T1__noise"] == "Mann-Whitney"
    assert sorted(fate[["T1__good", "T1__twin"]]) == ["", "correlation"]
    assert fate["FLAIR__good"] == ""
    said = json.loads(result.stdout)
    assert said["selected"] == fate.index[fate == ""].tolist()
    assert said["counts"]["T1"] == {"all": 3, "Mann-Whitney": 2, "correlation": 1, "LASSO": 1}
