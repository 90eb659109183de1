"""The estimators of numbers take and give polars tables, and their weights are routed."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh import (
    BRNNClassifier,
    CorrelationPruner,
    InvariantSpecificFusionClassifier,
    LassoCVSelector,
    LateFusionClassifier,
    MannWhitneySelector,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FUSION = InvariantSpecificFusionClassifier(max_epochs=5, random_state=0)
TRANSFORMERS = [
    MannWhitneySelector(),
    CorrelationPruner(random_state=0),
    LassoCVSelector(cv=3, random_state=0),
    FUSION,
    make_pipeline(StandardScaler(), MannWhitneySelector(), LassoCVSelector(cv=3, random_state=0)),
]
CLASSIFIERS = [
    BRNNClassifier(random_state=0),
    LateFusionClassifier(BRNNClassifier(random_state=0)),
    FUSION,
]


def class_name(estimator):
    return type(estimator).__name__


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    columns = [f"{modality}__{number}" for modality in ("T1", "T2") for number in range(4)]
    return pd.DataFrame(rng.normal(size=(40, 8)) + y[:, None], columns=columns), y


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=class_name)
def test_a_polars_table_comes_out_as_the_pandas_one_does(transformer, features):
    X, y = features
    expected = clone(transformer).set_output(transform="pandas").fit(X, y).transform(X)
    for table in (X, pl.from_pandas(X)):
        given = clone(transformer).set_output(transform="polars").fit(table, y).transform(table)
        assert isinstance(given, pl.DataFrame)
        assert given.columns == list(expected.columns)
        np.testing.assert_array_equal(given.to_numpy(), expected.to_numpy())


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=class_name)
def test_a_polars_table_is_classified_as_the_pandas_one_is(classifier, features):
    X, y = features
    table = pl.from_pandas(X)
    of_pandas = clone(classifier).fit(X, y).predict_proba(X)
    of_polars = clone(classifier).fit(table, y).predict_proba(table)
    np.testing.assert_array_equal(of_polars, of_pandas)


def test_weights_reach_the_fusion_through_a_pipeline(features):
    X, y = features
    weight = np.where(np.arange(40) < 20, 1.0, 3.0)
    scaled = StandardScaler().set_output(transform="pandas").fit_transform(X)
    with config_context(enable_metadata_routing=True):
        fusion = clone(FUSION).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, fusion).set_output(transform="pandas")
        routed.fit(X, y, sample_weight=weight)
    alone = clone(FUSION).fit(scaled, y, sample_weight=weight)
    np.testing.assert_array_equal(routed.predict_proba(X), alone.predict_proba(scaled))
    assert (alone.predict_proba(scaled) != clone(FUSION).fit(scaled, y).predict_proba(scaled)).any()
