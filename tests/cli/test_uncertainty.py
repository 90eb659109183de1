"""Recalibration and prediction sets are trained by `train` and written by `predict`."""

import html
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV

from sklidh import load_cohort, load_model
from sklidh.evaluation import ConformalClassifier, innermost
from sklidh.persistence import load_trained, read_about

SEQUENCES = ["T1", "FLAIR", "mask"]


@pytest.fixture(scope="module")
def trained(sklidh, cases, parameters, tmp_path_factory):
    """Return the file of a recalibrated model with prediction sets, and what `train` printed."""
    path = tmp_path_factory.mktemp("uncertain") / "idh.skops"
    how = ("--radiomics", parameters, "--groups", "T1,FLAIR", "--reference", "none")
    how = (*how, "--jobs", 1, "--threshold", "youden")
    result = sklidh("train", cases, "--out", path, *how, "--calibrate", "--coverage", 0.8)
    assert result.exit_code == 0, result.output
    return path, result.output


def test_the_file_holds_recalibration_and_sets(trained):
    path, _ = trained
    model = load_model(path)
    assert isinstance(model, ConformalClassifier)
    assert model.coverage == 0.8
    assert isinstance(model.estimator_, CalibratedClassifierCV)
    assert "fusion" in read_about(path)["steps"]
    card = path.with_suffix(".model_card.md").read_text()
    assert "\n- calibrate: True\n" in card
    assert "\n- coverage: 0.8\n" in card


def test_the_threshold_is_one_of_the_recalibrated_probabilities(trained, cases):
    path, _ = trained
    X, _ = load_cohort(cases)
    table = load_trained(path, n_jobs=1).predict(X)
    model = load_model(path)
    recalibrated = model.predict_proba(X[SEQUENCES])[:, 1]
    np.testing.assert_array_equal(table["probability"], recalibrated)
    assert (innermost(model).predict_proba(X[SEQUENCES])[:, 1] != recalibrated).all()
    called = table["probability"] >= read_about(path)["threshold"]
    assert (table["class"] == np.where(called, "IDH mutant", "IDH wild type")).all()
    assert set(called) == {True, False}, "on both sides of the threshold"


def test_predict_writes_sets_and_spread(sklidh, trained, cases, tmp_path):
    path, _ = trained
    out = ("--out", tmp_path / "p.csv", "--report", tmp_path / "p.html", "--jobs", 1)
    result = sklidh("predict", path, cases, *out)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "p.csv", index_col="patient")
    X, _ = load_cohort(cases)
    model = load_model(path)
    words = {
        (True, True): "IDH mutant or IDH wild type (uncertain)",
        (True, False): "IDH wild type",
        (False, True): "IDH mutant",
        (False, False): "none (unusual in every class)",
    }
    sets = model.predict_set(X[SEQUENCES])
    assert table["prediction set"].tolist() == [words[tuple(row)] for row in sets.tolist()]
    assert set(table["coverage"]) == {0.8}
    pipeline = innermost(model)
    members = pipeline[-1].predict_proba_members(pipeline[:-1].transform(X[SEQUENCES]))
    np.testing.assert_allclose(table["spread"], members[..., 1].std(0))
    assert table["spread"].min() > 0
    said = " ".join(result.output.split())
    assert "contain the class of about 80% of patients like those in training" in said
    page = (tmp_path / "p.html").read_text()
    cells = re.findall(r'data-label="Prediction set">(.*?)</td>', page)
    assert list(map(html.unescape, cells)) == table["prediction set"].tolist()
    cells = re.findall(r'data-label="Spread">(.*?)</td>', page)
    assert cells == [f"{spread:.2f}" for spread in table["spread"]]
    assert "about 80 % of each class" in " ".join(page.split())
    assert "It is not a confidence interval" in " ".join(page.split())


def test_a_model_without_them_has_neither(sklidh, model, cases, tmp_path):
    out = ("--out", tmp_path / "p.csv", "--report", tmp_path / "p.html", "--jobs", 1)
    assert sklidh("predict", model, cases, *out).exit_code == 0
    assert not {"prediction set", "coverage", "spread"} & {*pd.read_csv(tmp_path / "p.csv")}
    page = (tmp_path / "p.html").read_text()
    assert "Prediction set" not in page
    assert "Spread" not in page


def test_sets_of_three_classes_are_in_their_words(sklidh, cases, parameters, tmp_path):
    X, _ = load_cohort(cases)
    subtype = np.array(["IDHmut-codel", "IDHmut-intact", "IDHwt"])[np.arange(len(X)) % 3]
    X.assign(subtype=subtype).to_csv(tmp_path / "cases.csv", index_label="patient")
    how = ("--model", "model-2", "--radiomics", parameters, "--groups", "T1,FLAIR", "--jobs", 1)
    how = (*how, "--reference", "none", "--target", "subtype", "--out", tmp_path / "m.skops")
    result = sklidh("train", tmp_path / "cases.csv", *how, "--calibrate", "--coverage", 0.75)
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "only 4 of 12 patients are class 0, so 4 folds are used instead of 5" in said
    table = load_trained(tmp_path / "m.skops", n_jobs=1).predict(X)
    sets = load_model(tmp_path / "m.skops").predict_set(X[SEQUENCES])
    for words, row in zip(table["prediction set"], sets, strict=True):
        listed = words.removesuffix(" (uncertain)").split(" or ")
        assert listed == (np.unique(subtype)[row].tolist() or ["none (unusual in every class)"])
        assert words.endswith("(uncertain)") == (row.sum() > 1)
    assert sets.any(axis=0).all()
