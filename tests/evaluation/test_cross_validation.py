"""Every patient is predicted once, by a model that was not trained on this patient."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupKFold,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.evaluation import (
    PAPER_METRICS,
    Comparison,
    Evaluation,
    auc_interval,
    compare,
    corrected_resampled_ttest,
    cross_validate,
    delong_test,
    delong_variance,
    external_test,
    holdout,
    holm,
    leave_one_site_out,
    mcnemar_test,
)
from sklidh.selection import ComBat
from sklidh.utils import CohortError


class Spy(ClassifierMixin, BaseEstimator):
    """Record the training patients, and refuse to predict them."""

    def fit(self, X, y):
        self.seen_, self.classes_ = set(X.index), np.unique(y)
        return self

    def predict_proba(self, X):
        assert not self.seen_ & set(X.index), "a training patient is predicted"
        return np.full((len(X), 2), 0.5)

    def predict(self, X):
        return np.ones(len(X), int)


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    index = [f"P{i:02d}" for i in rng.permutation(40)]
    y = pd.Series(np.repeat([0, 1], 20), index=index, name="idh")
    X = pd.DataFrame(rng.normal(size=(40, 4)), index=index).add(0.8 * y, axis=0)
    return X, y


@pytest.mark.parametrize(
    "evaluate",
    [
        cross_validate,
        holdout,
        partial(cross_validate, n_repeats=2),
        partial(holdout, n_repeats=2),
        lambda model, X, y: leave_one_site_out(model, X, y, np.arange(40) % 3),
        lambda model, X, y: external_test(model, X[5:], y[5:], X[:5], y[:5]),
    ],
)
def test_training_patients_are_never_predicted(evaluate, cohort):
    result = evaluate(Spy(), *cohort)
    splits = result.predictions.groupby(["repeat", "fold"])
    assert len(result.estimators) == splits.ngroups
    trained = [len(model.seen_) for model in result.estimators]
    assert splits["n_trained"].first().tolist() == trained


def test_cross_validation_predicts_every_patient_once_with_the_matching_label(cohort):
    X, y = cohort
    predictions = cross_validate(LogisticRegression(), X, y).predictions
    assert sorted(predictions.index) == sorted(X.index)
    pd.testing.assert_series_equal(
        predictions["true"].loc[y.index], y == 1, check_names=False, check_index_type=False
    )


def test_the_inner_search_sees_training_patients_only(cohort):
    X, y = cohort
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 10]}, cv=3)
    result = cross_validate(search, X, y, cv=4)
    assert all(len(model.cv_results_["params"]) == 2 for model in result.estimators)
    assert all(model.best_estimator_.n_features_in_ == 4 for model in result.estimators)
    assert 0.5 < result.metrics["AUC"] < 1


def test_with_repeats_every_figure_is_the_mean_over_the_repeats(cohort):
    twice = cross_validate(LogisticRegression(), *cohort, n_repeats=2)
    first, second = (Evaluation(table) for table in twice.repeats)
    assert sorted(first.predictions.index) == sorted(second.predictions.index)
    assert twice.metrics["AUC"] == pytest.approx((first.metrics["AUC"] + second.metrics["AUC"]) / 2)
    # More repeats do not make the cohort larger: the interval is not narrower than one repeat's.
    widths = [np.diff(e.auc_interval)[0] for e in (twice, first, second)]
    assert widths[0] == pytest.approx(np.mean(widths[1:]), rel=0.05)


def test_a_figure_undefined_in_one_repeat_is_nan(cohort):
    twice = cross_validate(LogisticRegression(), *cohort, n_repeats=2)
    assert np.isfinite(twice.metrics["Calibration slope"])
    first, second = twice.repeats
    level = Evaluation(pd.concat([first, second.assign(probability=0.4)]))
    assert np.isnan(level.metrics["Calibration slope"])
    assert np.isfinite(level.metrics["Brier"])


def test_folds_in_parallel_give_the_same_bits(cohort):
    serial, parallel = (
        cross_validate(LogisticRegression(), *cohort, threshold="youden", n_jobs=n).predictions
        for n in (None, 2)
    )
    pd.testing.assert_frame_equal(serial, parallel)


def test_the_threshold_is_chosen_on_training_rows_only(cohort):
    X, y = cohort
    result = cross_validate(LogisticRegression(), X, y, threshold="youden").predictions
    assert result["threshold"].nunique() == 5
    assert (result["called"] == (result["probability"] >= result["threshold"])).all()
    # Other labels in one test fold: its threshold stays, although its figures change.
    flipped = y.copy()
    test = result.index[result["fold"] == 0]
    flipped.loc[test] = 1 - flipped.loc[test]
    split = PredefinedSplit(np.where(X.index.isin(test), 0, -1))
    before, after = (
        cross_validate(LogisticRegression(), X, labels, cv=split, threshold="youden").predictions
        for labels in (y, flipped)
    )
    pd.testing.assert_series_equal(before["threshold"], after["threshold"])


def test_a_chosen_threshold_finds_the_rare_class_where_one_half_does_not(cohort):
    X, y = cohort
    rare = y.index[y == 0].append(y.index[y == 1][:6])
    recalls = [
        cross_validate(LogisticRegression(), X.loc[rare], y.loc[rare], cv=3, threshold=t).metrics[
            "Recall"
        ]
        for t in (0.5, "youden")
    ]
    assert recalls[0] < recalls[1]


class Cut(LogisticRegression):
    """Probabilities clipped to 0 and 1, with an unclipped decision function."""

    def predict_proba(self, X):
        return np.round(super().predict_proba(X))


def test_patients_are_ranked_by_the_decision_function_if_the_model_has_one(cohort):
    whole, cut = (cross_validate(model(), *cohort).metrics for model in (LogisticRegression, Cut))
    assert cut["AUC"] == whole["AUC"]
    assert cut["Brier"] > whole["Brier"]


def test_each_site_is_predicted_by_models_of_the_other_sites(cohort):
    X, y = cohort
    sites = np.resize(["A", "B", "C"], len(X))
    predictions = leave_one_site_out(LogisticRegression(), X, y, sites).predictions
    assert (predictions["fold"].loc[X.index] == sites).all()


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        (["A"] * 40, "all patients are from one site, 'A'"),
        ([None] + ["A", "B"] * 19 + ["A"], "1 patients have no site"),
        (["A"] * 20 + ["B"] * 20, "fold 'A' of repeat 0 would be trained on one class only"),
    ],
)
def test_invalid_sites_are_refused(cohort, sites, message):
    with pytest.raises(CohortError, match=message):
        leave_one_site_out(DummyClassifier(), *cohort, sites)


def test_sites_and_weights_of_other_patients_are_refused(cohort):
    X, y = cohort
    site = pd.Series(np.arange(40) % 3, index=X.index[::-1])
    with pytest.raises(CohortError, match="sites has another index than X"):
        leave_one_site_out(LogisticRegression(), X, y, site)
    with pytest.raises(CohortError, match="sample_weight has another index than X"):
        cross_validate(LogisticRegression(), X, y, params={"sample_weight": site + 1.0})


def test_every_patient_of_an_external_cohort_is_predicted_and_none_is_shared(cohort):
    X, y = cohort
    half = np.arange(40) % 2 == 0
    result = external_test(LogisticRegression(), X[half], y[half], X[~half], y[~half])
    assert result.predictions.index.tolist() == X.index[~half].tolist()
    with pytest.raises(
        CohortError, match=r"20 patients \('P.*' and 17 more\): in both cohorts; drop a row"
    ):
        external_test(LogisticRegression(), X, y, X[~half], y[~half])
    with pytest.raises(CohortError, match="column 3 is missing from the second"):
        external_test(LogisticRegression(), X[half], y[half], X[~half].drop(columns=3), y[~half])


def test_an_external_cohort_may_be_an_array_or_have_a_range_index(cohort):
    X, y = (part.to_numpy() for part in cohort)
    half = np.arange(40) % 2 == 0
    expected = LogisticRegression().fit(X[half], y[half]).predict_proba(X[~half])[:, 1]
    for kind in (np.asarray, pd.DataFrame):
        found = external_test(
            LogisticRegression(), kind(X[half]), y[half], kind(X[~half]), y[~half]
        )
        np.testing.assert_allclose(found.predictions["probability"], expected, rtol=1e-12)
        assert found.predictions["n_trained"].unique() == 20


def test_weights_reach_the_fit_of_an_external_test_and_of_sites(cohort):
    X, y = cohort
    params = {"sample_weight": y + 1.0}
    by_site = leave_one_site_out(DummyClassifier(), X, y, np.arange(40) % 3, params=params)
    assert by_site.predictions["probability"].mean() == pytest.approx(2 / 3, abs=0.02)
    half = np.arange(40) % 2 == 0
    params = {"sample_weight": y[half] + 1.0}
    there = external_test(DummyClassifier(), X[half], y[half], X[~half], y[~half], params=params)
    weighted = 2 * y[half].sum() / (y[half] + 1).sum()
    np.testing.assert_allclose(there.predictions["probability"], weighted)


def test_a_patient_with_two_rows_is_refused(cohort):
    X, y = (pd.concat([part, part[:1]]) for part in cohort)
    with pytest.raises(CohortError, match="appears in 2 rows; each patient needs exactly one"):
        cross_validate(DummyClassifier(), X, y)


def test_holdout_tests_a_quarter_of_each_class(cohort):
    predictions = holdout(DummyClassifier(), *cohort).predictions
    assert predictions["true"].value_counts().to_dict() == {False: 5, True: 5}


def test_repeated_holdouts_test_different_patients_and_have_intervals(cohort):
    evaluation = holdout(LogisticRegression(), *cohort, n_repeats=4)
    assert len(set(evaluation.predictions.index)) > 10
    intervals = evaluation.intervals
    assert list(intervals.index) == [*PAPER_METRICS, "Specificity"]
    assert (intervals["low"] < pd.Series(evaluation.metrics)[intervals.index]).all()
    assert (intervals["high"] > pd.Series(evaluation.metrics)[intervals.index]).all()


def test_testing_a_patient_again_starts_a_new_repeat(cohort):
    splitter = ShuffleSplit(8, test_size=0.2, random_state=0)
    evaluation = cross_validate(LogisticRegression(), *cohort, cv=splitter)
    assert len(evaluation.predictions) == 64
    assert not any(repeat.index.has_duplicates for repeat in evaluation.repeats)


@pytest.mark.parametrize("threshold", ["Youden", 1.5, np.nan, "precision>=2", "recall>=0.5"])
def test_an_invalid_threshold_is_refused_before_a_model_is_fitted(cohort, threshold):
    with pytest.raises(ValueError, match=r"threshold=.*: accepted are a probability"):
        cross_validate(Spy(), *cohort, threshold=threshold)


def test_cv_may_be_rows_or_a_numpy_integer(cohort):
    even, odd = np.arange(0, 40, 2), np.arange(1, 40, 2)
    given = cross_validate(DummyClassifier(), *cohort, cv=[(even, odd), (odd, even)])
    assert given.predictions.index.equals(cohort[0].index[[*odd, *even]])
    assert len(cross_validate(DummyClassifier(), *cohort, cv=np.int64(4)).fold_aucs) == 4


def test_an_array_and_a_table_give_the_same_evaluation(cohort):
    X, y = cohort
    table, array = (
        cross_validate(LogisticRegression(), *data).predictions
        for data in ((X, y), (X.to_numpy(), y.to_numpy()))
    )
    pd.testing.assert_frame_equal(array, table.set_axis(array.index))


EVALUATE = {
    "cross_validate": cross_validate,
    "holdout": holdout,
    "external_test": lambda model, X, y: external_test(model, X[5:], y[5:], X[:5], y[:5]),
    "leave_one_site_out": lambda model, X, y: leave_one_site_out(model, X, y, np.arange(40) % 3),
    "compare": lambda model, X, y: compare({"m": model}, X, y, holdout).evaluations["m"],
}


@pytest.mark.parametrize("evaluate", EVALUATE.values(), ids=EVALUATE)
@pytest.mark.parametrize("words", [("wildtype", "mutant"), ("WT", "Mutated"), ("wt", "IDH-mut")])
def test_labels_may_be_words(cohort, evaluate, words):
    X, y = cohort
    expected = evaluate(LogisticRegression(), X, y).predictions
    named = y.map(dict(enumerate(words)))
    for kind in (named, named.astype(pd.CategoricalDtype(words, ordered=True))):
        found = evaluate(LogisticRegression(), X, kind).predictions
        pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize(
    "model",
    [
        FixedThresholdClassifier(LogisticRegression(), threshold=0.2),
        TunedThresholdClassifierCV(LogisticRegression(), cv=3, thresholds=9, random_state=0),
    ],
)
def test_without_a_threshold_the_model_s_own_predict_decides(cohort, model):
    X, y = cohort
    rare = y.index[y == 0].append(y.index[y == 1][:8])
    X, y, folds = X.loc[rare], y[rare], StratifiedKFold(4, shuffle=True, random_state=0)
    own = cross_validate(model, X, y, cv=folds)
    expected = cross_val_predict(model, X, y, cv=folds)
    assert own.predictions["called"].loc[X.index].tolist() == (expected == 1).tolist()
    assert own.predictions["threshold"].isna().all()
    at_half = cross_validate(model, X, y, cv=folds, threshold=0.5).predictions
    assert (at_half["called"] == (at_half["probability"] >= 0.5)).all()
    assert own.metrics["Recall"] > Evaluation(at_half).metrics["Recall"]


@pytest.mark.slow
def test_combat_gets_the_same_sites_by_routing_and_by_a_passthrough_column(cohort):
    X, y = cohort
    X.columns = list("abcd")
    site = np.resize(["A", "B", "C"], 40)
    X = X + 5.0 * (site == "B")[:, None]
    side_by_side = ColumnTransformer(
        [("features", "passthrough", list("abcd")), ("kept", "passthrough", ["site"])],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    by_column = make_pipeline(side_by_side, ComBat(), LogisticRegression())
    by_routing = make_pipeline(ComBat(), LogisticRegression())
    for threshold in (0.5, "youden"):
        expected = cross_validate(by_column, X.assign(site=site), y, threshold=threshold)
        with config_context(enable_metadata_routing=True):
            routed = cross_validate(by_routing, X, y, threshold=threshold, params={"site": site})
        pd.testing.assert_frame_equal(routed.predictions, expected.predictions)
    with config_context(enable_metadata_routing=True):
        one = holdout(by_routing, X, y, params={"site": site})
    other = holdout(by_column, X.assign(site=site), y)
    pd.testing.assert_frame_equal(one.predictions, other.predictions)


def test_groups_reach_the_splitter_and_weights_reach_fit(cohort):
    X, y = cohort
    groups, weights = np.arange(40) % 10, np.where(y, 1.0, 0.0)
    result = cross_validate(Spy(), X, y, cv=GroupKFold(5), params={"groups": groups})
    group_of = pd.Series(groups, X.index)
    folds = result.predictions["fold"].groupby(group_of).nunique()
    assert (folds == 1).all()
    heavy = make_pipeline(DummyClassifier())
    params = {"dummyclassifier__sample_weight": weights + 1}
    weighted = cross_validate(heavy, X, y, params=params)
    np.testing.assert_allclose(weighted.predictions["probability"], 2 / 3)


def test_params_that_no_step_requests_are_refused(cohort):
    X, y = cohort
    with pytest.raises(TypeError, match=r"neither Spy nor the splitter requests \['groups'\]"):
        cross_validate(Spy(), X, y, params={"groups": np.arange(40)})
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises(TypeError, match=r"requests \['sample_weight'\]; call set_fit_req"),
    ):
        holdout(LogisticRegression(), X, y, params={"sample_weight": np.ones(40)})
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        holdout(LogisticRegression(), X, y, params={"sample_weight": np.ones(39)})


def test_a_class_smaller_than_the_folds_is_an_error_where_scikit_learn_warns(cohort):
    X, y = cohort
    with pytest.raises(CohortError, match="class 1 has 3 patients, fewer than the 5 folds"):
        cross_validate(DummyClassifier(), X[:23], y[:23], cv=5)


def test_a_third_value_of_the_idh_status_is_a_mistake(cohort):
    X, y = cohort
    y = y.rename("IDH status")
    y.iloc[0] = 2
    with pytest.raises(CohortError, match="'2' may be a mutant or a wild type"):
        cross_validate(DummyClassifier(), X, y)


def test_a_comparison_uses_the_same_patients_and_keeps_the_order(cohort):
    models = {"majority": DummyClassifier(), "logistic": LogisticRegression()}
    comparison = compare(models, *cohort, holdout)
    assert list(comparison.table.index) == ["majority", "logistic"]
    assert list(comparison.predictions.columns) == [
        "repeat",
        "fold",
        "true",
        "majority",
        "logistic",
    ]
    assert comparison.table.loc["majority", "AUC"] == 0.5


def test_a_comparison_on_different_patients_is_refused(cohort):
    seeds = iter([0, 1])
    with pytest.raises(ValueError, match="different patients; fix random_state"):
        compare(
            {"a": DummyClassifier(), "b": DummyClassifier()},
            *cohort,
            lambda model, X, y: holdout(model, X, y, random_state=next(seeds)),
        )


def test_a_comparison_tests_every_model_against_the_last_and_corrects_p_values(cohort):
    X, y = cohort
    models = {
        "majority": DummyClassifier(),
        "logistic, strong penalty": LogisticRegression(C=0.01),
        "logistic": LogisticRegression(),
    }
    comparison = compare(models, X, y, partial(cross_validate, n_repeats=2))
    tests = comparison.tests()
    assert tests.index.tolist() == ["majority", "logistic, strong penalty"]
    measures = comparison.measures["AUC"]
    assert tests.loc["majority", "difference"] == pytest.approx(0.5 - measures["logistic"])
    assert (tests["low"] < tests["difference"]).all()
    assert (tests["test"] == "resampled t").all()
    assert "McNemar" not in tests
    assert (tests["p Holm"] >= tests["p"]).all()
    assert tests.loc["majority", "p Holm"] < 0.05 < tests["p Holm"].iloc[1]
    by_split = compare(models, X, y, holdout).tests()
    assert (by_split["test"] == "DeLong").all()
    # One split on which a model is always right has no variance to test an AUC with.
    assert by_split["p"].isna().tolist() == by_split["p Holm"].isna().tolist()
    assert (by_split["McNemar Holm"] >= by_split["McNemar"]).all()
    with pytest.raises(ValueError, match="reference='none' is not among"):
        comparison.tests("none")


@pytest.mark.parametrize("evaluate", [cross_validate, holdout])
def test_a_model_does_not_differ_from_itself(cohort, evaluate):
    one = evaluate(LogisticRegression(), *cohort)
    tests = Comparison({"same": one, "itself": one}).tests().loc["same"]
    assert tests["difference"] == 0
    assert (tests[["p", "McNemar"] if evaluate is holdout else ["p"]] == 1).all()


def test_folds_are_tested_by_the_corrected_t_and_a_split_by_delong_and_mcnemar(cohort):
    models = {"strong penalty": LogisticRegression(C=0.01), "logistic": LogisticRegression()}
    compared = compare(models, *cohort, partial(cross_validate, cv=4, n_repeats=2))
    one, other = (evaluation.fold_aucs for evaluation in compared.evaluations.values())
    # Each of four folds has 10 test and 30 training patients.
    expected = corrected_resampled_ttest(one - other, test_ratio=1 / 3)
    row = compared.tests().loc["strong penalty"]
    assert row["p"] == expected.pvalue
    assert row[["low", "high"]].tolist() == [expected.low, expected.high]
    split = compare(models, *cohort, holdout)
    one, other = (evaluation.predictions for evaluation in split.evaluations.values())
    expected = delong_test(one["true"], one["score"], other["score"])
    row = split.tests().loc["strong penalty"]
    assert row[["p", "low", "high"]].tolist() == [expected.pvalue, expected.low, expected.high]
    assert row["McNemar"] == mcnemar_test(one["true"], one["called"], other["called"]).pvalue
    repeated = compare(models, *cohort, partial(holdout, n_repeats=3)).tests()
    assert repeated["test"].tolist() == ["resampled t"]


def test_baselines_are_tested_but_not_counted_in_the_correction(cohort):
    models = {f"C={c}": LogisticRegression(C=c) for c in (0.01, 0.1, 1)}
    models = {"majority": DummyClassifier(), **models}
    compared = compare(models, *cohort, cross_validate)
    tests = compared.tests(beside=["majority"])
    assert np.isfinite(tests.loc["majority", "p"])
    assert np.isnan(tests.loc["majority", "p Holm"])
    assert tests["p Holm"].dropna().tolist() == holm(tests["p"][1:]).tolist()
    assert compared.tests()["p Holm"].tolist() == holm(tests["p"]).tolist()


def test_the_auc_of_a_cross_validation_is_the_mean_over_its_folds(cohort):
    X, y = cohort
    found = cross_validate(LogisticRegression(), X, y, n_repeats=2)
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
    scores = cross_val_score(LogisticRegression(), X, y, cv=folds, scoring="roc_auc")
    assert found.metrics["AUC"] == pytest.approx(scores.mean())
    np.testing.assert_allclose(found.fold_aucs, scores)
    for repeat, table in enumerate(found.repeats):
        mean = scores[5 * repeat : 5 * repeat + 5].mean()
        assert Evaluation(table).metrics["AUC"] == pytest.approx(mean)
        pooled = delong_variance(*columns(table))[0]
        assert pooled != pytest.approx(mean), "scores of different models are not ranked together"
    # With one split, it is DeLong's AUC and interval.
    split = holdout(LogisticRegression(), X, y)
    table = split.predictions
    assert split.metrics["AUC"] == pytest.approx(delong_variance(*columns(table))[0])
    assert split.auc_interval == pytest.approx(auc_interval(*columns(table)))


def columns(table):
    return table["true"], table["score"]


def test_the_interval_of_folds_is_delong_s_within_folds_times_the_inflation(cohort):
    table = cross_validate(LogisticRegression(), *cohort).predictions
    v10, v01 = [], []
    for _, fold in table.groupby("fold"):
        mutant, wild = fold["score"][fold["true"]], fold["score"][~fold["true"]]
        wins = (mutant.to_numpy()[:, None] > wild.to_numpy()) * 1.0
        v10, v01 = [*v10, *wins.mean(1)], [*v01, *wins.mean(0)]
    # Each of 5 folds has 32 training and 8 test patients: 1 + 5 * 8 / 32 = 1 + 5 / 4.
    variance = 2.25 * (np.var(v10, ddof=1) / 20 + np.var(v01, ddof=1) / 20)
    auc = Evaluation(table).metrics["AUC"]
    half = norm.ppf(0.975) * np.sqrt(variance) / (auc * (1 - auc))
    expected = expit(logit(auc) - half), expit(logit(auc) + half)
    assert Evaluation(table).auc_interval == pytest.approx(expected)


def test_folds_of_one_class_are_left_out_of_the_mean_auc(cohort):
    X, y = cohort
    sites = np.where(np.arange(40) < 5, "wild types", np.where(np.arange(40) % 2, "A", "B"))
    found = leave_one_site_out(LogisticRegression(), X, y, sites)
    assert found.fold_aucs.isna().sum() == 1
    assert found.metrics["AUC"] == pytest.approx(found.fold_aucs.mean())
    alone = cross_validate(LogisticRegression(), X, y, cv=LeaveOneOut())
    assert np.isnan([alone.metrics["AUC"], *alone.auc_interval]).all()
    assert 0 < alone.metrics["Accuracy"] <= 1


def test_a_fold_that_is_trained_on_one_class_is_refused(cohort):
    X, y = cohort
    halves = [(np.flatnonzero(y == 0), np.flatnonzero(y == 1))]
    with pytest.raises(CohortError, match="fold 0 of repeat 0 would be trained on one class only"):
        cross_validate(LogisticRegression(), X, y, cv=halves)


def test_the_values_of_a_test_row_do_not_affect_other_patients(cohort):
    X, y = cohort
    model = make_pipeline(StandardScaler(), LogisticRegression())
    before = cross_validate(model, X, y)
    patient = before.predictions.index[before.predictions["fold"] == 0][0]
    spoilt = X.copy()
    spoilt.loc[patient] = 1e6
    after = cross_validate(model, spoilt, y)
    for column in ("score", "probability"):
        one, other = (e.predictions.query("fold == 0")[column] for e in (before, after))
        pd.testing.assert_series_equal(one.drop(patient), other.drop(patient))
    means = [e.estimators[0][0].mean_ for e in (before, after)]
    # The last bit depends on how NumPy aligns the copy.
    np.testing.assert_allclose(*means, rtol=1e-14)
    trained = X.drop(before.predictions.index[before.predictions["fold"] == 0])
    np.testing.assert_allclose(means[0], trained.mean())
