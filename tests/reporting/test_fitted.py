"""What a fitted pipeline tells of itself is what its steps hold."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh import (
    CorrelationPruner,
    LassoCVSelector,
    MannWhitneySelector,
    RadiomicsExtractor,
    make_idh_pipeline,
    per_modality,
)
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import Evaluation
from sklidh.features._sanet_slices import GradientMap
from sklidh.plotting import gradient_maps
from sklidh.reporting import stage_counts, trace_selection
from sklidh.reporting._fitted import description_of, selection_of
from sklidh.reporting._pictures import choose_patients, label_of, slices_of
from sklidh.reporting._stability import selections_of, stability_of, total_counts
from sklidh.selection import RobustnessSelector
from sklidh.utils import perturbed_name


class Measured(TransformerMixin, BaseEstimator):
    """Thirty measurements of a number: with noise, from a little to much."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        noise = np.random.default_rng(0).normal(size=(len(X), 30)) * np.geomspace(0.3, 30, 30)
        values = X.iloc[:, :1].to_numpy() + noise
        return pd.DataFrame(values, X.index, self.get_feature_names_out())

    def get_feature_names_out(self, input_features=None):
        return np.array([f"m{i}" for i in range(30)], dtype=object)


class Looking(Measured):
    """The same, and it looks at one pixel."""

    def gradient_maps(self, X):
        seen = GradientMap(*np.ones((3, 1, 4, 4)))
        return {patient: {X.columns[0]: seen} for patient in X.index}


def intra(*steps):
    union = FeatureUnion([("radiomics", Measured()), ("deep", Looking())])
    return per_modality(make_pipeline(union, *steps), ["T1", "FLAIR"])


def fitted(*steps):
    rng = np.random.default_rng(1)
    y = np.arange(60) % 2
    columns = {name: y + rng.normal(size=60) for name in ("T1", "FLAIR", "mask")}
    X = pd.DataFrame(columns, index=[f"P{i}" for i in range(60)])
    pipeline = Pipeline([("intra", intra(*steps)), ("fusion", LogisticRegression())])
    return pipeline.set_output(transform="pandas").fit(X, y), X, y


@pytest.fixture(scope="module")
def paper():
    pruner, lasso = CorrelationPruner(keep="relevance"), LassoCVSelector(cv=3, random_state=0)
    steps = StandardScaler(), MannWhitneySelector(), pruner, lasso
    return fitted(*steps)


def test_each_selected_feature_has_the_p_and_the_coefficient_of_its_own_step(paper):
    pipeline, _, _ = paper
    selected, _ = selection_of(pipeline)
    branch = pipeline["intra"].named_transformers_["FLAIR"]
    union, _, test, pruner, lasso = (step for _, step in branch.steps)
    p = pd.Series(test.pvalues_, union.get_feature_names_out())
    weights = pd.Series(lasso.coef_, pruner.get_feature_names_out(test.get_feature_names_out()))
    rows = selected[selected["modality"] == "FLAIR"]
    names = rows["kind"] + "__" + rows["feature"]
    np.testing.assert_array_equal(rows["p"], p[names])
    np.testing.assert_array_equal(rows["coefficient"], weights[names])


@pytest.fixture(scope="module")
def folds(paper):
    pipeline, X, y = paper
    return [clone(pipeline).fit(X[rows], y[rows]) for rows in (slice(50), slice(10, None))]


def test_of_several_models_each_feature_is_counted_and_told_by_its_medians(folds):
    features, flow = selections_of(folds)
    each = [selection_of(pipeline)[0] for pipeline in folds]
    assert features["selected"].sum() == sum(map(len, each))
    assert set(features["selected"]) == {1, 2}
    keys = ["modality", "kind", "feature"]
    both = each[0].merge(each[1], on=keys).set_index(keys)
    told = features[features["selected"] == 2].set_index(keys).loc[both.index]
    np.testing.assert_allclose(told["p"], both[["p_x", "p_y"]].mean(axis=1))
    for modality, rows in features.groupby("modality"):
        assert rows["selected"].is_monotonic_decreasing
        numbers = [(table["modality"] == modality).sum() for table in each]
        assert flow[modality]["left"]["LASSO"] == numbers
    assert total_counts(flow) == [len(table) for table in each]


def test_one_model_s_selection_is_told_as_it_is(paper):
    pipeline, _, _ = paper
    features, _ = selections_of([pipeline])
    expected, _ = selection_of(pipeline)
    pd.testing.assert_frame_equal(features[expected.columns], expected)
    assert stability_of(features) == ""


def test_the_features_are_those_that_reach_the_last_step_and_the_flow_ends_in_their_number(paper):
    pipeline, _, _ = paper
    selected, flow = selection_of(pipeline)
    names = selected["modality"] + "__" + selected["kind"] + "__" + selected["feature"]
    assert names.tolist() == pipeline[:-1].get_feature_names_out().tolist()
    assert list(flow) == ["T1", "FLAIR"]
    for modality, each in flow.items():
        assert each["extracted"] == {"radiomics": 30, "deep": 30}
        numbers = list(each["left"].values())
        assert list(each["left"]) == ["all", "Mann-Whitney", "correlation", "LASSO"]
        assert numbers == sorted(numbers, reverse=True)
        assert numbers[0] == 60
        assert numbers[-1] == (selected["modality"] == modality).sum()


def test_another_selector_is_told_by_its_own_name():
    selected, flow = selection_of(fitted(StandardScaler(), SelectKBest(k=7))[0])
    assert flow["T1"]["left"] == {"all": 60, "SelectKBest": 7}
    assert selected["p"].notna().all(), "SelectKBest has p-values too"
    assert selected["coefficient"].isna().all()


def test_steps_that_make_new_columns_are_not_followed_but_what_they_make_is_listed():
    pipeline, _, _ = fitted(PCA(n_components=3))
    selected, flow = selection_of(pipeline)
    assert flow == {}
    assert selected["feature"].tolist() == ["pca0", "pca1", "pca2"] * 2


def test_nothing_is_dropped_by_nothing():
    fates = trace_selection([], "T1", ["a", "b"])
    assert stage_counts(fates) == {"all": 2}
    assert (fates["dropped by"] == "").all()


def test_the_steps_are_described_by_their_parameters(paper):
    words = description_of(paper[0])
    assert words["classifier"] == "LogisticRegression()"
    assert words["steps"].endswith("LassoCVSelector(cv=3)")


def test_attention_is_that_of_the_networks_and_of_nothing_else(paper):
    pipeline, X, _ = paper
    found = gradient_maps(pipeline, X[:2])
    assert list(found) == ["P0", "P1"]
    assert list(found["P0"]) == ["T1", "FLAIR"]
    nothing = Pipeline([("model", LogisticRegression())])
    assert gradient_maps(nothing, X[:2]) == {"P0": {}, "P1": {}}


def test_pictures_outline_the_labels_that_the_steps_were_given(tmp_path):
    X, _ = make_glioma_phantoms(tmp_path, 2, size=24, spacing=3.0)
    case = X.iloc[0].copy()
    mask = sitk.ReadImage(case["mask"])
    case["mask"] = str(tmp_path / "labels.nrrd")
    elsewhere = np.zeros(mask.GetSize()[::-1], np.uint8)
    elsewhere[:, 2:6, 2:6] = 5
    other = sitk.GetImageFromArray(elsewhere)
    other.CopyInformation(mask)
    alone = slices_of(X.iloc[0], ["T2"], None)
    sitk.WriteImage(sitk.Cast(mask, sitk.sitkUInt8) + other, case["mask"])
    labels = [n for n in np.unique(sitk.GetArrayFromImage(mask)) if n]
    assert slices_of(case, ["T2"], [int(n) for n in labels]) == alone
    assert slices_of(case, ["T2"], None) != alone
    pipeline = make_idh_pipeline(radiomics=RadiomicsExtractor(label="GTV"))
    assert label_of(pipeline) == "GTV"
    assert label_of(make_idh_pipeline()) is None


def test_those_called_wrong_are_pictured_first_then_others_who_were_predicted():
    columns = {
        "repeat": 0,
        "fold": 0,
        "true": [True, True, False],
        "called": [True, False, False],
    }
    evaluation = Evaluation(pd.DataFrame(columns, index=["right", "wrong", "also right"]))
    cohort = pd.Index(["trained", "right", "also right", "wrong", "trained too"])
    ordered = choose_patients(evaluation, cohort)
    assert ordered == ["wrong", "right", "also right", "trained", "trained too"]
    assert choose_patients(evaluation, cohort, most=2) == ["wrong", "right"]


def test_perturbed_values_are_not_counted_as_features():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = pd.DataFrame({"mean": y + rng.normal(size=40), "size": rng.normal(size=40)})
    X["edge"] = rng.normal(size=40)
    for name, noise in {"mean": 0.1, "size": 0.1, "edge": 3.0}.items():
        X[perturbed_name(name, 1)] = X[name] + noise * rng.normal(size=40)
    pipeline = make_pipeline(RobustnessSelector(), StandardScaler(), SelectKBest(k=1))
    steps = [step for _, step in pipeline.set_output(transform="pandas").fit(X, y).steps]
    traces = trace_selection(steps, "T1", X.columns)
    assert traces["feature"].tolist() == ["mean", "size", "edge"]
    assert traces["dropped by"].tolist() == ["", "SelectKBest", "robustness"]
    assert traces["icc"].tolist() == pytest.approx(steps[0].icc_[:3])
    assert stage_counts(traces) == {"all": 3, "robustness": 2, "SelectKBest": 1}
