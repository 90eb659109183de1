"""Every row of the paper's tables is an ordinary estimator, on images and on feature columns."""

from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sklidh import (
    RadiomicsExtractor,
    SANetFeaturizer,
    load_model,
    save_model,
)
from sklidh.baselines import (
    IN_SAMPLE,
    PAPER_TABLES,
    ablation_models,
    constraint_fusion,
    differences_from_paper,
    late_fusion,
    load_feature_table,
    modalities_of,
    paper_systems,
    paper_table,
    reproduce,
    selection_table,
    single_modality,
    zhang_2022,
)
from sklidh.baselines._system import tuned
from sklidh.evaluation import compare, holdout
from sklidh.evaluation._row_spy import watched_fits
from sklidh.persistence import ModelFileError
from sklidh.persistence._trust import TREES
from sklidh.pipeline import paper_pipeline
from sklidh.reporting import printed_table
from sklidh.utils import CohortError

FIRST_ORDER = {"imageType": {"Original": {}}, "featureClass": {"firstorder": []}}
MODALITIES = ("T1", "T1CE", "T2", "FLAIR")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:MannWhitneySelector", "ignore:LassoCVSelector"),
]


def models(modalities=MODALITIES, **parameters):
    build = partial(
        paper_pipeline,
        modalities,
        radiomics=RadiomicsExtractor(FIRST_ORDER),
        random_state=0,
        **parameters,
    )
    deep = SANetFeaturizer(n_features=8, size=16, max_epochs=1, random_state=0)
    return ablation_models(build, deep=deep, random_state=0)


def feature_table(n_patients=80, effect=1.5, seed=0):
    """Draw radiomics and deep columns of four modalities; one of each carries the signal."""
    rng = np.random.default_rng(seed)
    patients = [f"P{i:02d}" for i in range(n_patients)]
    y = pd.Series(np.resize([0, 1, 0], n_patients), patients, name="idh")
    columns = [f"{m}__f{i}" for m in MODALITIES for i in range(5)]
    columns += [f"{m}__deep__sanet{i}" for m in MODALITIES for i in range(3)]
    X = pd.DataFrame(rng.normal(size=(n_patients, len(columns))), patients, columns)
    for modality in MODALITIES:
        X[[f"{modality}__f0", f"{modality}__deep__sanet0"]] += effect * y.to_numpy()[:, None]
    X["age"] = 50 - 10 * effect * y + rng.normal(0, 10, n_patients)
    return X, y


@pytest.fixture(scope="module")
def quick_pipeline(tmp_path_factory, quick_selection):
    """Return a function that builds the pipeline, with a shared memory of fitted steps."""
    memory = str(tmp_path_factory.mktemp("steps"))
    return partial(paper_pipeline, selection=quick_selection, random_state=0, memory=memory)


@pytest.fixture(scope="module")
def study(tmp_path_factory, quick_pipeline):
    X, y = feature_table()
    folder = tmp_path_factory.mktemp("study")
    return reproduce(X, y, folder, quick_pipeline, protocol="paper", features_only=True), X, y


def test_the_four_models_differ_as_in_the_paper():
    built = models()
    names = [f"Model {i}" for i in range(1, 5)] + ["Recommended"]
    assert [name.split(" (")[0] for name in built] == names
    first, second, third, fourth, recommended = built.values()
    assert list(first.named_steps) == ["register", "network"]
    kinds = [
        [name for name, _ in model["intra"].transformers[0][1]["featureunion"].transformer_list]
        for model in (second, third, fourth, recommended)
    ]
    assert kinds == [["radiomics"], ["radiomics", "deep"], ["radiomics", "deep"], ["radiomics"]]
    assert fourth["fusion"].get_params()["n_members"] == 1
    assert fourth["fusion"].groups == [("T1", "T1CE"), ("T2", "FLAIR")]
    assert recommended["fusion"].get_params()["n_members"] == 10
    assert recommended["fusion"].groups is None
    fusions = [type(model["fusion"]).__name__ for model in (second, third, fourth)]
    assert fusions == ["LateFusionClassifier"] * 2 + ["InvariantSpecificFusionClassifier"]


def test_the_network_of_model_1_is_trained_like_those_of_models_3_and_4():
    built = models()
    deep = dict(built["Model 4 (proposed)"]["intra"].transformers[0][1].steps)
    deep = dict(deep["featureunion"].transformer_list)["deep"]
    network = built["Model 1 (SA-Net)"]["network"]
    assert network.modalities == ["T1", "T1CE", "T2", "FLAIR"]
    for name in ("size", "max_epochs", "lr", "batch_size", "random_state"):
        assert getattr(network, name) == getattr(deep, name)


@pytest.mark.slow
def test_all_four_models_predict_patients_who_lack_a_sequence(phantoms):
    X, y = phantoms
    X = X.copy()
    X.loc[X.index[[0, 3]], "T1CE"] = None
    built = models(["T1", "T1CE", "FLAIR"], reference=None, missing="nan")
    comparison = compare(built, X, y, holdout)
    assert np.isfinite(comparison.predictions.drop(columns="true")).all(axis=None)
    assert len(comparison.table) == 5


def test_every_row_of_every_table_is_a_system_and_every_system_is_a_classifier():
    systems = paper_systems(random_state=0)
    asked = {row.system for table in PAPER_TABLES.values() for row in table.rows}
    assert set(systems) - asked == {"Model 4 on radiomics alone"}
    assert asked <= set(systems)
    built = {name: system.make() for name, system in systems.items()}
    assert all(is_classifier(model) for model in built.values())
    for name, model in built.items():
        assert systems[name].grid.keys() <= model.get_params().keys(), name


def test_the_printed_f1_follows_from_the_printed_precision_and_recall():
    rows = [row for table in PAPER_TABLES.values() for row in table.rows]
    printed = {row.system: row.printed for row in rows if row.printed is not None}
    assert len(printed) == 13
    # Where the paper's own F1 is that of its precision and recall, so is the figure we quote.
    apart = {
        name: abs(2 * pre * rec / (pre + rec) - f1)
        for name, (_, _, pre, rec, f1) in printed.items()
    }
    assert {name for name, difference in apart.items() if difference > 0.011} == {"T1"}


def test_the_input_methods_are_the_paper_s_and_work_without_a_missing_modality():
    groups = {n: constraint_fusion(method=n)["fusion"].groups for n in (1, 2, 3)}
    assert groups[1] == [("T1CE",), ("FLAIR",)]
    assert groups[2] == [(modality,) for modality in MODALITIES]
    assert groups[3] == [("T1", "T1CE"), ("T2", "FLAIR")]
    three = partial(paper_pipeline, ["T1", "T1CE", "FLAIR"], reference=None)
    assert constraint_fusion(three, method=3)["fusion"].groups == [("T1", "T1CE"), ("FLAIR",)]
    with pytest.raises(ValueError, match="fuses T1CE, FLAIR; this cohort has T1, T2, which is not"):
        constraint_fusion(partial(paper_pipeline, ["T1", "T2"]), method=1)
    with pytest.raises(ValueError, match="method=4: the paper's input methods are 1, 2 and 3"):
        constraint_fusion(method=4)


def test_a_row_that_needs_a_missing_modality_raises():
    with pytest.raises(ValueError, match="needs T2, which this cohort lacks; it has T1, FLAIR"):
        single_modality("T2", partial(paper_pipeline, ["T1", "FLAIR"], reference=None))


def test_rows_without_images_run_on_features_and_the_others_give_a_reason(study):
    result, X, _ = study
    assert set(result.failures) == {
        "Model 1 (SA-Net)",
        "Zhang et al. 2021 [8]",
        "Zhang et al. 2022 [10]",
    }
    assert all("needs images" in reason for reason in result.failures.values())
    assert len(result.comparison.evaluations) == 17
    probabilities = result.comparison.predictions.drop(columns=["repeat", "fold", "true"])
    assert probabilities.notna().all(axis=None)
    assert len(probabilities) == len(X) / 4


def test_every_row_that_reads_the_signal_detects_it(study):
    aucs = study[0].comparison.measures["AUC"]
    assert aucs.pop("Class frequencies") == 0.5
    assert aucs.min() > 0.6
    assert aucs["Method 2"] > aucs[list(MODALITIES)].mean()


def test_model_2_reads_radiomics_and_model_3_reads_both_kinds(study):
    X = study[1]
    systems = paper_systems(features_only=True)
    read = {
        name: {
            column
            for _, _, choose in systems[name].make()["intra"].transformers
            for column in choose(X)
        }
        for name in ("Model 2 (radiomics)", "Model 3 (late fusion)", "T1CE")
    }
    assert read["Model 2 (radiomics)"] == {c for c in X if "__f" in c}
    assert read["Model 3 (late fusion)"] == {c for c in X if "__" in c}
    assert read["T1CE"] == {c for c in X if c.startswith("T1CE__")}


def test_the_tables_have_the_paper_s_layout_and_both_figures(study):
    result, *_ = study
    table = paper_table("I", result)
    assert table.index.tolist() == ["Model 1", "Model 2", "Model 3", "Model 4 (proposed)"]
    assert table["paper", "AUC"].tolist() == [0.77, 0.77, 0.82, 0.81]
    assert table["parts", "Constraints fusion"].tolist() == ["", "", "", "✓"]
    measures = result.comparison.measures
    assert table.loc["Model 3", ("here", "F1")] == measures.loc["Model 3 (late fusion)", "F1"]
    assert (table["low"] <= table["here"]).drop(index="Model 1").all(axis=None)
    assert "needs images" in table.loc["Model 1", ("why not", "")]


def test_table_iv_holds_the_regression_s_weights_and_the_paper_s(study):
    table = paper_table("IV", study[0])
    assert table.columns.tolist() == ["T1", "T1CE", "T2", "FLAIR", "Bias"]
    assert table.loc["paper"].tolist() == [0.40, 0.49, 0.30, 0.47, -0.28]
    assert (table.loc["here, mean", list(MODALITIES)] > 0).sum() >= 3


def test_every_row_has_a_description_and_its_number_of_candidates(study):
    result, *_ = study
    table = paper_table("V", result)
    assert table["what", ""].str.contains("reconstructed").sum() == 2
    assert table["what", ""].loc["Yan et al. 2021 [9]"].startswith("same as Model 2 (radiomics)")
    assert table["what", ""].loc["Shi et al. 2022 [17]"].startswith("same as Model 3 (late fusion)")
    assert set(table["tuned", ""].dropna()) == {"no"}
    facts = {
        name: [each | {"candidates": 64} for each in told] for name, told in result.facts.items()
    }
    assert paper_table("V", replace(result, facts=facts))["tuned", ""].iloc[-1] == "of 64"
    printed, reasons = printed_table(table)
    assert printed["tuned"].tolist() == ["-", "no", "-", "no", "no"]
    assert "reconstructed" in reasons["Zhang et al. 2021 [8]"]
    assert "needs images" in reasons["Zhang et al. 2021 [8]"]


def test_the_cnn_is_ticked_only_if_a_network_computed_features(study):
    result, *_ = study
    ticks = paper_table("I", result)["parts", "CNN"]
    assert ticks.tolist() == ["✓", "", "✓", "✓"]
    facts = {name: [each | {"deep": False} for each in told] for name, told in result.facts.items()}
    without = paper_table("I", replace(result, facts=facts))
    assert without["parts", "CNN"].tolist() == ["✓", "", "", ""]
    assert without["parts", "Constraints fusion"].tolist() == ["", "", "", "✓"]


def test_selected_features_are_counted_per_row_and_sequence_as_in_the_paper(study):
    result, *_ = study
    table = selection_table(result)
    assert table.columns.tolist() == list(MODALITIES)
    assert table.loc["paper", "T1"] == "3 radiomics, 1 deep"
    assert table.loc["paper", "FLAIR"] == "6 radiomics, 1 deep"
    assert table.loc["Method 1", ["T1", "T2"]].tolist() == ["-", "-"], "they do not enter"
    assert "deep" not in table.loc["Model 2 (radiomics)", "T1"]
    counts = result.facts["Model 4 (proposed)"][0]["selected"]["T1CE"]
    assert table.loc["Model 4 (proposed)", "T1CE"] == ", ".join(
        f"{n} {kind}" for kind, n in counts.items() if n
    )


def test_the_paper_s_protocol_can_be_repeated(tmp_path, quick_pipeline):
    X, y = feature_table(24)
    options = {"protocol": "paper", "features_only": True, "tables": ["II"], "n_repeats": 3}
    found = reproduce(X, y, tmp_path, quick_pipeline, **options)
    predictions = found.comparison.evaluations["T1"].predictions
    assert predictions.groupby("repeat").size().tolist() == [6, 6, 6]
    notes = differences_from_paper(X, found, protocol="paper", features_only=True)
    assert "3 random 3:1 splits (18 patients for training, 6 for testing)" in notes[1]
    assert "cannot rank" not in notes[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flair", "t1", "t1ce", "t2"]


def test_every_system_takes_several_classes(tmp_path, quick_pipeline):
    X, _ = feature_table(90, effect=0)
    subtype = pd.Series(np.resize(["astro", "oligo", "gbm"], 90), X.index, name="subtype")
    for modality in MODALITIES:
        X[f"{modality}__f0"] += 2.0 * (subtype == "astro")
        X[f"{modality}__deep__sanet0"] += 2.0 * (subtype == "oligo")
    options = {"protocol": "paper", "features_only": True, "tables": ["I", "III", "others"]}
    found = reproduce(X, subtype, tmp_path, quick_pipeline, **options)
    assert all("needs images" in reason for reason in found.failures.values())
    comparison = found.comparison
    assert comparison.target.classes == ("astro", "gbm", "oligo")
    aucs = comparison.measures["AUC"].drop(["Class frequencies", "Age alone"])
    assert aucs.drop(aucs.index[aucs.index.str.contains("Model 2")]).min() > 0.65
    assert paper_table("IV", found).index.tolist() == ["paper"]
    notes = differences_from_paper(X, found, protocol="paper", features_only=True)
    assert "Target: subtype (astro, gbm, oligo); the paper predicts the IDH status" in notes[1]


def test_of_two_classes_logistic_regression_is_one_regression(quick_pipeline):
    X, y = feature_table(40)
    systems = paper_systems(quick_pipeline, features_only=True, random_state=0)
    model = systems["Logistic regression, L1"].make().fit(X, y)
    reached = model[:-1].transform(X)
    classify = model["fusion"]["classify"]
    alone = clone(classify.estimator).fit(model["fusion"]["impute"].transform(reached), y)
    np.testing.assert_array_equal(classify.estimators_[0].coef_, alone.coef_)
    expected = alone.predict_proba(model["fusion"]["impute"].transform(reached))
    np.testing.assert_array_equal(model.predict_proba(X), expected)


def test_differences_from_the_paper_are_listed(study):
    result, X, _ = study
    notes = " ".join(differences_from_paper(X, result, protocol="paper", features_only=True))
    assert "80 patients; the paper has 489" in notes
    assert "one random 3:1 split (60 patients for training, 20 for testing)" in notes
    assert "One split cannot rank models; set --repeats" in notes
    assert "as the paper" not in notes
    assert "Settings: a StandardScaler before selection" in notes
    settings = {"slice_size": 72, "radiomics": "full", "engine": "pyradiomics", "epochs": 20}
    settings["train_features"] = "in_sample"
    on_images = differences_from_paper(X, result, protocol="paper", settings=settings)
    text = " ".join(on_images)
    assert IN_SAMPLE in on_images
    for said, there in (
        ("20 epochs per network; the paper does not state these", True),
        ("radiomics settings other than the preset", True),
        ("slices of", False),
        ("own engine", False),
    ):
        assert (said in text) is there
    fewer = X[[c for c in X if "deep" not in c and not c.startswith("T2")]]
    notes = " ".join(
        differences_from_paper(
            fewer.assign(SHAPE__volume=1.0),
            result,
            modalities=("T1", "T1CE", "FLAIR"),
            protocol="nested",
            features_only=True,
        )
    )
    assert "Models 2 and 3 are identical here" in notes
    assert "This cohort lacks T2" in notes
    assert "Columns of SHAPE do not belong to a modality" in notes
    cases = pd.DataFrame({"T1": ["a", None], "FLAIR": ["b", "c"]})
    notes = differences_from_paper(cases, result, modalities=("T1", "FLAIR"), protocol="paper")
    assert "1 of 2 patients lack T1." in notes[-1]


@pytest.mark.slow
def test_the_nested_protocol_tunes_and_sets_thresholds_on_training_rows(quick_pipeline):
    X, y = feature_table(36)
    X = X[[column for column in X if column.startswith("T1__")]]
    system = paper_systems(quick_pipeline, features_only=True, random_state=0)["T1"]
    model = system.tuned()
    whole = holdout(model, X, y, threshold="youden")
    # The choices of the training rows do not depend on the test rows.
    X.loc[whole.predictions.index] = 7.0
    spoilt = holdout(model, X, y, threshold="youden")
    first, other = whole.estimators[0], spoilt.estimators[0]
    assert first.best_params_ == other.best_params_
    assert whole.predictions["threshold"].iloc[0] == spoilt.predictions["threshold"].iloc[0]
    np.testing.assert_array_equal(
        first.best_estimator_[:-1].get_feature_names_out(),
        other.best_estimator_[:-1].get_feature_names_out(),
    )


def test_rows_that_share_a_modality_fit_its_steps_once(tmp_path):
    X, y = feature_table(20)
    build = partial(paper_pipeline, random_state=0, memory=str(tmp_path))
    with watched_fits() as calls:
        late_fusion(build, method="average", features_only=True).fit(X, y)
        single_modality("T1CE", build, features_only=True).fit(X, y)
    assert Counter(name for name, _ in calls)["MannWhitneySelector"] == 4


def same_after_reload(model, X, path, trees=()):
    """Save and load a fitted model, and compare the predictions bit for bit."""
    if trees:
        with pytest.raises(ModelFileError, match=r"model with trees cannot be saved.*trusted="):
            save_model(model, path)
    save_model(model, path, trusted=trees)
    again = load_model(path, trusted=trees)
    return np.array_equal(again.predict_proba(X), model.predict_proba(X))


@pytest.mark.slow
def test_every_row_is_bit_identical_after_saving_and_loading(tmp_path, quick_pipeline):
    X, y = feature_table(30)
    networks = {"Model 1 (SA-Net)", "Zhang et al. 2021 [8]", "Zhang et al. 2022 [10]"}
    systems = paper_systems(quick_pipeline, features_only=True, random_state=0)
    for name, system in systems.items():
        if name not in networks:
            model = system.make().fit(X, y)
            trees = TREES if name in ("Gradient boosting", "Random forest") else ()
            assert same_after_reload(model, X, tmp_path / "model.skops", trees), name
    search = systems["Model 4 (proposed)"].tuned()
    search.set_params(estimator__fusion__max_epochs=5, estimator__fusion__n_members=2).fit(X, y)
    assert search.n_batched_fits_ == 64 * 3
    assert same_after_reload(search, X, tmp_path / "model.skops")


@pytest.mark.slow
def test_a_network_with_radiomics_is_identical_after_saving_and_loading(phantoms, tmp_path):
    X, y = phantoms
    build = partial(
        paper_pipeline,
        ["T1CE", "FLAIR"],
        reference=None,
        radiomics=RadiomicsExtractor(FIRST_ORDER),
        random_state=0,
    )
    deep = SANetFeaturizer(n_features=4, size=16, max_epochs=1, random_state=0)
    model = zhang_2022(build, deep=deep).fit(X, y)
    assert same_after_reload(model, X, tmp_path / "model.skops")


def test_unknown_tables_and_protocols_are_refused(tmp_path):
    X, y = feature_table(20)
    with pytest.raises(ValueError, match=r"tables=\['VI'\], protocol='nested': accepted"):
        reproduce(X, y, tmp_path, tables=["VI"])
    with pytest.raises(ValueError, match="protocol='best'"):
        reproduce(X, y, tmp_path, protocol="best")
    four = y.index[[*np.flatnonzero(y == 0), *np.flatnonzero(y == 1)[:4]]]
    said = r"class 1 has 4 patients, and a fold trains on 2 of.*use n_folds=4 or protocol='paper'"
    with pytest.raises(CohortError, match=said):
        reproduce(X.loc[four], y[four], tmp_path, tables=["II"], features_only=True, n_folds=3)
    with pytest.raises(CohortError, match="class 1 has 7 patients, fewer than the 9 folds"):
        reproduce(X, y, tmp_path, tables=["II"], features_only=True, n_folds=9)


def test_a_feature_table_is_loaded_by_patient_and_invalid_tables_are_refused(tmp_path):
    X, y = feature_table(8)
    path = tmp_path / "features.csv"
    X.assign(idh=y, site="A").to_csv(path, index_label="patient_id")
    read, labels = load_feature_table(path)
    assert read.index.tolist() == X.index.tolist()
    assert labels.tolist() == y.tolist()
    assert modalities_of(read.columns) == MODALITIES
    with pytest.raises(CohortError, match=r"column 'MGMT' \(the target\) not found"):
        load_feature_table(path, target="MGMT")
    X.assign(idh=y, T1__word="high").to_csv(path)
    with pytest.raises(CohortError, match="line 2, column 'T1__word': 'high' is not a number"):
        load_feature_table(path)
    pd.DataFrame({"idh": y, "PET__suv": 1.0}).to_csv(path)
    assert modalities_of(load_feature_table(path)[0].columns) == ("PET",)
    X.loc[X.index[[2, 5]]] = np.nan
    X.assign(idh=y, age=50).to_csv(path)
    with pytest.raises(CohortError, match=r"all features of .* are empty; drop the row") as e:
        load_feature_table(path)
    assert [problem.split(":")[0] for problem in e.value.problems] == [
        f"line 4, patient {X.index[2]!r}",
        f"line 7, patient {X.index[5]!r}",
    ]


def test_a_missing_modality_is_reported_with_those_of_the_table():
    X, y = feature_table(20)
    model = single_modality("T2", features_only=True)
    with pytest.raises(CohortError, match=r"no column named T2__.*prefixes FLAIR, T1, T1CE"):
        model.fit(X[[c for c in X if not c.startswith("T2")]], y)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_search_ranks_candidates_by_auc_of_any_number_of_classes(n_classes):
    rng = np.random.default_rng(0)
    y = np.arange(60) % n_classes
    X = rng.normal(size=(60, 4)) + 0.8 * y[:, None]
    search = tuned(LogisticRegression(), {"C": [0.001, 1.0]}).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    if n_classes == 2:
        plain = GridSearchCV(
            LogisticRegression(), {"C": [0.001, 1.0]}, cv=search.cv, scoring="roc_auc"
        ).fit(X, y)
        found = search.cv_results_["mean_test_score"]
        np.testing.assert_array_equal(found, plain.cv_results_["mean_test_score"])
