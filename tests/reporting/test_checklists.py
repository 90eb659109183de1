"""The checklists have the guidelines' items, and claim no more than a run knows."""

from dataclasses import replace

import pandas as pd

from sklidh.reporting._checklists import answer_checklists
from sklidh.reporting._facts import _templates, facts_of


def states(run):
    return {
        (checklist.name, answer.number): answer
        for checklist in answer_checklists(facts_of(run))
        for answer in checklist.answers
    }


def test_the_items_are_numbered_as_the_guidelines_number_them():
    clear, tripod = answer_checklists({})
    assert [answer.number for answer in clear.answers] == [str(n) for n in range(1, 59)]
    # Collins et al. 2024, Table 2: 27 items, 52 with their parts.
    parts = {3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef"}
    parts |= {20: "abc", 23: "ab", 27: "abc"}
    expected = [f"{n}{part}" for n in range(1, 28) for part in parts.get(n, [""])]
    assert [answer.number for answer in tripod.answers] == expected
    assert len(expected) == 52


def test_who_knows_nothing_answers_only_what_is_true_of_every_report():
    for checklist in answer_checklists({}):
        answered = [answer for answer in checklist.answers if answer.text]
        assert all("{" not in answer.text for answer in answered)
        assert checklist.counts["open"] > 0.6 * len(checklist.answers)


def test_every_answer_of_the_file_can_be_given(run):
    found = states(run)
    for clear in (15, 21, 22, 23, 24, 25, 26, 27, 29, 33, 34, 35, 40, 41, 43, 47):
        assert found["CLEAR", str(clear)].text, clear
    for tripod in ("7", "9b", "11", "12a", "12b", "12c", "12e", "13", "15", "20a", "21", "23a"):
        assert found["TRIPOD+AI", tripod].text, tripod


def test_every_fact_of_the_file_can_be_given(run):
    people = run.cohort.assign(**{"sex F": 12, "at A": 10})
    settings = run.settings | {"clinical": ["age"]}
    features = run.features.assign(models=2)
    knows_all = replace(run, cohort=people, settings=settings, features=features)
    assert _templates().keys() - facts_of(knows_all).keys() == set()


def test_an_answer_has_the_run_s_own_figures(run):
    found = states(run)
    name, shown = run.shown
    assert f"AUC {shown.metrics['AUC']:.2f} [" in found["TRIPOD+AI", "23a"].text
    assert "873 radiomics and 128 deep features" in found["CLEAR", "27"].text
    p = run.comparison.tests(name)["p Holm"]["Model 1"]
    assert f"Model 1 {p:.2g}" in found["CLEAR", "41"].text
    assert found["TRIPOD+AI", "21"].text == "20 patients for training, 10 predicted (5 mutant)."


def test_ethics_funding_and_the_reading_of_the_result_are_always_the_authors(run):
    found = states(run)
    for item in (("CLEAR", "8"), ("CLEAR", "49"), ("TRIPOD+AI", "17"), ("TRIPOD+AI", "18a")):
        assert found[item].state == "open"
    assert found["CLEAR", "16"].state == "in part"
    assert found["CLEAR", "15"].state == "filled in"


def test_plots_and_clinical_columns_are_those_of_the_run(run):
    assert states(run)["TRIPOD+AI", "12e"].text.endswith("Plots: ROC.")
    assert states(run)["CLEAR", "17"].text.startswith("None; the input is ")
    clinical = replace(run, settings=run.settings | {"clinical": ["age", "sex"]})
    assert states(clinical)["CLEAR", "17"].text == "Clinical columns: age, sex."


def test_sites_are_told_where_the_table_has_them(run):
    assert states(run)["CLEAR", "13"].state == "open"
    found = states(replace(run, cohort=run.cohort.assign(**{"at A": 10, "at B": 20})))
    assert found["CLEAR", "13"].text == "Sites: A (10), B (20)."
    assert found["TRIPOD+AI", "6a"].state == "in part"
    assert "site" not in found["CLEAR", "29"].text, "a site is not a missing sequence"


def test_groups_of_people_are_told_where_the_table_tells_them_apart(run):
    assert "site" in states(run)["TRIPOD+AI", "14"].text
    people = run.cohort.assign(**{"sex F": 12, "median age": 51})
    found = states(replace(run, cohort=people, groups=run.groups.iloc[:0]))
    assert "12 of sex F, median age 51" in found["TRIPOD+AI", "20b"].text
    assert found["TRIPOD+AI", "14"].state == found["TRIPOD+AI", "23b"].state == "open"


def test_harmonising_is_claimed_of_a_pipeline_with_combat_alone(run):
    assert "not harmonised" in states(run)["CLEAR", "36"].text
    steps = {"steps": "ComBat(), StandardScaler()"}
    found = states(replace(run, description=run.description | steps))
    assert "removes the effects of the sites" in found["CLEAR", "36"].text


def test_a_run_with_settings_of_its_own_claims_no_design(run):
    found = states(replace(run, settings={"seed": 0}))
    for item in (("CLEAR", "15"), ("CLEAR", "30"), ("TRIPOD+AI", "12a"), ("TRIPOD+AI", "16")):
        assert found[item].state == "open"


def test_cross_validation_is_told_with_its_folds_and_repeats(run):
    name, shown = run.shown
    folds = shown.predictions.assign(fold=[0, 1] * 5, n_trained=[5, 6] * 5)
    twice = pd.concat([folds, folds.assign(repeat=1)])
    comparison = replace(run.comparison, evaluations={name: replace(shown, predictions=twice)})
    settings = {"folds": 2, "repeats": 2}
    found = states(replace(run, comparison=comparison, settings=settings))
    assert found["TRIPOD+AI", "12a"].text.startswith("2-fold cross-validation, 2 times:")
    assert found["TRIPOD+AI", "21"].text.startswith("5 to 6 patients for training in each fold")
    assert found["CLEAR", "41"].state == "open", "one model is tested against no other"
    alike = twice.assign(n_trained=5)
    comparison = replace(run.comparison, evaluations={name: replace(shown, predictions=alike)})
    found = states(replace(run, comparison=comparison, settings=settings))
    assert found["TRIPOD+AI", "21"].text.startswith("5 patients for training in each fold")


def test_thresholds_that_were_chosen_in_the_folds_are_told_as_chosen(run):
    name, shown = run.shown
    folds = shown.predictions.assign(threshold=[0.25, 0.5] * 5)
    comparison = replace(run.comparison, evaluations={name: replace(shown, predictions=folds)})
    run = replace(run, comparison=comparison)
    chosen = "a probability that each fold chose, 0.25 to 0.50"
    assert chosen in states(run)["TRIPOD+AI", "15"].text
    found = states(replace(run, settings=run.settings | {"threshold": "youden"}))
    assert f"{chosen} (youden on the training patients)" in found["TRIPOD+AI", "15"].text
    tuned = "folds of the training patients: the LASSO penalty, the threshold."
    assert tuned in found["CLEAR", "35"].text
