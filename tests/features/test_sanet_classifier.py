"""Model 1: images in, probabilities out, one network a modality or one for all."""

import pickle

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from scipy.special import softmax
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sklidh.features import SANetClassifier, SANetFeaturizer
from sklidh.nn._training import predict
from sklidh.utils import CohortError
from sklidh.utils.estimator_checks import parametrize_with_image_checks

QUICK = {"n_features": 6, "size": 16, "max_epochs": 2, "random_state": 0}


def cohort(n=8, signal=60, first=0):
    """Return n patients with two modalities, every second a mutant; T1CE shows it, T1 does not."""
    labels = np.arange(n) % 2
    tumour = np.zeros((3, 24, 24), np.uint8)
    tumour[1, 6:14, 8:16] = 1
    rows = []
    for seed, label in enumerate(labels, start=first):
        T1, T1CE = np.random.default_rng(seed).normal(100, 10, (2, *tumour.shape))
        T1CE[tumour == 1] += signal * label
        rows.append([sitk.GetImageFromArray(each) for each in (T1, T1CE, tumour)])
    index = pd.Index([f"P{(5 * number) % n}" for number in range(n)], name="patient")
    X = pd.DataFrame(rows, columns=["T1", "T1CE", "mask"], index=index)
    return X, pd.Series(np.where(labels, "mutant", "wild type"), index=index)


X, y = cohort()


@parametrize_with_image_checks([SANetClassifier(**QUICK)])
def test_image_in_checks(estimator, check):
    check(estimator, X, y)


@pytest.mark.parametrize("fusion", ["mean", "channels"])
def test_probabilities_sum_to_1_and_predict_takes_the_larger(fusion):
    classifier = SANetClassifier(**QUICK, fusion=fusion).fit(X, y)
    probability = classifier.predict_proba(X)
    np.testing.assert_allclose(probability.sum(1), 1)
    assert classifier.classes_.tolist() == ["mutant", "wild type"]
    expected = classifier.classes_[(probability[:, 1] > 0.5).astype(int)]
    assert classifier.predict(X).tolist() == expected.tolist()


def test_the_mean_is_over_one_network_for_each_modality():
    classifier = SANetClassifier(**QUICK).fit(X, y)
    alone = []
    for modality in ("T1", "T1CE"):
        images, _ = classifier._cut(X[[modality, "mask"]])
        alone.append(softmax(predict(classifier.nets_[modality], images), axis=1))
    np.testing.assert_allclose(classifier.predict_proba(X), np.mean(alone, 0), rtol=1e-6)


def test_the_first_network_is_the_featurizers():
    classifier = SANetClassifier(**QUICK, modalities=["T1CE"]).fit(X, y)
    featurizer = SANetFeaturizer(**QUICK).fit(X[["T1CE", "mask"]], y)
    images, _ = classifier._cut(X[["T1CE", "mask"]])
    np.testing.assert_array_equal(
        predict(classifier.nets_["T1CE"], images), predict(featurizer.net_, images)
    )


def test_modalities_as_channels_make_one_network():
    classifier = SANetClassifier(**QUICK, fusion="channels").fit(X, y)
    (net,) = classifier.nets_.values()
    assert list(classifier.nets_) == ["T1+T1CE"]
    assert net.module_.stem.convolution.in_channels == 2


@pytest.mark.parametrize("fusion", ["mean", "channels"])
def test_it_learns_what_one_of_the_modalities_shows(fusion):
    X, y = cohort(16)
    classifier = SANetClassifier(**QUICK | {"max_epochs": 25}, fusion=fusion).fit(X, y)
    assert classifier.score(*cohort(12, first=100)) > 0.9


def test_a_table_is_its_patients_one_by_one_in_any_order():
    classifier = SANetClassifier(**QUICK).fit(X, y)
    alone = np.vstack([classifier.predict_proba(X.loc[[name]]) for name in X.index[::-1]])
    np.testing.assert_allclose(alone[::-1], classifier.predict_proba(X), atol=1e-5)


def test_columns_that_hold_no_image_are_not_read():
    more = X.assign(age=50, site="Zurich")[["site", "T1CE", "age", "mask", "T1"]]
    classifier = SANetClassifier(**QUICK).fit(more, y)
    assert classifier.modalities_ == ["T1CE", "T1"]
    np.testing.assert_array_equal(classifier.predict_proba(X), classifier.predict_proba(more))


def test_a_patient_is_classified_by_the_modalities_that_are_there():
    incomplete = X.copy()
    incomplete.iloc[3, 0] = None
    classifier = SANetClassifier(**QUICK, missing="nan").fit(incomplete, y)
    images, _ = classifier._cut(X.iloc[[3]][["T1CE", "mask"]])
    expected = softmax(predict(classifier.nets_["T1CE"], images), axis=1)
    np.testing.assert_allclose(classifier.predict_proba(incomplete)[[3]], expected, rtol=1e-6)


@pytest.mark.parametrize(("fusion", "columns"), [("mean", [0, 1]), ("channels", [0])])
def test_a_patient_without_the_images_needed_is_an_error_that_names_him(fusion, columns):
    classifier = SANetClassifier(**QUICK, fusion=fusion, missing="nan").fit(X, y)
    incomplete = X.copy()
    incomplete.iloc[3, columns] = None
    with pytest.raises(CohortError, match=f"patient 'P7': too few images, fusion='{fusion}'"):
        classifier.predict_proba(incomplete)


def test_a_pickled_classifier_gives_the_same_bits():
    classifier = SANetClassifier(**QUICK).fit(X, y)
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))


def test_the_same_seed_gives_the_same_bits():
    classifier = SANetClassifier(**QUICK)
    one, again = (clone(classifier).fit(X, y).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(one, again)


def test_scikit_learn_cross_validates_it():
    scores = cross_val_score(SANetClassifier(**QUICK), X, y, cv=2, error_score="raise")
    assert scores.shape == (2,)


@pytest.mark.parametrize(
    ("table", "labels", "message"),
    [
        (X, np.ones(8), "one class only"),
        (X.assign(T1=3, T1CE=4), y, "no column of images"),
        (X.drop(columns="mask"), y, "column 'mask' is absent"),
        (X.assign(T1CE="nowhere.nii.gz"), y, "patient 'P5', column 'T1CE': no such file"),
    ],
)
def test_bad_input_is_one_clear_error(table, labels, message):
    with pytest.raises(CohortError, match=message):
        SANetClassifier(**QUICK).fit(table, labels)
