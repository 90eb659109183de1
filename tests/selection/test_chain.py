"""The paper's three steps one after the other, on a block with a missing sequence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.selection import CorrelationPruner, LassoCVSelector, MannWhitneySelector

TCGA = Path(__file__).parents[2] / "../shared/data/tcga-idh/tcga_idh_features.csv"


def steps():
    return make_pipeline(
        StandardScaler(),
        MannWhitneySelector(),
        CorrelationPruner(random_state=0),
        LassoCVSelector(random_state=0),
    ).set_output(transform="pandas")


@pytest.fixture
def block():
    """Return 60 patients' columns, three of them without the sequence, and labels."""
    rng = np.random.default_rng(0)
    y = pd.Series(rng.permutation(np.repeat([0, 1], [35, 25])), index=rng.permutation(1000)[:60])
    X = pd.DataFrame(rng.normal(size=(60, 40)), index=y.index).add_prefix("T1CE__radiomics__")
    X.iloc[:, :10] = X.iloc[:, :10].add(1.2 * y, axis=0)
    X.iloc[:, 10:15] = X.iloc[:, :5] * 3 + 0.01
    X.iloc[[3, 20, 41]] = np.nan
    return X, y


def test_patients_without_the_sequence_come_out_as_nan_and_all_others_as_numbers(block):
    X, y = block
    selected = steps().fit_transform(X, y)
    assert 1 <= selected.shape[1] <= 10
    assert set(selected.columns) <= set(X.columns)
    pd.testing.assert_index_equal(selected.index, X.index)
    np.testing.assert_array_equal(selected.isna(), X[selected.columns].isna())
    assert selected.isna().all(axis=1).sum() == 3


def test_patients_without_the_sequence_do_not_change_what_is_selected(block):
    X, y = block
    there = X.notna().all(axis=1)
    without = steps()[:-1].fit(X[there], y[there])  # the folds of the LASSO would differ
    np.testing.assert_array_equal(
        steps()[:-1].fit(X, y).get_feature_names_out(), without.get_feature_names_out()
    )


def test_selection_inside_the_folds_finds_nothing_where_there_is_nothing(block):
    X, y = block
    noise = pd.DataFrame(np.random.default_rng(5).normal(size=(60, 200)), index=X.index)
    model = make_pipeline(
        MannWhitneySelector(), CorrelationPruner(random_state=0), LogisticRegression()
    )
    auc = roc_auc_score(y, cross_val_predict(model, noise, y, cv=5, method="decision_function"))
    assert 0.3 < auc < 0.7


@pytest.mark.skipif(not TCGA.exists(), reason="the real columns, shared/data, are not here")
@pytest.mark.parametrize("modality", ["T1", "T1CE", "T2", "FLAIR"])
def test_real_columns_with_nan_and_skewed_scales_are_reduced_to_a_few(modality):
    table = pd.read_csv(TCGA, index_col=0)
    X = table.filter(regex=f"^{modality}__")
    assert X.isna().any(axis=None)
    selected = steps().fit_transform(X, table["idh"])
    assert 1 <= selected.shape[1] <= 40
    np.testing.assert_array_equal(selected.isna(), X[selected.columns].isna())
