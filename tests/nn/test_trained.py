"""Predictions and saliency maps of trained networks equal explicit formulas."""

import numpy as np
import pytest
import torch
from torch import nn

from sklidh.nn import SAN
from sklidh.nn._device import isolated_torch, memory_hint
from sklidh.nn._san import ModalityAttention, ModalitySAN
from sklidh.nn._trained import freeze, predict, sensitivity, thaw
from sklidh.nn._training import train


class Linear(nn.Module):
    """A network whose three logits are weighted sums of pixels, and of a column if there is one."""

    def __init__(self, n_columns=0):
        super().__init__()
        self.out = nn.Linear(4 + n_columns, 3)

    def forward(self, x):
        images, *columns = [x] if isinstance(x, torch.Tensor) else x
        return self.out(torch.cat([images.flatten(1), *columns], 1))


def trained(inputs, **arguments):
    labels = np.arange(6) % 3
    return train(Linear, inputs, labels, max_epochs=2, lr=0.1, batch_size=4, seed=0, **arguments)[0]


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(6, 1, 2, 2)).astype("f4")


def test_sensitivity_is_the_derivative_of_the_log_odds(images):
    net = trained(images)
    weight = net.module_.out.weight.detach().numpy()
    logits = predict(net, images)
    for found, row in zip(sensitivity(net, images), logits, strict=True):
        most = row.argmax()
        odds = np.exp(row - row[most])
        odds[most] = 0
        expected = weight[most] - odds @ weight / odds.sum()
        np.testing.assert_allclose(found.ravel(), np.abs(expected), rtol=1e-4)


def test_columns_are_passed_together_with_the_images(images):
    columns = np.random.default_rng(1).normal(size=(6, 2)).astype("f4")
    net = trained((images, columns), n_columns=2)
    weight, bias = (p.detach().numpy() for p in net.module_.out.parameters())
    expected = np.column_stack([images.reshape(6, 4), columns]) @ weight.T + bias
    np.testing.assert_allclose(predict(net, (images, columns)), expected, rtol=1e-5, atol=1e-6)
    assert sensitivity(net, (images, columns)).shape == images.shape
    assert predict(net, (images[:0], columns[:0])).shape == (0, 3)


def test_thaw_restores_the_frozen_network(images):
    net = trained(images)
    again = thaw(Linear, freeze(net))
    np.testing.assert_array_equal(predict(again, images), predict(net, images))


def test_insufficient_memory_is_an_error_with_batch_size_and_device():
    with (
        pytest.raises(MemoryError, match=r"device='cuda'.*batch_size=64; lower"),
        memory_hint("cuda", 64),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_modality_attention_multiplies_every_channel_by_a_factor_between_0_and_1():
    with isolated_torch(seed=0):
        attention, x = ModalityAttention(4), torch.randn(3, 4, 8, 8)
    weights = attention.weights(x)
    assert ((weights > 0) & (weights < 1)).all()
    assert (weights.std(0) > 0).all(), "each image has weights of its own"
    torch.testing.assert_close(attention(x), x * weights[..., None, None])
    assert sum(p.numel() for p in attention.parameters()) == 2 * (4 * 4 + 4)


def test_without_attention_and_columns_it_is_the_san():
    with isolated_torch(seed=0):
        plain = SAN(n_features=8, in_channels=2).eval()
    with isolated_torch(seed=0):
        same = ModalitySAN(n_features=8, in_channels=2).eval()
        x = torch.randn(2, 2, 16, 16)
    assert torch.equal(plain(x), same(x))


def test_columns_are_joined_to_the_deep_features_by_a_rectified_dense_layer():
    with isolated_torch(seed=0):
        network = ModalitySAN(n_features=8, n_columns=3).eval()
        images, columns = torch.randn(2, 1, 16, 16), torch.randn(2, 3)
    joined, network.join = network.join, None
    deep = network.features(images)
    network.join = joined
    expected = (torch.cat([deep, columns], 1) @ joined.weight.t() + joined.bias).clamp(min=0)
    torch.testing.assert_close(network.features((images, columns)), expected)
    assert joined.weight.shape == (8, 8 + 3)
