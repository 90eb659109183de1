"""Model 1: probabilities from images, with one network per modality or one for all."""

import pickle

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from scipy.special import softmax
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score

from sklidh.features import SANetClassifier, SANetFeaturizer
from sklidh.nn._trained import predict, sensitivity
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


@pytest.fixture(scope="module")
def classifier():
    """Return a trained classifier, one network per modality, that tests must not modify."""
    return SANetClassifier(**QUICK, missing="nan").fit(X, y)


@pytest.fixture(scope="module")
def joint():
    """Return a trained classifier with channels, channel attention and radiomics."""
    return SANetClassifier(
        **QUICK, fusion="channels", missing="nan", channel_attention=True, radiomics=["age", "one"]
    ).fit(X.assign(age=np.arange(8.0), one=1), y)


@parametrize_with_image_checks([SANetClassifier(**QUICK)])
def test_image_in_checks(estimator, check):
    check(estimator, X, y)


def test_probabilities_sum_to_1_and_predict_takes_the_larger(classifier, joint):
    for fitted in (classifier, joint):
        table = X.assign(age=3, one=2)
        probability = fitted.predict_proba(table)
        np.testing.assert_allclose(probability.sum(1), 1)
        assert fitted.classes_.tolist() == ["mutant", "wild type"]
        expected = fitted.classes_[(probability[:, 1] > 0.5).astype(int)]
        assert fitted.predict(table).tolist() == expected.tolist()


def test_the_probability_is_the_mean_over_one_network_per_modality(classifier):
    alone = []
    for modality in ("T1", "T1CE"):
        images, _ = classifier._cut(X[[modality, "mask"]])
        alone.append(softmax(predict(classifier.nets_[modality], images), axis=1))
    np.testing.assert_allclose(classifier.predict_proba(X), np.mean(alone, 0), rtol=1e-6)


def test_members_are_averaged_in_probabilities_and_maps():
    both = SANetClassifier(**QUICK, modalities=["T1CE"], n_members=2).fit(X, y)
    images, _ = both._cut(X[["T1CE", "mask"]])
    assert list(both.nets_) == list(both.history_)
    nets = [both.nets_[f"T1CE, member {i} of 2"] for i in (1, 2)]
    expected = np.mean([softmax(predict(net, images), axis=1) for net in nets], axis=0)
    np.testing.assert_allclose(both.predict_proba(X), expected, rtol=1e-6)
    maps = both.gradient_maps(X[:1])[X.index[0]]["T1CE"].maps
    expected = np.mean([sensitivity(net, images[:1]) for net in nets], axis=0)[:, 0]
    np.testing.assert_array_equal(maps, expected)


def test_the_first_network_is_the_featurizers(classifier):
    featurizer = SANetFeaturizer(**QUICK).fit(X[["T1", "mask"]], y)
    images, _ = classifier._cut(X[["T1", "mask"]])
    np.testing.assert_array_equal(
        predict(classifier.nets_["T1"], images), predict(featurizer.nets_["T1"], images)
    )


def test_modalities_as_channels_make_one_network(joint):
    (net,) = joint.nets_.values()
    assert list(joint.nets_) == ["T1+T1CE"]
    assert net.module_.stem.convolution.in_channels == 2


@pytest.mark.slow
@pytest.mark.parametrize("fusion", ["mean", "channels"])
def test_it_learns_a_signal_in_one_modality(fusion):
    X, y = cohort(12)
    classifier = SANetClassifier(**QUICK | {"max_epochs": 16}, fusion=fusion).fit(X, y)
    # The AUC is 1.0 for seeds 0 to 2; the accuracy, at a threshold of .5, .75 to 1.
    unseen, labels = cohort(12, first=100)
    assert roc_auc_score(labels, classifier.predict_proba(unseen)[:, 1]) > 0.8


@pytest.mark.slow
def test_it_learns_a_signal_in_the_radiomics_columns():
    X, y = cohort(8, signal=0)
    mutant = (y == "mutant").to_numpy()

    def rise(ratio):
        """Return the increase in probability for a ratio of 250 instead of 200."""
        fitted = SANetClassifier(
            **QUICK | {"n_features": 16, "max_epochs": 6, "lr": 1e-3},
            batch_size=4, modalities=["T1"], radiomics=["ratio"],
        ).fit(X.assign(ratio=ratio), y)  # fmt: skip
        high, low = (fitted.predict_proba(X.assign(ratio=each))[:, 0] for each in (250.0, 200.0))
        return high - low

    higher, lower = rise(np.where(mutant, 250.0, 200.0)), rise(np.where(mutant, 200.0, 250.0))
    assert higher.mean() > lower.mean() + 0.05


def test_columns_are_standardised_by_the_training_patients(joint):
    np.testing.assert_allclose(joint.radiomics_mean_, [3.5, 1])
    images, patients = joint._cut(X)
    _, columns = joint._inputs(X.assign(age=np.arange(8.0), one=1), images, patients)
    np.testing.assert_allclose(columns.mean(0), [0, 0], atol=1e-6)
    np.testing.assert_allclose(columns.std(0), [1, 0], atol=1e-6)


def test_a_batch_equals_its_patients_one_by_one_in_any_order(classifier):
    alone = np.vstack([classifier.predict_proba(X.loc[[name]]) for name in X.index[::-1]])
    np.testing.assert_allclose(alone[::-1], classifier.predict_proba(X), atol=1e-5)


def test_columns_without_images_are_not_read():
    more = X.assign(age=50, site="Zurich")[["site", "T1CE", "age", "mask", "T1"]]
    classifier = SANetClassifier(**QUICK | {"max_epochs": 1}).fit(more, y)
    assert classifier.modalities_ == ["T1CE", "T1"]
    np.testing.assert_array_equal(classifier.predict_proba(X), classifier.predict_proba(more))


def test_a_patient_is_classified_from_the_available_modalities(classifier):
    incomplete = X.copy()
    incomplete.iloc[3, 0] = None
    images, _ = classifier._cut(X.iloc[[3]][["T1CE", "mask"]])
    expected = softmax(predict(classifier.nets_["T1CE"], images), axis=1)
    # Matrix products round differently in batches of another size.
    np.testing.assert_allclose(classifier.predict_proba(incomplete)[[3]], expected, rtol=1e-5)


def test_a_patient_without_the_required_images_is_an_error_with_the_id(classifier, joint):
    incomplete = X.assign(age=3, one=2)
    incomplete.iloc[3, [0, 1]] = None
    with pytest.raises(CohortError, match="patient 'P7': too few images, fusion='mean'"):
        classifier.predict_proba(incomplete)
    with pytest.raises(CohortError, match="patient 'P7': too few images, fusion='channels'"):
        joint.predict_proba(incomplete)


def test_a_pickled_classifier_is_bit_identical(classifier):
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))


def test_the_same_seed_gives_the_same_bits(classifier):
    again = clone(classifier).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))


def test_scikit_learn_cross_validates_it():
    scores = cross_val_score(
        SANetClassifier(**QUICK | {"max_epochs": 1}, modalities=["T1"]), X, y, cv=2,
        error_score="raise",
    )  # fmt: skip
    assert scores.shape == (2,)


def test_saliency_maps_have_a_slice_of_every_modality(joint):
    maps = joint.gradient_maps(X[:1].assign(age=3, one=2))[X.index[0]]
    assert list(maps) == ["T1", "T1CE"]
    for modality, channel in zip(maps, joint._cut(X[:1])[0][0], strict=True):
        np.testing.assert_array_equal(maps[modality].slices[0], channel)
        assert maps[modality].maps.shape == (1, 16, 16)
        assert maps[modality].maps.max() > 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"radiomics": ["size"]}, CohortError, r"radiomics=\['size'\]: not found"),
        ({"radiomics": ["age"]}, CohortError, "patient 'P7', column 'age': nan is not a finite"),
        ({"channel_attention": True}, ValueError, "needs fusion='channels'; got fusion='mean'"),
    ],
)
def test_invalid_settings_are_one_clear_error(change, error, message):
    table = X.assign(age=[1, 2, 3, np.nan, 5, 6, 7, 8])
    with pytest.raises(error, match=message):
        SANetClassifier(**QUICK, **change).fit(table, y)


@pytest.mark.parametrize(
    ("table", "labels", "message"),
    [
        (X, np.ones(8), "one class only"),
        (X.assign(T1=3, T1CE=4), y, "no image column found"),
        (X.drop(columns="mask"), y, "column 'mask' not found"),
        (X.assign(T1CE="nowhere.nii.gz"), y, "8 patients .*'P5'.*, column 'T1CE': no such file"),
    ],
)
def test_bad_input_is_one_clear_error(table, labels, message):
    with pytest.raises(CohortError, match=message):
        SANetClassifier(**QUICK).fit(table, labels)
