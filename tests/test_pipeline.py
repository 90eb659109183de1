"""The complete Pipeline: steps can be replaced, rows stay aligned, bad input fails early."""

import os
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.model_selection import cross_validate as cross_val_fit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh import (
    BRNNClassifier,
    InvariantSpecificFusionClassifier,
    RadiomicsExtractor,
    RigidRegistration,
    SANetFeaturizer,
    make_idh_pipeline,
    per_modality,
)
from sklidh.baselines import from_features, late_fusion
from sklidh.evaluation import cross_validate
from sklidh.features import _radiomics
from sklidh.images import CohortCheck
from sklidh.utils import PAPER_GROUPS, CohortError, unperturbed_name

FIRST_ORDER = {"imageType": {"Original": {}}, "featureClass": {"firstorder": []}}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def quick_pipeline(**changes):
    """The paper's pipeline with few features, one epoch and ten penalties per LASSO."""
    parameters = {
        "preset": "paper",
        "radiomics": RadiomicsExtractor(FIRST_ORDER),
        "deep": SANetFeaturizer(n_features=8, size=16, max_epochs=1, random_state=0),
        "classifier": InvariantSpecificFusionClassifier(
            groups=[("T1", "T1CE"), ("T2", "FLAIR")], max_epochs=20, random_state=0
        ),
        "random_state": 0,
    } | changes
    pipeline = make_idh_pipeline(**parameters)
    penalties = [name for name in pipeline.get_params() if name.endswith("__alphas")]
    return pipeline.set_params(**dict.fromkeys(penalties, 10))


@pytest.fixture
def fast():
    """A pipeline without networks."""
    return quick_pipeline(deep=None)


def shuffled(X, y, seed=0):
    order = np.random.default_rng(seed).permutation(len(X))
    return X.iloc[order], y.iloc[order]


def test_the_steps_follow_the_paper():
    pipeline = make_idh_pipeline(preset="paper")
    assert list(pipeline.named_steps) == ["register", "intra", "fusion"]
    assert list(pipeline["intra"].transformers[0][1].named_steps) == [
        "featureunion",
        "standardscaler",
        "mannwhitneyselector",
        "correlationpruner",
        "lassocvselector",
    ]
    branch = pipeline["intra"].transformers[0][1]
    assert [name for name, _ in branch["featureunion"].transformer_list] == ["radiomics", "deep"]
    assert branch["featureunion"].transformer_list[1][1].train_features == "in_sample"
    assert branch["correlationpruner"].keep == "random"
    fusion = pipeline["fusion"].get_params()
    assert fusion["groups"] == [("T1", "T1CE"), ("T2", "FLAIR")]
    printed = {"batch_size": 16, "lr": 1e-4, "n_members": 1, "difference": "distance"}
    assert {name: fusion[name] for name in printed} == printed


def test_the_recommended_pipeline_differs_as_the_guide_says():
    pipeline = make_idh_pipeline()
    branch = pipeline["intra"].transformers[0][1]
    assert list(branch.named_steps) == [
        "featureunion",
        "mannwhitneyselector",
        "correlationpruner",
        "standardscaler",
        "powertransformer",
    ]
    assert [name for name, _ in branch["featureunion"].transformer_list] == ["radiomics"]
    pruner = branch["correlationpruner"]
    assert (pruner.keep, pruner.method) == ("relevance", "spearman")
    fusion = pipeline["fusion"]
    assert (fusion.groups, fusion.n_members, fusion.bootstrap) == (None, 10, False)
    with pytest.raises(ValueError, match="preset='best': expected 'recommended' or 'paper'"):
        make_idh_pipeline(preset="best")


def test_the_rounding_of_features_does_not_change_the_recommended_probabilities():
    # Features differ in the last digit between processors, and so do two that are equal in theory.
    rng = np.random.default_rng(0)
    y = pd.Series(np.repeat([0, 1], 30), [f"P{i}" for i in range(60)])
    X = {}
    for modality in ("T1", "T2"):
        signal = rng.normal(size=(60, 6)) + 0.7 * y.to_numpy()[:, None]
        X |= {f"{modality}__skewed{k}": np.exp(3 * signal[:, k]) for k in range(2)}
        X |= {f"{modality}__narrow{k}": 0.95 + 1e-4 * signal[:, k] for k in range(2, 4)}
        X |= {f"{modality}__whole{k}": np.rint(50 + 3 * signal[:, k]) for k in range(4, 6)}
        X[f"{modality}__equal"] = X[f"{modality}__whole4"] / 3 * 3.1 * 3 / 3.1
    X = pd.DataFrame(X, index=y.index)
    rounded = X * (1 + 1e-14 * rng.uniform(-1, 1, X.shape))
    pipeline = from_features(make_idh_pipeline(["T1", "T2"], random_state=0))
    probabilities = [clone(pipeline).fit(each, y).predict_proba(each) for each in (X, rounded)]
    np.testing.assert_allclose(*probabilities, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_from_paths_to_probabilities(phantoms):
    X, y = phantoms
    pipeline = quick_pipeline().fit(X, y)
    probabilities = pipeline.predict_proba(X)
    assert probabilities.shape == (len(X), 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    features = pipeline[:-1].transform(X)
    assert features.index.equals(X.index)
    parts = [name.split("__") for name in features.columns]
    assert {part[0] for part in parts} <= {"T1", "T1CE", "T2", "FLAIR"}
    assert {part[1] for part in parts} <= {"radiomics", "deep"}


def test_rows_stay_with_their_patients_whatever_the_order(phantoms, fast):
    X, y = phantoms
    fast.fit(*shuffled(X, y))
    whole = fast[:-1].transform(X)
    one_by_one = pd.concat([fast[:-1].transform(X.loc[[patient]]) for patient in X.index])
    pd.testing.assert_frame_equal(whole, one_by_one)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_probabilities_serial_or_parallel(phantoms):
    X, y = phantoms
    first = quick_pipeline().fit(X, y).predict_proba(X)
    second = quick_pipeline(n_jobs=2).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(first, second)


def test_any_scikit_learn_selector_can_replace_a_step(phantoms, fast):
    X, y = phantoms
    fast.set_params(
        intra__T1__mannwhitneyselector=SelectKBest(k=5),
        intra__T1__correlationpruner="passthrough",
        intra__T1__lassocvselector="passthrough",
    ).fit(X, y)
    names = fast[:-1].get_feature_names_out()
    assert sum(name.startswith("T1__") for name in names) == 5


def test_a_replaced_selector_keeps_the_patient_index(phantoms, fast):
    X, y = shuffled(*phantoms)
    fast.set_params(intra__T1__mannwhitneyselector=SelectKBest(k=5)).fit(X, y)
    assert fast[:-1].transform(X).index.equals(X.index)
    search = GridSearchCV(fast, {"intra__T1__mannwhitneyselector": [SelectKBest(k=4)]}, cv=2)
    search.fit(X, y)
    assert search.best_estimator_["intra"].transformers_[0][1][2].k == 4


def test_a_step_inserted_by_hand_keeps_the_patient_index():
    X = pd.DataFrame(np.arange(18.0).reshape(6, 3) ** 2, list("fbdace"), ["T1", "T2", "mask"])
    branches = per_modality(lambda: make_pipeline(StandardScaler()), ["T1", "T2"])
    branches.set_output(transform="pandas")
    for _, branch, _ in branches.transformers:
        branch.steps.insert(0, ("best", SelectKBest(k=1)))
    selected = branches.fit_transform(X, [0, 1, 0, 1, 0, 1])
    assert selected.index.equals(X.index)
    assert branches.transform(X).equals(selected)


class FirstColumns(BaseEstimator):
    """A selector as a script has it: it returns a table, and names nothing."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return pd.DataFrame(X).iloc[:, :2]


def test_a_selector_that_names_no_columns_is_refused_with_what_to_add():
    said = r"T1: FirstColumns\(\) does not name .* let FirstColumns inherit from SelectorMixin"
    for selection in (FirstColumns(), make_pipeline(StandardScaler(), FirstColumns())):
        with pytest.raises(ValueError, match=said):
            make_idh_pipeline(["T1"], reference=None, selection=selection)
    X = pd.DataFrame(np.arange(18.0).reshape(6, 3) ** 2, list("fbdace"), ["T1", "T2", "mask"])
    branches = per_modality(lambda: make_pipeline(StandardScaler()), ["T1", "T2"])
    with pytest.raises(ValueError, match=said):
        branches.set_params(T1__standardscaler=FirstColumns()).fit_transform(X)


def test_any_classifier_and_any_selection_can_replace_a_step(phantoms):
    X, y = phantoms
    pipeline = quick_pipeline(deep=None, selection=None, classifier=LogisticRegression()).fit(X, y)
    assert len(pipeline[:-1].get_feature_names_out()) == 4 * 18


def test_clinical_columns_are_a_block_of_the_fusion(phantoms):
    X, y = phantoms
    X = X.assign(sex=["F", "M"] * (len(X) // 2))
    build = partial(quick_pipeline, clinical=["age", "sex"], deep=None)
    assert build(classifier="preset")["fusion"].groups == [*PAPER_GROUPS, ("clinical",)]
    fusion = InvariantSpecificFusionClassifier(max_epochs=20, random_state=0)
    pipeline = build(classifier=fusion).fit(X, y)
    assert list(pipeline["fusion"].blocks_) == ["T1", "T1CE", "T2", "FLAIR", "clinical"]
    names = pipeline[:-1].get_feature_names_out()
    assert [*names[-3:]] == ["clinical__age", "clinical__sex_F", "clinical__sex_M"]
    older = pipeline.predict_proba(X.assign(age=X["age"] + 40))
    assert not np.allclose(older, pipeline.predict_proba(X)), "age takes part"
    with pytest.warns(UserWarning, match="clinical columns: 'age' is empty for 12 of 12 patients"):
        pipeline.predict_proba(X.drop(columns="age"))
    # On a table of features, the same block.
    features = pipeline[:-1].transform(X).drop(columns=names[-3:]).join(X[["age", "sex"]])
    table = from_features(build(selection=StandardScaler(), classifier=fusion)).fit(features, y)
    assert table["fusion"].blocks_.keys() == pipeline["fusion"].blocks_.keys()


@pytest.mark.parametrize("wrong", [{"modalities": "T2"}, {"clinical": "age"}])
def test_one_name_in_place_of_a_list_is_refused(wrong):
    with pytest.raises(TypeError, match=r"='(T2|age)': expected a list of names"):
        make_idh_pipeline(**wrong)


def test_a_column_of_images_is_no_clinical_column():
    with pytest.raises(ValueError, match="'T2' holds images; name other columns"):
        make_idh_pipeline(["T1", "T2"], clinical=["age", "T2"])
    with pytest.raises(ValueError, match="'clinical' is the block of clinical columns"):
        make_idh_pipeline(["clinical"], reference=None, clinical=["age"])


def test_memory_changes_only_the_time(phantoms, fast, tmp_path):
    X, y = phantoms
    plain = fast.fit(X, y).predict_proba(X)
    remembering = clone(fast).set_params(memory=str(tmp_path))
    for _ in range(2):
        np.testing.assert_array_equal(remembering.fit(X, y).predict_proba(X), plain)
    assert any(tmp_path.rglob("output.pkl"))


def test_a_clone_is_unfitted_and_learns_the_same(phantoms, fast):
    X, y = phantoms
    fitted = fast.fit(X, y)
    copy = clone(fitted)
    assert not hasattr(copy["fusion"], "classes_")
    np.testing.assert_array_equal(copy.fit(X, y).predict_proba(X), fitted.predict_proba(X))


def test_cross_val_score_and_a_grid_over_the_weights_of_the_constraints(phantoms, fast):
    X, y = phantoms
    assert len(cross_val_score(fast, X, y, cv=2, scoring="roc_auc", error_score="raise")) == 2
    candidates = [{f"fusion__{w}": [s] for w in ("alpha", "beta", "gamma")} for s in (0.3, 0.9)]
    search = GridSearchCV(fast, candidates, cv=2, scoring="roc_auc", error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert set(search.predict(X)) <= {0, 1}


def test_a_patient_without_a_sequence_is_predicted_from_the_others(phantoms):
    X, y = phantoms
    X = X.copy()
    X.loc[X.index[[1, 4]], "T1CE"] = None
    pipeline = quick_pipeline(missing="nan", classifier="preset").fit(X, y)
    assert pipeline[:-1].transform(X).loc[X.index[1]].filter(like="T1CE__").isna().all()
    assert np.isfinite(pipeline.predict_proba(X)).all()


def without_file(X, y):
    X = X.copy()
    X.loc[X.index[3], "FLAIR"] = "nowhere/FLAIR.nii.gz"
    return X, y


def with_empty_cell(X, y):
    X = X.copy()
    X.loc[X.index[3], "FLAIR"] = None
    return X, y


def with_repeated_patient(X, y):
    index = X.index[[0, 1, 2, 2, *range(4, len(X))]]
    return X.set_axis(index), y.set_axis(index)


def with_nan_label(X, y):
    y = y.astype(float)
    y.iloc[3] = np.nan
    return X, y


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (without_file, ["{3}", "FLAIR", "nowhere/FLAIR.nii.gz"]),
        (with_empty_cell, ["{3}", "FLAIR", "empty", "missing='nan'"]),
        (with_repeated_patient, ["{2}", "2 rows"]),
        (lambda X, y: (X.drop(columns="T1CE"), y), ["column 'T1CE' not found"]),
        (lambda X, y: (X.drop(columns="mask"), y), ["column 'mask' not found"]),
        (lambda X, y: (X, y * 0), ["one class", "[0]"]),
        (with_nan_label, ["{3}", "target is missing"]),
        (lambda X, y: (X, y.iloc[:-1]), ["11 labels for 12 patients"]),
        (lambda X, y: (X, y.iloc[::-1]), ["another index than X"]),
    ],
)
@pytest.mark.parametrize("reference", ["T2", None])
def test_a_bad_table_raises_one_clear_error_before_any_work(
    reference, spoil, expected, phantoms, tmp_path
):
    X, y = phantoms
    bad_X, bad_y = spoil(X, y)
    cache = tmp_path / "cache"
    with pytest.raises(CohortError) as caught:
        make_idh_pipeline(reference=reference, cache=cache).fit(bad_X, bad_y)
    for text in expected:
        assert text.format(*X.index) in str(caught.value)
    assert not any(path.is_file() for path in cache.rglob("*"))


@pytest.mark.parametrize("modalities", [[], ["T1", "T1"], ["T1", "mask"]])
def test_modalities_must_be_different_columns_of_images(modalities):
    with pytest.raises(ValueError, match="modalities must be"):
        per_modality(RadiomicsExtractor(), modalities)


def test_an_unknown_reference_and_a_pipeline_without_features_are_refused():
    with pytest.raises(ValueError, match="reference='T2' is not among the modalities"):
        make_idh_pipeline(["T1", "FLAIR"])
    with pytest.raises(TypeError, match="deep=False: expected 'preset', a transformer, or None"):
        make_idh_pipeline(deep=False)
    with pytest.raises(ValueError, match="leave no features"):
        make_idh_pipeline(radiomics=None, deep=None)


def test_aligned_images_need_no_registration():
    pipeline = make_idh_pipeline(["T1", "FLAIR"], reference=None)
    assert isinstance(pipeline["register"], CohortCheck)
    assert isinstance(make_idh_pipeline()["register"], RigidRegistration)


def test_a_warning_of_a_branch_names_its_modality_and_the_fold():
    rng, y = np.random.default_rng(0), np.arange(40) % 2
    X = pd.DataFrame({f"{name}__f{n}": rng.normal(size=40) for name in ("T1", "T2") for n in "ab"})
    X["T1__fa"] += 3 * y
    # Even numbers and odd ones: no column differs between the classes.
    X["T2__fa"] = X["T2__fb"] = np.tile(np.arange(20.0), 2)
    build = partial(make_idh_pipeline, ["T1", "T2"], reference=None)
    pipeline = late_fusion(build, deep=None, features_only=True, random_state=0)
    with pytest.warns(
        UserWarning, match=r"^T2: MannWhitneySelector: of 2 columns, 0 differ"
    ) as told:
        pipeline.fit(X, y)
    assert not [each for each in told if str(each.message).startswith("T1: MannWhitney")]
    with pytest.warns(UserWarning, match=r"^fold 2 of 3, T2: MannWhitneySelector"):
        cross_validate(pipeline, X, pd.Series(y, X.index), cv=3)


def test_a_patient_without_any_image_is_refused_before_an_image_is_read(phantoms):
    X, y = phantoms
    X = X.copy()
    X.loc["phantom-002", ["T1", "FLAIR"]] = None
    X.loc["phantom-003", "T1"] = None
    pipeline = make_idh_pipeline(["T1", "FLAIR"], reference=None, missing="nan")
    with pytest.raises(CohortError, match="'phantom-002': no image, all cells of") as e:
        pipeline.fit(X, y)
    assert len(e.value.problems) == 1


class ProcessNumber(TransformerMixin, BaseEstimator):
    """Return the process id of the fit as a column; has a device parameter, like networks."""

    def __init__(self, device="auto"):
        self.device = device

    def fit(self, X, y=None):
        self.process_ = os.getpid()
        return self

    def transform(self, X):
        return np.full((len(X), 1), self.process_)


@pytest.mark.parametrize(("device", "same"), [("cuda", True), ("cpu", False)])
def test_on_a_gpu_the_modalities_are_trained_in_one_process(device, same, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    table = pd.DataFrame({"T1": ["a"], "T2": ["b"], "mask": ["c"]}, index=["P1"])
    branches = per_modality(make_pipeline(ProcessNumber(device)), ["T1", "T2"], n_jobs=2)
    assert (set(branches.fit_transform(table).ravel()) == {os.getpid()}) == same


def robust_pipeline(**options):
    extractor = RadiomicsExtractor(FIRST_ORDER, perturbations=2, **options)
    parts = {"radiomics": extractor, "reference": None, "classifier": BRNNClassifier()}
    return make_idh_pipeline(["T1CE", "FLAIR"], **parts, random_state=0)


def test_perturbations_add_a_selector_and_only_training_patients_are_perturbed(
    phantoms, monkeypatch
):
    X, y = phantoms
    pipeline = robust_pipeline(cache=False)
    assert [*pipeline["intra"].transformers[0][1].named_steps][:3] == [
        "featureunion",
        "robustnessselector",
        "mannwhitneyselector",
    ]
    extract, perturbed = _radiomics.features_of_case, []

    def recording(case, task, **options):
        perturbed.extend([] if task.perturbations is None else [case.patient])
        return extract(case, task, **options)

    monkeypatch.setattr(_radiomics, "features_of_case", recording)
    train, test = np.arange(8), np.arange(8, 12)
    found = cross_val_fit(pipeline, X, y, cv=[(train, test)], return_estimator=True)
    assert sorted(perturbed) == sorted([*X.index[:8]] * 2)
    fitted = found["estimator"][0]["intra"].named_transformers_["FLAIR"]
    assert fitted["robustnessselector"].n_features_in_ == 3 * 18
    assert not any(map(unperturbed_name, fitted.get_feature_names_out()))


def test_a_table_of_perturbed_features_gives_what_the_images_give(phantoms):
    X, y = phantoms
    pipeline = robust_pipeline()
    threshold = {f"intra__{name}__robustnessselector__threshold": 0.9 for name in ("T1CE", "FLAIR")}
    pipeline.set_params(**threshold)
    branches = [(name, branch[0], columns) for name, branch, columns in pipeline[1].transformers]
    union = clone(pipeline["intra"]).set_params(transformers=branches)
    table = union.fit_transform(X).rename(columns=lambda name: name.replace("radiomics__", ""))
    from_images = clone(pipeline).fit(X, y)[:-1].get_feature_names_out()
    from_table = from_features(clone(pipeline)).fit(table, y)[:-1].get_feature_names_out()
    assert from_table.tolist() == [name.replace("radiomics__", "") for name in from_images]
