"""Deep features: trained with the labels, kept to their patients, the same every time."""

import pickle

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklidh import per_modality
from sklidh.features import SANetFeaturizer
from sklidh.features._sanet import align
from sklidh.images import ImageError
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


@parametrize_with_image_checks([SANetFeaturizer(**QUICK)])
def test_image_in_checks(estimator, check):
    check(estimator, X, y)


def test_features_keep_index_order_and_names():
    features = SANetFeaturizer(**QUICK).fit_transform(X, y)
    assert features.index.equals(X.index)
    assert features.columns.tolist() == [f"sanet00{i}" for i in range(6)]
    assert features.dtypes.unique().tolist() == [np.float64]
    assert SANetFeaturizer(n_features=1001).get_feature_names_out()[-1] == "sanet1000"


def test_in_sample_features_are_those_of_transform():
    one = SANetFeaturizer(**QUICK)
    pd.testing.assert_frame_equal(one.fit_transform(X, y), one.fit(X, y).transform(X))


def test_a_table_is_its_patients_one_by_one():
    featurizer = SANetFeaturizer(**QUICK).fit(X, y)
    together = featurizer.transform(X)
    alone = pd.concat([featurizer.transform(X.loc[[name]]) for name in X.index])
    assert (together - alone).abs().to_numpy().max() < 1e-5 * together.abs().to_numpy().max()


def test_patients_move_with_their_rows():
    featurizer = SANetFeaturizer(**QUICK).fit(X, y)
    pd.testing.assert_frame_equal(
        featurizer.transform(X[::-1]), featurizer.transform(X)[::-1], rtol=1e-4
    )


def test_the_network_learns_what_sets_the_classes_apart():
    featurizer = SANetFeaturizer(**QUICK | {"max_epochs": 10})
    X, y = cohort(24)
    classifier = make_pipeline(featurizer, StandardScaler(), LogisticRegression()).fit(X, y)
    assert classifier.score(*cohort(20, first=100)) >= 0.9


def test_the_same_seed_gives_the_same_bits_and_torch_is_left_alone():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    one, again, other = (
        SANetFeaturizer(**QUICK | {"random_state": seed}).fit_transform(X, y) for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(one, again, check_exact=True)
    assert (one - other).abs().to_numpy().max() > 1e-3
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_fitting_again_forgets_the_past():
    fresh = SANetFeaturizer(**QUICK).fit_transform(X, y)
    used = SANetFeaturizer(**QUICK).fit(*cohort(first=50))
    pd.testing.assert_frame_equal(used.fit_transform(X, y), fresh, check_exact=True)


def test_a_pickled_network_gives_the_same_bits():
    featurizer = SANetFeaturizer(**QUICK).fit(X, y)
    content = pickle.dumps(featurizer)
    pd.testing.assert_frame_equal(
        pickle.loads(content).transform(X), featurizer.transform(X), check_exact=True
    )
    weights = sum(p.numel() for p in featurizer.net_.module_.parameters()) * 4
    assert len(content) < 1.1 * weights, "the optimiser's state must not travel along"


def test_paths_and_images_in_memory_give_the_same(tmp_path):
    on_disk = X.copy()
    for name, cells in X.iterrows():
        for column, image in cells.items():
            on_disk.loc[name, column] = str(tmp_path / f"{name}-{column}.nii.gz")
            sitk.WriteImage(image, on_disk.loc[name, column])
    featurizer = SANetFeaturizer(**QUICK).fit(X, y)
    pd.testing.assert_frame_equal(featurizer.transform(on_disk), featurizer.transform(X))


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
    with_nan = SANetFeaturizer(**QUICK, missing="nan").fit_transform(incomplete, y)
    without = SANetFeaturizer(**QUICK).fit_transform(X[there], y[there])
    pd.testing.assert_frame_equal(with_nan[there], without)
    assert with_nan[~there].isna().all(axis=None)


def test_a_table_of_nothing_but_missing_images_is_a_table_of_nan():
    featurizer = SANetFeaturizer(**QUICK, missing="nan").fit(X, y)
    features = featurizer.transform(X[:2].assign(T1CE=None))
    assert features.shape == (2, 6)
    assert features.isna().all(axis=None)


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


def test_out_of_fold_transform_is_that_of_the_network_of_all_patients():
    out_of_fold = SANetFeaturizer(**QUICK, train_features="out_of_fold", cv=2)
    features = out_of_fold.fit_transform(X, y)
    in_sample = SANetFeaturizer(**QUICK).fit(X, y).transform(X)
    pd.testing.assert_frame_equal(out_of_fold.transform(X), in_sample, check_exact=True)
    assert (features - in_sample).abs().to_numpy().min() > 0


def test_out_of_fold_keeps_patients_without_image_apart():
    incomplete = X.copy()
    incomplete.iloc[[2, 5], 0] = None
    features = SANetFeaturizer(
        **QUICK, train_features="out_of_fold", cv=2, missing="nan"
    ).fit_transform(incomplete, y)
    assert features.isna().all(axis=1).tolist() == incomplete["T1CE"].isna().tolist()


def test_too_few_patients_for_the_folds_is_an_error_before_anything_is_read():
    with pytest.raises(CohortError, match="class 'mutant' has 5; lower cv"):
        SANetFeaturizer(train_features="out_of_fold", cv=6).fit_transform(X, y)


def test_alignment_undoes_a_rotation_and_a_shift():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 5))
    rotation, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    to_features = align(features @ rotation + 3.0, features)
    unseen = rng.normal(size=(4, 5))
    np.testing.assert_allclose(to_features(unseen @ rotation + 3.0), unseen, atol=1e-10)


def test_alignment_stretches_nothing_and_drops_what_it_has_not_seen():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(2, 4, 10))  # 4 images span 3 directions
    to_target = align(source, target)
    unseen = rng.normal(size=(6, 10))
    differences = np.linalg.svd(to_target(unseen) - to_target(unseen[:1]))[1]
    assert (differences[3:] < 1e-9).all()
    lengths = [np.linalg.norm(s - s[0], axis=1) for s in (to_target(source), source)]
    np.testing.assert_allclose(*lengths)


@pytest.mark.slow
def test_on_noise_in_sample_features_mislead_the_next_step_and_out_of_fold_ones_do_less():
    # One column worth an AUC of 0.83, beside deep features of images without any signal.
    X, y = cohort(160, signal=0)
    column = np.random.default_rng(3).normal(1.5 * (y == "mutant"))
    train = np.arange(len(X)) < 40

    def auc(train_features):
        featurizer = SANetFeaturizer(
            **QUICK | {"max_epochs": 6}, shuffle=True, train_features=train_features, cv=4
        )
        fitted, new = featurizer.fit_transform(X[train], y[train]), featurizer.transform(X[~train])
        model = make_pipeline(StandardScaler(), LogisticRegression())
        model.fit(np.column_stack([fitted, column[train]]), y[train])
        score = model.decision_function(np.column_stack([new, column[~train]]))
        return roc_auc_score(y[~train], score)

    # Seen with four other seeds: 0.55 to 0.65 against 0.73 to 0.88.
    assert auc("in_sample") + 0.05 < auc("out_of_fold")


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
    SANetFeaturizer(**QUICK).set_callbacks(record).fit(X, y)
    assert record.begun == ["fit", "network", "epoch", "epoch"]
    assert record.ended == ["epoch", "epoch", "network", "fit"]
    record = Record()
    SANetFeaturizer(**QUICK, train_features="out_of_fold", cv=2).set_callbacks(
        record
    ).fit_transform(X, y)
    assert record.begun == ["fit", *["network", "epoch", "epoch"] * 3]


def test_a_callback_of_scikit_learn_can_stop_the_training():
    featurizer = SANetFeaturizer(**QUICK | {"max_epochs": 50}).set_callbacks(Record(stop=True))
    assert len(featurizer.fit(X, y).loss_curve_) == 1


def test_a_progress_bar_shows_the_epochs(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich draws no bar on what is not a terminal
    SANetFeaturizer(**QUICK, verbose=1).fit(X, y)
    assert "SA-Net T1CE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": np.ones(10)}, CohortError, "one class only"),
        ({"y": y[:-1].to_numpy()}, CohortError, "9 labels for 10 patients"),
        ({"X": X.assign(age=3)}, CohortError, "two columns are accepted"),
        ({"X": X.to_numpy()}, TypeError, "must be a pandas DataFrame"),
        ({"size": 8}, ValueError, "'size' parameter"),
        ({"lr": 1e30}, FloatingPointError, r"loss became .* in epoch \d+ with lr=1e\+30"),
    ],
)
def test_bad_input_is_one_clear_error(change, error, message):
    table, labels = change.pop("X", X), change.pop("y", y)
    with pytest.raises(error, match=message):
        SANetFeaturizer(**QUICK | change).fit(table, labels)


def test_an_empty_mask_is_an_error_that_names_the_patient():
    broken = X.copy()
    broken.iloc[1, 1] = broken.iloc[1, 1] * 0
    with pytest.raises(ImageError, match=r"patient 'P7', column 'mask'.*no voxel"):
        SANetFeaturizer(**QUICK).fit(broken, y)


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
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_modalities_trained_in_parallel_give_the_same_bits(backend):
    from joblib import parallel_config

    def features(n_jobs):
        both = X.assign(FLAIR=X["T1CE"])
        branches = per_modality(SANetFeaturizer(**QUICK), ["T1CE", "FLAIR"], n_jobs=n_jobs)
        return branches.fit_transform(both, y)

    expected = features(n_jobs=1)
    with parallel_config(backend=backend):
        np.testing.assert_array_equal(features(n_jobs=2), expected)
