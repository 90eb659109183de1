"""Training is seeded, has no side effects, and stops when it should."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, EpochScoring
from torch import nn

from sklidh.nn._device import choose_device, isolated_torch
from sklidh.nn._trained import predict
from sklidh.nn._training import Batches, random_symmetry, train


class Tiny(nn.Module):
    """A linear network with a normalisation, instead of a SA-Net."""

    def __init__(self, n_classes=2):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.out = nn.Linear(4, n_classes)

    def forward(self, x):
        return self.out(self.norm(x.flatten(1)))


def images_and_labels(n=10):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    return (rng.normal(size=(n, 1, 2, 2)) + labels[:, None, None, None]).astype("f4"), labels


def fitted(max_epochs=3, n=10, **options):
    settings = {"lr": 0.01, "batch_size": 4, "seed": 0} | options
    return train(Tiny, *images_and_labels(n), max_epochs=max_epochs, **settings)


def batches(n, **options):
    images = torch.arange(n, dtype=torch.float32).view(n, 1, 1, 1).expand(n, 1, 3, 3)
    return Batches(SimpleNamespace(X=images, y=torch.arange(n)), **options)


@pytest.mark.parametrize(
    ("n", "sizes"), [(8, [4, 4]), (9, [4, 5]), (10, [4, 4, 2]), (3, [3]), (1, [1])]
)
def test_a_last_batch_of_one_is_merged_with_the_previous_one(n, sizes):
    assert [len(labels) for _, labels in batches(n, batch_size=4)] == sizes


def test_without_shuffling_the_order_is_that_of_the_table():
    seen = torch.cat([labels for _, labels in batches(10, batch_size=4)])
    assert seen.tolist() == list(range(10))


def test_shuffling_draws_a_new_order_each_epoch_with_every_image():
    shuffled = batches(10, batch_size=4, shuffle=True)
    with isolated_torch(seed=0):
        orders = [torch.cat([labels for _, labels in shuffled]).tolist() for _ in range(2)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))


def test_augmentation_uses_all_eight_symmetries_of_the_square():
    image = torch.arange(9.0).view(1, 1, 3, 3)
    turned = [torch.rot90(image, k, (-2, -1)) for k in range(4)]
    symmetries = {tuple(t.flatten().tolist()) for t in [*turned, *(t.flip(-1) for t in turned)]}
    with isolated_torch(seed=0):
        drawn = random_symmetry(image.expand(200, 1, 3, 3))
    assert {tuple(each.flatten().tolist()) for each in drawn} == symmetries


def test_isolation_restores_random_state_and_threads():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    with isolated_torch(seed=1):
        torch.rand(3)
        assert torch.get_num_threads() == 1
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_the_same_seed_trains_the_same_network_and_another_seed_a_different_one():
    images, _ = images_and_labels()
    first, again, other = (predict(fitted(seed=seed)[0], images) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_training_uses_adam_and_averages_of_the_final_network():
    images, labels = images_and_labels()
    with isolated_torch(seed=0):
        module = Tiny()
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        for _ in range(3):
            for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):
                optimizer.zero_grad()
                logits = module(torch.from_numpy(images[rows]))
                nn.functional.cross_entropy(logits, torch.from_numpy(labels[rows])).backward()
                optimizer.step()
        rows = [images[0:4], images[4:8], images[8:10]]
        flat = [torch.from_numpy(part).flatten(1) for part in rows]
        module.norm.running_mean = torch.from_numpy(images).flatten(1).mean(0)
        module.norm.running_var = sum(len(part) / 10 * part.var(0) for part in flat)
        expected = module.eval()(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(predict(fitted(3)[0], images), expected, rtol=1e-4, atol=1e-6)


def test_every_image_has_equal_weight_in_the_normalisation_averages():
    # 18 images in batches of 16 and 2: the last two, which are brighter, are a ninth of all.
    images = np.random.default_rng(0).normal(size=(18, 1, 2, 2)).astype("f4")
    images[16:] += 3
    labels = np.arange(18) % 2
    net, _ = train(Tiny, images, labels, max_epochs=2, lr=0.01, batch_size=16, seed=0)
    np.testing.assert_allclose(
        net.module_.norm.running_mean, images.reshape(18, 4).mean(0), rtol=1e-5
    )
    assert net.module_.norm.momentum == 0.1


def test_every_epoch_has_a_loss():
    assert [len(fitted(n)[1]["train_loss"]) for n in (1, 5)] == [1, 5]


UNSEEN = images_and_labels(24)[0][10:], np.arange(10, 24) % 2


def test_validation_does_not_change_training_and_ends_with_the_trained_network():
    alone, _ = fitted()
    net, curves = fitted(validation=UNSEEN)
    for found, right in zip(net.module_.parameters(), alone.module_.parameters(), strict=True):
        assert torch.equal(found, right)
    logits = torch.from_numpy(predict(net, UNSEEN[0]))
    loss = nn.functional.cross_entropy(logits, torch.from_numpy(UNSEEN[1])).item()
    assert curves["valid_loss"][-1] == pytest.approx(loss, rel=1e-5)
    assert len(curves["valid_loss"]) == len(curves["train_loss"]) == 3


def test_early_stopping_on_the_validation_loss_ends_with_the_weights_of_the_best_epoch():
    noise = UNSEEN[0], UNSEEN[1][::-1].copy()  # the more is learned, the worse
    options = {"validation": noise, "lr": 0.05}
    stop = EarlyStopping("valid_loss", patience=3, threshold=0, load_best=True)
    net, curves = fitted(50, callbacks=[stop], **options)
    best = curves["valid_loss"].argmin() + 1
    assert len(curves["valid_loss"]) == best + 3 < 50
    expected, _ = fitted(best, **options)
    np.testing.assert_array_equal(predict(net, UNSEEN[0]), predict(expected, UNSEEN[0]))


class ReadLosses(Callback):
    """Read every batch's loss as soon as it is computed."""

    def __init__(self):
        self.seen = []

    def on_batch_end(self, net, training, **_):
        prefix = "train" if training else "valid"
        self.seen.append(float(net.history[-1, "batches", -1, f"{prefix}_loss"]))


def test_skorch_callbacks_work(tmp_path):
    losses = ReadLosses()
    checkpoint = Checkpoint(dirname=tmp_path, load_best=True)
    scoring = EpochScoring("roc_auc", lower_is_better=False, name="auc")
    trained = EpochScoring("accuracy", on_train=True, name="accuracy")
    net, curves = fitted(validation=UNSEEN, callbacks=[scoring, trained, checkpoint, losses])
    assert set(curves) == {"train_loss", "valid_loss", "valid_acc", "auc", "accuracy"}
    assert (tmp_path / "params.pt").exists()
    logits = predict(net, UNSEEN[0])
    best = curves["valid_loss"].argmin()
    assert curves["auc"][best] == pytest.approx(roc_auc_score(UNSEEN[1], np.diff(logits)[:, 0]))
    # Per epoch three batches to learn from and four to validate: 10 and 14 images.
    assert np.mean(losses.seen[-4:]) == pytest.approx(curves["valid_loss"][-1], rel=0.2)
    assert len(losses.seen) == 3 * (3 + 4)


def test_a_trained_network_predicts_as_skorch_does():
    net, _ = fitted(validation=UNSEEN)
    probability = torch.from_numpy(predict(net, UNSEEN[0])).softmax(1).numpy()
    np.testing.assert_allclose(net.predict_proba(UNSEEN[0]), probability, rtol=1e-5)


def test_a_trained_network_contains_no_training_data():
    net, _ = fitted(validation=UNSEEN, callbacks=[ReadLosses()])
    assert len(pickle.dumps(net)) < len(pickle.dumps(fitted(n=200)[0])) + 200


class PressCtrlC(Callback):
    def __init__(self, while_training):
        self.while_training = while_training

    def on_batch_end(self, net, training, **_):
        if len(net.history) == 2 and training == self.while_training:
            raise KeyboardInterrupt


@pytest.mark.parametrize("while_training", [True, False])
def test_ctrl_c_in_an_epoch_is_passed_on(while_training):
    with pytest.raises(KeyboardInterrupt):
        fitted(validation=UNSEEN, callbacks=[PressCtrlC(while_training)])


def test_a_nan_loss_is_an_error_with_epoch_and_learning_rate():
    images, labels = images_and_labels()
    images[7] = np.nan
    with pytest.raises(FloatingPointError, match=r"nan in epoch 1 with lr=0\.01"):
        train(Tiny, images, labels, max_epochs=2, lr=0.01, batch_size=4)


def test_class_weights_move_the_decision():
    images, _ = images_and_labels()
    plain, weighted = (
        predict(fitted(20, class_weight=weight)[0], images) for weight in (None, [1.0, 9.0])
    )
    assert (np.diff(weighted) > np.diff(plain)).all()


@pytest.mark.skipif(
    torch.cuda.is_available() or torch.backends.mps.is_available(), reason="this machine has a GPU"
)
def test_cuda_without_a_gpu_is_an_error_with_a_remedy():
    with pytest.raises(ValueError, match=r"device='cuda:1'.* only cpu on .*device='auto'"):
        choose_device("cuda:1")
    assert choose_device("auto") == "cpu"


def test_auto_uses_a_gpu_if_available(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert [choose_device(device) for device in ("auto", "mps", "cpu")] == ["mps", "mps", "cpu"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [choose_device(device) for device in ("auto", "cuda:1")] == ["cuda", "cuda:1"]
