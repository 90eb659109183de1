"""`sklidh evaluate` splits patients as it was asked to: by person, by site, or by cohort."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from sklidh.cli.columns import column_of
from sklidh.cli.commands.evaluate import predicted
from sklidh.utils import CohortError

HOW = {"threshold": 0.5, "folds": 3, "repeats": 1, "seed": 0}


@pytest.fixture
def scans():
    """Return 24 scans of 12 people at 3 sites."""
    index = pd.Index([f"S{i:02d}" for i in range(24)], name="patient")
    y = pd.Series(np.arange(24) // 2 % 2, index, name="idh")
    values = np.random.default_rng(0).normal(size=24) + 2 * y
    X = pd.DataFrame({"T1": values, "mask": 0.0}, index)
    people, sites = np.arange(24) // 2, np.arange(24) % 3
    return X.assign(Person=people, site=sites.astype(float)), y


def test_all_scans_of_a_person_are_on_one_side_of_every_split(scans):
    X, y = scans
    people = column_of(X, "person")
    evaluation, design = predicted(
        LogisticRegression(), X, y, ["T1", "mask"], patients=people, **HOW
    )
    folds = evaluation.predictions["fold"].groupby(people).nunique()
    assert (folds == 1).all()
    assert len(evaluation.predictions) == 24
    assert design == "3-fold cross-validation of 12 people"


def test_each_site_is_left_out_in_turn(scans):
    X, y = scans
    sites = column_of(X, "site")
    assert sites.unique().tolist() == ["0", "1", "2"]
    evaluation, design = predicted(LogisticRegression(), X, y, ["T1", "mask"], sites=sites, **HOW)
    assert evaluation.predictions["fold"][X.index].tolist() == sites.tolist()
    assert design == "each site left out in turn"


def test_another_cohort_is_predicted_by_a_model_of_the_first(scans):
    X, y = scans
    new = X.iloc[:6].set_axis([f"N{i}" for i in range(6)]).drop(columns="site")
    labels = y.iloc[:6].set_axis(new.index)
    evaluation, design = predicted(
        LogisticRegression(), X, y, ["T1", "mask"], other=(new, labels), **HOW
    )
    read = X[["T1", "mask"]]
    expected = LogisticRegression().fit(read, y).predict_proba(read.iloc[:6])[:, 1]
    assert evaluation.predictions["probability"].to_numpy() == pytest.approx(expected)
    assert design == "trained on 24 others"


def test_a_column_that_is_not_there_or_has_an_empty_cell_is_named(scans):
    X, _ = scans
    with pytest.raises(CohortError, match="column 'persn' not found; did you mean 'Person'"):
        column_of(X, "persn")
    X.loc["S03", "site"] = np.nan
    with pytest.raises(CohortError, match="patient 'S03', column 'site': the cell is empty"):
        column_of(X, "site")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--leave-out", "site", "--patient-column", "id"], "three ways to split; give only one"),
        (["--patient-column", "id", "--repeats", "2"], "omit --repeats"),
        (["--leave-out", "site", "--repeats", "2"], "omit --repeats"),
    ],
)
def test_splits_that_exclude_each_other_are_refused(words, said, sklidh, tmp_path):
    (tmp_path / "cases.csv").touch()
    result = sklidh("evaluate", tmp_path / "cases.csv", "--out", tmp_path / "out", *words)
    assert result.exit_code == 2
    assert said in result.output
