"""`sklidh evaluate` splits patients as it was asked to: by person, by site, or by cohort."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from sklidh.cli.commands.evaluate import predicted
from sklidh.cli.patients import Patients
from sklidh.datasets import ExaminedCohort
from sklidh.utils import CohortError

PROTOCOL = {"threshold": 0.5, "folds": 3, "repeats": 1}


def recipe(*clinical):
    return SimpleNamespace(columns=["T1", "mask", *clinical], clinical=clinical, seed=0)


@pytest.fixture
def scans():
    """Return 24 scans of 12 people at 3 sites."""
    index = pd.Index([f"S{i:02d}" for i in range(24)], name="patient")
    y = pd.Series(np.arange(24) // 2 % 2, index, name="idh")
    values = np.random.default_rng(0).normal(size=24) + 2 * y
    X = pd.DataFrame({"T1": values, "mask": 0.0}, index)
    people, sites = np.arange(24) // 2, np.arange(24) % 3
    X = X.assign(Person=people, site=sites.astype(float), age=30.5 + np.arange(24))
    return ExaminedCohort(X, y, ["T1"], [], [], list(range(2, 26)))


def test_all_scans_of_a_person_are_on_one_side_of_every_split(scans):
    people = scans.categories("person")
    patients = Patients(scans.X, scans.y, recipe(), people)
    evaluation, design = predicted(LogisticRegression(), patients, None, False, PROTOCOL)
    folds = evaluation.predictions["fold"].groupby(people).nunique()
    assert (folds == 1).all()
    assert len(evaluation.predictions) == 24
    assert design == "3-fold cross-validation of 12 people"


def test_each_site_is_left_out_in_turn(scans):
    sites = scans.categories("site", sites=True)
    assert sites.unique().tolist() == ["0", "1", "2"]
    patients = Patients(scans.X, scans.y, recipe(), sites)
    evaluation, design = predicted(LogisticRegression(), patients, None, True, PROTOCOL)
    assert evaluation.predictions["fold"][scans.X.index].tolist() == sites.tolist()
    assert design == "each site left out in turn"


def test_another_cohort_is_predicted_by_a_model_of_the_first(scans):
    X, y = scans.X, scans.y
    new = X.iloc[:6].set_axis([f"N{i}" for i in range(6)]).drop(columns="site")
    labels = y.iloc[:6].set_axis(new.index)
    other = Patients(new.rename(columns={"age": "Age"}), labels, recipe("Age"))
    patients = Patients(X, y, recipe("age"))
    evaluation, design = predicted(LogisticRegression(), patients, other, False, PROTOCOL)
    read = X[["T1", "mask", "age"]]
    expected = LogisticRegression().fit(read, y).predict_proba(read.iloc[:6])[:, 1]
    assert evaluation.predictions["probability"].to_numpy() == pytest.approx(expected)
    assert design == "trained on 24 others"


def test_a_column_that_is_not_there_or_has_an_empty_cell_is_named(scans):
    with pytest.raises(CohortError, match="column 'persn' not found; did you mean 'Person'"):
        scans.categories("persn")
    with pytest.raises(CohortError, match="'IDH' is the target; available columns: 'Person'"):
        scans.categories("IDH")
    scans.X.loc["S03", "site"] = np.nan
    with pytest.raises(CohortError, match="line 5, patient 'S03', column 'site': the cell is empt"):
        scans.categories("site")


def test_a_column_with_a_value_per_patient_is_not_one_of_sites(scans):
    said = "column 'age' has 24 different values in 24 patients; a column of sites needs 3 patients"
    with pytest.raises(CohortError, match=said):
        scans.categories("age", sites=True)
    many = pd.concat([scans.X.set_axis([f"{n}-{name}" for name in scans.X.index]) for n in "abcd"])
    with pytest.raises(CohortError, match="and at most 20 values if they are numbers"):
        ExaminedCohort(many, None, ["T1"], [], [], []).categories("age", sites=True)


def test_a_column_that_an_option_names_is_refused_with_the_file_before_images_are_read(
    sklidh, cases, tmp_path
):
    for words, said in (
        (["--leave-out", "idh"], "column 'idh' (--leave-out) is the target; available columns:"),
        (["--leave-out", "age"], "column 'age' (--leave-out) has "),
        (["--patient-column", "who"], "column 'who' (--patient-column) not found"),
        (["--groups", "T1+T9"], "column 'T9' (a sequence) not found; available columns: 'T1', "),
    ):
        result = sklidh("evaluate", cases, "--out", tmp_path / "out", "--folds", "2", *words)
        assert result.exit_code == 1
        assert f"{cases} has problems:" in result.output.replace("\n", "")
        assert said in result.output
        assert "checking the images" not in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--leave-out", "site", "--patient-column", "id"], "ways to split; give only one"),
        (["--patient-column", "id", "--repeats", "2"], "--repeats are different ways to split"),
        (["--leave-out", "site", "--repeats", "2"], "--repeats are different ways to split"),
    ],
)
def test_splits_that_exclude_each_other_are_refused(words, said, sklidh, tmp_path):
    (tmp_path / "cases.csv").touch()
    result = sklidh("evaluate", tmp_path / "cases.csv", "--out", tmp_path / "out", *words)
    assert result.exit_code == 2
    assert said in result.output
