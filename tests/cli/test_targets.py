"""Every command takes several classes, and any target of two classes in its own words."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest

SUBTYPES = ("IDH mutant 1p/19q codeleted", "IDH mutant 1p/19q intact", "IDH wild type")
OF_IDH = re.compile(r"mutant|mutation|wild ?type|\bIDH\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def table(cases, tmp_path_factory):
    """Return a table with a target of three classes and one of two, neither the IDH status."""
    patients = pd.read_csv(cases, index_col="patient").drop(columns="idh")
    for name in ("T1", "T1CE", "T2", "FLAIR", "mask"):
        patients[name] = [str(cases.parent / cell) for cell in patients[name]]
    number = np.arange(len(patients))
    patients["subtype"] = np.array(SUBTYPES)[number % 3]
    patients["MGMT"] = np.where(number % 2, "methylated", "unmethylated")
    path = tmp_path_factory.mktemp("targets") / "cases.csv"
    patients.to_csv(path)
    return path


@pytest.fixture(scope="module")
def words(parameters):
    """Return the options of a model that is trained at once."""
    how = ("--model", "model-2", "--radiomics", parameters, "--groups", "T1,FLAIR")
    return (*how, "--reference", "none", "--jobs", 1)


def page_of(path):
    """Return the text of a page without its script, style, pictures and names of models."""
    page = path.read_text(encoding="utf-8")
    page = re.sub(r"<(script|style).*?</\1>|data:image[^\"]*", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture(scope="module")
def evaluated(sklidh, table, words, tmp_path_factory):
    """Return the folders of the results of both targets, and what the commands printed."""
    folder, said = tmp_path_factory.mktemp("evaluated"), {}
    options = {"subtype": (), "MGMT": ("--positive", "methylated")}
    for target, more in options.items():
        asked = ("--target", target, *more, "--folds", 2, "--out", folder / target)
        result = sklidh("evaluate", table, *asked, *words)
        assert result.exit_code == 0, result.output
        said[target] = " ".join(result.output.split())
    return folder, said


def test_check_reads_several_classes_and_writes_them(sklidh, table, tmp_path):
    out = ("--out", tmp_path / "check.html", "--fix", tmp_path / "clean.csv")
    result = sklidh("check", table, "--target", "subtype", *out, "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "subtype: 4 IDH mutant 1p/19q codeleted, 4 IDH mutant 1p/19q intact" in result.output
    assert set(pd.read_csv(tmp_path / "clean.csv")["subtype"]) == set(SUBTYPES)
    refused = sklidh("check", table, "--target", "MGMT", "--out", tmp_path / "2.html")
    assert refused.exit_code == 1
    assert "(--positive)" in " ".join(refused.output.split())


def test_results_of_several_classes_are_read_as_they_were_written(evaluated, sklidh):
    folder, said = evaluated[0] / "subtype", evaluated[1]["subtype"]
    assert "subtype: 4 IDH mutant 1p/19q codeleted" in said
    predictions = pd.read_csv(folder / "evaluations.csv")
    each = predictions[[f"probability {word}" for word in SUBTYPES]]
    np.testing.assert_allclose(each.sum(axis=1), 1)
    assert set(predictions["true"]) == {0, 1, 2}
    before = page_of(folder / "report.html")
    assert sklidh("report", folder).exit_code == 0
    assert page_of(folder / "report.html") == before
    for word in SUBTYPES:
        assert f"Model 2 (radiomics): {word}" in before
    assert "Predicting IDH mutant 1p/19q codeleted for every patient: 0.33" in before
    assert "The largest decides" in before
    assert not (folder / "decision_curve.png").exists()
    for name in ("roc.svg", "confusion.svg"):
        assert (folder / name).stat().st_size > 1000


def test_no_text_about_another_target_is_about_the_idh_status(evaluated):
    folder, said = evaluated[0] / "MGMT", evaluated[1]["MGMT"]
    assert "MGMT: 6 methylated, 6 unmethylated" in said
    page = page_of(folder / "report.html")
    assert "MGMT of gliomas" in page
    assert "MGMT methylated; probability of MGMT methylated" in page
    known = re.compile(r"IDH mutation, after Shi|predicts? IDH")
    for text in (page, said, (folder / "predictions.csv").read_text()):
        found = [text[m.start() - 40 : m.end() + 40] for m in OF_IDH.finditer(known.sub("", text))]
        assert found == []


@pytest.mark.parametrize("target", ["subtype", "MGMT"])
def test_a_model_predicts_in_the_words_that_it_was_trained_on(
    target, sklidh, table, words, tmp_path
):
    positive = ("--positive", "methylated") if target == "MGMT" else ()
    model = tmp_path / "model.skops"
    asked = ("--target", target, *positive, "--out", model)
    trained = sklidh("train", table, *asked, *words)
    assert trained.exit_code == 0, trained.output
    out, page = tmp_path / "predictions.csv", tmp_path / "page.html"
    asked = ("--out", out, "--report", page, "--training", table, "--target", target)
    result = sklidh("predict", model, table, *asked, "--jobs", 1, "--json")
    assert result.exit_code == 0, result.output
    predicted = pd.read_csv(out, index_col="patient")
    text, card = page_of(page), (tmp_path / "model.model_card.md").read_text()
    if target == "subtype":
        each = predicted[[f"probability {word}" for word in SUBTYPES]]
        np.testing.assert_allclose(each.sum(axis=1), 1)
        assert list(predicted["class"]) == list(np.array(SUBTYPES)[each.to_numpy().argmax(1)])
        assert "threshold" not in predicted
        assert "The most probable class is predicted" in trained.output
        assert "the class of a glioma (IDH mutant 1p/19q codeleted, " in card
        refused = sklidh("predict", model, table, "--threshold", 0.3, "--out", tmp_path / "n.csv")
        assert refused.exit_code == 2
        assert "omit it: the most probable class" in " ".join(refused.output.split())
        asked = ("--target", target, "--out", tmp_path / "n.skops", "--threshold", 0.3)
        refused = sklidh("train", table, *asked, *words)
        assert "decides between two classes" in " ".join(refused.output.split())
    else:
        is_positive = predicted["probability"] >= predicted["threshold"]
        names = np.where(is_positive, "MGMT methylated", "MGMT unmethylated")
        assert list(predicted["class"]) == list(names)
        assert "Predicted methylated from a probability of 0.5" in trained.output
        for each in (text, card, trained.output):
            assert not OF_IDH.search(each.replace("idh.skops", "")), OF_IDH.search(each)
    assert json.loads(result.stdout)["predictions"][0]["class"] == predicted["class"].iloc[0]
