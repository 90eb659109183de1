"""ComBat: against its formulas by hand, what it may learn from, and sites in a Pipeline."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.selection import ComBat, MannWhitneySelector


@pytest.fixture(scope="module")
def cohort():
    """Return 90 patients' 12 features without and with the effects of 3 sites, and the sites."""
    rng = np.random.default_rng(0)
    site = np.repeat(["a", "b", "c"], [40, 30, 20])
    clean = rng.normal(size=(90, 12)) * rng.uniform(1, 5, 12) + rng.uniform(-9, 9, 12)
    shift = pd.DataFrame(rng.normal(0, 3, (3, 12)), index=["a", "b", "c"])
    stretch = pd.DataFrame(rng.uniform(0.5, 2, (3, 12)), index=["a", "b", "c"])
    scanned = clean.mean(0) + stretch.loc[site].to_numpy() * (clean - clean.mean(0))
    return clean, scanned + shift.loc[site].to_numpy(), site


def test_without_shrinkage_it_is_a_z_score_within_each_site(cohort):
    _, X, site = cohort
    harmonised = ComBat(shrink=False).fit(X, site=site).transform(X, site=site)
    within = np.sqrt(
        sum(((X[site == s] - X[site == s].mean(0)) ** 2).sum(0) for s in "abc") / len(X)
    )
    for name in "abc":
        own = X[site == name]
        z = (own - own.mean(0)) / own.std(0, ddof=1)
        np.testing.assert_allclose(harmonised[site == name], X.mean(0) + within * z)


def test_shrinkage_is_the_posterior_mean_computed_by_hand(cohort):
    # Written anew from Johnson et al., section 3.2, feature by feature, for site "c".
    _, X, site = cohort
    combat = ComBat().fit(X, site=site)
    within = np.sqrt(
        sum(((X[site == s] - X[site == s].mean(0)) ** 2).sum(0) for s in "abc") / len(X)
    )
    Z = ((X - X.mean(0)) / within)[site == "c"]
    n, gamma_hat, delta_hat = len(Z), Z.mean(0), Z.var(0, ddof=1)
    gamma_bar, tau2 = gamma_hat.mean(), gamma_hat.var(ddof=1)
    mean, variance = delta_hat.mean(), delta_hat.var(ddof=1)
    lambda_bar, theta_bar = mean**2 / variance + 2, mean**3 / variance + mean
    for feature in range(X.shape[1]):
        gamma, delta2 = gamma_hat[feature], delta_hat[feature]
        for _ in range(200):
            gamma = (n * tau2 * gamma_hat[feature] + delta2 * gamma_bar) / (n * tau2 + delta2)
            squares = ((Z[:, feature] - gamma) ** 2).sum()
            delta2 = (theta_bar + squares / 2) / (n / 2 + lambda_bar - 1)
        assert combat.shift_[2, feature] == pytest.approx(gamma, rel=1e-3, abs=1e-4)
        assert combat.stretch_[2, feature] == pytest.approx(np.sqrt(delta2), rel=1e-3)


def test_the_sites_effects_go_and_the_patients_stay(cohort):
    clean, X, site = cohort
    harmonised = ComBat().fit(X, site=site).transform(X, site=site)

    def between(values):
        means = np.stack([values[site == s].mean(0) for s in "abc"])
        return means.std(0) / values.std(0)

    assert (between(harmonised) < 0.15).all()
    assert between(X).mean() > 0.3
    for feature in range(12):
        one = np.corrcoef(harmonised[:, feature], clean[:, feature])[0, 1]
        assert one > np.corrcoef(X[:, feature], clean[:, feature])[0, 1]


def test_a_single_site_changes_nothing():
    X = np.random.default_rng(0).normal(3, 2, (30, 5))
    site = ["only"] * 30
    harmonised = ComBat(shrink=False).fit(X, site=site).transform(X, site=site)
    # But for the deviation by n - 1 and not by n.
    np.testing.assert_allclose(
        harmonised, X.mean(0) + (X - X.mean(0)) * np.sqrt(29 / 30), atol=1e-12
    )


def test_other_rows_change_nothing_that_was_learned(cohort):
    _, X, site = cohort
    train = np.arange(90) % 3 > 0
    combat = ComBat().fit(X[train], site=site[train])
    alone = combat.transform(X[:1], site=site[:1])
    among = combat.transform(X * np.r_[1, np.full(89, 7)][:, None], site=site)
    np.testing.assert_array_equal(alone[0], among[0])


def test_an_unseen_site_is_an_error_or_stays_as_it_is_with_a_warning(cohort):
    _, X, site = cohort
    new = np.where(np.arange(90) < 2, "d", site)
    with pytest.raises(ValueError, match=r"2 patients come from site 'd'.*known are 'a', 'b', 'c'"):
        ComBat().fit(X, site=site).transform(X, site=new)
    combat = ComBat(unseen="mean").fit(X, site=site)
    with pytest.warns(UserWarning, match="2 patients come from site 'd'"):
        harmonised = combat.transform(X, site=new)
    np.testing.assert_array_equal(harmonised[:2], X[:2])
    np.testing.assert_array_equal(harmonised[2:], combat.transform(X, site=site)[2:])


def test_nan_stay_and_are_left_out(cohort):
    _, X, site = cohort
    holed = X.copy()
    holed[::7, 3] = np.nan
    harmonised = ComBat(shrink=False).fit(holed, site=site).transform(holed, site=site)
    np.testing.assert_array_equal(np.isnan(harmonised), np.isnan(holed))
    there = ~np.isnan(holed[:, 3])
    only = X[there][:, [3]]
    expected = ComBat(shrink=False).fit(only, site=site[there]).transform(only, site=site[there])
    np.testing.assert_allclose(harmonised[there, 3], expected[:, 0])


def test_a_constant_feature_and_one_that_is_all_nan_stay_as_they_are(cohort):
    _, X, site = cohort
    X = X.copy()
    X[:, 0], X[:, 1] = 4.2, np.nan
    harmonised = ComBat().fit(X, site=site).transform(X, site=site)
    np.testing.assert_array_equal(harmonised[:, :2], X[:, :2])
    assert np.isfinite(harmonised[:, 2:]).all()


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (None, "no site is given: pass site="),
        (["a"] * 5, "5 sites are given for 90 patients"),
        ([None] * 90, "site is missing for 90 of 90 patients"),
        (["lonely"] + ["a"] * 89, "site 'lonely' has 1 training patients"),
    ],
)
def test_sites_that_cannot_be_used_are_refused(cohort, site, message):
    with pytest.raises(ValueError, match=message):
        ComBat().fit(cohort[1], site=site)


def test_the_column_of_sites_of_a_table_is_used_and_left_out(cohort):
    _, X, site = cohort
    table = pd.DataFrame(X, columns=[f"T1__f{i}" for i in range(12)], index=np.arange(90) + 7)
    with_sites = table.assign(centre=site)
    combat = ComBat("centre").set_output(transform="pandas")
    harmonised = combat.fit_transform(with_sites)
    assert list(harmonised.columns) == list(table.columns)
    assert harmonised.index.equals(table.index)
    np.testing.assert_array_equal(harmonised, ComBat().fit(X, site=site).transform(X, site=site))


def test_sites_travel_through_a_pipeline_and_its_cross_validation(cohort):
    _, X, site = cohort
    y = np.random.default_rng(1).integers(0, 2, 90)
    X = pd.DataFrame(X + 3 * y[:, None], columns=[f"f{i}" for i in range(12)])
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(
            ComBat(), StandardScaler(), MannWhitneySelector(), LogisticRegression()
        )
        pipe.fit(X, y, site=site)
        assert pipe.predict(X[:3], site=site[:3]).shape == (3,)
        scores = cross_validate(pipe, X, y, params={"site": site}, cv=5, error_score="raise")
        assert scores["test_score"].mean() > 0.8
        with pytest.raises(ValueError, match="no site is given"):
            pipe.fit(X, y)


def test_sites_reach_the_branches_of_every_modality_and_pass_through_beside_them(cohort):
    _, X, site = cohort
    names = [f"f{i}" for i in range(12)]
    table = pd.DataFrame(X, columns=names).assign(site=site)
    expected = {
        modality: ComBat().fit(X[:, part], site=site).transform(X[:, part], site=site)
        for modality, part in (("T1", slice(0, 6)), ("T2", slice(6, 12)))
    }
    branches = [("T1", make_pipeline(ComBat()), names[:6]), ("T2", ComBat(), names[6:])]
    with config_context(enable_metadata_routing=True):
        harmonised = ColumnTransformer(branches).fit_transform(table, site=site)
    np.testing.assert_allclose(harmonised, np.hstack([*expected.values()]))

    whole = ComBat().fit(X, site=site).transform(X, site=site)
    pipe = make_pipeline(
        ColumnTransformer([("T1", "passthrough", names), ("kept", "passthrough", ["site"])]),
        ComBat("kept__site"),
    ).set_output(transform="pandas")
    without_routing = pipe.fit_transform(table)
    assert list(without_routing) == [f"T1__{name}" for name in names]
    np.testing.assert_allclose(without_routing, whole)
