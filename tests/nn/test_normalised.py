"""Normalising, rectifying and multiplying in one run is what the three layers do in turn."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import gradcheck

from sklidh.nn._normalised import (
    RectifiedHalves,
    RectifiedLinear,
    rectified_halves,
    rectified_linear,
)
from sklidh.nn._training import fenced


@pytest.fixture(autouse=True)
def same_numbers_every_time():
    with fenced(seed=0):
        yield


@pytest.fixture(autouse=True)
def several_tiles(monkeypatch):
    monkeypatch.setattr("sklidh.nn._tiles.ELEMENTS", 50)
    monkeypatch.setattr("sklidh.nn._tiles.ROWS", 1)


def norm_of(channels, dtype, momentum=0.1):
    norm = nn.BatchNorm2d(channels, momentum=momentum, dtype=dtype)
    nn.init.uniform_(norm.weight, -1.5, 1.5)
    nn.init.normal_(norm.bias)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    return norm


def three_layers(norm, x, weight, bias, residual):
    out = F.conv2d(F.relu(norm(x)), weight[..., None, None], bias)
    return (out if residual is None else out + residual), x


def draw(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


def results(layers, norm, tensors):
    """Return the output, the gradients, with x read a second time, and the running averages."""
    norm = copy.deepcopy(norm)
    tensors = [each if each is None else each.detach().requires_grad_() for each in tensors]
    out, x = layers(norm, *tensors)
    (out.square().sum() + x.pow(3).sum()).backward()
    grads = [each.grad for each in (*tensors, norm.weight, norm.bias) if each is not None]
    return [out, *grads, *norm.buffers()]


@pytest.mark.parametrize(("dtype", "bar"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("with_residual", [True, False])
@pytest.mark.parametrize("channels_last", [True, False])
def test_one_run_is_the_three_layers(dtype, bar, training, with_residual, channels_last):
    norm = norm_of(7, dtype).train(training)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = draw(3, 7, 4, 5, dtype=dtype).contiguous(memory_format=layout) + 3
    residual = draw(3, 6, 4, 5, dtype=dtype) if with_residual else None
    tensors = [x, draw(6, 7, dtype=dtype), draw(6, dtype=dtype), residual]
    pairs = zip(*(results(f, norm, tensors) for f in (rectified_linear, three_layers)), strict=True)
    for found, expected in pairs:
        assert (found - expected).abs().max() <= bar * expected.abs().max()


@pytest.mark.parametrize(("dtype", "bar"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(6, 4), (5, 7), (3, 1)])
def test_halving_in_one_run_is_the_three_layers(dtype, bar, training, shape):
    norm = norm_of(7, dtype).train(training)
    x = draw(3, 7, *shape, dtype=dtype).round(decimals=1)  # some of the four are equal

    def halves(norm, x):
        return rectified_halves(norm, x), x

    def layers(norm, x):
        x_in, x = x, F.relu(norm(x))
        return (F.max_pool2d(x, 2) if min(shape) > 1 else x), x_in

    pairs = zip(*(results(each, norm, [x]) for each in (halves, layers)), strict=True)
    for found, expected in pairs:
        assert (found - expected).abs().max() <= bar * expected.abs().max()


def test_a_column_far_from_zero_keeps_its_variance():
    norm = nn.BatchNorm2d(1, momentum=1.0)
    x = 1e4 + torch.randn(1, 1, 50, 50)
    rectified_linear(norm, x, torch.ones(1, 1), torch.zeros(1))
    torch.testing.assert_close(
        norm.running_var.double(), x.double().var().view(1), rtol=1e-5, atol=0
    )


def test_without_a_momentum_all_batches_count_the_same():
    norm = norm_of(2, torch.float64, momentum=None)
    batches = [draw(2, 2, 3, 3) for _ in range(3)]
    for x in batches:
        rectified_linear(norm, x, draw(1, 2), draw(1))
    means = torch.stack([x.mean((0, 2, 3)) for x in batches])
    torch.testing.assert_close(norm.running_mean, means.mean(0))


@pytest.mark.parametrize("of_batch", [True, False])
def test_gradients_are_those_of_finite_differences(of_batch):
    def product(x, gain, shift, weight, bias, residual):
        mean = x.mean(0) if of_batch else torch.full((3,), 0.2, dtype=x.dtype)
        scale = (x.var(0, correction=0) + 1e-5).rsqrt() if of_batch else torch.full_like(mean, 0.7)
        parts = mean.detach(), scale.detach(), of_batch, weight, bias, residual
        return RectifiedLinear.apply(x, gain, shift, *parts)

    inputs = draw(20, 3), draw(3), draw(3), draw(2, 3), draw(2), draw(20, 2)
    assert gradcheck(product, inputs, eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("of_batch", [True, False])
def test_gradients_of_halving_are_those_of_finite_differences(of_batch):
    def halves(x, gain, shift):
        rows = x.flatten(0, 2)
        mean = rows.mean(0) if of_batch else torch.full((3,), 0.2, dtype=x.dtype)
        scale = (rows.var(0, correction=0) + 1e-5).rsqrt() if of_batch else mean + 0.5
        return RectifiedHalves.apply(x, gain, shift, mean.detach(), scale.detach(), of_batch)

    assert gradcheck(halves, (draw(2, 4, 5, 3), draw(3), draw(3)), eps=1e-7, atol=1e-5)


def test_one_pixel_has_no_variance():
    norm = norm_of(4, torch.float32)
    run = partial(rectified_linear, norm, torch.randn(1, 4, 1, 1), torch.ones(2, 4), torch.ones(2))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        run()
    norm.eval()
    assert run()[0].shape == (1, 2, 1, 1)


def test_a_pixel_that_is_not_a_number_stays_one():
    x = torch.randn(1, 3, 4, 4)
    x[0, 1, 2, 3] = torch.nan
    norm = norm_of(3, torch.float32).eval()
    assert rectified_halves(norm, x).isnan().nonzero().tolist() == [[0, 1, 1, 1]]
    out, _ = rectified_linear(norm, x, torch.ones(2, 3), torch.zeros(2))
    assert out.isnan().nonzero().tolist() == [[0, 0, 2, 3], [0, 1, 2, 3]]


def test_half_precision_takes_the_three_layers():
    norm = norm_of(8, torch.float64).eval()
    tensors = [draw(2, 8, 4, 4), draw(4, 8), draw(4), draw(2, 4, 4, 4)]
    exact = rectified_linear(norm, *tensors)[0], rectified_halves(norm, tensors[0])
    norm, tensors = norm.bfloat16(), [each.bfloat16() for each in tensors]
    half = rectified_linear(norm, *tensors)[0], rectified_halves(norm, tensors[0])
    for found, expected in zip(half, exact, strict=True):
        assert found.dtype == torch.bfloat16
        torch.testing.assert_close(found.double(), expected, rtol=0.1, atol=0.1)
