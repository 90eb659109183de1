"""Known words are recognised as mutant or wild type; unknown values are refused with counts."""

import numpy as np
import pandas as pd
import pytest

from sklidh.datasets import binary_target
from sklidh.utils import CohortError, mutant_index


def codes(values, **options):
    return binary_target(values, **options).tolist()


@pytest.mark.parametrize(
    ("wild", "mutant"),
    [
        (0, 1),
        (0.0, 1.0),
        ("0", "1"),
        (False, True),
        ("no", "Yes"),
        ("Negative", "POS"),
        ("wildtype", "mutant"),
        ("WT ", " Mutated"),
        ("wild-type", "mut"),
        ("Wild type", "Mutation"),
        ("IDH-wildtype", "IDH-mutant"),
        ("IDH1 wt", "IDH1 p.R132H"),
        ("idhwt", "IDH2 R172K"),
        ("IDH1/2 wild type", "mutated (NOS)"),
    ],
)
def test_known_words_and_numbers_are_recognised_in_either_order(wild, mutant):
    assert codes([wild, mutant, mutant]) == [0, 1, 1]
    assert codes([mutant, wild]) == [1, 0]
    assert mutant_index([wild, mutant]) == 1
    assert mutant_index([mutant, wild]) == 0


@pytest.mark.parametrize(
    "kind", [list, np.array, pd.Series, pd.Categorical, lambda v: pd.Series(v, dtype="category")]
)
def test_any_kind_of_array_is_accepted(kind):
    assert codes(kind(["wildtype", "mutant", "wildtype"])) == [0, 1, 0]


def test_a_series_keeps_its_patients_and_name():
    y = pd.Series(["mutant", "WT"], ["P1", "P0"], name="idh")
    pd.testing.assert_series_equal(binary_target(y), pd.Series([1, 0], ["P1", "P0"], name="idh"))


@pytest.mark.parametrize(
    "hole", [None, np.nan, "", " ", "?", "unknown", "Unknown ", "NA", "n/a", "NOS", "pending"]
)
def test_an_unknown_status_is_missing_even_with_an_option(hole):
    y = pd.Series(["mutant", hole, "WT"], ["a", "b", "c"], name="idh")
    for options in ({}, {"wildtype": "WT"}, {"pos_label": "mutant"}):
        with pytest.raises(CohortError, match="patient 'b', column 'idh': the target is missing"):
            binary_target(y, **options)


def test_missing_and_unknown_values_are_listed_together():
    with pytest.raises(CohortError) as refused:
        binary_target(pd.Series(["wt", "n/a", "mutiert", "mut"], list("abcd"), name="idh"))
    first, second = refused.value.problems
    assert first.startswith("patient 'b', column 'idh': the target is missing ('n/a')")
    assert "'mutiert' may be a mutant or a wild type (patient 'c'); its values are " in second


def test_every_patient_without_a_status_is_listed():
    with pytest.raises(CohortError) as caught:
        binary_target(pd.Series(["not tested", "mutant", "?"], ["a", "b", "c"]))
    assert caught.value.problems == [
        "patient 'a': the target is missing ('not tested'); drop the row or fill it in",
        "patient 'c': the target is missing ('?'); drop the row or fill it in",
    ]


@pytest.mark.parametrize(
    "values", [[-1, 1], [0, 1, 2], ["a", "b"], ["mutant?", "WT"], ["IDH1", "WT"], [0, 0.5, 1]]
)
def test_ambiguous_values_are_refused_with_counts_and_remedy(values):
    with pytest.raises(CohortError, match=r"may be a mutant or a wild type; its values are .*\(1"):
        binary_target(values)
    with pytest.raises(CohortError, match="set the wild type with wildtype="):
        binary_target(values)


def test_with_wildtype_all_other_values_are_mutant():
    assert codes(["wildtype", "Mutant ", "R132X", "WT"], wildtype="wildtype") == [0, 1, 1, 0]
    assert codes([2, 1, 2], wildtype=2) == [0, 1, 0]
    assert codes([-1.0, 1.0], wildtype="-1") == [0, 1]
    assert codes(["yes", "no"], wildtype="yes") == [0, 1]
    assert codes([False, True], wildtype="false") == [0, 1]


def test_with_pos_label_all_other_values_are_wild_type():
    assert codes(["codel", "intact", "gain"], pos_label="codel") == [1, 0, 0]
    assert codes(["a", "b"], pos_label="a", wildtype="b") == [1, 0]
    with pytest.raises(CohortError, match="'c' may be a mutant or a wild type"):
        binary_target(["a", "b", "c"], pos_label="a", wildtype="b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wildtype": "mutant"}, "wildtype='mutant' contradicts the meaning"),
        ({"pos_label": "WT"}, "pos_label='WT' contradicts the meaning"),
        (
            {"pos_label": "R132H"},
            "no patient has pos_label='R132H'.*; name the positive class with pos_label=",
        ),
        ({"wildtype": "negative", "pos_label": "mutant"}, "no patient has wildtype='negative'"),
    ],
)
def test_a_contradictory_option_is_refused(options, message):
    values = ["mutant", "IDH1-mut"] if "wildtype" in options else ["WT", "wildtype"]
    with pytest.raises(CohortError, match=message):
        binary_target(values, **options)


@pytest.mark.parametrize("name", ["wildtype", "IDH_wildtype", "IDH1 WT"])
def test_a_column_that_asks_for_the_wild_type_is_refused(name):
    for values in ([0, 1], ["no", "yes"]):
        y = pd.Series(values, name=name)
        with pytest.raises(CohortError, match="asks for the wild type, not for the mutation"):
            binary_target(y)
        assert codes(y, wildtype=values[1]) == [1, 0]
    assert codes(pd.Series(["WT", "mutant"], name=name)) == [0, 1]


@pytest.mark.parametrize("classes", [[0], ["mutant"], ["wt", "wildtype"]])
def test_a_model_has_one_class_of_mutants_and_one_of_wild_types(classes):
    with pytest.raises(CohortError, match="the model must predict mutant and wild type"):
        mutant_index(classes)
