"""A Display keeps the numbers it draws, and draws those."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import auc, average_precision_score

from sklidh.evaluation import compare, cross_validate, decision_curve
from sklidh.fusion import InvariantSpecificFusionClassifier
from sklidh.images import ImageError
from sklidh.plotting import (
    BlockImportanceDisplay,
    CalibrationDisplay,
    CaseDisplay,
    CodesDisplay,
    ConfusionMatrixDisplay,
    CorrelationMapDisplay,
    DecisionCurveDisplay,
    ForestDisplay,
    LossCurveDisplay,
    PRDisplay,
    ROCDisplay,
    SelectedFeaturesDisplay,
    VolcanoDisplay,
)
from sklidh.selection import CorrelationPruner, MannWhitneySelector

NAMES = [
    "T1__radiomics__original_shape_Sphericity",
    "T1CE__radiomics__wavelet-LH_glcm_Idm",
    "T1CE__radiomics__gradient_firstorder_Mean",
    "T1CE__deep__sanet017",
]


def test_the_area_under_the_drawn_curve_is_the_auc_in_the_legend():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 50)
    display = ROCDisplay.from_predictions(y, {"model": rng.random(50)})
    assert auc(*display.curves["model"]) == pytest.approx(display.aucs["model"][0])
    (label,) = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert label.startswith(f"model: {display.aucs['model'][0]:.2f} [")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.resize([0, 1, 0], 60)
    X = pd.DataFrame(rng.normal(size=(60, 6)), columns=[f"{m}__f{i}" for m in "AB" for i in "012"])
    X["A__f0"] += 2 * y
    return X, y


@pytest.fixture(scope="module")
def comparison(table):
    models = {"logistic": LogisticRegression(), "majority": DummyClassifier()}
    return compare(models, *table, cross_validate)


@pytest.fixture(scope="module")
def fusion(table):
    return InvariantSpecificFusionClassifier(max_epochs=100, random_state=0).fit(*table)


def test_the_band_of_a_curve_holds_the_curve_and_is_left_out_where_bands_would_hide_each_other():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 40)
    display = ROCDisplay.from_predictions(y, {"model": rng.normal(size=80) + y})
    low, high = display.bands["model"]
    curve = np.interp(np.linspace(0, 1, 101), *display.curves["model"])
    # A bootstrap of steps is not smooth: at a few places the curve may touch the band from outside.
    assert np.mean((low <= curve) & (curve <= high)) > 0.95
    assert not ROCDisplay.from_predictions(y, dict.fromkeys("abcd", y * 1.0)).bands


@pytest.mark.parametrize(
    "display", [ROCDisplay, PRDisplay, CalibrationDisplay, DecisionCurveDisplay]
)
def test_a_comparison_is_drawn_with_one_curve_a_model_and_an_estimator_with_its_own(
    display, comparison, table
):
    X, y = table
    drawn = display.from_comparison(comparison)
    assert {"logistic", "majority"} <= set(drawn.curves)
    fitted = LogisticRegression().fit(X, y)
    assert "LogisticRegression" in display.from_estimator(fitted, X, y).curves


def test_precision_and_recall_are_those_of_average_precision(table):
    X, y = table
    display = PRDisplay.from_predictions(y, {"model": X["A__f0"]})
    recall, precision = display.curves["model"]
    area = -np.sum(np.diff(recall) * precision[:-1])
    assert display.averages["model"] == pytest.approx(area)
    assert area == pytest.approx(average_precision_score(y, X["A__f0"]))
    assert display.prevalence == pytest.approx(1 / 3)


def test_true_probabilities_lie_on_the_diagonal():
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=4000)
    y = rng.random(4000) < probability
    display = CalibrationDisplay.from_predictions(y, {"truth": probability})
    mean, observed = display.curves["truth"]
    np.testing.assert_allclose(observed, mean, atol=0.06)
    assert display.n_in_bin == 500
    (label,) = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert label.startswith("truth: slope ")


def test_the_decision_curve_is_the_net_benefit(table):
    X, y = table
    probability = LogisticRegression().fit(X, y).predict_proba(X)[:, 1]
    display = DecisionCurveDisplay.from_predictions(y, {"model": probability})
    pd.testing.assert_frame_equal(display.curves, decision_curve(y, {"model": probability}))


def test_the_confusion_matrix_counts_rows_as_truth_and_columns_as_calls(comparison):
    display = ConfusionMatrixDisplay.from_predictions([0, 0, 0, 1], [0, 0, 1, 1])
    assert display.counts.tolist() == [[2, 1], [0, 1]]
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts[0] == "2\n67%\nspecificity"
    evaluated = ConfusionMatrixDisplay.from_evaluation(comparison.evaluations["majority"])
    assert evaluated.counts.tolist() == [[40, 0], [20, 0]]


def test_the_volcano_s_sides_are_the_features_aucs(table):
    X, y = table
    selector = MannWhitneySelector().fit(X, y)
    display = VolcanoDisplay.from_estimator(selector, X, y)
    mutant, wildtype = X["A__f0"][y == 1].to_numpy(), X["A__f0"][y == 0].to_numpy()
    assert display.aucs["A__f0"] == pytest.approx(np.mean(mutant[:, None] > wildtype))
    assert display.kept["A__f0"]
    assert f"1  {display.pvalues.idxmin()}" in display.ax_.texts[-1].get_text()


def test_the_correlation_map_keeps_every_value_and_puts_like_features_together(table):
    X = table[0].assign(twin=lambda t: t["B__f1"] + 0.01 * t["A__f1"], gap=np.nan)
    display = CorrelationMapDisplay.from_features(X)
    order = display.correlations.index
    assert sorted(order) == sorted(X.columns)
    expected = X.corr().loc["A__f0", "B__f2"]
    assert display.correlations.loc["A__f0", "B__f2"] == pytest.approx(expected)
    assert abs(order.get_loc("twin") - order.get_loc("B__f1")) == 1
    assert display.ax_.get_title().startswith("8 features; 1 pairs")
    pruner = CorrelationPruner(threshold=0.8).fit(X[["A__f0", "twin"]])
    assert CorrelationMapDisplay.from_estimator(pruner, X).threshold == 0.8


def test_codes_have_one_panel_for_what_is_shared_and_one_a_block(fusion, table):
    display = CodesDisplay.from_estimator(fusion, *table)
    titles = [ax.get_title() for ax in display.axes_]
    assert titles == ["invariant, all blocks", "specific, A", "specific, B"]
    np.testing.assert_allclose(display.codes, fusion.transform(table[0]))


def test_the_block_that_carries_the_signal_matters(fusion, table):
    importance = BlockImportanceDisplay.from_estimator(fusion, *table, n_repeats=5).importance
    assert importance.loc["A", "mean"] > 0.1 > abs(importance.loc["B", "mean"])


def test_the_forest_draws_intervals_and_tests_against_the_reference(comparison):
    display = ForestDisplay.from_comparison(comparison, reference="logistic")
    assert display.aucs["AUC"].to_dict() == comparison.table["AUC"].to_dict()
    told = [text.get_text() for text in display.ax_.texts]
    assert told[0].endswith("reference")
    assert "p < 0.001" in told[1]


def test_a_forest_of_predictions_is_that_of_their_comparison(table):
    X, y = table
    models = {"weak": LogisticRegression(C=1e-4), "logistic": LogisticRegression()}
    compared = compare(models, X, y, cross_validate)
    scores = compared.scores
    drawn = ForestDisplay.from_predictions(scores["mutant"], {n: scores[n] for n in models})
    expected = ForestDisplay.from_comparison(compared)
    assert drawn.reference == expected.reference == "logistic"
    np.testing.assert_allclose(drawn.aucs, expected.aucs)
    np.testing.assert_allclose(drawn.pvalues, expected.pvalues)
    fitted = LogisticRegression().fit(X, y)
    assert ForestDisplay.from_estimator(fitted, X, y).pvalues.empty


@pytest.mark.parametrize("n_repeats", [1, 3])
def test_repeats_make_no_more_patients(table, n_repeats):
    X, y = table
    model = {"logistic": LogisticRegression()}
    compared = compare(model, X, y, partial(cross_validate, n_repeats=n_repeats))
    roc, one = ROCDisplay.from_comparison(compared), compared.evaluations["logistic"]
    assert roc.n_patients == 60
    assert roc.aucs["logistic"] == (one.metrics["AUC"], *one.auc_interval)
    low, high = roc.bands["logistic"]
    assert 0.12 < np.mean(high - low) < 0.3
    assert CalibrationDisplay.from_comparison(compared).n_in_bin == 60 // 7


def test_selected_features_are_counted_by_modality_and_kind_in_the_order_of_the_columns():
    counts = SelectedFeaturesDisplay.from_names(NAMES).counts
    assert counts.index.tolist() == ["T1", "T1CE"]
    assert counts.loc["T1CE"].to_dict() == {"radiomics": 2, "deep": 1}
    assert counts.loc["T1", "deep"] == 0


def test_a_feature_without_modality_and_kind_is_named():
    with pytest.raises(ValueError, match="got 'Mean'"):
        SelectedFeaturesDisplay.from_names(["T1__Mean", "Mean"])


def test_features_of_a_table_count_as_radiomics_but_for_those_named_deep():
    counts = SelectedFeaturesDisplay.from_names(["T1__Mean", "T1__Max", "T1__deep__0"]).counts
    assert counts.loc["T1"].to_dict() == {"radiomics": 2, "deep": 1}


def test_every_term_of_the_loss_is_a_line_over_the_epochs():
    display = LossCurveDisplay({"task": np.ones(7), "similarity": np.zeros(7)})
    lines = display.plot().ax_.get_lines()
    assert [(line.get_label(), len(line.get_xdata())) for line in lines] == [
        ("task", 7),
        ("similarity", 7),
    ]


def case(size=(12, 10, 6)):
    image = sitk.GetImageFromArray(np.arange(np.prod(size), dtype=np.float32).reshape(size[::-1]))
    image.SetSpacing((1.0, 2.0, 3.0))
    voxels = np.zeros(size[::-1], np.uint8)
    voxels[2, 3:5, 3:5] = 1
    voxels[4, 2:7, 2:8] = 1
    mask = sitk.GetImageFromArray(voxels)
    mask.CopyInformation(image)
    return pd.Series({"T1": image, "T1CE": None, "mask": mask}, name="P1")


def test_a_case_shows_the_slice_with_the_largest_tumour_area_and_says_what_was_not_acquired():
    row = case()
    display = CaseDisplay.from_case(row, ["T1", "T1CE"])
    np.testing.assert_array_equal(display.slices["T1"], sitk.GetArrayFromImage(row["T1"])[4])
    assert display.outline.sum() == 30
    assert display.aspect == 2.0
    assert [ax.get_title() for ax in display.axes_] == ["T1", "T1CE\nnot acquired"]


def test_an_image_in_another_grid_than_the_mask_is_not_drawn():
    row = case()
    row["T1"] = sitk.Image(5, 5, 5, sitk.sitkFloat32)
    with pytest.raises(ImageError, match=r"patient 'P1', column 'T1'.*different grids"):
        CaseDisplay.from_case(row, ["T1"])
