"""The intraclass correlation by its definition, and a selection that only training rows decide."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh import RadiomicsExtractor
from sklidh.images import Perturbations
from sklidh.persistence import load_model, save_model
from sklidh.selection import MannWhitneySelector, RobustnessSelector, intraclass_correlation
from sklidh.utils import perturbed_name

# Table 2 of Shrout and Fleiss 1979: six targets, four judges.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
)


def icc_of(values, **how):
    return intraclass_correlation(np.asarray(values)[:, :, None], **how)


def test_the_published_example():
    # The limits are those that R's psych prints for ICC1 of the same table.
    assert np.ravel(icc_of(SHROUT_FLEISS)) == pytest.approx([0.17, -0.13, 0.72], abs=0.005)


@pytest.mark.parametrize(("n", "k"), [(5, 2), (30, 2), (12, 11)])
def test_scipys_analysis_of_variance_gives_the_same(n, k):
    rng = np.random.default_rng(n)
    values = rng.normal(size=(n, 1)) * 2 + rng.normal(size=(n, k)) + 1e4
    ratio = f_oneway(*values).statistic
    assert icc_of(values)[0] == pytest.approx((ratio - 1) / (ratio + k - 1), rel=1e-9)


def test_unequal_numbers_of_values_give_the_same_as_scipy_with_the_weighted_mean_number():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(8, 1)) + rng.normal(size=(8, 4))
    values[0, 2:], values[3, :1], values[5, 1:], values[6] = np.nan, np.nan, np.nan, np.nan
    used = [row[np.isfinite(row)] for row in values if np.isfinite(row).sum() > 1]
    sizes = np.array([len(row) for row in used])
    k = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(used) - 1)
    ratio = f_oneway(*used).statistic
    assert icc_of(values)[0] == pytest.approx((ratio - 1) / (ratio + k - 1))


def test_the_interval_covers_the_true_value_as_often_as_it_says():
    rng = np.random.default_rng(1)
    n, k, n_repeats, true = 20, 5, 4000, 0.6
    values = np.sqrt(true) * rng.normal(size=(n, 1, n_repeats))
    values = values + np.sqrt(1 - true) * rng.normal(size=(n, k, n_repeats))
    estimate, lower, upper = intraclass_correlation(values, confidence_level=0.9)
    covered = np.mean((lower <= true) & (true <= upper))
    # Four standard errors of a share of 4,000.
    assert covered == pytest.approx(0.9, abs=0.019)
    assert np.median(estimate) == pytest.approx(true, abs=0.02)


def test_identities():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(10, 3)) + rng.normal(size=(10, 1))
    plain = np.array(icc_of(values))
    assert np.array(icc_of(-3 * values + 7)) == pytest.approx(plain)
    assert np.array(icc_of(values[::-1, [2, 0, 1]])) == pytest.approx(plain)
    assert np.array(icc_of(np.repeat(values[:, :1], 3, axis=1))).ravel().tolist() == [1, 1, 1]
    # Every patient has the same mean: the smallest possible value.
    alike = np.array([[0, 1, 2], [2, 0, 1], [1, 2, 0]])
    assert icc_of(alike)[0] == pytest.approx(-1 / 2)
    assert np.isnan(icc_of(np.full((5, 3), 0.1 + 0.2))).all()
    assert np.isnan(icc_of(np.where([[True], [False]], [1.0, 2.0], np.nan))).all()


@pytest.fixture
def table():
    """Return 40 patients with two robust columns and two that a perturbation changes."""
    rng = np.random.default_rng(3)
    y = pd.Series(np.repeat([0, 1], 20), index=[f"p{i:02d}" for i in range(40)])
    names = ["size", "mean", "texture", "wavelet"]
    X = pd.DataFrame(rng.normal(size=(40, 4)) + 0.8 * y.to_numpy()[:, None], y.index, names)
    for number in (1, 2, 3):
        for name, noise in zip(names, (0.1, 0.3, 1.5, 2.0), strict=True):
            X[perturbed_name(name, number)] = X[name] + noise * rng.normal(size=40)
    return X, y


def test_robust_columns_are_kept_and_perturbed_ones_dropped(table):
    X, _ = table
    selector = RobustnessSelector().set_output(transform="pandas")
    assert selector.fit_transform(X).columns.tolist() == ["size", "mean"]
    own = X.to_numpy()[:, [0, 4, 8, 12]]
    assert (selector.icc_[0], selector.lower_[0], selector.upper_[0]) == tuple(
        each[0] for each in icc_of(own)
    )
    assert np.isnan(selector.icc_[4:]).all()
    # A column between the limits: its estimate is good enough, its lower limit is not.
    threshold = (selector.lower_[1] + selector.icc_[1]) / 2
    kept = {
        criterion: RobustnessSelector(threshold, criterion=criterion).fit(X).support_[1]
        for criterion in ("lower", "estimate")
    }
    assert kept == {"lower": False, "estimate": True}


def test_columns_without_perturbed_values_are_kept(table):
    X, _ = table
    X.insert(0, "deep__0", 1.0)
    kept = RobustnessSelector().fit(X).get_feature_names_out()
    assert kept.tolist() == ["deep__0", "size", "mean"]


def test_rows_of_held_out_patients_do_not_change_the_selection(table):
    X, y = table
    train, test = X.index[::2], X.index[1::2]
    tampered = X.copy()
    perturbed = [name for name in X if "perturbed" in name]
    tampered.loc[test, perturbed] = tampered.loc[test, perturbed].to_numpy()[::-1] * 1e3
    pipeline = make_pipeline(RobustnessSelector(), StandardScaler(), LogisticRegression())
    pipeline.set_output(transform="pandas")
    splits = [(X.index.get_indexer(train), X.index.get_indexer(test))]
    probabilities = []
    for data in (X, tampered):
        found = cross_validate(pipeline, data, y, cv=splits, return_estimator=True)
        fitted = found["estimator"][0]
        probabilities.append(fitted.predict_proba(data.loc[test]))
        assert fitted[0].get_feature_names_out().tolist() == ["size", "mean"]
    assert np.array_equal(*probabilities)
    # On all rows the tampered ones do count, so that the test above can fail.
    with pytest.warns(UserWarning, match="RobustnessSelector: of 16 columns, 0 have an ICC"):
        RobustnessSelector().fit(tampered)


def test_a_grid_search_chooses_the_threshold(table):
    X, y = table
    pipeline = make_pipeline(RobustnessSelector(), MannWhitneySelector(), LogisticRegression())
    pipeline.set_output(transform="pandas")
    grid = {"robustnessselector__threshold": [0.1, 0.75]}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X, y)
    assert set(search.cv_results_["param_robustnessselector__threshold"]) == {0.1, 0.75}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_two_readers_of_some_patients_are_enough(table):
    X, _ = table
    readers = X[["size", "wavelet"]].copy()
    for name in ("size", "wavelet"):
        second = X[perturbed_name(name, 1)].where(np.arange(40) < 25)
        readers[perturbed_name(name, "reader2")] = second
    selector = RobustnessSelector().fit(readers)
    assert selector.get_feature_names_out().tolist() == ["size"]
    only = RobustnessSelector().fit(readers.iloc[:25])
    assert np.array_equal(selector.icc_, only.icc_, equal_nan=True)


def test_features_with_fewer_perturbations_are_compared_by_what_they_have(table):
    X, _ = table
    fewer = X.drop(columns=perturbed_name("mean", 2))
    icc = RobustnessSelector().fit(fewer).icc_[1]
    assert icc == icc_of(X.to_numpy()[:, [1, 5, 13]])[0]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda X: X[["size", "mean"]], "no column <feature>__perturbed-<number>"),
        (lambda X: X.to_numpy(), "no column <feature>__perturbed-<number>"),
        (lambda X: X.drop(columns="mean"), "'mean__perturbed-1'.*without the column"),
        (
            lambda X: X.assign(**dict.fromkeys(X.columns[4:], np.nan)),
            "every perturbed value is NaN",
        ),
    ],
)
def test_a_table_that_cannot_be_compared_is_an_error(table, spoil, said):
    with pytest.raises(ValueError, match=said):
        RobustnessSelector().fit(spoil(table[0]))


def test_the_best_is_kept_where_nothing_is_robust(table):
    X, _ = table
    with pytest.warns(UserWarning, match="still keeps the best of the others: size$"):
        selector = RobustnessSelector(threshold=1.0).fit(X)
    assert selector.get_feature_names_out().tolist() == ["size"]
    with pytest.warns(UserWarning, match="min_features_to_select=9"):
        selector = RobustnessSelector(threshold=1.0, min_features_to_select=9).fit(X)
    assert selector.get_feature_names_out().tolist() == ["size", "mean", "texture", "wavelet"]


def test_a_constant_column_is_dropped(table):
    X, _ = table
    X[["size", *(perturbed_name("size", number) for number in (1, 2, 3))]] = 0.3
    assert RobustnessSelector().fit(X).get_feature_names_out().tolist() == ["mean"]


def test_it_is_cloned_pickled_and_saved(table, tmp_path):
    X, y = table
    selector = RobustnessSelector(0.5).fit(X)
    assert clone(selector).get_params() == selector.get_params()
    assert np.array_equal(pickle.loads(pickle.dumps(selector)).support_, selector.support_)
    pipeline = make_pipeline(RobustnessSelector(), LogisticRegression()).fit(X, y)
    save_model(pipeline, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    assert np.array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))


def test_an_extractor_is_saved_with_its_perturbations_and_regions(phantoms, tmp_path):
    X, y = phantoms[0][["T1CE", "mask"]].iloc[:6], phantoms[1].iloc[:6]
    extractor = RadiomicsExtractor(
        {"featureClass": {"firstorder": ["Mean"]}},
        regions={"whole": None, "again": [1]},
        perturbations=Perturbations(number=1, contours=False),
    )
    pipeline = make_pipeline(extractor, RobustnessSelector(threshold=-1), LogisticRegression())
    pipeline.set_output(transform="pandas").fit(X, y)
    save_model(pipeline, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    assert loaded[0].get_params() == pipeline[0].get_params()
    assert np.array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))
