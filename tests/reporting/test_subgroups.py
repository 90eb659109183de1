"""Groups of people have the figures that they would have alone, if they are not too few."""

import numpy as np
import pandas as pd
import pytest

from sklidh.evaluation import Evaluation, figures_with_intervals
from sklidh.reporting._overview import cohort_table
from sklidh.reporting._subgroups import figures_by_group, groups_of, with_ages


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    ids = [f"P{i}" for i in range(40)]
    X = pd.DataFrame({"Sex": ["F", "F", "M", "F"] * 10, "age": np.arange(40.0)}, index=ids)
    X["site"] = ["A"] * 36 + ["B"] * 3 + [None]
    table = {"repeat": 0, "fold": 0, "n_trained": 20, "true": rng.random(40) < 0.5}
    table |= {"score": rng.random(40), "threshold": 0.5}
    predictions = pd.DataFrame(table, index=ids)
    predictions["probability"] = predictions["score"]
    return X, predictions.assign(called=predictions["score"] > 0.5)


def test_a_group_has_the_figures_of_its_patients_alone(cohort):
    X, predictions = cohort
    table = figures_by_group(Evaluation(predictions), X)
    women = Evaluation(predictions[X["Sex"] == "F"])
    expected = figures_with_intervals({"": women}).iloc[0]
    assert table.loc["sex F", expected.index].tolist() == expected.tolist()
    assert table.loc["sex F", "patients"] == "30"


def test_a_group_with_fewer_than_five_of_a_class_is_counted_and_no_more(cohort):
    X, predictions = cohort
    table = figures_by_group(Evaluation(predictions), X)
    assert table.loc["site B", "patients"] == "3"
    assert (table.loc["site B", "AUC":] == "–").all()


def test_ages_are_parted_at_their_median_and_an_empty_cell_belongs_nowhere(cohort):
    X, _ = cohort
    groups = groups_of(X)
    assert groups["age"].value_counts().to_dict() == {"up to 19.5": 20, "above 19.5": 20}
    assert len(groups["site"]) == 39


def test_what_tells_nobody_apart_or_everybody_is_no_group(cohort):
    X, _ = cohort
    everybody = X.assign(site=range(40), Sex="F", age="unknown")
    with pytest.warns(UserWarning, match="exclude 40 of 40 patients"):
        assert groups_of(with_ages(everybody)) == {}


def test_an_age_that_is_not_a_number_is_named(cohort):
    X, _ = cohort
    ages = X["age"].astype(object)
    ages["P3"], ages["P5"] = "54,5", " "
    said = r"'age': '54,5' of patients 'P3' cannot be read as numbers; .* exclude 1 of 40"
    with pytest.warns(UserWarning, match=said):
        read = with_ages(X.assign(age=ages))
    assert read["age"].dtype == float
    assert len(groups_of(read)["age"]) == 38


def test_who_the_patients_are_is_counted_by_class(cohort):
    X, predictions = cohort
    y = predictions["true"].astype(int).rename("idh")
    table = cohort_table(X, y, [])
    assert table.loc["all", ["sex F", "sex M", "median age"]].tolist() == [30, 10, 20]
    assert table.loc["1", "sex F"] == (X["Sex"][y == 1] == "F").sum()
