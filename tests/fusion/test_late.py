"""Late fusion is the mean or a regression of the blocks' probabilities."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklidh.fusion import BRNNClassifier, LateFusionClassifier
from sklidh.fusion._combination import as_probabilities, fill_absent

METHODS = ["average", "regression"]


@parametrize_with_checks([LateFusionClassifier(LogisticRegression(), method) for method in METHODS])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def cohort(n_classes=2, n=120):
    X, y = make_classification(
        n, 9, n_informative=6, n_classes=n_classes, flip_y=0.1, random_state=0, shuffle=True
    )
    names = [f"{modality}__f{k}" for modality in ("T1", "T2", "FLAIR") for k in range(3)]
    index = [f"patient-{k}" for k in range(n)]
    return pd.DataFrame(X, columns=names, index=index), np.array(list("wmxz"))[y]


def block_probability(estimator, X, y, block, at=None):
    columns = [name for name in X.columns if name.split("__")[0] == block]
    fitted = clone(estimator).fit(X[columns].to_numpy(), y)
    return fitted.predict_proba((X if at is None else at)[columns].to_numpy())


def test_average_is_the_mean_of_separately_trained_classifiers():
    X, y = cohort()
    late = LateFusionClassifier(LogisticRegression()).fit(X, y)
    alone = [block_probability(LogisticRegression(), X, y, block) for block in late.blocks_]
    np.testing.assert_allclose(late.predict_proba(X), np.mean(alone, 0))
    np.testing.assert_array_equal(late.weights_, [1 / 3] * 3)


@pytest.mark.parametrize("out_of_fold", [True, False])
def test_regression_is_a_line_through_the_blocks_probabilities(out_of_fold):
    X, y = cohort()
    late = LateFusionClassifier(LogisticRegression(), "regression", out_of_fold=out_of_fold)
    late.fit(X, y)
    seen, asked = [], []
    for block in late.blocks_:
        columns = [name for name in X.columns if name.startswith(block + "__")]
        asked.append(block_probability(LogisticRegression(), X, y, block)[:, 1])
        if out_of_fold:
            folds = StratifiedKFold(5)
            answer = cross_val_predict(
                LogisticRegression(), X[columns].to_numpy(), y, cv=folds, method="predict_proba"
            )
            seen.append(answer[:, 1])
        else:
            seen.append(asked[-1])
    line = LinearRegression().fit(np.transpose(seen), y == late.classes_[1])
    np.testing.assert_allclose(late.weights_, line.coef_)
    assert late.intercept_ == pytest.approx(line.intercept_)
    expected = np.clip(line.predict(np.transpose(asked)), 0, 1)
    np.testing.assert_allclose(late.predict_proba(X)[:, 1], expected)


def test_regression_on_training_patients_gives_an_overfitting_block_too_much_weight():
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 200)
    X = pd.DataFrame({"good__x": y + generator.normal(size=200) * 0.5})
    X[[f"noise__{k}" for k in range(20)]] = generator.normal(size=(200, 20))
    tree = DecisionTreeClassifier(max_depth=6, random_state=0)
    honest = LateFusionClassifier(tree, "regression").fit(X, y)
    fooled = LateFusionClassifier(tree, "regression", out_of_fold=False).fit(X, y)
    honest, fooled = (dict(zip(m.blocks_, m.weights_, strict=True)) for m in (honest, fooled))
    assert abs(honest["noise"]) < 0.2 < fooled["noise"]


@pytest.mark.parametrize("method", METHODS)
def test_more_than_two_classes(method):
    X, y = cohort(n_classes=4, n=200)
    late = LateFusionClassifier(LogisticRegression(), method).fit(X, y)
    probabilities = late.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert (probabilities >= 0).all()
    assert late.score(X, y) > 0.5
    if method == "regression":
        assert late.weights_.shape == (4, 3)
        assert late.intercept_.shape == (4,)


def test_both_forms_of_the_regression_agree_for_two_classes():
    X, y = cohort()
    late = LateFusionClassifier(LogisticRegression(), "regression").fit(X, y)
    probabilities = late.block_probabilities(X)
    # The least squares line of 1 - y on 1 - p has the same slopes.
    weights = late.weights_
    other = 1 - late.intercept_ - weights.sum() + (probabilities[:, :, 0] @ weights)
    np.testing.assert_allclose(np.clip(other, 0, 1), late.predict_proba(X)[:, 0], atol=1e-12)


def test_scores_become_probabilities_even_where_all_are_clipped_away():
    scores = np.array([[0.5, 1.5, -1.0], [-1.0, -2.0, 0.0]])
    np.testing.assert_allclose(as_probabilities(scores), [[1 / 3, 2 / 3, 0], [1 / 3] * 3])


def test_a_missing_block_does_not_enter_the_mean():
    X, y = cohort()
    X.iloc[:15, 3:6] = np.nan
    late = LateFusionClassifier(LogisticRegression(), missing="ignore").fit(X, y)
    has = X["T2__f0"].notna()
    t2 = block_probability(LogisticRegression(), X[has], y[has], "T2", at=X[has])
    t1, flair = (block_probability(LogisticRegression(), X, y, block) for block in ("T1", "FLAIR"))
    expected = (t1 + flair) / 2
    expected[has] = (t1[has] + t2 + flair[has]) / 3
    np.testing.assert_allclose(late.predict_proba(X), expected)
    assert np.isnan(late.block_probabilities(X)[:15, 1]).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_patient_with_one_block_is_predicted_from_it(method):
    X, y = cohort()
    late = LateFusionClassifier(LogisticRegression(), method, missing="ignore").fit(X, y)
    alone = X.iloc[:5].copy()
    alone.iloc[:, 3:] = np.nan
    p = block_probability(LogisticRegression(), X, y, "T1", at=alone)[:, 1]
    expected = p if method == "average" else p * late.weights_.sum() + late.intercept_
    np.testing.assert_allclose(late.predict_proba(alone)[:, 1], np.clip(expected, 0, 1))


def test_a_missing_block_is_replaced_by_the_mean_of_the_others():
    probabilities = np.array([[[0.2, 0.8], [np.nan, np.nan], [0.6, 0.4]]])
    present = np.array([[True, False, True]])
    np.testing.assert_allclose(fill_absent(probabilities, present)[0, 1], [0.4, 0.6])


def test_one_missing_column_is_replaced_by_its_training_mean():
    X, y = cohort()
    late = LateFusionClassifier(LogisticRegression(), missing="ignore").fit(X, y)
    missing, filled = X.iloc[:5].copy(), X.iloc[:5].copy()
    missing["T1__f0"] = np.nan
    filled["T1__f0"] = X["T1__f0"].mean()
    np.testing.assert_allclose(late.predict_proba(missing), late.predict_proba(filled))


def test_nan_is_refused_at_fit_and_at_predict_naming_patient_and_block():
    X, y = cohort()
    hole = X.copy()
    hole.loc["patient-7", "T2__f1"] = np.nan
    late = LateFusionClassifier(LogisticRegression())
    with pytest.raises(ValueError, match="patient 'patient-7', block 'T2'"):
        late.fit(hole, y)
    with pytest.raises(ValueError, match="patient 'patient-7', block 'T2'"):
        late.fit(X, y).predict(hole)


def test_block_that_lacks_a_class_is_an_error():
    X, y = cohort()
    X.loc[y == "m", ["T1__f0", "T1__f1", "T1__f2"]] = np.nan
    with pytest.raises(ValueError, match=r"block 'T1' has .* but no example of one of the classes"):
        LateFusionClassifier(LogisticRegression(), missing="ignore").fit(X, y)


@pytest.mark.parametrize("cv", [ShuffleSplit(2, random_state=0), RepeatedKFold(n_splits=2)])
def test_folds_that_do_not_test_every_patient_once_are_refused(cv):
    late = LateFusionClassifier(LogisticRegression(), "regression", cv=cv)
    with pytest.raises(ValueError, match=r"tests the patient of row \d+ \d+ times"):
        late.fit(*cohort())


@pytest.mark.parametrize("cv", [3, GroupKFold(3)], ids=["int", "splitter"])
def test_groups_are_not_split_between_training_and_test_rows(cv):
    X, y = (np.concatenate([part, part]) for part in cohort())
    patient = np.tile(np.arange(120), 2)
    nearest = KNeighborsClassifier(1)  # gives a row the class of its twin where it has seen it
    late = LateFusionClassifier(nearest, "regression", cv=cv).fit(X, y, groups=patient)
    folds = (StratifiedGroupKFold if cv == 3 else GroupKFold)(3).split(X, y, patient)
    expected = cross_val_predict(nearest, X, y, cv=list(folds), method="predict_proba")[:, 1:]
    line = LinearRegression().fit(expected, late.classes_[1] == y)
    np.testing.assert_allclose(late.weights_, line.coef_)
    unaware = LateFusionClassifier(nearest, "regression", cv=3).fit(X, y)
    assert unaware.weights_.item() == pytest.approx(1), "it has seen every twin"


def test_estimator_without_probabilities_is_refused():
    with pytest.raises(ValueError, match="'predict_proba'"):
        LateFusionClassifier(LinearSVC()).fit(*cohort())


def test_groups_train_one_classifier_on_both_modalities():
    X, y = cohort()
    late = LateFusionClassifier(LogisticRegression(), groups=[("T1", "T2"), ("FLAIR",)]).fit(X, y)
    assert {block: e.n_features_in_ for block, e in late.estimators_.items()} == {
        "T1+T2": 6,
        "FLAIR": 3,
    }


def test_columns_in_another_order_are_refused_by_name():
    X, y = cohort()
    late = LateFusionClassifier(LogisticRegression()).fit(X, y)
    with pytest.raises(ValueError, match="feature names should match"):
        late.predict(X[X.columns[::-1]])


def test_the_papers_earlier_model_beats_its_blocks_and_can_be_pickled():
    X, y = cohort(n=300)
    train, test = slice(0, 200), slice(200, 300)
    late = LateFusionClassifier(BRNNClassifier(random_state=0), "regression")
    late.fit(X[train], y[train])
    fused = late.predict_proba(X[test])[:, 1]
    blocks = late.block_probabilities(X[test])[:, :, 1]
    truth = y[test] == late.classes_[1]
    assert roc_auc_score(truth, fused) > max(roc_auc_score(truth, p) for p in blocks.T)
    again = pickle.loads(pickle.dumps(late))
    np.testing.assert_array_equal(again.predict_proba(X[test])[:, 1], fused)


def test_settings_of_the_inner_estimator_can_be_searched():
    X, y = cohort()
    grid = {"estimator__C": [1e-6, 1.0], "method": METHODS}
    search = GridSearchCV(LateFusionClassifier(LogisticRegression()), grid, cv=3).fit(X, y)
    assert search.best_params_["estimator__C"] == 1.0


def test_block_importance_finds_the_block_that_matters():
    X, y = cohort()
    X[["T1__f0", "T1__f1", "T1__f2"]] = np.random.default_rng(0).normal(size=(len(X), 3))
    late = LateFusionClassifier(LogisticRegression()).fit(X, y)
    importance = late.block_importance(X, y, random_state=0)
    assert importance["mean"].idxmin() == "T1"
    assert abs(importance.loc["T1", "mean"]) < 0.03
    by_loss = late.block_importance(X, y, scoring="neg_log_loss", n_repeats=2, random_state=0)
    assert (by_loss["mean"] < log_loss(y, late.predict_proba(X))).all()
    assert list(by_loss.index) == ["T1", "T2", "FLAIR"]


def test_a_class_smaller_than_the_folds_reduces_the_folds_with_a_warning():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [9, 3])
    late = LateFusionClassifier(LogisticRegression(), method="regression")
    with pytest.warns(UserWarning, match="only 3 of 12 patients are class 1, so 3 folds are used"):
        late.fit(rng.normal(size=(12, 2)) + y[:, None], y)
    with pytest.raises(ValueError, match=r"LateFusionClassifier: class 1 has 1 patient of 10"):
        late.fit(rng.normal(size=(10, 2)), y[:10])


def test_warnings_of_a_block_s_classifier_name_the_block():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 15)
    X = pd.DataFrame(rng.normal(size=(30, 2)) + y[:, None], columns=["T1__a", "FLAIR__a"])
    with pytest.warns(ConvergenceWarning) as heard:
        LateFusionClassifier(BRNNClassifier(max_iter=2, random_state=0)).fit(X, y)
    assert [str(each.message)[:27] for each in heard] == [
        "block 'T1', 30 patients: BR",
        "block 'FLAIR', 30 patients:",
    ]


def test_patients_with_clipped_probabilities_are_still_ranked():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 30)
    X = rng.normal(size=(60, 2)) + 3 * y[:, None]
    late = LateFusionClassifier(LogisticRegression(), method="regression").fit(X, y)
    line, mutant = late.decision_function(X), late.predict_proba(X)[:, 1]
    np.testing.assert_allclose(mutant, np.clip(line + 0.5, 0, 1), atol=1e-15)
    np.testing.assert_array_equal(late.predict(X), line > 0)
    assert len(np.unique(line)) > len(np.unique(mutant))
