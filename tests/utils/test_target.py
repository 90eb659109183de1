"""A target is read from its column once, and has the words of every text."""

import numpy as np
import pandas as pd
import pytest

from sklidh.utils import IDH, CohortError, Target

WHO = ("IDH mutant 1p/19q codeleted", "IDH mutant 1p/19q intact", "IDH wild type")


def read(values, name=None, **options):
    target, codes = Target.read(pd.Series(values, name=name), **options)
    return target, list(codes)


@pytest.mark.parametrize("values", [[1, 0, 1], ["mut", "WT", "IDH-mutant"], [True, False, True]])
@pytest.mark.parametrize("name", [None, "idh", "IDH1_status", "IDH mutation"])
def test_the_idh_status_has_its_own_words(values, name):
    assert read(values, name) == (IDH, [1, 0, 1])
    assert (IDH.full, IDH.event) == (("IDH wild type", "IDH mutant"), "a mutation")


@pytest.mark.parametrize(
    ("values", "name", "options", "classes"),
    [
        ([1, 0, 1], "MGMT", {}, ("negative", "positive")),
        (["yes", "no", "yes"], "MGMT", {}, ("negative", "positive")),
        (["meth", "unmeth", "meth"], "MGMT", {"positive": "meth"}, ("unmeth", "meth")),
        (["mutant", "wt", "mut"], "TERT", {}, ("wild type", "mutant")),
        (["codel", "intact", "codel"], "1p/19q", {"wildtype": "intact"}, ("intact", "codel")),
        (["IV", "II", "IV"], "grade", {"positive": "IV"}, ("II", "IV")),
    ],
)
def test_any_other_target_of_two_classes_has_the_words_of_its_column(
    values, name, options, classes
):
    target, codes = read(values, name, **options)
    assert (target, codes) == (Target(name, classes), [1, 0, 1])
    assert target.event == target.full[1] == f"{name} {classes[1]}"
    assert "mutation" not in target.event


def test_all_values_but_the_positive_one_are_negative():
    target, codes = read(["III", "IV", "II"], "grade", positive="IV")
    assert (target.classes, codes) == (("not IV", "IV"), [0, 1, 0])


def test_three_or_more_words_are_several_classes_however_they_are_written():
    target, codes = read([WHO[2], "idh-mutant 1p/19q INTACT", WHO[0], WHO[1], WHO[1]], "WHO 2021")
    assert (target, codes) == (Target("WHO 2021", WHO), [2, 1, 0, 1, 1])
    assert target.full == WHO
    assert read([10, 2, 3.0], "grade")[0].classes == ("2", "3", "10")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (["mutant", "wildtype", "mutnat"], "status"),
        (["wildtype", "c.395G>A", "c.394C>T"], "IDH1"),
        ([0, 1, 9], "idh"),
        (["a", "b"], "grade"),
        ([0.5, 1.5, 2.5], "age"),
    ],
)
def test_a_mistake_or_an_open_question_is_no_class(values, name):
    with pytest.raises(CohortError, match=r"may be a mutant or a wild type.*positive="):
        read(values, name)


def test_ordered_categories_are_the_target_that_they_were():
    target = Target("MGMT", ("unmethylated", "methylated"))
    codes = pd.Series([1, 0, 1], list("abc"), name="MGMT")
    words = target.as_words(codes)
    assert list(words) == ["methylated", "unmethylated", "methylated"]
    again, codes_again = Target.read(words)
    assert again == target
    pd.testing.assert_series_equal(codes_again, codes)
    several = Target("WHO", ("b", "a", "c"))
    words = several.as_words(pd.Series([0, 2, 0], name="WHO"))
    assert Target.read(words)[0].classes == ("b", "c"), "a class without a patient is left out"


def test_another_cohort_and_a_fitted_model_are_read_with_the_target_s_words():
    target = Target("WHO", WHO)
    assert target.codes(pd.Series([WHO[2], WHO[0].upper()])).tolist() == [2, 0]
    assert target.columns(WHO[::-1]).tolist() == [2, 1, 0]
    assert target.columns([0, 1, 2]).tolist() == [0, 1, 2]
    assert IDH.columns(["mutant", "wt"]).tolist() == [1, 0]
    with pytest.raises(CohortError, match=r"patient 'x'.*'glioma' is not among the classes 'IDH"):
        target.codes(pd.Series([WHO[0], "glioma"], ["y", "x"]))
    with pytest.raises(CohortError, match=r"patient 'x'.*the target is missing"):
        target.codes(pd.Series([WHO[0], np.nan], ["y", "x"]))
    with pytest.raises(CohortError, match="the model must predict"):
        target.columns(WHO[:2])


def test_one_class_against_the_rest_is_a_target_of_two():
    part = Target("WHO", WHO).against_rest(1)
    assert (part.classes, part.event) == (("other", WHO[1]), WHO[1])
    assert IDH.against_rest(1) is IDH
    assert IDH.evaluated == {"mutant": 1}
    assert Target("WHO", WHO).evaluated == {word: code for code, word in enumerate(WHO)}


def test_patients_are_counted_in_words():
    assert IDH.count([0, 1, 0]) == "1 mutant, 2 wild type"
    assert Target("grade", ("2", "3", "4")).count([0, 2, 2]) == (
        "1 of class 2, 0 of class 3, 2 of class 4"
    )
