"""A Display keeps the numbers it draws, and draws those."""

import re
from functools import partial
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from scipy.spatial.distance import pdist
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import auc, average_precision_score
from sklearn.pipeline import Pipeline

from sklidh.evaluation import Comparison, compare, cross_validate, decision_curve, holdout
from sklidh.fusion import InvariantSpecificFusionClassifier
from sklidh.images import ImageError
from sklidh.plotting import (
    BlockImportanceDisplay,
    CalibrationDisplay,
    CaseDisplay,
    CodesDisplay,
    ConfusionMatrixDisplay,
    DecisionCurveDisplay,
    ForestDisplay,
    LossCurveDisplay,
    PRDisplay,
    RobustnessDisplay,
    ROCDisplay,
    SelectedFeaturesDisplay,
    VolcanoDisplay,
)
from sklidh.plotting._axes import COLOURS
from sklidh.selection import MannWhitneySelector, RobustnessSelector
from sklidh.utils import perturbed_name

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


def test_every_benefit_lies_within_the_axes_of_a_decision_curve_and_so_does_where_harm_begins():
    y = np.array([0, 1] * 10)
    useless = DecisionCurveDisplay.from_predictions(y, {"worst": 1.0 - y})
    useful = DecisionCurveDisplay.from_predictions(y, {"best": y * 1.0})
    for display in (useless, useful):
        low, high = display.ax_.get_ylim()
        assert low < 0
        assert display.curves.to_numpy().max() < high


@pytest.mark.parametrize(
    "display", [ROCDisplay, PRDisplay, CalibrationDisplay, DecisionCurveDisplay]
)
def test_a_legend_hides_no_curve(display, comparison):
    drawn = display.from_comparison(comparison)
    drawn.figure_.draw_without_rendering()
    legend = drawn.ax_.get_legend().get_window_extent()
    names = drawn.ax_.xaxis.label.get_window_extent()
    assert legend.y1 <= names.y0 + 1
    assert legend.y0 >= 0, "the whole legend is on the figure"


@pytest.mark.parametrize(
    "display", [ROCDisplay, PRDisplay, CalibrationDisplay, DecisionCurveDisplay]
)
def test_of_curves_that_coincide_each_is_seen(display, comparison):
    (evaluation, *_) = comparison.evaluations.values()
    same = Comparison({f"Model {n}": evaluation for n in (1, 2, 3, 4)})
    drawn = display.from_comparison(same)
    drawn.figure_.set_dpi(150)
    FigureCanvasAgg(drawn.figure_).draw()
    pixels = np.asarray(drawn.figure_.canvas.buffer_rgba())[::-1, :, :3] / 255
    left, low, right, high = drawn.ax_.get_window_extent().extents.astype(int)
    within = pixels[low:high, left:right]
    for colour in COLOURS[:4]:
        assert (np.abs(within - to_rgb(colour)).max(axis=-1) < 0.05).sum() > 300, colour


# How eyes without one kind of cones see linear RGB: Machado, Oliveira and Fernandes, A
# physiologically-based model for simulation of color vision deficiency, IEEE TVCG 15(6), 2009.
WITHOUT = {
    "long": (
        0.152286,
        1.052583,
        -0.204868,
        0.114503,
        0.786281,
        0.099216,
        -0.003882,
        -0.048116,
        1.051998,
    ),
    "medium": (
        0.367322,
        0.860646,
        -0.227968,
        0.280085,
        0.672501,
        0.047413,
        -0.011820,
        0.042940,
        0.968881,
    ),
    "short": (
        1.255528,
        -0.076749,
        -0.178779,
        -0.078411,
        0.930809,
        0.147602,
        0.004733,
        0.691367,
        0.303900,
    ),
    "none": (1, 0, 0, 0, 1, 0, 0, 0, 1),
}


@pytest.mark.parametrize("missing", WITHOUT)
def test_any_two_colours_are_told_apart_by_every_eye(missing):
    srgb = np.array([to_rgb(colour) for colour in COLOURS])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.reshape(WITHOUT[missing], (3, 3)).T, 0, 1)
    # CIE L*a*b* under D65; a difference of 2 is just noticed, beside one another.
    xyz = seen @ np.array(
        [[0.4339, 0.2126, 0.0177], [0.3762, 0.7152, 0.1095], [0.1899, 0.0722, 0.8728]]
    )
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lab = np.column_stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])]
    )
    assert pdist(lab).min() > 20


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


def test_codes_have_one_panel_for_what_is_shared_and_one_a_block(fusion, table):
    display = CodesDisplay.from_estimator(fusion, *table)
    titles = [ax.get_title() for ax in display.axes_]
    assert titles == ["invariant, all blocks", "specific, A", "specific, B"]
    first_member = fusion.transform(table[0])[:, : display.codes.shape[1]]
    np.testing.assert_allclose(display.codes, first_member)


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
    compared = compare(models, X, y, holdout)
    scores = compared.scores
    drawn = ForestDisplay.from_predictions(scores["true"], {n: scores[n] for n in models})
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
    assert not roc.bands
    assert CalibrationDisplay.from_comparison(compared).n_in_bin == 60 // 6


def test_legends_show_the_figures_of_the_table(table):
    models = {"weak": LogisticRegression(C=1e-2), "logistic": LogisticRegression()}
    compared = compare(models, *table, partial(cross_validate, n_repeats=2))
    for name, row in compared.measures.iterrows():
        assert ROCDisplay.from_comparison(compared).aucs[name][0] == row["AUC"]
        assert PRDisplay.from_comparison(compared).averages[name] == row["PR-AUC"]
        slope, intercept = CalibrationDisplay.from_comparison(compared).lines[name]
        assert (slope, intercept) == (row["Calibration slope"], row["Calibration intercept"])


def test_the_curve_of_several_folds_has_the_mean_of_their_areas(table):
    compared = compare({"logistic": LogisticRegression()}, *table, cross_validate)
    wrong, right = ROCDisplay.from_comparison(compared).curves["logistic"]
    assert np.trapezoid(right, wrong) == pytest.approx(compared.table["AUC"].item(), abs=0.01)


def numbers(drawn):
    return drawn.to_numpy() if isinstance(drawn, pd.DataFrame) else np.array(drawn["m"])


@pytest.mark.parametrize("words", [{0: "wildtype", 1: "mutant"}, {0: "WT", 1: "IDH-mut"}])
def test_displays_of_words_are_those_of_0_and_1(table, words):
    X, y = table
    y_words, calls = pd.Series(y).map(words), LogisticRegression().fit(X, y).predict(X)
    fitted, in_words = LogisticRegression().fit(X, y), LogisticRegression().fit(X, y_words)
    for display, field in (
        (ROCDisplay, "aucs"),
        (PRDisplay, "averages"),
        (CalibrationDisplay, "lines"),
        (ForestDisplay, "aucs"),
        (DecisionCurveDisplay, "curves"),
    ):
        one = getattr(display.from_estimator({"m": fitted}, X, y), field)
        other = getattr(display.from_estimator({"m": in_words}, X, y_words), field)
        np.testing.assert_allclose(numbers(other), numbers(one), rtol=1e-4)
    expected = ConfusionMatrixDisplay.from_predictions(y, calls).counts
    drawn = ConfusionMatrixDisplay.from_estimator(in_words, X, y_words).counts
    assert drawn.tolist() == expected.tolist()
    sides = [
        VolcanoDisplay.from_estimator(MannWhitneySelector().fit(X, labels), X, labels).aucs
        for labels in (y, y_words)
    ]
    pd.testing.assert_series_equal(*sides)


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


class Networks:
    """What a fitted SA-Net estimator has of its training."""

    history_ = {
        "T1": {"train_loss": np.ones(3), "valid_loss": np.zeros(3), "valid_acc": np.ones(3)},
        "T1, fold 1 of 2": {"train_loss": np.ones(2)},
        "FLAIR": {"train_loss": np.ones(4)},
    }


@pytest.mark.parametrize("network", [Networks(), Pipeline([("deep", Networks())])])
def test_every_network_is_a_line_and_every_modality_a_colour(network):
    lines = LossCurveDisplay.from_estimator(network).ax_.get_lines()
    drawn = [(line.get_label(), len(line.get_xdata()), line.get_linestyle()) for line in lines]
    assert [each for each in drawn if not each[0].startswith("_")] == [
        ("T1", 3, "-"),
        ("T1, held out", 3, "--"),
        ("FLAIR", 4, "-"),
    ]
    assert len(drawn) == 4
    assert len({line.get_color() for line in lines}) == 2


def test_the_networks_of_a_pipeline_are_drawn_beside_its_fusion():
    class Fusion:
        loss_curve_ = {"task": np.ones(5)}

    pipeline = Pipeline([("deep", Networks()), ("fusion", Fusion())])
    task, *others = LossCurveDisplay.from_estimator(pipeline).ax_.get_lines()
    assert (task.get_label(), others) == ("task", [])
    assert len(LossCurveDisplay.from_networks(pipeline).ax_.get_lines()) == 4
    with pytest.raises(ValueError, match="Fusion has no self-attention network"):
        LossCurveDisplay.from_networks(Fusion())


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
    assert [ax.get_title() for ax in display.axes_] == ["T1", "T1CE"]
    assert [text.get_text() for text in display.axes_[1].texts] == ["not acquired"]


def test_an_image_in_another_grid_than_the_mask_is_not_drawn():
    row = case()
    row["T1"] = sitk.Image(5, 5, 5, sitk.sitkFloat32)
    with pytest.raises(ImageError, match=r"patient 'P1', column 'T1'.*different grids"):
        CaseDisplay.from_case(row, ["T1"])


@pytest.fixture(scope="module")
def assessed():
    """Return a fitted transformer of two modalities with robust and other features."""
    rng = np.random.default_rng(0)
    features = ["original_glcm_Idm", "wavelet-LH_glcm_Contrast", "original_firstorder_Mean"]
    table = {}
    for modality, noises in {"T1": (0.1, 2.0, 0.2), "T2": (0.1, 0.1, 3.0)}.items():
        for feature, noise in zip(features, noises, strict=True):
            name = f"{modality}__radiomics__{feature}"
            table[name] = rng.normal(size=40)
            table[perturbed_name(name, 1)] = table[name] + noise * rng.normal(size=40)
        table[f"{modality}__deep__0"] = rng.normal(size=40)
    X = pd.DataFrame(table)
    columns = {m: [name for name in X if name.startswith(m)] for m in ("T1", "T2")}
    branches = [(m, Pipeline([("robust", RobustnessSelector())]), columns[m]) for m in columns]
    return Pipeline([("intra", ColumnTransformer(branches)), ("last", None)]).fit(X)


def test_robustness_is_counted_by_class_and_modality(assessed):
    display = RobustnessDisplay.from_estimator(assessed)
    assert display.counts.to_dict() == {
        "T1": {"glcm": "1 of 2", "firstorder": "1 of 1"},
        "T2": {"glcm": "2 of 2", "firstorder": "0 of 1"},
    }
    assert repr(display) == (
        "<RobustnessDisplay: Features with at least this ICC; 4 of 6 features are robust>"
    )
    selector = assessed["intra"].named_transformers_["T2"]["robust"]
    step = display.axes_[0].lines[1]
    assert step.get_label() == "T2"
    assert sorted(step.get_xdata()) == sorted(selector.icc_[np.isfinite(selector.icc_)])
    assert step.get_ydata().tolist() == pytest.approx([1 / 3, 2 / 3, 1])


def test_without_a_robustness_selector_there_is_nothing_to_draw(table):
    X, y = table
    with pytest.raises(ValueError, match="no fitted RobustnessSelector"):
        RobustnessDisplay.from_estimator(Pipeline([("last", DummyClassifier())]).fit(X, y))


def luminance(srgb):
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]


@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_stands_out_from_the_page_in_light_and_in_dark_mode(colour):
    css = files("sklidh.reporting").joinpath("templates/page.css").read_text(encoding="utf-8")
    light, dark = (np.array(to_rgb(paper)) for paper in re.findall("--paper: (#[0-9a-f]+)", css))
    drawn = np.array(to_rgb(colour))
    assert 1.05 / (luminance(drawn) + 0.05) > 3
    assert (light == 1).all(), "the paper of a figure"
    # In dark mode the page inverts its plots, turns their hues by 180 degrees (the matrix is that
    # of the filter-effects specification) and screens them over its paper.
    assert ".plot img { filter: invert(1) hue-rotate(180deg); mix-blend-mode: screen; }" in css
    turn = [[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144], [0.426, 1.43, -0.856]]
    seen = 1 - (1 - np.clip(turn @ (1 - drawn), 0, 1)) * (1 - dark)
    assert (luminance(seen) + 0.05) / (luminance(dark) + 0.05) > 3


@pytest.fixture(scope="module")
def several():
    rng = np.random.default_rng(0)
    y = pd.Series(np.resize(["astro", "oligo", "gbm", "gbm"], 160), name="subtype")
    X = pd.DataFrame(
        rng.normal(size=(160, 4)) + y.map({"astro": 0, "oligo": 1, "gbm": 2}).values[:, None]
    )
    models = {"M1": DummyClassifier(), "M2": LogisticRegression()}
    return compare(models, X, y, partial(cross_validate, cv=4)), X, y


def test_several_classes_are_drawn_one_against_the_rest(several):
    comparison, *_ = several
    alone = Comparison({"M2": comparison.evaluations["M2"]})
    by_class = alone.evaluations["M2"].by_class
    assert [*by_class] == ["astro", "gbm", "oligo"]
    for display in (ROCDisplay, PRDisplay, CalibrationDisplay):
        drawn = display.from_comparison(alone)
        assert [*drawn.curves] == ["astro", "gbm", "oligo"]
        assert [*display.from_comparison(comparison).curves][-1] == "M2: oligo"
        texts = drawn.ax_.get_title() + drawn.ax_.get_xlabel() + drawn.ax_.get_ylabel()
        assert not re.search("mutant|mutation", texts)
    roc = ROCDisplay.from_comparison(alone)
    for word, part in by_class.items():
        assert roc.aucs[word] == (part.metrics["AUC"], *part.auc_interval)
    lines = CalibrationDisplay.from_comparison(alone).lines
    assert lines["gbm"][0] == by_class["gbm"].metrics["Calibration slope"]
    forest = ForestDisplay.from_comparison(comparison)
    assert forest.aucs.loc["M2", "AUC"] == alone.evaluations["M2"].metrics["AUC"]
    with pytest.raises(ValueError, match="ROCDisplay draws two classes, y_true has 3"):
        ROCDisplay.from_predictions(several[2], {})


def test_a_confusion_matrix_has_every_class_and_its_words(several):
    comparison, X, y = several
    evaluation = comparison.evaluations["M2"]
    display = ConfusionMatrixDisplay.from_evaluation(evaluation)
    table = evaluation.predictions
    expected = pd.crosstab(table["true"], table["called"]).to_numpy()
    np.testing.assert_array_equal(display.counts, expected)
    ticks = [tick.get_text() for tick in display.ax_.get_xticklabels()]
    assert ticks == ["predicted\nastro", "predicted\ngbm", "predicted\noligo"]
    model = LogisticRegression().fit(X, y)
    fitted = ConfusionMatrixDisplay.from_estimator(model, X, y)
    np.testing.assert_array_equal(fitted.counts, pd.crosstab(y, model.predict(X)).to_numpy())
    again = ConfusionMatrixDisplay.from_predictions(y, model.predict(X))
    np.testing.assert_array_equal(again.counts, fitted.counts)


def test_another_target_is_drawn_in_its_own_words():
    rng = np.random.default_rng(0)
    y = pd.Series(np.resize(["methylated", "unmethylated"], 60), name="MGMT")
    y = pd.Series(pd.Categorical(y, ["unmethylated", "methylated"], ordered=True), name="MGMT")
    predicted = {"model": rng.random(60)}
    calibration = CalibrationDisplay.from_predictions(y, predicted).ax_
    assert calibration.get_xlabel() == "predicted probability of MGMT methylated"
    assert calibration.get_ylabel() == "observed fraction methylated"
    assert PRDisplay.from_predictions(y, predicted).ax_.get_title().endswith("50% methylated")
    matrix = ConfusionMatrixDisplay.from_predictions(y, predicted["model"] > 0.5)
    assert matrix.classes == ("unmethylated", "methylated")
