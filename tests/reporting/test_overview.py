"""A cohort in a notebook: its classes counted, its first patients drawn."""

import pandas as pd
import pytest

from sklidh.reporting import CohortOverview
from sklidh.reporting._overview import cohort_table
from sklidh.utils import is_missing

MODALITIES = ["T1", "T1CE", "T2", "FLAIR"]


@pytest.fixture(scope="module")
def cohort(phantoms, hostile):
    X, y = phantoms
    X = X.rename(index={X.index[1]: hostile})
    X.loc[hostile, "T1CE"] = None
    return X, y.set_axis(X.index)


def test_classes_and_missing_sequences_are_counted(cohort):
    X, y = cohort
    table = CohortOverview.from_cohort(X, y, most=0).table
    assert table.loc["all", "patients"] == len(X)
    for label, count in y.value_counts().items():
        assert table.loc[str(label), "patients"] == count
    assert table["without T1CE"].tolist() == [*(int(label == y.iloc[1]) for label in (0, 1)), 1]
    columns = ["patients", "without T1CE", "at site1", "median age"]
    assert list(table) == columns, "no other sequence is missing"


def test_the_patients_of_each_site_are_counted_unless_there_are_too_many(cohort):
    X, y = cohort
    X = X.drop(columns="age")
    sites = ["Bern"] + ["Basel"] * (len(X) - 1)
    table = cohort_table(X.assign(site=sites), y, ["T2"])
    assert list(table) == ["patients", "at Basel", "at Bern"]
    assert table.loc["all"].tolist() == [len(X), len(X) - 1, 1]
    assert table.loc[str(y.iloc[0]), "at Bern"] == 1
    twice, labels = pd.concat([X, X]), pd.concat([y, y])
    assert list(cohort_table(twice.assign(site=range(2 * len(X))), labels, ["T2"])) == ["patients"]


def test_the_first_patients_are_drawn_with_every_sequence_that_they_have(cohort):
    X, y = cohort
    overview = CohortOverview.from_cohort(X, y, most=3)
    assert overview.modalities == MODALITIES
    for patient, slices in overview.slices.items():
        assert list(slices) == [m for m in MODALITIES if not is_missing(X.loc[patient, m])]
    html = overview._repr_html_()
    assert html.count("data:image/jpeg;base64,") == 3 * 4 - 1
    assert html.count("not acquired") == 1


def test_names_of_patients_and_of_the_target_are_escaped(cohort, hostile):
    X, y = cohort
    html = CohortOverview.from_cohort(X, y.rename(hostile), most=2)._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 3


def test_printed_it_is_the_table_and_not_the_pictures(cohort):
    X, y = cohort
    text = str(CohortOverview.from_cohort(X, y, most=2))
    assert text.endswith("2 patients are pictured in a notebook.")
    assert str(len(X)) in text
    assert len(text) < 500
