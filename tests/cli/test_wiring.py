"""Each option of a command changes what reaches the library."""

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import roc_auc_score

from sklidh import baselines, evaluation
from sklidh.fusion import BatchedGridSearchCV


class ReachedError(Exception):
    """Carry what a command handed to the library, and end the command."""


def caught(*arguments, **options):
    raise ReachedError(arguments, options)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    rng = np.random.default_rng(0)
    y = np.resize([0, 1, 0], 30)
    columns = {f"{m}__f{i}": rng.normal(size=30) for m in ("T1", "T1CE", "FLAIR") for i in (0, 1)}
    table = pd.DataFrame(columns).assign(idh=y, age=60 - 15 * y + rng.normal(0, 8, 30))
    table["T1CE__f0"] += 2 * y
    table["FLAIR__f0"] += y
    path = tmp_path_factory.mktemp("features") / "features.csv"
    table.set_index(pd.Index([f"P{i:02d}" for i in range(30)], name="patient")).to_csv(path)
    return path


@pytest.fixture
def reached(sklidh, cases, features, parameters, tmp_path, monkeypatch):
    """Return a function that runs a command up to the library, and what it handed over."""
    for module, name in (
        (evaluation, "cross_validate"),
        (evaluation, "choose_threshold"),
        (evaluation, "holdout"),
        (evaluation, "audit"),
        (baselines, "reproduce"),
    ):
        monkeypatch.setattr(module, name, caught)

    def run(command, *words):
        images = (cases, "--radiomics", parameters, "--reference", "none", "--groups", "T1,FLAIR")
        source = ("--features", features) if command in ("reproduce", "audit") else images
        result = sklidh(command, *source, "--out", tmp_path / "out", *words)
        assert isinstance(result.exception, ReachedError), result.output
        return result.exception.args

    return run


def seeds_of(model):
    return {value for name, value in model.get_params().items() if name.endswith("random_state")}


def deep_of(model):
    return next(value for name, value in model.get_params().items() if name.endswith("__deep"))


EVALUATE = {
    "--folds 3": lambda model, options: options["cv"] == 3,
    "--repeats 4": lambda model, options: options["n_repeats"] == 4,
    "--seed 7": lambda model, options: options["random_state"] == 7 and seeds_of(model) == {7},
    "--threshold 0.3": lambda model, options: options["threshold"] == 0.3,
    "--threshold precision>=0.8": lambda model, options: options["threshold"] == "precision>=0.8",
    "--threshold youden": lambda model, options: options["threshold"] == "youden",
    "--epochs 3": lambda model, options: deep_of(model).max_epochs == 3,
    "--slice-size 16": lambda model, options: deep_of(model).size == 16,
    "--train-features out_of_fold": lambda model, options: (
        deep_of(model).train_features == "out_of_fold"
    ),
    "--clinical AGE,site": lambda model, options: (
        model["intra"].transformers[-1][2] == ["age", "site"]
        and model["fusion"].modalities == ["T1", "FLAIR", "clinical"]
        and model["fusion"].groups[-1] == ("clinical",)
    ),
    "--missing raise": lambda model, options: deep_of(model).missing == "raise",
    "--tune --seed 5": lambda model, options: (
        isinstance(model, BatchedGridSearchCV)
        and model.cv.random_state == 5
        and model.cv.n_splits == 3
        and model.error_score == "raise"
    ),
}


@pytest.mark.parametrize("words", EVALUATE)
def test_an_option_of_evaluate_reaches_cross_validate(reached, words):
    (model, *_), options = reached("evaluate", "--model", "model-4", *words.split())
    assert EVALUATE[words](model, options)
    (model, *_), options = reached("evaluate", "--model", "model-4")
    assert not EVALUATE[words](model, options), "it is the default"


REPRODUCE = {
    "--folds 3": lambda options: options["n_folds"] == 3,
    "--repeats 4": lambda options: options["n_repeats"] == 4,
    "--seed 7": lambda options: options["random_state"] == 7 and options["deep"].random_state == 7,
    "--protocol paper": lambda options: options["protocol"] == "paper",
    "--tables II": lambda options: options["tables"] == ("II",),
    "--jobs 3": lambda options: options["n_jobs"] == 3,
    "--epochs 3": lambda options: options["deep"].max_epochs == 3,
    "--slice-size 16": lambda options: options["deep"].size == 16,
    "--train-features out_of_fold": lambda options: options["deep"].train_features == "out_of_fold",
}


@pytest.mark.parametrize("words", REPRODUCE)
def test_an_option_of_reproduce_reaches_the_study(reached, words):
    _, options = reached("reproduce", *words.split())
    assert REPRODUCE[words](options)
    assert options["features_only"]
    _, options = reached("reproduce")
    assert not REPRODUCE[words](options), "it is the default"


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("--test-size 0.5", "test_size", 0.5),
        ("--seed 7", "random_state", 7),
        ("", "threshold", 0.5),
    ],
)
def test_an_option_of_run_reaches_the_split(reached, words, name, value):
    (model, *_), options = reached("run", *words.split())
    assert options[name] == value
    assert seeds_of(model) == {options["random_state"]}


def test_a_threshold_is_trained_with_all_scans_of_a_person_on_one_side(reached):
    words = "--model model-2 --threshold youden --patient-column site --clinical age"
    (model, X, *_), options = reached("train", *words.split())
    assert list(X) == ["T1", "FLAIR", "mask", "age"]
    assert options["params"]["groups"].equals(pd.Series("site1", X.index, name="site"))
    assert "clinical" in model["fusion"].blocks_


def test_clinical_columns_that_are_none_are_named_before_any_image_is_read(
    sklidh, cases, parameters, tmp_path
):
    words = ("--out", tmp_path / "m.skops", "--radiomics", parameters, "--clinical", "agee,T1,mask")
    result = sklidh("train", cases, *words)
    assert result.exit_code == 1
    for name in ("agee", "T1", "mask"):
        said = f"clinical column {name!r} (--clinical) not found; available columns: 'age', 'site'"
        assert said in result.output
    result = sklidh("evaluate", cases, "--model", "model-1", "--clinical", "age")
    assert result.exit_code == 2
    assert "--clinical: Model 1 (SA-Net) sees images alone" in result.output


@pytest.mark.parametrize(
    ("words", "name"), [("--rounds 3", "n_rounds"), ("--seed 3", "random_state")]
)
def test_an_option_of_audit_reaches_the_audit(reached, words, name):
    _, options = reached("audit", *words.split())
    assert options[name] == 3


def test_a_patient_at_the_threshold_is_predicted_mutant(sklidh, model, cases, tmp_path):
    sklidh("predict", model, cases, "--out", tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv", index_col="patient", float_precision="round_trip")
    at = table["probability"].iloc[0]
    words = ("--threshold", repr(float(at)), "--out", tmp_path / "b.csv")
    assert sklidh("predict", model, cases, *words).exit_code == 0
    again = pd.read_csv(tmp_path / "b.csv", index_col="patient")
    assert again["class"].iloc[0] == "IDH mutant"
    assert (again["class"] == "IDH mutant").tolist() == (table["probability"] >= at).tolist()


@pytest.mark.slow
def test_the_default_reproduction_tunes_and_thresholds_in_inner_folds(sklidh, features, tmp_path):
    words = ("--features", features, "--tables", "II", "--folds", 2, "--jobs", 1, "--seed", 1)
    result = sklidh("reproduce", *words, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    assert (predictions.groupby("model")["patient"].nunique() == 30).all()
    splits = predictions.groupby(["model", "fold"])["threshold"].first()
    assert splits.index.unique("fold").tolist() == [0, 1]
    assert (splits != 0.5).mean() > 0.5, "Youden's thresholds"
    assert (predictions["called"] == (predictions["probability"] >= predictions["threshold"])).all()
    record = yaml.safe_load((tmp_path / "run.yaml").read_text())["report"]
    chosen = [
        facts["chosen"]["alpha"] for model in ("T1", "T1CE") for facts in record["chosen"][model]
    ]
    assert len(chosen) == 4
    assert set(chosen) <= {0.01, 0.1, 1.0, 10.0}
    tests = pd.read_csv(tmp_path / "measures.csv", index_col=0)
    folds = cross_validated_aucs(predictions)
    np.testing.assert_allclose(tests["AUC"], folds[tests.index])
    assert "needs T2, which this cohort lacks" in (tmp_path / "tables.md").read_text()
    page = (tmp_path / "report.html").read_text()
    assert f"{tests.loc['T1CE', 'AUC']:.2f}<small>[" in page


def cross_validated_aucs(predictions):
    folds = predictions.groupby(["model", "fold"])[["true", "score"]]
    each = folds.apply(lambda fold: roc_auc_score(fold["true"], fold["score"]))
    return each.groupby("model").mean()
