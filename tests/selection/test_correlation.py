"""CorrelationPruner leaves no pair above the threshold, and drops no column without a stand-in."""

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklidh.selection import CorrelationPruner, MannWhitneySelector
from sklidh.selection._correlation import correlations


@parametrize_with_checks(
    [
        CorrelationPruner(),
        CorrelationPruner(method="spearman", keep="first"),
        CorrelationPruner(keep="relevance"),
    ]
)
def test_scikit_learns_checks_hold(estimator, check):
    check(estimator)


@pytest.fixture
def cohort():
    """Return 80 patients' 60 columns, copies with noise of 12 hidden ones, and labels."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(80, 12))
    X = hidden[:, rng.integers(12, size=60)] * rng.choice([-1, 5], size=60)
    X += rng.uniform(0, 0.6, size=60) * rng.normal(size=X.shape)
    return X, (hidden[:, 0] + rng.normal(size=80) > 0).astype(int)


def with_holes(X, share=0.15):
    X = X.copy()
    X[np.random.default_rng(2).random(X.shape) < share] = np.nan
    return X


@pytest.mark.parametrize("keep", ["random", "relevance", "first"])
@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("threshold", [0.5, 0.9])
def test_no_pair_above_the_threshold_remains_and_each_removed_column_has_a_stand_in(
    cohort, keep, method, threshold
):
    X, y = cohort
    pruner = CorrelationPruner(threshold, method=method, keep=keep, random_state=0).fit(X, y)
    r = pd.DataFrame(X).corr(method=method).abs().to_numpy()
    kept = pruner.get_support(indices=True)
    assert 1 < len(kept) < X.shape[1]
    assert (r[np.ix_(kept, kept)] - np.eye(len(kept))).max() <= threshold
    removed = np.flatnonzero(~pruner.get_support())
    assert (r[removed, pruner.removed_by_[removed]] > threshold).all()
    assert np.isin(pruner.removed_by_[removed], kept).all()
    assert (pruner.removed_by_[kept] == -1).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_guarantee_holds_with_holes_over_the_patients_in_common(cohort, seed):
    X = with_holes(cohort[0])
    pruner = CorrelationPruner(random_state=seed).fit(X)
    r = pd.DataFrame(X).corr().abs().to_numpy()  # pandas correlates pairwise, too
    kept = pruner.get_support(indices=True)
    assert (r[np.ix_(kept, kept)] - np.eye(len(kept))).max() <= 0.9
    removed = np.flatnonzero(~pruner.get_support())
    assert len(removed)
    assert (r[removed, pruner.removed_by_[removed]] > 0.9).all()


def test_pairs_are_correlated_as_pandas_does_even_in_columns_of_very_different_scale(cohort):
    scale = 10.0 ** np.arange(-300, 300, 10)
    X = np.hstack([with_holes(cohort[0]) * scale, cohort[0][:, :2]])  # with and without holes
    with np.errstate(all="raise"):
        r = correlations(X)
    unscaled = np.hstack([X[:, :60] / scale, X[:, 60:]])  # pandas would overflow
    expected = pd.DataFrame(unscaled).corr().to_numpy()
    np.testing.assert_allclose(r, expected, atol=1e-12)


def test_keep_first_keeps_the_column_further_left(cohort):
    X, _ = cohort
    pruner = CorrelationPruner(keep="first").fit(X)
    removed = np.flatnonzero(~pruner.get_support())
    assert pruner.get_support()[0]
    assert (pruner.removed_by_[removed] < removed).all()


def test_keep_relevance_keeps_the_column_with_the_smaller_p(cohort):
    X, y = cohort
    p = MannWhitneySelector().fit(X, y).pvalues_
    pruner = CorrelationPruner(keep="relevance").fit(X, y)
    removed = np.flatnonzero(~pruner.get_support())
    assert (p[pruner.removed_by_[removed]] <= p[removed]).all()


def test_keep_relevance_needs_labels(cohort):
    with pytest.raises(ValueError, match="requires y to be passed"):
        CorrelationPruner(keep="relevance").fit(cohort[0])


def test_keep_random_keeps_either_of_a_pair_equally_often():
    x = np.random.default_rng(0).normal(size=(20, 1))
    first = [
        CorrelationPruner(keep="random", random_state=seed)
        .fit(np.hstack([x, 2 * x]))
        .get_support()[0]
        for seed in range(200)
    ]
    assert 70 < sum(first) < 130


def test_the_same_seed_keeps_the_same_columns(cohort):
    supports = [CorrelationPruner(random_state=7).fit(cohort[0]).get_support() for _ in range(2)]
    np.testing.assert_array_equal(*supports)


def test_a_negative_correlation_counts_as_much():
    x = np.random.default_rng(0).normal(size=(20, 1))
    pruner = CorrelationPruner(keep="first").fit(np.hstack([x, -3 * x]))
    np.testing.assert_array_equal(pruner.removed_by_, [-1, 0])


def test_spearman_sees_what_pearson_does_not():
    x = np.random.default_rng(0).normal(size=(40, 1))
    X = np.hstack([x, np.exp(4 * x)])
    assert CorrelationPruner(method="pearson").fit(X).get_support().sum() == 2
    assert CorrelationPruner(method="spearman").fit(X).get_support().sum() == 1


def test_constant_columns_and_pairs_with_two_patients_in_common_count_as_uncorrelated():
    X = np.random.default_rng(0).normal(size=(10, 4))
    X[:, 1] = 0.1
    X[:8, 2] = np.nan  # shares two patients with the others: |r| would be 1
    pruner = CorrelationPruner().fit(X)
    assert pruner.get_support().all()


def test_a_column_that_is_constant_over_the_patients_in_common_counts_as_uncorrelated():
    X = np.random.default_rng(0).normal(size=(20, 2))
    X[:10, 0] = 1 / 3
    X[10:, 1] = np.nan
    assert CorrelationPruner().fit(X).get_support().all()


def test_patients_without_the_sequence_change_nothing(cohort):
    X, _ = cohort
    padded = np.vstack([np.full((7, X.shape[1]), np.nan), X])
    one = CorrelationPruner(random_state=0).fit(X)
    other = CorrelationPruner(random_state=0).fit(padded)
    np.testing.assert_array_equal(one.removed_by_, other.removed_by_)


def test_min_features_to_select_takes_removed_columns_back_with_a_warning():
    x = np.random.default_rng(0).normal(size=(20, 1))
    X = pd.DataFrame(np.hstack([x, 2 * x, 3 * x]), columns=["a", "b", "c"])
    pruner = CorrelationPruner(keep="first", min_features_to_select=2)
    with pytest.warns(UserWarning, match=r"1 remain with no \|r\| above 0.9 .*: b$"):
        pruner.fit(X)
    np.testing.assert_array_equal(pruner.removed_by_, [-1, -1, 0])
