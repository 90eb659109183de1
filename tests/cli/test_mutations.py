"""Which value of the target is the mutation is never guessed against the words, and is said."""

import pandas as pd
import pytest
import typer

from sklidh.cli._cohort import read_features
from sklidh.cli._examination import examine_table
from sklidh.cli._mutations import mutations
from sklidh.cli._options import Cohort, Method
from sklidh.utils import CohortError


def called(values, wildtype=""):
    y = pd.Series(values, [f"P{i}" for i in range(len(values))], name="IDH")
    return mutations(pd.DataFrame(index=y.index), y, wildtype).tolist()


def test_the_values_of_mutants_are_one_class_and_each_is_told_with_its_count(capsys):
    values = ["wildtype", "IDH1 p.R132H", "mutated (NOS)", "wildtype", "mutated (NOS)"]
    assert called(values, "wildtype") == [0, 1, 1, 0, 1]
    assert capsys.readouterr().out == (
        "IDH: 3 mutants (mutated (NOS) 2, IDH1 p.R132H 1), 2 wild types (wildtype)\n"
    )
    with pytest.raises(CohortError, match=r"has 3 values, IDH1 p\.R132H, mutated \(NOS\), w"):
        called(values)
    with pytest.raises(typer.BadParameter, match=r"'WT': no patient; IDH is one of IDH1 p\.R132H"):
        called(values, "WT")


def test_of_two_values_the_last_is_the_mutation(capsys):
    assert called([0, 1, 0]) == [0, 1, 0]
    assert capsys.readouterr().out == "IDH: 1 mutant (1), 2 wild types (0)\n"
    assert called(["yes", "no"]) == ["yes", "no"]
    assert called(["WT", "mutant"]) == ["WT", "mutant"]
    assert called([True, False]) == [True, False]


@pytest.mark.parametrize(
    ("mutant", "wild"),
    [("mutant", "wildtype"), ("Mutant", "WT"), ("IDH-mut", "IDH-wt"), ("R132H", "Wild type")],
)
def test_words_that_sort_the_other_way_round_want_the_wild_type_named(mutant, wild):
    with pytest.raises(CohortError, match=f"{wild}, would count as the mutation; .*--wildtype"):
        called([mutant, wild, mutant])
    assert called([mutant, wild, mutant], wild) == [1, 0, 1]


@pytest.mark.parametrize("other", ["wt", "WT ", "wild-type"])
def test_the_wild_type_in_another_spelling_is_no_mutation(other):
    with pytest.raises(CohortError, match=f"'{other}' of 2 patients would count as mutant"):
        called(["mutant", "WT", other, other], "WT")


@pytest.mark.parametrize(
    ("values", "wildtype"),
    [([0.0, 1.0], "0"), ([0, 1], "0.0"), ([False, True], "false"), ([-1, 1], "-1")],
)
def test_numbers_and_booleans_are_known_however_they_are_written(values, wildtype):
    assert called(values, wildtype) == [0, 1]


@pytest.mark.parametrize("of_features", [False, True])
def test_the_classes_of_those_that_are_asked_for_are_told_and_no_others(
    of_features, tmp_path, capsys
):
    table = pd.DataFrame({"idh": ["mut", "wt", "wt", "?", "x"], "site": list("AAABB")})
    table = table.assign(T1__f=1.0) if of_features else table.assign(T1="a.nii", mask="m.nii")
    table.to_csv(tmp_path / "cases.csv", index_label="patient")
    cohort, where = Cohort(wildtype="wt"), "site=A"
    if of_features:
        _, y, _ = read_features(tmp_path / "cases.csv", cohort, Method(), jobs=1, where=where)
    else:
        _, y, *_ = examine_table(tmp_path / "cases.csv", cohort, target="idh", where=where)
    assert y.tolist() == [1, 0, 0]
    assert "idh: 1 mutant (mut), 2 wild types (wt)\n" in capsys.readouterr().out
