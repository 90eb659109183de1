"""Deep features: trained with the labels, kept to their patients, the same every time."""

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
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklidh import per_modality
from sklidh.features import SANetFeaturizer
from sklidh.features._out_of_fold import align, aligned_features
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
    """Return n patients, every second a mutant, in an index that is out of order."""
    labels = np.arange(n) % 2
    cases = [patient(first + seed, signal * label) for seed, label in enumerate(labels)]
    index = pd.Index([f"P{(7 * number) % n}" for number in range(n)], name="patient")
    X = pd.DataFrame(cases, columns=["T1CE", "mask"], index=index)
    return X, pd.Series(np.where(labels, "mutant", "wild type"), index=index)


X, y = cohort()


@pytest.fixture(scope="module")
def featurizer():
    """Return a trained featurizer, which no test may change."""
    return SANetFeaturizer(**QUICK).fit(X, y)


@pytest.fixture(scope="module")
def out_of_fold():
    """Return a featurizer of three networks and the features of its own patients."""
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


def test_a_table_is_its_patients_one_by_one(featurizer):
    together = featurizer.transform(X)
    alone = pd.concat([featurizer.transform(X.loc[[name]]) for name in X.index])
    assert (together - alone).abs().to_numpy().max() < 1e-5 * together.abs().to_numpy().max()


def test_patients_move_with_their_rows(featurizer):
    pd.testing.assert_frame_equal(
        featurizer.transform(X[::-1]), featurizer.transform(X)[::-1], rtol=1e-4
    )


def test_the_network_learns_what_sets_the_classes_apart():
    X, y = cohort(16)
    featurizer = SANetFeaturizer(**QUICK | {"max_epochs": 8})
    classifier = make_pipeline(featurizer, StandardScaler(), LogisticRegression()).fit(X, y)
    assert classifier.score(*cohort(20, first=100)) >= 0.9


def test_the_same_seed_gives_the_same_bits_and_torch_is_left_alone(featurizer):
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    again, other = (SANetFeaturizer(**QUICK | {"random_state": seed}).fit(X, y) for seed in (0, 1))
    features = featurizer.transform(X)
    pd.testing.assert_frame_equal(again.transform(X), features, check_exact=True)
    assert (features - other.transform(X)).abs().to_numpy().max() > 1e-3
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_changes_no_bit(featurizer, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    again = SANetFeaturizer(**QUICK).fit(X, y).transform(X)
    torch.set_num_threads(before)
    pd.testing.assert_frame_equal(again, featurizer.transform(X), check_exact=True)


def test_fitting_again_forgets_the_past(featurizer):
    used = SANetFeaturizer(**QUICK).fit(*cohort(6, first=50)).fit(X, y)
    pd.testing.assert_frame_equal(used.transform(X), featurizer.transform(X), check_exact=True)


def test_a_pickled_network_gives_the_same_bits(featurizer):
    content = pickle.dumps(featurizer)
    pd.testing.assert_frame_equal(
        pickle.loads(content).transform(X), featurizer.transform(X), check_exact=True
    )
    weights = sum(p.numel() for p in featurizer.net_.module_.parameters()) * 4
    assert len(content) < 1.1 * weights, "the optimiser's state must not travel along"


def on_disk(X, folder):
    """Return the table with its images written to a folder."""
    paths = X.copy()
    for name, cells in X.iterrows():
        for column, image in cells.items():
            paths.loc[name, column] = str(folder / f"{name}-{column}.nii.gz")
            sitk.WriteImage(image, paths.loc[name, column])
    return paths


def test_paths_and_images_in_memory_give_the_same(featurizer, tmp_path):
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


def test_an_empty_cell_is_an_error_unless_asked_for():
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
    assert featurizer.net_.module_.classifier.out_features == 3


class CountImages(Callback):
    seen = []  # one list for the copies that each network gets

    def on_train_begin(self, net, X=None, **_):
        self.seen.append(len(X))


def test_out_of_fold_networks_never_see_whom_they_describe():
    CountImages.seen.clear()
    SANetFeaturizer(
        **QUICK, train_features="out_of_fold", cv=5, callbacks=[CountImages()]
    ).fit_transform(X, y)
    assert CountImages.seen == [10, 8, 8, 8, 8, 8]


def test_out_of_fold_features_of_new_patients_are_the_mean_of_the_networks(out_of_fold):
    featurizer, _ = out_of_fold
    new, _ = cohort(3, first=70)
    images, _ = featurizer._cut(new)
    found = [
        predict(net, images, "features") @ rotation + shift
        for net, (rotation, shift) in zip(
            featurizer.fold_nets_, featurizer.alignments_, strict=True
        )
    ]
    np.testing.assert_allclose(featurizer.transform(new), np.mean(found, axis=0), rtol=1e-5)


def test_out_of_fold_features_lie_in_the_axes_of_the_network_of_all_patients(
    out_of_fold, featurizer
):
    # Two networks halve the cohort: as near to the third as one rigid motion can bring them.
    same = out_of_fold[0].net_
    images, _ = featurizer._cut(X)
    axes = predict(same, images, "features")
    np.testing.assert_array_equal(axes, predict(featurizer.net_, images, "features"))
    for net, alignment in zip(out_of_fold[0].fold_nets_, out_of_fold[0].alignments_, strict=True):
        before, after = predict(net, images, "features"), aligned_features(net, images, alignment)
        assert np.linalg.norm(after - axes) < np.linalg.norm(before - axes)


def test_out_of_fold_keeps_patients_without_image_apart():
    incomplete = X.copy()
    incomplete.iloc[[2, 5], 0] = None
    features = SANetFeaturizer(
        **QUICK | {"max_epochs": 1}, train_features="out_of_fold", cv=2, missing="nan"
    ).fit_transform(incomplete, y)
    assert features.isna().all(axis=1).tolist() == incomplete["T1CE"].isna().tolist()


def test_too_few_patients_for_the_folds_is_an_error_before_anything_is_read():
    with pytest.raises(CohortError, match="class 'mutant' has 5; lower cv"):
        SANetFeaturizer(train_features="out_of_fold", cv=6).fit_transform(X, y)


def test_alignment_undoes_a_rotation_and_a_shift():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 5))
    rotation, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    turn, shift = align(features @ rotation + 3.0, features)
    unseen = rng.normal(size=(4, 5))
    np.testing.assert_allclose((unseen @ rotation + 3.0) @ turn + shift, unseen, atol=1e-10)


def test_alignment_stretches_nothing_and_drops_what_it_has_not_seen():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(2, 4, 10))  # 4 images span 3 directions
    turn, shift = align(source, target)
    assert (np.linalg.svd(turn)[1][3:] < 1e-9).all()
    lengths = [np.linalg.norm(s - s[0], axis=1) for s in (source @ turn + shift, source)]
    np.testing.assert_allclose(*lengths)


@pytest.mark.slow
def test_on_noise_in_sample_features_mislead_the_next_step_and_out_of_fold_ones_do_not():
    # One column worth an AUC of 0.84, beside deep features of images without any signal.
    X, y = cohort(120, signal=0)
    rng = np.random.default_rng(3)
    column = rng.normal(1.5 * (y == "mutant"))
    train = np.arange(len(X)) < 40
    featurizer = SANetFeaturizer(
        **QUICK | {"max_epochs": 6}, shuffle=True, train_features="out_of_fold", cv=3
    )
    fitted, new = featurizer.fit_transform(X[train], y[train]), featurizer.transform(X[~train])
    images, _ = featurizer._cut(X)
    in_sample = predict(featurizer.net_, images, "features")

    def auc(seen, unseen):
        model = make_pipeline(StandardScaler(), LogisticRegression())
        model.fit(np.column_stack([seen, column[train]]), y[train])
        score = model.decision_function(np.column_stack([unseen, column[~train]]))
        return roc_auc_score(y[~train], score)

    random = [rng.normal(size=(len(X), 6)) for _ in range(20)]
    as_random = np.mean([auc(each[train], each[~train]) for each in random])
    # Seen with six other seeds: column alone 0.84, with random columns 0.79, with in-sample
    # features 0.62 (0.57 to 0.71), with out-of-fold ones 0.82 (0.78 to 0.84).
    assert auc(in_sample[train], in_sample[~train]) < as_random - 0.05
    assert auc(fitted, new) > as_random - 0.05


class Record:
    """Write down the tasks; ask to stop after the first epoch where told to."""

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
    assert len(featurizer.fit(X, y).loss_curve_) == 1


def test_a_progress_bar_shows_the_epochs(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich draws no bar on what is not a terminal
    SANetFeaturizer(**QUICK | {"max_epochs": 1}, verbose=1).fit(X[:4], y[:4])
    assert "SA-Net T1CE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": np.ones(10)}, CohortError, "one class only"),
        ({"y": y[:-1].to_numpy()}, CohortError, "9 labels for 10 patients"),
        ({"X": X.assign(age=3)}, CohortError, "two columns are accepted"),
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
        ("mask", lambda mask: mask * 0, r"patient 'P7', column 'mask'.*no voxel"),
        ("mask", elsewhere, "patient 'P7'.*origin"),
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
def test_a_gpu_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match=r"device='cuda', but torch .* finds no such device"):
        SANetFeaturizer(**QUICK, device="cuda").fit(X, y)


def test_a_class_without_any_image_is_an_error_before_training():
    incomplete = X.copy()
    incomplete.loc[y == "mutant", "T1CE"] = None
    with pytest.raises(CohortError, match=r"'T1CE': no patient of class \['mutant'\]"):
        SANetFeaturizer(missing="nan").fit(incomplete, y)


def test_it_lives_in_a_union_of_a_pipeline_with_a_cache(tmp_path):
    union = FeatureUnion([("a", SANetFeaturizer(**QUICK)), ("b", SANetFeaturizer(**QUICK))])
    pipeline = Pipeline([("deep", union), ("scale", StandardScaler())], memory=str(tmp_path))
    pipeline.set_output(transform="pandas")
    features = clone(pipeline).fit_transform(X, y)
    assert features.index.equals(X.index)
    assert features.columns[0] == "a__sanet000"
    pd.testing.assert_frame_equal(clone(pipeline).fit_transform(X, y), features, check_exact=True)


@pytest.mark.slow
def test_modalities_trained_in_parallel_give_the_same_bits(featurizer):
    # On a dask cluster: tests/cli/test_scheduler.py.
    both = X.assign(FLAIR=X["T1CE"])
    branches = per_modality(SANetFeaturizer(**QUICK), ["T1CE", "FLAIR"], n_jobs=2)
    with parallel_config("loky"):
        features = branches.fit_transform(both, y)
    np.testing.assert_array_equal(features, np.tile(featurizer.transform(X), 2))


def test_planes_and_slices_are_images_to_train_on():
    CountImages.seen.clear()
    SANetFeaturizer(
        **QUICK | {"max_epochs": 1},
        planes=["sagittal", "axial"],
        n_slices=2,
        callbacks=[CountImages()],
    ).fit(X[:4], y[:4])
    assert CountImages.seen == [4 * 2 * 2]


def test_maps_show_what_moves_the_verdict_on_the_slices_that_were_seen(featurizer):
    found = featurizer.gradient_maps(X.iloc[[3, 5]])
    images, _ = featurizer._cut(X.iloc[[3]])
    assert list(found) == [X.index[3], X.index[5]]
    seen = found[X.index[3]]["T1CE"]
    np.testing.assert_array_equal(seen.slices, images[:, 0])
    assert seen.masks.all(), "a square tumour fills its square"
    # A small step of all pixels moves the verdict by no more than the pixels' derivatives.
    odds = [
        np.ptp(predict(featurizer.net_, images + step).astype(float))
        for step in np.float32([-1e-2, 1e-2])
    ]
    assert 0 < abs(odds[1] - odds[0]) / 2e-2 <= 1.05 * seen.maps.sum()


def test_maps_leave_out_a_patient_without_image():
    incomplete = X.copy()
    incomplete.iloc[2, 0] = None
    fitted = SANetFeaturizer(**QUICK | {"max_epochs": 1}, missing="nan").fit(incomplete, y)
    assert fitted.gradient_maps(incomplete[2:4])[X.index[2]] == {}
