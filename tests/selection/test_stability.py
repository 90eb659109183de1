"""StabilitySelector counts how often a selector keeps each column when patients are drawn again."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectKBest, SelectorMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklidh.selection import (
    CorrelationPruner,
    LassoCVSelector,
    MannWhitneySelector,
    StabilitySelector,
)
from sklidh.selection._stability import resample


@pytest.mark.filterwarnings("ignore:StabilitySelector:UserWarning")
@parametrize_with_checks([StabilitySelector(MannWhitneySelector(), n_resamples=5)])
def test_scikit_learns_checks_hold(estimator, check):
    check(estimator)


class KeepsEveryOther(SelectorMixin, BaseEstimator):
    """Keep the even columns, or by chance the odd ones."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        self.odd_ = np.random.RandomState(self.random_state).rand() < 0.25
        return self

    def _get_support_mask(self):
        return np.arange(self.n_features_in_) % 2 == self.odd_


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat([0, 1], [40, 21]))
    X = rng.normal(size=(61, 30))
    X[:, [4, 9]] += 2.5 * y[:, None]
    return X, y


def test_the_share_is_the_number_of_resamples_that_keep_the_column(cohort):
    selector = StabilitySelector(KeepsEveryOther(), n_resamples=200, random_state=0).fit(*cohort)
    odd = selector.stability_[1]
    assert 0.15 < odd < 0.35
    np.testing.assert_allclose(selector.stability_[::2], 1 - odd)
    np.testing.assert_allclose(selector.stability_[1::2], odd)
    np.testing.assert_array_equal(selector.get_support(), selector.stability_ >= 0.6)
    np.testing.assert_array_equal(selector.n_kept_, 15)


@pytest.mark.parametrize("resampling", ["half", "bootstrap"])
def test_columns_with_a_difference_are_stable_and_noise_is_not(cohort, resampling):
    selector = StabilitySelector(
        MannWhitneySelector(0.01), n_resamples=40, resampling=resampling, random_state=0
    ).fit(*cohort)
    assert (selector.stability_[[4, 9]] > 0.9).all()
    # A column of noise that happens to differ in the sample keeps doing so in its resamples.
    assert np.median(np.delete(selector.stability_, [4, 9])) < 0.1


def test_a_half_holds_each_class_by_halves_and_nobody_twice():
    codes = np.repeat([0, 1, 2], [11, 6, 3])
    rows = resample(codes, "half", np.random.RandomState(0))
    np.testing.assert_array_equal(np.bincount(codes[rows]), [6, 3, 2])
    assert len(np.unique(rows)) == len(rows)


def test_a_bootstrap_keeps_the_size_of_each_class():
    codes = np.repeat([0, 1, 2], [11, 6, 3])
    rows = resample(codes, "bootstrap", np.random.RandomState(0))
    np.testing.assert_array_equal(np.bincount(codes[rows]), [11, 6, 3])
    assert len(np.unique(rows)) < len(rows)


def test_the_papers_whole_chain_can_be_watched_without_a_flood_of_warnings(cohort):
    chain = make_pipeline(
        StandardScaler(), MannWhitneySelector(), CorrelationPruner(), LassoCVSelector(cv=5)
    )
    X = pd.DataFrame(cohort[0]).add_prefix("T1__radiomics__")
    selector = StabilitySelector(chain, n_resamples=10, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        selected = selector.set_output(transform="pandas").fit_transform(X, cohort[1])
    assert {"T1__radiomics__4", "T1__radiomics__9"} <= set(selected.columns)
    pd.testing.assert_index_equal(selected.index, X.index)


def test_the_answer_is_the_same_whatever_n_jobs(cohort):
    one, two = (
        StabilitySelector(
            CorrelationPruner(0.3), n_resamples=6, random_state=0, n_jobs=n, threshold=0.1
        ).fit(*cohort)
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.stability_, two.stability_)


def test_nan_are_allowed_where_the_estimator_allows_them(cohort):
    X, y = cohort
    X = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)
    StabilitySelector(MannWhitneySelector(), n_resamples=3).fit(X, y)
    with pytest.raises(ValueError, match="contains NaN"):
        StabilitySelector(SelectKBest(k=3), n_resamples=3).fit(X, y)


def test_where_no_column_is_stable_the_most_stable_is_kept_with_a_warning(cohort):
    selector = StabilitySelector(KeepsEveryOther(), n_resamples=20, threshold=1.0, random_state=0)
    message = r"of 30 columns, 0 are kept on a share of 1.0 of the resamples .*: 0$"
    with pytest.warns(UserWarning, match=message):
        selector.fit(*cohort)
    np.testing.assert_array_equal(selector.get_support(indices=True), [0])
