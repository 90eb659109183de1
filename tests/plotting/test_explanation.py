"""One patient's explanation: contributions add up, and are exact where the text says so."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.fusion import LateFusionClassifier
from sklidh.plotting import Explanation, explain
from sklidh.plotting._shapley import exact as exact_values


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    names = [f"{modality}__radiomics__f{i}" for modality in ("T1", "FLAIR") for i in range(3)]
    X = pd.DataFrame(rng.normal(size=(60, 6)), [f"P{i}" for i in range(60)], names)
    return X, (X.iloc[:, 0] + 2 * X.iloc[:, 4] + rng.normal(size=60) > 0).astype(int)


def fitted(model, cohort):
    pipeline = Pipeline([("scale", StandardScaler()), ("model", model)])
    return pipeline.set_output(transform="pandas").fit(*cohort)


def log_odds(pipeline, X):
    wildtype, mutant = pipeline.predict_proba(X).T
    return np.log(mutant / wildtype)


@pytest.fixture(scope="module")
def linear(cohort):
    pipeline = fitted(LogisticRegression(), cohort)
    return pipeline, explain(pipeline, cohort[0].loc[["P7"]], *cohort)


def test_of_a_linear_model_contributions_are_coefficients_times_deviations(cohort, linear):
    pipeline, found = linear
    X, _ = cohort
    deviations = pipeline[:-1].transform(X).loc["P7"]
    expected = pd.Series(pipeline[-1].coef_[0] * deviations, X.columns)
    contributions = found.features["contribution"]
    pd.testing.assert_series_equal(
        contributions[X.columns], expected, check_names=False, rtol=1e-9, atol=1e-12
    )
    assert contributions.abs().is_monotonic_decreasing
    assert (found.features["se"] == 0).all()
    assert "exact" in found.method
    sums = contributions.groupby(lambda name: name.split("__")[0]).sum()
    np.testing.assert_allclose(found.sequences, sums[found.sequences.index])


@pytest.mark.parametrize(
    "model",
    [LateFusionClassifier(LogisticRegression()), RandomForestClassifier(5, random_state=0)],
)
def test_of_any_model_the_sequences_add_up_to_the_difference_from_the_mean(cohort, model):
    pipeline = fitted(model, cohort)
    X, _ = cohort
    found = explain(pipeline, X.loc[["P7"]], *cohort)

    def clipped(table):
        probability = np.clip(pipeline.predict_proba(table)[:, 1], 1e-6, 1 - 1e-6)
        return np.log(probability / (1 - probability))

    expected = clipped(X.loc[["P7"]])[0] - clipped(X).mean()
    assert found.sequences.sum() == pytest.approx(expected)
    assert found.probability == pipeline.predict_proba(X.loc[["P7"]])[0, 1]
    assert "random orders" in found.method


def test_sampled_contributions_are_within_their_errors_of_the_exact_ones(cohort):
    X, _ = cohort
    pipeline = fitted(RandomForestClassifier(5, random_state=0), cohort)
    found = explain(pipeline, X.loc[["P7"]], *cohort, n_permutations=50)
    scaled = pipeline[:-1].transform(X)

    def decide(rows):
        probability = pipeline[-1].predict_proba(pd.DataFrame(rows, columns=X.columns))[:, 1]
        probability = np.clip(probability, 1e-6, 1 - 1e-6)
        return np.log(probability / (1 - probability))

    each = {name: np.array([place]) for place, name in enumerate(X.columns)}
    exact = exact_values(decide, scaled.loc["P7"].to_numpy(), scaled.to_numpy(), each)
    off = (found.features["contribution"] - exact[found.features.index]).abs()
    assert (off < 4 * found.features["se"] + 1e-9).all()


def test_a_sequence_that_the_patient_lacks_contributes_nothing_and_is_absent(cohort):
    X, y = cohort
    late = LateFusionClassifier(LogisticRegression(), missing="ignore")
    pipeline = fitted(late, cohort)
    X = X.copy()
    X.loc["P7", X.columns[3:]] = np.nan
    found = explain(pipeline, X.loc[["P7"]], X.drop("P7"), y.drop("P7"), n_permutations=2)
    assert list(found.sequences.index) == ["T1"]
    assert len(found.features) == 3


def test_neighbours_and_position_are_those_of_the_features(cohort, linear):
    X, y = cohort
    pipeline, found = linear
    assert "P7" not in found.nearest.index, "nobody is their own neighbour"
    assert list(found.nearest.index) == list(
        explain(pipeline, X.loc[["P7"]], X.drop("P7"), y.drop("P7")).nearest.index
    )
    assert found.farther < 100
    namesake = X.loc[["P8"]].rename(index={"P8": "P7"})
    assert explain(pipeline, namesake, *cohort).nearest.index[0] == "P8", "the name is not enough"
    others = explain(pipeline, X.loc[["P7"]], X.drop("P7"), y.drop("P7"), n_nearest=3)
    scaled = pipeline[:-1].transform(X)
    deviation = (scaled - scaled.loc["P7"]) / scaled.drop("P7").std()
    distances = np.sqrt((deviation**2).mean(axis=1)).drop("P7").nsmallest(3)
    assert list(others.nearest.index) == list(distances.index)
    np.testing.assert_allclose(others.nearest["distance"], distances)
    assert list(others.nearest["class"]) == list(
        y[distances.index].map({0: "wild type", 1: "mutant"})
    )
    name = X.columns[0]
    expected = 100 * (X[name].drop("P7") < X.loc["P7", name]).mean()
    assert others.features.loc[name, "percentile"] == pytest.approx(expected)
    away = X.loc[["P7"]] + 50
    assert explain(pipeline, away, *cohort).farther == 0


def test_it_is_drawn_and_printed(linear):
    _, found = linear
    assert isinstance(found, Explanation)
    assert found._repr_png_().startswith(b"\x89PNG")
    assert len(found.axes_[1].patches) == len(found.features)
    text = repr(found)
    assert text.startswith(f"P7: probability of a mutation {found.probability:.2f}")
    assert len(text.splitlines()) < 30
    assert found.maps == {}


def test_more_than_one_patient_and_columns_without_a_sequence_are_refused(cohort, linear):
    X, y = cohort
    pipeline, _ = linear
    with pytest.raises(ValueError, match="X has 2 rows"):
        explain(pipeline, X.iloc[:2], X, y)
    plain = X.set_axis(list("abcdef"), axis=1)
    model = fitted(DummyClassifier(), (plain, y))
    with pytest.raises(ValueError, match="modality__feature"):
        explain(model, plain.iloc[:1], plain, y)
    with pytest.raises(ValueError, match="n_permutations=1"):
        explain(pipeline, X.iloc[:1], X, y, n_permutations=1)
    many = X.set_axis([f"M{i}__f" for i in range(6)], axis=1)
    many = pd.concat([many, many.add_prefix("N")], axis=1)
    with pytest.raises(ValueError, match="12 sequences, but at most 10"):
        explain(fitted(LogisticRegression(), (many, y)), many.iloc[:1], many, y)
