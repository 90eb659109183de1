"""The page of predicted patients shows each of them, and explains those whom it can."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from sklidh.reporting import write_predictions
from sklidh.reporting._pictures import MOST_PICTURED


class AgeOfPatients(TransformerMixin, BaseEstimator):
    """Two features, as of two sequences."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        values = {
            "T1__age": X["age"].astype(float),
            "FLAIR__length": X["T1"].str.len().astype(float),
        }
        return pd.DataFrame(values)

    def get_feature_names_out(self, input_features=None):
        return np.array(["T1__age", "FLAIR__length"], dtype=object)


@pytest.fixture(scope="module")
def predicted(phantoms, hostile):
    X, y = phantoms
    X = X.rename(index={X.index[0]: hostile})
    y = y.set_axis(X.index)
    pipeline = Pipeline([("features", AgeOfPatients()), ("model", LogisticRegression())]).fit(X, y)
    table = pd.DataFrame(
        {
            "probability": pipeline.predict_proba(X)[:, 1],
            "threshold": 0.5,
            "class": np.where(pipeline.predict(X) == 1, "IDH mutant", "IDH wild type"),
            "model": hostile,
            "warnings": ["another site", *[""] * (len(X) - 1)],
        },
        index=X.index,
    )
    return pipeline, X, y, table


def test_every_patient_is_there_with_class_pictures_and_warnings(predicted, hostile, tmp_path):
    pipeline, X, _, table = predicted
    path = write_predictions(tmp_path / "page.html", pipeline, X, table, ["T1", "FLAIR"])
    page = path.read_text(encoding="utf-8")
    assert page.count('<article class="patient">') == min(len(X), MOST_PICTURED)
    assert page.count("data:image/jpeg;base64,") == 2 * min(len(X), MOST_PICTURED)
    rows = re.findall(r'<td data-label="Probability">(.*?)</td>', page)
    assert rows == [f"{probability:.2f}" for probability in table["probability"]]
    assert f"{(table['class'] == 'IDH mutant').sum()} predicted mutant" in page
    assert page.count("another site") == 2
    assert hostile not in page
    assert "which were not given" in " ".join(page.split())
    assert "data:image/png" not in page


@pytest.mark.parametrize("recalibrated", [False, True])
def test_with_the_training_patients_each_prediction_is_explained(predicted, tmp_path, recalibrated):
    pipeline, X, y, table = predicted
    few = X.index[1:3]
    table = table.assign(probability=table["probability"] + 0.01 * recalibrated)
    path = write_predictions(
        tmp_path / "page.html", pipeline, X, table.loc[few], ["T1"], training=(X, y)
    )
    page = path.read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 2
    assert page.count("and probability, before recalibration") == 2 * recalibrated
    for patient in few:
        assert f": {patient} (" not in page, "nobody is their own neighbour"
    assert page.count("Most similar training patients: ") == len(few)
    assert "which were not given" not in " ".join(page.split())
