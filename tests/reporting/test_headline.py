"""The first screen judges a model by its interval, against baselines that are really evaluated."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from sklearn.linear_model import LogisticRegression

from sklidh.baselines._simple import AGE, VOLUME, simple_baselines, training_classes
from sklidh.evaluation import Comparison, Evaluation, cross_validate, external_test, holdout
from sklidh.reporting._facts import facts_of
from sklidh.reporting._headline import NO_BASELINE, headline_of
from sklidh.reporting._intervals import main_figures, probability_figures
from sklidh.reporting._report import figures_and_tests


def scored(score, n=200):
    mutant = np.arange(n) % 2 == 1
    probability = 1 / (1 + np.exp(-np.asarray(score)))
    table = {"repeat": 0, "fold": 0, "n_trained": 20, "true": mutant}
    table |= {"score": probability, "probability": probability, "threshold": 0.5}
    return Evaluation(pd.DataFrame(table | {"called": probability >= 0.5}, map(str, range(n))))


@pytest.fixture(scope="module")
def judged(run):
    """Return a function that judges scores of 200 patients, half of them mutant."""
    noise = np.random.default_rng(0).normal(size=200)
    sign = np.tile([-1, 1], 100)

    def headline(effect, simple=None, n=200):
        evaluation = scored((effect * sign + noise)[:n], n)
        others = {} if simple is None else {AGE: scored((simple * sign + noise[::-1])[:n], n)}
        comparison = Comparison({"Recommended": evaluation})
        return headline_of(replace(run, comparison=comparison, yardsticks=others)), evaluation

    return headline


def test_a_good_model_is_said_to_be_good(judged):
    found, evaluation = judged(1.5, simple=0.0)
    low, high = evaluation.auc_interval
    assert found.figure == f"AUC {evaluation.metrics['AUC']:.2f} [{low:.2f}, {high:.2f}]"
    assert (
        found.summary == "Recommended ranks patients better than chance and better than age alone."
    )
    assert all(tile.is_good for tile in found.tiles)
    assert "Predicting wild type for every patient: 0.50" in found.tiles[1].detail


def test_a_model_no_better_than_a_simple_one_is_said_to_be_none(judged):
    found, _ = judged(1.0, simple=1.0)
    assert found.summary.endswith("and is not shown to be better than age alone.")
    assert not found.tiles[0].is_good


def test_that_another_model_is_better_is_said_with_the_corrected_p_of_the_table(run):
    sign, rng = np.tile([-1, 1], 100), np.random.default_rng(0)
    effects = {"Model 2": 0.7, "Model 3": 1.3, "Recommended": 0.8}
    models = {name: scored(e * sign + rng.normal(size=200)) for name, e in effects.items()}
    comparison = Comparison(models)
    judged = replace(run, comparison=comparison, yardsticks={})
    found = headline_of(judged)
    auc = models["Model 3"].metrics["AUC"]
    assert (
        f"It is not the best model of this run: the AUC of Model 3 is {auc:.2f}." in found.summary
    )
    tile = found.tiles[1]
    assert not tile.is_good
    test = comparison.tests("Recommended").loc["Model 3"]
    assert test["p Holm"] == pytest.approx(2 * test["p"]), "two models are compared"
    assert f"p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{test['p Holm']:.2g} (Holm)" in tile.detail
    table = figures_and_tests(judged)
    assert table.loc["Model 3", "p (DeLong, Holm)"] == f"{test['p Holm']:.2g}"


def test_a_higher_auc_that_may_be_chance_is_said_to_be_so(run):
    sign, rng = np.tile([-1, 1], 20), np.random.default_rng(0)
    models = {
        name: scored(e * sign + rng.normal(size=40), 40) for name, e in (("A", 0.6), ("B", 1.0))
    }
    comparison = Comparison(models)
    test = comparison.tests("B").loc["A"]
    assert test["difference"] > 0
    assert test["p"] > 0.05
    summary = headline_of(replace(run, comparison=comparison, yardsticks={})).summary
    auc = models["A"].metrics["AUC"]
    assert (
        f"A has a higher AUC in this run, {auc:.2f}, but the difference may be chance." in summary
    )
    assert "not the best" not in summary


def test_chance_is_said_to_be_chance_and_few_patients_to_be_few(judged):
    found, _ = judged(0.0, n=40)
    assert "is not shown to rank patients better than chance" in found.summary
    assert found.summary.endswith("40 test patients are too few for a precise figure.")
    assert found.tiles[0].detail == NO_BASELINE
    assert found.tiles[-1].answer == "No"
    assert found.tiles[-1].detail.startswith("20 mutant and 20 wild type tested")
    assert not any(tile.is_good for tile in found.tiles)
    assert "worse than chance" in judged(-1.5)[0].summary


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Return 60 patients: mutants are younger, and half their tumours are larger."""
    folder, rng = tmp_path_factory.mktemp("masks"), np.random.default_rng(0)
    y = pd.Series(np.arange(60) % 2, [f"P{i}" for i in range(60)], name="idh")
    X = pd.DataFrame({"Age": 60 - 15 * y + rng.normal(0, 10, 60), "f": rng.normal(size=60)})
    X["mask"] = [str(folder / f"{patient}.nrrd") for patient in X.index]
    for place, path in enumerate(X["mask"]):
        voxels = np.zeros((12, 12, 12), np.uint8)
        side = 3 + place % 7
        voxels[:side, :side, :side] = 1
        sitk.WriteImage(sitk.GetImageFromArray(voxels), path)
    return X, y


def test_simple_baselines_are_what_the_same_folds_give_a_logistic_regression(cohort):
    X, y = cohort
    shown = cross_validate(LogisticRegression(), X[["f"]], y, cv=3, n_repeats=2, random_state=0)
    found = simple_baselines(shown, X, y, [])
    assert list(found) == [AGE, VOLUME]
    for name, values in ((AGE, X["Age"]), (VOLUME, np.log((3 + np.arange(60) % 7) ** 3.0))):
        column = pd.DataFrame({name: np.asarray(values)}, X.index)
        column = (column - column.mean()) / column.std()
        expected = cross_validate(
            LogisticRegression(), column, y, cv=3, n_repeats=2, random_state=0
        )
        assert found[name].metrics["AUC"] == pytest.approx(expected.metrics["AUC"], abs=0.02)
    Comparison({"shown": shown, **found})


def test_without_the_training_patients_or_columns_there_is_no_baseline(cohort):
    X, y = cohort
    one = holdout(LogisticRegression(), X[["f"]], y, random_state=0)
    assert simple_baselines(one, X[["f"]], y, []) == {}
    assert list(simple_baselines(one, X[["Age"]], y, [])) == [AGE]
    half, other = (X[["f"]].iloc[rows] for rows in (slice(30), slice(30, None)))
    elsewhere = external_test(LogisticRegression(), half, y[half.index], other, y[other.index])
    assert simple_baselines(elsewhere, X.loc[other.index], y[other.index], []) == {}


def test_the_training_part_decides_whether_patients_are_enough_to_select_features(cohort, run):
    X, y = cohort
    one = holdout(LogisticRegression(), X[["f"]], y, test_size=0.5, random_state=0)
    trained = y.drop(one.predictions.index)
    counts = training_classes(one, X, y)
    assert counts == trained.value_counts().sort_index().tolist()
    words = facts_of(replace(run, training_classes=counts))["sample_size"]
    assert words.startswith(f"Training part: 30 patients: {counts[0]} wild type, {counts[1]} mut")
    assert "narrow intervals" not in words, "which the test patients decide"
    X, y = X.iloc[:-9], y.iloc[:-9]
    folds = cross_validate(LogisticRegression(), X[["f"]], y, cv=3, random_state=0)
    counts = training_classes(folds, X, y)
    fewest = [y.drop(part.index) for _, part in folds.predictions.groupby("fold")]
    assert min(counts) == min(min(each.sum(), len(each) - each.sum()) for each in fewest)
    assert "sample_size" not in facts_of(replace(run, training_classes=[]))


def test_intervals_of_the_probabilities_are_near_those_of_the_bootstrap(judged):
    _, evaluation = judged(1.0)
    table = probability_figures({"model": evaluation}).loc["model"]
    predicted = evaluation.predictions
    rng = np.random.default_rng(0)
    drawn = [Evaluation(predicted.iloc[rng.integers(0, 200, 200)]).metrics for _ in range(300)]
    ends = pd.DataFrame(drawn)[table.index].quantile([0.025, 0.975])
    for name, text in table.items():
        low, high = map(float, text.split("[")[1].rstrip("]").split(", "))
        below, above = ends[name]
        if name == "PR-AUC":  # Boyd's interval is a cautious one
            assert low < below < above < high
            assert high - low < 2 * (above - below)
        else:
            assert [low, high] == pytest.approx([below, above], abs=0.35 * (above - below)), name


def test_the_specificity_has_the_interval_of_the_recall_with_the_classes_exchanged(judged):
    _, evaluation = judged(1.0)
    table = evaluation.predictions
    exchanged = table.assign(true=~table["true"], called=~table["called"])
    there, here = (
        main_figures({"model": each}).loc["model"] for each in (evaluation, Evaluation(exchanged))
    )
    assert there["Specificity"] == here["Recall"]
    assert there["Recall"] == here["Specificity"]
