"""Which values of the target are mutants is the library's rule, and is printed."""

import pandas as pd
import pytest

from sklidh.cli.options import Cohort, Method, Work
from sklidh.cli.patients import examine_table, read_patients, with_classes
from sklidh.cli.values import Where
from sklidh.datasets import ExaminedCohort


def called(values, wildtype=""):
    y = pd.Series(values, [f"P{i}" for i in range(len(values))], name="IDH")
    cohort = ExaminedCohort(pd.DataFrame(index=y.index), y, [], [], [], list(range(2, 2 + len(y))))
    coded = with_classes(cohort, wildtype)
    return coded.problems or coded.y.tolist()


def test_the_values_of_mutants_are_one_class_and_each_is_printed_with_its_count(capsys):
    values = ["wildtype", "IDH1 p.R132H", "mutated (NOS)", "wildtype", "mutated (NOS)"]
    for wildtype in ("", "wildtype"):
        assert called(values, wildtype) == [0, 1, 1, 0, 1]
        assert capsys.readouterr().out == (
            "IDH: 3 mutants (mutated (NOS) 2, IDH1 p.R132H 1), 2 wild types (wildtype)\n"
        )


def test_words_that_nobody_knows_need_the_option():
    (problem,) = called(["g", "h"])
    assert "'g', 'h' may be a mutant or a wild type" in problem
    assert "(--wildtype on the command line)" in problem
    assert called(["g", "h"], "h") == [1, 0]


def test_the_wild_type_alone_is_one_class():
    (problem,) = called(["wt", "WT"])
    assert problem.startswith("the target has one class only")


def test_a_patient_without_a_status_is_named_with_the_line():
    (problem,) = called(["wt", None, "mut"])
    assert problem.startswith("line 3, patient 'P1', column 'IDH': the target is missing")
    assert problem.patient == "P1"


@pytest.mark.parametrize("of_features", [False, True])
def test_the_classes_of_those_that_are_asked_for_are_printed_and_no_others(
    of_features, tmp_path, capsys
):
    table = pd.DataFrame({"idh": ["mut", "wt", "wt", "?", "x"], "site": list("AAABB")})
    table = table.assign(T1__f=1.0) if of_features else table.assign(T1="a.nii", mask="m.nii")
    table.to_csv(tmp_path / "cases.csv", index_label="patient")
    cohort, where = Cohort(wildtype="wt"), Where("site", "A")
    if of_features:
        how = {"features": tmp_path / "cases.csv", "where": where}
        _, y, *_ = read_patients(None, cohort, Method(), Work(jobs=1), **how)
    else:
        y = examine_table(
            tmp_path / "cases.csv", cohort, target="idh", wildtype="wt", where=where
        ).y
    assert y.tolist() == [1, 0, 0]
    assert "idh: 1 mutant (mut), 2 wild types (wt)\n" in capsys.readouterr().out
