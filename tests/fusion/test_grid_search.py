"""The batched grid search agrees with scikit-learn's, and delegates what it cannot batch."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone, is_classifier
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklidh import load_model, save_model
from sklidh.fusion import BatchedGridSearchCV, InvariantSpecificFusionClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def cohort():
    X, y = make_classification(60, 6, n_informative=4, class_sep=1.5, random_state=0)
    names = [f"{modality}__{k}" for modality in ("T1", "T2") for k in range(3)]
    return pd.DataFrame(X, columns=names), np.array(["wild", "mutant"])[y]


def fusion(**settings):
    few = {"max_epochs": 10, "n_members": 1, "random_state": 0}
    return InvariantSpecificFusionClassifier(**{**few, **settings})


def pipeline():
    steps = [("standardscaler", StandardScaler()), ("fusion", fusion())]
    return Pipeline(steps).set_output(transform="pandas")


def both(estimator, grid, X, y, *, fit_params=None, n_jobs=None, **settings):
    """Run both searches, assert that they agree, and return them."""
    settings = {"cv": 3, "scoring": "roc_auc", **settings}
    searches = [
        search.fit(X, y, **(fit_params or {}))
        for search in (
            GridSearchCV(estimator, grid, **settings),
            BatchedGridSearchCV(estimator, grid, n_jobs=n_jobs, **settings),
        )
    ]
    ordinary, batched = (search.cv_results_ for search in searches)
    assert list(ordinary) == list(batched)
    for name, values in ordinary.items():
        if "score" in name and "time" not in name:
            np.testing.assert_allclose(batched[name], values, rtol=0, atol=1e-9, err_msg=name)
    assert [str(p) for p in batched["params"]] == [str(p) for p in ordinary["params"]]
    return searches


@pytest.mark.slow
def test_every_candidate_of_a_pipeline_scores_as_in_grid_search_cv(cohort):
    X, y = cohort
    grid = [
        {"fusion__alpha": [0, 0.7], "fusion__beta": [0.1, 0.9], "fusion__n_members": [1, 2]},
        {"standardscaler__with_std": [True, False], "fusion__random_state": [1, 2]},
        {"fusion__groups": [[("T1", "T2")], [("T1",)]], "fusion__batch_size": [16, None]},
        {"standardscaler": [MinMaxScaler(), "passthrough"], "fusion": [fusion(lr=0.1)]},
    ]
    scoring = {"auc": "roc_auc", "loss": "neg_log_loss", "hits": "accuracy"}
    ordinary, batched = both(
        pipeline(), grid, X, y, scoring=scoring, refit="auc", return_train_score=True
    )
    assert batched.n_batched_fits_ == 18 * 3
    assert batched.best_params_ == ordinary.best_params_
    np.testing.assert_allclose(batched.predict_proba(X), ordinary.predict_proba(X), atol=1e-9)
    assert isinstance(batched.best_estimator_, Pipeline)
    assert (batched.cv_results_["mean_fit_time"] > 0).all()


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_bare_classifier_and_threads(cohort, n_jobs):
    X, y = cohort
    grid = {"alpha": [0.1, 0.5, 0.9], "difference": ["distance", "misa"]}
    _, batched = both(fusion(), grid, X, y, n_jobs=n_jobs, scoring=None)
    assert batched.n_batched_fits_ == 18
    assert is_classifier(batched)


def test_candidates_of_the_papers_training_agree_after_many_small_steps(cohort):
    X, y = cohort
    papers = {"batch_size": 16, "lr": 1e-4, "lr_schedule": "constant", "max_epochs": 80}
    _, batched = both(fusion(**papers), {"beta": [0.1, 0.9]}, X, y, scoring="neg_log_loss")
    assert batched.n_batched_fits_ == 6


def test_a_fitted_search_contains_no_patient_and_can_be_saved(cohort, tmp_path):
    X, y = cohort
    X = X.set_axis([f"Patient-{k}" for k in range(len(X))])
    for scoring in (None, {"auc": "roc_auc", "hits": "accuracy"}):
        refit = True if scoring is None else "auc"
        search = BatchedGridSearchCV(
            pipeline(), {"fusion__beta": [0.1, 0.9]}, cv=2, scoring=scoring, refit=refit
        ).fit(X, y)
        assert b"Patient-1" not in pickle.dumps(search)
        save_model(search, tmp_path / "search.skops")
        loaded = load_model(tmp_path / "search.skops")
        np.testing.assert_array_equal(loaded.predict_proba(X), search.predict_proba(X))
        assert loaded.score(X, y) == search.score(X, y)


def test_sites_are_kept_together_and_weights_reach_the_classifier_and_the_scorer(cohort):
    X, y = cohort
    sites = np.arange(len(y)) // 7
    grid = {"alpha": [0.1, 0.9]}
    weight = np.linspace(0.1, 2, len(y))
    _, plain = both(fusion(), grid, X, y, cv=GroupKFold(3), fit_params={"groups": sites})
    _, weighted = both(
        fusion(),
        grid,
        X,
        y,
        cv=GroupKFold(3),
        fit_params={"groups": sites, "sample_weight": weight},
    )
    assert weighted.n_batched_fits_ == 6
    scores = (search.cv_results_["mean_test_score"] for search in (plain, weighted))
    assert not np.array_equal(*scores)
    both(pipeline(), {"fusion__alpha": [0.1]}, X, y, fit_params={"fusion__sample_weight": weight})


class Counting(TransformerMixin, BaseEstimator):
    fits, transforms = 0, 0

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y=None):
        type(self).fits += 1
        return self

    def transform(self, X):
        type(self).transforms += 1
        return X + self.shift


def test_steps_before_the_classifier_are_fitted_once_per_fold_and_setting(cohort):
    X, y = cohort
    Counting.fits = Counting.transforms = 0
    grid = {"fusion__alpha": [0.1, 0.5, 0.9], "counting__shift": [0.0, 1.0]}
    pipe = Pipeline([("counting", Counting()), ("fusion", fusion())])
    search = BatchedGridSearchCV(pipe, grid, cv=3, refit=False, return_train_score=True).fit(X, y)
    assert search.n_batched_fits_ == 18
    assert Counting.fits == 2 * 3
    assert Counting.transforms == 2 * 3 * 2  # training and test patients


def test_steps_cached_by_a_memory_are_not_refitted(cohort, tmp_path):
    X, y = cohort
    Counting.fits = 0
    pipe = Pipeline([("counting", Counting()), ("fusion", fusion())], memory=str(tmp_path))
    for beta in (0.1, 0.9):
        BatchedGridSearchCV(pipe, {"fusion__beta": [beta]}, cv=3, refit=False).fit(X, y)
    assert Counting.fits == 3


def test_a_splitter_with_random_folds_is_called_once(cohort):
    X, y = cohort
    cv = StratifiedKFold(3, shuffle=True, random_state=np.random.RandomState(0))
    search = BatchedGridSearchCV(fusion(), {"alpha": [0.1, 0.9]}, cv=cv).fit(X, y)
    assert search.n_batched_fits_ == 6
    assert search.cv is cv


def test_early_stopping_draws_the_patients_of_each_seed(cohort):
    X, y = cohort
    grid = {"random_state": [0, 1], "alpha": [0.1, 0.9]}
    _, batched = both(fusion(validation_fraction=0.3), grid, X, y)
    assert batched.n_batched_fits_ == 12


def test_failures_are_reported_as_by_scikit_learn(cohort):
    X, y = cohort
    grid = [{"lr": [1e300, 0.01]}, {"alpha": [-1.0]}, {"groups": [[("DWI",)]]}]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, batched = both(fusion(), grid, X, y)
    assert np.isnan(batched.cv_results_["mean_test_score"]).tolist() == [True, False, True, True]
    assert batched.n_batched_fits_ == 3
    with pytest.raises(ValueError, match="groups contains 'DWI'"):
        BatchedGridSearchCV(fusion(), grid[2], error_score="raise").fit(X, y)


def test_other_estimators_are_searched_by_grid_search_cv(cohort):
    X, y = cohort
    logistic = make_pipeline(StandardScaler(), LogisticRegression())
    _, batched = both(logistic, {"logisticregression__C": [0.1, 1.0]}, X, y)
    assert batched.n_batched_fits_ == 0


def test_parameters_are_untouched_and_the_search_can_be_cloned_and_pickled(cohort):
    X, y = cohort
    estimator, grid = pipeline(), {"fusion__alpha": [0.1, 0.9]}
    search = BatchedGridSearchCV(estimator, grid, cv=2).fit(X, y)
    assert search.estimator is estimator
    assert search.cv == 2
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))
    assert clone(search).fit(X, y).best_params_ == search.best_params_


def test_a_table_with_another_index_is_transformed_separately(cohort):
    X, y = cohort
    shuffled = X.sample(frac=1, random_state=0)
    both(pipeline(), {"fusion__beta": [0.1, 0.9]}, shuffled, y[shuffled.index])
