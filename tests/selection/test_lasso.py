"""LassoCVSelector keeps what a cross-validated LASSO on standardised columns gives weight to."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklidh.evaluation import cross_validate
from sklidh.selection import LassoCVSelector


@pytest.mark.filterwarnings("ignore:LassoCVSelector:UserWarning")
@parametrize_with_checks([LassoCVSelector(), LassoCVSelector(rule="one_standard_error", cv=3)])
def test_scikit_learns_checks_hold(estimator, check):
    check(estimator)


@pytest.fixture
def cohort():
    """Return 90 patients' 30 columns of any scale, of which 2 and 11 tell the classes apart."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat([0, 1], [60, 30]))
    X = rng.normal(size=(90, 30))
    X[:, [2, 11]] += 1.5 * y[:, None]
    return X * 10.0 ** rng.integers(-3, 4, size=30) + 5, y


def test_the_columns_that_tell_the_classes_apart_are_found(cohort):
    selector = LassoCVSelector(random_state=0).fit(*cohort)
    assert {2, 11} <= set(selector.get_support(indices=True))
    assert set(np.argsort(-np.abs(selector.coef_))[:2]) == {2, 11}


def test_kept_are_exactly_the_columns_with_a_weight(cohort):
    selector = LassoCVSelector(random_state=0).fit(*cohort)
    np.testing.assert_array_equal(selector.get_support(), selector.coef_ != 0)
    assert 2 <= selector.get_support().sum() < 30


def test_the_weights_are_those_of_a_lasso_on_standardised_columns_and_labels_0_and_1(cohort):
    X, y = cohort
    selector = LassoCVSelector(random_state=0).fit(X, y)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    expected = Lasso(selector.alpha_).fit(Z, y).coef_
    np.testing.assert_allclose(selector.coef_, expected, atol=1e-3)


def test_the_weights_satisfy_the_lassos_conditions_of_optimality(cohort):
    X, y = cohort
    selector = LassoCVSelector(random_state=0).fit(X, y)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    pull = Z.T @ (y - y.mean() - Z @ selector.coef_) / len(y)
    kept = selector.get_support()
    np.testing.assert_allclose(
        pull[kept], selector.alpha_ * np.sign(selector.coef_[kept]), atol=2e-3
    )
    assert (np.abs(pull[~kept]) <= selector.alpha_ + 2e-3).all()


def test_the_penalty_has_the_smallest_error_over_ten_stratified_folds_fitted_one_by_one(cohort):
    X, y = cohort
    selector = LassoCVSelector(random_state=3).fit(X, y)
    assert selector.mse_path_.shape == (len(selector.alphas_), 10)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    folds = StratifiedKFold(10, shuffle=True, random_state=3).split(Z, y)
    errors = [
        [
            np.mean((y[test] - Lasso(alpha).fit(Z[train], y[train]).predict(Z[test])) ** 2)
            for alpha in selector.alphas_[::20]
        ]
        for train, test in folds
    ]
    np.testing.assert_allclose(selector.mse_path_[::20], np.transpose(errors), rtol=5e-3)
    best = selector.mse_path_.mean(axis=1).argmin()
    assert selector.alpha_ == selector.alphas_[best]


def test_the_rule_of_one_standard_error_takes_the_strongest_penalty_that_is_as_good(cohort):
    plain = LassoCVSelector(random_state=0).fit(*cohort)
    sparse = LassoCVSelector(rule="one_standard_error", random_state=0).fit(*cohort)
    errors = sparse.mse_path_.mean(axis=1)
    best = errors.argmin()
    limit = errors[best] + sparse.mse_path_[best].std(ddof=1) / np.sqrt(10)
    assert sparse.alpha_ == sparse.alphas_[errors <= limit].max()
    assert {2, 11} <= set(sparse.get_support(indices=True))
    assert sparse.get_support().sum() < plain.get_support().sum()


def test_scale_and_offset_of_a_column_do_not_matter(cohort):
    X, y = cohort
    plain = LassoCVSelector(random_state=0).fit(X, y)
    moved = LassoCVSelector(random_state=0).fit(3 * X - 100, y)
    np.testing.assert_allclose(plain.coef_, moved.coef_, atol=1e-9)


def test_the_answer_is_the_same_whatever_n_jobs(cohort):
    one, two = (LassoCVSelector(random_state=0, n_jobs=n).fit(*cohort) for n in (1, 2))
    np.testing.assert_array_equal(one.coef_, two.coef_)
    np.testing.assert_array_equal(one.mse_path_, two.mse_path_)


def test_nan_are_filled_with_the_training_mean_for_the_fit_only(cohort):
    X, y = cohort
    holes = np.random.default_rng(1).random(X.shape) < 0.1
    X = pd.DataFrame(np.where(holes, np.nan, X))
    selector = LassoCVSelector(random_state=0).fit(X, y)
    filled = ((X - X.mean()) / X.std(ddof=0)).fillna(0).to_numpy()
    np.testing.assert_allclose(
        selector.coef_, Lasso(selector.alpha_).fit(filled, y).coef_, atol=1e-3
    )
    passed = selector.transform(X)
    np.testing.assert_array_equal(np.isnan(passed), holes[:, selector.get_support()])


@pytest.mark.filterwarnings("ignore:.* have a weight in the LASSO:UserWarning")
def test_a_small_cohort_runs_on_as_many_folds_as_its_smaller_class_has_patients(cohort):
    X, y = cohort
    rows = np.r_[np.flatnonzero(y == 0)[:12], np.flatnonzero(y == 1)[:6]]
    message = "only 6 of 18 patients are class 1, so 6 folds are used instead of 10"
    with pytest.warns(UserWarning, match=message):
        selector = LassoCVSelector(random_state=0).fit(X[rows], y[rows])
    assert selector.mse_path_.shape[1] == 6


def test_a_class_with_one_patient_is_an_error(cohort):
    X, y = cohort
    rows = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:1]]
    with pytest.raises(ValueError, match=r"class 1 has 1 patient of 61; .* at least 2 of each"):
        LassoCVSelector().fit(X[rows], y[rows])


def test_folds_can_be_given(cohort):
    folds = list(StratifiedKFold(4).split(*cohort))
    selector = LassoCVSelector(cv=folds).fit(*cohort)
    assert selector.mse_path_.shape[1] == 4
    np.testing.assert_array_equal(selector.coef_, LassoCVSelector(cv=folds).fit(*cohort).coef_)


def test_three_classes_are_decided_together():
    rng = np.random.default_rng(0)
    y = np.repeat(["astrocytoma", "glioblastoma", "oligodendroglioma"], 30)
    X = rng.normal(size=(90, 12))
    X[y == "glioblastoma", 3] += 2
    X[y == "astrocytoma", 7] += 2
    selector = LassoCVSelector(rule="one_standard_error", random_state=0).fit(X, y)
    assert selector.coef_.shape == (3, 12)
    np.testing.assert_array_equal(selector.get_support(), (selector.coef_ != 0).all(axis=0))
    weights = np.linalg.norm(selector.coef_, axis=0)
    assert set(np.argsort(-weights)[:2]) == {3, 7}


def test_where_no_column_has_a_weight_the_one_that_would_enter_first_is_kept_with_a_warning():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(40, 5)), np.arange(40) % 2
    r = np.abs(np.corrcoef(X.T, y)[-1, :-1])
    selector = LassoCVSelector(alphas=[1.0, 2.0], random_state=0)  # nothing survives these
    with pytest.warns(UserWarning, match="of 5 columns, 0 have a weight in the LASSO"):
        selector.fit(X, y)
    np.testing.assert_array_equal(selector.get_support(indices=True), [r.argmax()])
    assert not selector.coef_.any()


def test_constant_and_empty_columns_get_no_weight(cohort):
    X, y = cohort
    X = np.column_stack([np.full(len(y), 0.1), np.full(len(y), np.nan), X])
    assert not LassoCVSelector(random_state=0).fit(X, y).get_support()[:2].any()


def test_many_more_columns_than_patients_do_not_flood_the_terminal():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 120)) @ rng.normal(size=(120, 120)), np.arange(40) % 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LassoCVSelector(random_state=0, max_iter=3).fit(X, y)
    assert sum(issubclass(w.category, ConvergenceWarning) for w in caught) <= 1


def test_groups_are_never_on_both_sides_of_a_fold(cohort):
    X, y = (np.repeat(part, 2, axis=0) for part in cohort)
    patient = np.repeat(np.arange(90), 2)
    found = LassoCVSelector(cv=5, random_state=0).fit(X, y, groups=patient)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(X, y, patient)
    expected = LassoCVSelector(cv=list(folds)).fit(X, y)
    np.testing.assert_array_equal(found.mse_path_, expected.mse_path_)
    alone = LassoCVSelector(cv=5, random_state=0).fit(X, y)
    assert found.mse_path_.min() > alone.mse_path_.min(), "twins on the other side help"
    with pytest.warns(UserWarning, match=r"class 1 is in only 2 groups, so 2 folds"):
        LassoCVSelector(cv=3, random_state=0).fit(
            X, y, groups=np.where(y, patient % 2, 2 + patient % 5)
        )


def test_groups_come_through_a_pipeline_by_routing(cohort):
    X, y = (np.repeat(part, 2, axis=0) for part in cohort)
    patient = np.repeat(np.arange(90), 2)
    with config_context(enable_metadata_routing=True):
        select = LassoCVSelector(cv=5, random_state=0).set_fit_request(groups=True)
        model = make_pipeline(select, LogisticRegression())
        found = cross_validate(model, X, y, cv=GroupKFold(3), params={"groups": patient})
    first = found.estimators[0][0]
    train = np.flatnonzero(~np.isin(np.arange(180), found.predictions.query("fold == 0").index))
    direct = LassoCVSelector(cv=5, random_state=0).fit(X[train], y[train], groups=patient[train])
    np.testing.assert_array_equal(first.mse_path_, direct.mse_path_)
