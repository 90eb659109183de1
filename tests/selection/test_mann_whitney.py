"""MannWhitneySelector gives SciPy's statistics and p-values, for all columns at once."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, kruskal, mannwhitneyu
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklidh.selection import MannWhitneySelector


@pytest.mark.filterwarnings("ignore:MannWhitneySelector:UserWarning")
@parametrize_with_checks([MannWhitneySelector(), MannWhitneySelector(false_discovery_control="bh")])
def test_scikit_learns_checks_hold(estimator, check):
    check(estimator)


def columns(n_patients, *, ties, holes, seed=0, n_features=30):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_patients, n_features)) + np.linspace(0, 2, n_patients)[:, None]
    if ties:
        X[:, ::2] = X[:, ::2].round()
    if holes:
        X[rng.random(X.shape) < 0.2] = np.nan
    return X


def labels(n_patients, n_classes=2, share=0.35):
    n_last = round(share * n_patients)
    rest = np.arange(n_patients - n_last) % (n_classes - 1)
    return np.random.default_rng(1).permutation(np.r_[rest, np.full(n_last, n_classes - 1)])


def one_by_one(test, X, y):
    groups = [[column[(y == k) & ~np.isnan(column)] for k in np.unique(y)[::-1]] for column in X.T]
    nothing = (np.nan, np.nan)  # of an empty sample; SciPy 1.13 raises instead
    return np.array([test(*each) if all(map(len, each)) else nothing for each in groups]).T


@pytest.mark.parametrize("n_patients", [6, 18, 23, 24, 120])  # 8 in the smaller class at 23
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("holes", [False, True])
def test_two_classes_equal_scipys_u_test_column_by_column(n_patients, ties, holes):
    X, y = columns(n_patients, ties=ties, holes=holes), labels(n_patients)
    selector = MannWhitneySelector(min_features_to_select=0).fit(X, y)
    statistics, pvalues = one_by_one(mannwhitneyu, X, y)
    testable = ~np.isnan(pvalues)
    np.testing.assert_array_equal(selector.statistics_[testable], statistics[testable])
    np.testing.assert_allclose(selector.pvalues_[testable], pvalues[testable], rtol=1e-12)
    assert (selector.pvalues_[~testable] == 1).all()


@pytest.mark.parametrize("holes", [False, True])
def test_more_classes_equal_scipys_kruskal_wallis_test(holes):
    X, y = columns(60, ties=True, holes=holes), labels(60, n_classes=4)
    selector = MannWhitneySelector(min_features_to_select=0).fit(X, y)
    statistics, pvalues = one_by_one(kruskal, X, y)
    np.testing.assert_allclose(selector.statistics_, statistics, rtol=1e-12)
    np.testing.assert_allclose(selector.pvalues_, pvalues, rtol=1e-12)


def test_a_column_of_noise_passes_with_probability_alpha():
    X = np.random.default_rng(0).normal(size=(60, 4000))
    passed = MannWhitneySelector(alpha=0.05).fit(X, labels(60)).get_support().mean()
    assert 0.04 < passed < 0.06


def test_only_the_order_of_a_columns_values_counts():
    X, y = columns(40, ties=True, holes=True), labels(40)
    plain = MannWhitneySelector().fit(X, y)
    bent = MannWhitneySelector().fit(np.exp(X), y)
    np.testing.assert_array_equal(plain.pvalues_, bent.pvalues_)


def test_exchanging_the_classes_mirrors_u_and_leaves_p():
    X, y = columns(40, ties=True, holes=False), labels(40)
    one, other = MannWhitneySelector().fit(X, y), MannWhitneySelector().fit(X, 1 - y)
    np.testing.assert_array_equal(one.statistics_ + other.statistics_, np.sum(y) * np.sum(1 - y))
    np.testing.assert_allclose(one.pvalues_, other.pvalues_, rtol=1e-12)


def test_a_p_of_exactly_alpha_is_dropped():
    X = np.arange(8.0)[:, None]
    y = [0, 0, 0, 0, 1, 1, 1, 1]
    p = 2 / 70  # one of the 70 ways to choose 4 of 8 is as extreme, on either side
    selector = MannWhitneySelector(alpha=p, min_features_to_select=0).fit(X, y)
    assert selector.pvalues_ == pytest.approx(p, rel=1e-15)
    assert not selector.set_params(alpha=selector.pvalues_[0]).fit(X, y).get_support()
    assert selector.set_params(alpha=p * 1.001).fit(X, y).get_support()


def test_columns_that_cannot_differ_have_p_1():
    y = np.repeat([0, 1], 10)
    X = np.tile(np.arange(20.0)[:, None], 4)
    X[:, 1] = 3.7  # constant
    X[:, 2] = np.nan  # empty
    X[y == 1, 3] = np.nan  # empty in one class
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        selector = MannWhitneySelector().fit(X, y)
    np.testing.assert_array_equal(selector.pvalues_[1:], 1)
    np.testing.assert_array_equal(selector.get_support(), [True, False, False, False])


@pytest.mark.parametrize("method", ["bh", "by"])
def test_false_discovery_control_adjusts_p_before_the_comparison(method):
    X, y = columns(60, ties=True, holes=True), labels(60)
    X[:, :3] += 2 * y[:, None]
    selector = MannWhitneySelector(false_discovery_control=method).fit(X, y)
    adjusted = false_discovery_control(selector.pvalues_, method=method)
    np.testing.assert_array_equal(selector.adjusted_pvalues_, adjusted)
    np.testing.assert_array_equal(selector.get_support(), adjusted < 0.05)


def test_where_nothing_passes_the_best_columns_are_kept_with_a_warning_that_names_them():
    y = np.repeat([0, 1], 10)
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(20, 5)), columns=list("abcde"))
    selector = MannWhitneySelector(alpha=1e-6, min_features_to_select=2)
    with pytest.warns(UserWarning, match="of 5 columns, 0 differ between the classes at p < 1e-06"):
        selector.fit(X, y)
    best = np.argsort(selector.pvalues_)[:2]
    assert set(selector.get_support(indices=True)) == set(best)
    with pytest.warns(UserWarning, match=f"keeps .*: {X.columns[best[0]]}, {X.columns[best[1]]}$"):
        selector.fit(X, y)


def test_labels_may_be_words():
    X, y = columns(30, ties=False, holes=False), labels(30)
    words = np.where(y == 1, "mutant", "wildtype")
    np.testing.assert_array_equal(
        MannWhitneySelector().fit(X, words).pvalues_, MannWhitneySelector().fit(X, 1 - y).pvalues_
    )


def test_one_class_is_an_error_that_says_so():
    with pytest.raises(ValueError, match="the target has one class only"):
        MannWhitneySelector().fit(np.ones((4, 2)), ["mutant"] * 4)


def test_dataframes_keep_their_names_and_their_index():
    X = pd.DataFrame(columns(30, ties=False, holes=True), index=[f"P{i}" for i in range(30)][::-1])
    X.columns = [f"T1__radiomics__{i}" for i in range(30)]
    selector = MannWhitneySelector().set_output(transform="pandas").fit(X, labels(30))
    pd.testing.assert_frame_equal(selector.transform(X), X.loc[:, selector.get_support()])
