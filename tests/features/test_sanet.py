"""Deep features: trained on the labels, aligned with patients, and reproducible."""

import pickle

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import torch
from joblib import parallel_config
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, EpochScoring

from sklidh import per_modality
from sklidh.features import SANetFeaturizer
from sklidh.images import ImageError
from sklidh.nn._trained import predict
from sklidh.utils import CohortError
from sklidh.utils.estimator_checks import parametrize_with_image_checks

QUICK = {"n_features": 6, "size": 16, "max_epochs": 2, "random_state": 0}


def patient(seed, signal):
    """Return an image of noise with a square tumour, brighter by `signal`, and its mask."""
    voxels = np.random.default_rng(seed).normal(100, 10, (4, 24, 24))
    tumour = np.zeros(voxels.shape, np.uint8)
    tumour[1, 6:14, 8:16] = 1
    tumour[2, 6:12, 8:14] = 1
    voxels[tumour == 1] += signal
    return sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(tumour)


def cohort(n=10, signal=60, first=0):
    """Return n patients, every second a mutant, with an unordered index."""
    labels = np.arange(n) % 2
    cases = [patient(first + seed, signal * label) for seed, label in enumerate(labels)]
    index = pd.Index([f"P{(7 * number) % n}" for number in range(n)], name="patient")
    X = pd.DataFrame(cases, columns=["T1CE", "mask"], index=index)
    return X, pd.Series(np.where(labels, "mutant", "wild type"), index=index)


X, y = cohort()


@pytest.fixture(scope="module")
def featurizer():
    """Return a trained featurizer that tests must not modify."""
    return SANetFeaturizer(**QUICK).fit(X, y)


@pytest.fixture(scope="module")
def out_of_fold():
    """Return an out-of-fold featurizer with two folds, and the features."""
    featurizer = SANetFeaturizer(**QUICK, train_features="out_of_fold", cv=2)
    return featurizer, featurizer.fit_transform(X, y)


@parametrize_with_image_checks([SANetFeaturizer(**QUICK)])
def test_image_in_checks(estimator, check):
    check(estimator, X, y)


def test_features_keep_index_order_and_names():
    features = SANetFeaturizer(**QUICK).fit_transform(X, y)
    assert features.index.equals(X.index)
    assert features.columns.tolist() == [f"sanet00{i}" for i in range(6)]
    assert features.dtypes.unique().tolist() == [np.float64]
    assert SANetFeaturizer(n_features=1001).get_feature_names_out()[-1] == "sanet1000"


def test_in_sample_features_are_those_of_transform(featurizer):
    features = SANetFeaturizer(**QUICK).fit_transform(X, y)
    pd.testing.assert_frame_equal(features, featurizer.transform(X), check_exact=True)


def test_a_batch_equals_its_patients_one_by_one(featurizer):
    together = featurizer.transform(X)
    alone = pd.concat([featurizer.transform(X.loc[[name]]) for name in X.index])
    assert (together - alone).abs().to_numpy().max() < 1e-5 * together.abs().to_numpy().max()


def test_features_follow_the_order_of_the_rows(featurizer):
    pd.testing.assert_frame_equal(
        featurizer.transform(X[::-1]), featurizer.transform(X)[::-1], rtol=1e-4
    )


def test_the_network_learns_the_difference_between_the_classes():
    X, y = cohort(16)
    featurizer = SANetFeaturizer(**QUICK | {"max_epochs": 8})
    classifier = make_pipeline(featurizer, StandardScaler(), LogisticRegression()).fit(X, y)
    assert classifier.score(*cohort(20, first=100)) >= 0.9


def test_the_same_seed_gives_the_same_bits_and_leaves_torch_unchanged(featurizer):
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    again, other = (SANetFeaturizer(**QUICK | {"random_state": seed}).fit(X, y) for seed in (0, 1))
    features = featurizer.transform(X)
    pd.testing.assert_frame_equal(again.transform(X), features, check_exact=True)
    assert (features - other.transform(X)).abs().to_numpy().max() > 1e-3
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("threads", [1, 2])
def test_results_are_bit_identical_for_any_number_of_threads(featurizer, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    again = SANetFeaturizer(**QUICK).fit(X, y).transform(X)
    torch.set_num_threads(before)
    pd.testing.assert_frame_equal(again, featurizer.transform(X), check_exact=True)


def test_refitting_does_not_depend_on_earlier_fits(featurizer):
    used = SANetFeaturizer(**QUICK).fit(*cohort(6, first=50)).fit(X, y)
    pd.testing.assert_frame_equal(used.transform(X), featurizer.transform(X), check_exact=True)


def test_a_pickled_network_is_bit_identical(featurizer):
    content = pickle.dumps(featurizer)
    pd.testing.assert_frame_equal(
        pickle.loads(content).transform(X), featurizer.transform(X), check_exact=True
    )
    weights = sum(p.numel() for p in featurizer.nets_["T1CE"].module_.parameters()) * 4
    assert len(content) < 1.1 * weights, "the optimiser's state must not travel along"


def on_disk(X, folder):
    """Return the table with its images written to a folder."""
    paths = X.copy()
    for name, cells in X.iterrows():
        for column, image in cells.items():
            paths.loc[name, column] = str(folder / f"{name}-{column}.nii.gz")
            sitk.WriteImage(image, paths.loc[name, column])
    return paths


def test_paths_and_images_in_memory_give_the_same_features(featurizer, tmp_path):
    pd.testing.assert_frame_equal(
        featurizer.transform(on_disk(X, tmp_path)), featurizer.transform(X)
    )


def test_several_slices_are_averaged():
    featurizer = SANetFeaturizer(**QUICK, n_slices=2).fit(X, y)

    def alone(image, mask, index):
        tumour = sitk.GetArrayFromImage(mask)
        tumour[np.arange(len(tumour)) != index] = 0
        return pd.DataFrame(
            [[image, sitk.GetImageFromArray(tumour)]], index=["P"], columns=X.columns
        )

    image, mask = X.iloc[3]
    each = [featurizer.transform(alone(image, mask, index)).to_numpy() for index in (1, 2)]
    np.testing.assert_allclose(featurizer.transform(X.iloc[[3]]), np.mean(each, 0), atol=1e-5)


def test_a_patient_without_image_gets_nan_and_is_left_out_of_training():
    incomplete = X.copy()
    incomplete.iloc[[2, 5], 0] = None
    there = incomplete["T1CE"].notna()
    featurizer = SANetFeaturizer(**QUICK, missing="nan").fit(incomplete, y)
    features = featurizer.transform(incomplete)
    without = SANetFeaturizer(**QUICK).fit(X[there], y[there]).transform(X[there])
    pd.testing.assert_frame_equal(features[there], without)
    assert features[~there].isna().all(axis=None)
    nobody = featurizer.transform(X[:2].assign(T1CE=None))
    assert nobody.shape == (2, 6)
    assert nobody.isna().all(axis=None)


def test_an_empty_cell_is_an_error_unless_missing_is_nan():
    incomplete = X.copy()
    incomplete.iloc[2, 0] = None
    with pytest.raises(CohortError, match="patient 'P4', column 'T1CE': the cell is empty"):
        SANetFeaturizer(**QUICK).fit(incomplete, y)


def test_fewer_patients_than_a_batch_and_a_batch_with_one_left_over_both_train():
    for n, batch_size in ((5, 16), (9, 4)):
        few, labels = cohort(n)
        features = SANetFeaturizer(**QUICK, batch_size=batch_size).fit_transform(few, labels)
        assert np.isfinite(features).all(axis=None)


def test_more_than_two_classes_and_labels_of_any_kind():
    three = np.resize([7, 3, 5], len(X))
    featurizer = SANetFeaturizer(**QUICK).fit(X, three)
    assert featurizer.classes_.tolist() == [3, 5, 7]
    assert featurizer.nets_["T1CE"].module_.classifier.out_features == 3


class CountImages(Callback):
    seen = []  # one list for the copies that each network gets

    def on_train_begin(self, net, X=None, **_):
        self.seen.append(len(X))


def test_out_of_fold_trains_one_network_per_fold_and_fit_only_the_last():
    CountImages.seen.clear()
    featurizer = SANetFeaturizer(
        **QUICK | {"max_epochs": 1}, train_features="out_of_fold", callbacks=[CountImages()]
    )
    featurizer.fit_transform(X, y)
    assert CountImages.seen == [10, 8, 8, 8, 8, 8]
    CountImages.seen.clear()
    featurizer.fit(X, y)
    assert CountImages.seen == [10]


def test_features_of_a_training_patient_come_from_a_network_trained_without_them(out_of_fold):
    # The folds are dealt in the order of the table, each with its share of both classes.
    _, features = out_of_fold
    halves = StratifiedKFold(2).split(X, y)
    for rest, held_out in halves:
        alone = SANetFeaturizer(**QUICK, train_features="out_of_fold")
        expected = alone.fit(X.iloc[rest], y.iloc[rest]).transform(X.iloc[held_out])
        pd.testing.assert_frame_equal(features.iloc[held_out], expected, check_exact=True)


def test_features_of_a_new_patient_come_from_the_network_of_all_patients(out_of_fold, featurizer):
    new, _ = cohort(3, first=70)
    images, _ = featurizer._cut(new)
    logits = predict(featurizer.nets_["T1CE"], images).astype(float)
    features = out_of_fold[0].transform(new)
    assert features.columns.tolist() == ["sanet_probability"]
    expected = 1 / (1 + np.exp(logits[:, :1] - logits[:, 1:]))  # of wild type, the second class
    np.testing.assert_allclose(features, expected, rtol=1e-12)


def test_out_of_fold_of_three_classes_has_the_probabilities_of_all_but_the_first():
    labels = np.resize(["a", "b", "c"], len(X))
    featurizer = SANetFeaturizer(**QUICK, train_features="out_of_fold", cv=2)
    features = featurizer.fit_transform(X, labels)
    assert features.columns.tolist() == ["sanet_probability_b", "sanet_probability_c"]
    odds = np.exp(predict(featurizer.nets_["T1CE"], featurizer._cut(X)[0]).astype(float))
    expected = (odds / odds.sum(1, keepdims=True))[:, 1:]
    np.testing.assert_allclose(featurizer.transform(X), expected, rtol=1e-12)


def test_out_of_fold_leaves_out_patients_without_an_image():
    incomplete = X.copy()
    incomplete.iloc[[2, 5], 0] = None
    there = incomplete["T1CE"].notna()
    settings = QUICK | {"max_epochs": 1, "train_features": "out_of_fold", "cv": 2}
    features = SANetFeaturizer(**settings, missing="nan").fit_transform(incomplete, y)
    without = SANetFeaturizer(**settings).fit_transform(X[there], y[there])
    pd.testing.assert_frame_equal(features[there], without, check_exact=True)
    assert features[~there].isna().all(axis=None)


def test_a_class_smaller_than_the_folds_reduces_them_with_a_warning():
    CountImages.seen.clear()
    settings = QUICK | {"max_epochs": 1, "train_features": "out_of_fold"}
    featurizer = SANetFeaturizer(**settings, callbacks=[CountImages()])
    with pytest.warns(
        UserWarning,
        match="only 2 of 5 patients are class 'mutant', so 2 folds are used instead of 5",
    ):
        featurizer.fit_transform(X.iloc[:5], y.iloc[:5])
    assert CountImages.seen == [5, 2, 3]


@pytest.mark.slow
def test_on_noise_a_network_predicts_only_its_training_labels():
    X, y = cohort(60, signal=0)
    settings = QUICK | {"max_epochs": 8, "train_features": "out_of_fold", "cv": 2}
    featurizer = SANetFeaturizer(**settings)
    unseen, seen = featurizer.fit_transform(X, y), featurizer.transform(X)
    # After 6 epochs, five seeds gave 0.98 to 1.00 and 0.42 to 0.56.
    assert roc_auc_score(y == "wild type", seen) > 0.9
    assert roc_auc_score(y == "wild type", unseen) < 0.8


class Record:
    """Record the tasks; optionally request a stop after the first epoch."""

    def __init__(self, stop=False):
        self.begun, self.ended, self.stop = [], [], stop

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context):
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator, context):
        self.ended.append(context.task_name)
        return self.stop


def test_epochs_are_tasks_of_scikit_learns_callbacks():
    record = Record()
    SANetFeaturizer(**QUICK, train_features="out_of_fold", cv=2).set_callbacks(
        record
    ).fit_transform(X, y)
    assert record.begun == ["fit", *["network", "epoch", "epoch"] * 3]
    assert record.ended == [*["epoch", "epoch", "network"] * 3, "fit"]


def test_a_callback_of_scikit_learn_can_stop_the_training():
    featurizer = SANetFeaturizer(**QUICK | {"max_epochs": 50}).set_callbacks(Record(stop=True))
    assert len(featurizer.fit(X, y).history_["T1CE"]["train_loss"]) == 1


def test_every_network_has_learning_curves():
    featurizer = SANetFeaturizer(
        **QUICK, train_features="out_of_fold", cv=2, validation_fraction=0.4
    )
    featurizer.fit_transform(X, y)
    assert list(featurizer.history_) == ["T1CE", "T1CE, fold 1 of 2", "T1CE, fold 2 of 2"]
    for curves in featurizer.history_.values():
        assert set(curves) == {"train_loss", "valid_acc", "valid_loss"}
        assert {curve.shape for curve in curves.values()} == {(2,)}


class Seen(Callback):
    """Record the numbers of training and validation images."""

    sizes = []

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **_):
        self.sizes.append((len(dataset_train), len(dataset_valid)))


def test_validation_holds_out_all_slices_of_a_patient_and_both_classes():
    Seen.sizes.clear()
    featurizer = SANetFeaturizer(
        **QUICK | {"max_epochs": 1}, n_slices=2, validation_fraction=0.4, callbacks=[Seen()]
    ).fit(X, y)
    assert Seen.sizes == [(12, 8)]
    patients, targets = np.repeat(np.arange(10), 2), np.arange(10) % 2
    held_out = featurizer._validation_images(patients, targets, seed=3)
    assert (held_out[::2] == held_out[1::2]).all()
    assert targets[patients[held_out]].mean() == 0.5


def test_training_stops_when_the_validation_loss_no_longer_decreases():
    X, y = cohort(10, signal=0)  # noise: the more is learned, the worse
    featurizer = SANetFeaturizer(
        **QUICK | {"max_epochs": 60, "lr": 1e-3}, validation_fraction=0.4, n_iter_no_change=2
    ).fit(X, y)
    loss = featurizer.history_["T1CE"]["valid_loss"]
    assert len(loss) == loss.argmin() + 1 + 2 < 60


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (EarlyStopping("valid_loss"), "EarlyStopping monitors 'valid_loss', .*validation_fraction"),
        (("best", Checkpoint()), "Checkpoint monitors 'valid_loss_best'"),
        (EpochScoring("roc_auc"), "EpochScoring scores held-out patients; .*on_train=True"),
    ],
)
def test_a_callback_that_needs_held_out_patients_is_refused_without_them(callback, message):
    with pytest.raises(ValueError, match=message):
        SANetFeaturizer(**QUICK, callbacks=[callback]).fit(X, y)


def test_early_stopping_on_the_training_loss_needs_no_held_out_patients():
    stop = EarlyStopping("train_loss", patience=2, threshold=10, threshold_mode="abs")
    record = Record()
    featurizer = SANetFeaturizer(**QUICK | {"max_epochs": 50}, callbacks=[stop])
    featurizer.set_callbacks(record).fit(X, y)
    assert len(featurizer.history_["T1CE"]["train_loss"]) == 3
    assert record.ended == ["epoch", "epoch", "epoch", "network", "fit"]


def test_too_few_patients_for_validation_is_one_clear_error():
    with pytest.raises(CohortError, match=r"validation_fraction=0\.1 of 10 patients: .*another"):
        SANetFeaturizer(**QUICK, validation_fraction=0.1).fit(X, y)


def test_members_have_different_seeds_and_concatenated_features():
    both = SANetFeaturizer(**QUICK | {"max_epochs": 1}, n_members=2)
    features = both.fit_transform(X, y)
    assert features.columns.tolist() == [f"sanet{i:03}" for i in range(12)]
    assert list(both.nets_) == ["T1CE, member 1 of 2", "T1CE, member 2 of 2"] == list(both.history_)
    first = SANetFeaturizer(**QUICK | {"max_epochs": 1}).fit_transform(X, y).to_numpy()
    np.testing.assert_array_equal(features.iloc[:, :6], first)
    assert np.abs(features.iloc[:, 6:].to_numpy() - first).max() > 1e-3
    both.set_params(train_features="out_of_fold")  # the same networks, their probabilities
    one_by_one = [predict(net, both._cut(X)[0]).astype(float) for net in both.nets_.values()]
    expected = np.mean([1 / (1 + np.exp(-np.diff(each)[:, 0])) for each in one_by_one], axis=0)
    np.testing.assert_allclose(both.transform(X)["sanet_probability"], expected, rtol=1e-12)


def test_a_progress_bar_shows_the_epochs(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # otherwise rich draws no bar without a terminal
    SANetFeaturizer(**QUICK | {"max_epochs": 1}, verbose=1).fit(X[:4], y[:4])
    assert "SA-Net T1CE: epoch 1 of 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": np.ones(10)}, CohortError, "one class only"),
        ({"y": y[:-1].to_numpy()}, CohortError, "9 labels for 10 patients"),
        ({"X": X.assign(age=3)}, CohortError, "expected two columns"),
        ({"X": X.to_numpy()}, TypeError, "must be a pandas DataFrame"),
        ({"size": 8}, ValueError, "'size' parameter"),
        ({"planes": ["axial", "oblique"]}, ValueError, "accepted are one or more of axial"),
        ({"lr": 1e30}, FloatingPointError, r"loss became .* in epoch \d+ with lr=1e\+30"),
    ],
)
def test_bad_input_is_one_clear_error(change, error, message):
    table, labels = change.pop("X", X), change.pop("y", y)
    with pytest.raises(error, match=message):
        SANetFeaturizer(**QUICK | change).fit(table, labels)


def elsewhere(mask):
    moved = sitk.Image(mask)
    moved.SetOrigin((500.0, 0.0, 0.0))
    return moved


@pytest.mark.parametrize(
    ("column", "damage", "message"),
    [
        ("mask", lambda mask: mask * 0, r"patient 'P7', column 'mask'.*every voxel is 0"),
        (
            "mask",
            elsewhere,
            "patient 'P7', column 'mask'.*no voxel of the mask is in the ref",
        ),
        ("T1CE", lambda image: image * 0 + 7, "patient 'P7', column 'T1CE'.*constant image"),
    ],
)
@pytest.mark.filterwarnings("ignore::sklidh.images.ImageWarning")
def test_a_bad_image_is_an_error_that_names_the_patient(column, damage, message):
    broken = X.copy()
    broken.loc["P7", column] = damage(broken.loc["P7", column])
    with pytest.raises(ImageError, match=message):
        SANetFeaturizer(**QUICK).fit(broken, y)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has an NVIDIA GPU")
def test_an_unavailable_gpu_is_an_error():
    with pytest.raises(ValueError, match=r"device='cuda' is not available: torch .* finds only"):
        SANetFeaturizer(**QUICK, device="cuda").fit(X, y)


def test_a_class_without_any_image_is_an_error_before_training():
    incomplete = X.copy()
    incomplete.loc[y == "mutant", "T1CE"] = None
    with pytest.raises(CohortError, match=r"'T1CE': no training patient of class \['mutant'\]"):
        SANetFeaturizer(missing="nan").fit(incomplete, y)


def test_it_works_in_a_feature_union_of_a_cached_pipeline(tmp_path):
    union = FeatureUnion([("a", SANetFeaturizer(**QUICK)), ("b", SANetFeaturizer(**QUICK))])
    pipeline = Pipeline([("deep", union), ("scale", StandardScaler())], memory=str(tmp_path))
    pipeline.set_output(transform="pandas")
    features = clone(pipeline).fit_transform(X, y)
    assert features.index.equals(X.index)
    assert features.columns[0] == "a__sanet000"
    pd.testing.assert_frame_equal(clone(pipeline).fit_transform(X, y), features, check_exact=True)


@pytest.mark.slow
def test_modalities_trained_in_parallel_are_bit_identical(featurizer):
    # On a dask cluster: tests/cli/test_scheduler.py.
    both = X.assign(FLAIR=X["T1CE"])
    branches = per_modality(SANetFeaturizer(**QUICK), ["T1CE", "FLAIR"], n_jobs=2)
    with parallel_config("loky"):
        features = branches.fit_transform(both, y)
    np.testing.assert_array_equal(features, np.tile(featurizer.transform(X), 2))


def test_every_plane_and_slice_is_a_training_image():
    CountImages.seen.clear()
    SANetFeaturizer(
        **QUICK | {"max_epochs": 1},
        planes=["sagittal", "axial"],
        n_slices=2,
        callbacks=[CountImages()],
    ).fit(X[:4], y[:4])
    assert CountImages.seen == [4 * 2 * 2]


def test_saliency_maps_are_the_derivative_of_the_prediction(featurizer):
    found = featurizer.gradient_maps(X.iloc[[3, 5]])
    images, _ = featurizer._cut(X.iloc[[3]])
    assert list(found) == [X.index[3], X.index[5]]
    seen = found[X.index[3]]["T1CE"]
    np.testing.assert_array_equal(seen.slices, images[:, 0])
    assert seen.masks.all(), "a square tumour fills its square"
    # A small step of all pixels moves the log odds by no more than the pixels' derivatives.
    odds = [
        np.ptp(predict(featurizer.nets_["T1CE"], images + step).astype(float))
        for step in np.float32([-1e-2, 1e-2])
    ]
    assert 0 < abs(odds[1] - odds[0]) / 2e-2 <= 1.05 * seen.maps.sum()


def test_saliency_maps_leave_out_a_patient_without_an_image():
    incomplete = X.copy()
    incomplete.iloc[2, 0] = None
    fitted = SANetFeaturizer(**QUICK | {"max_epochs": 1}, missing="nan").fit(incomplete, y)
    assert fitted.gradient_maps(incomplete[2:4])[X.index[2]] == {}
