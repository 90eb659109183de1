"""The 1 x 1 convolution equals torch's own."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from sklidh.nn._device import isolated_torch
from sklidh.nn._layers import PointwiseConvolution, RowProduct


@pytest.fixture(autouse=True)
def same_numbers_every_time():
    with isolated_torch(seed=0):
        yield


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("channels_last", [True, False])
def test_the_product_is_the_convolution(bias, channels_last):
    layer = PointwiseConvolution(7, 5, bias=bias)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.randn(3, 7, 20, 30).contiguous(memory_format=layout)
    found, expected = layer(x), F.conv2d(x, layer.weight, layer.bias)
    torch.testing.assert_close(found, expected)
    grads = [torch.autograd.grad(y.square().sum(), layer.parameters()) for y in (found, expected)]
    torch.testing.assert_close(*grads, rtol=1e-4, atol=1e-3)


def test_gradients_are_those_of_finite_differences(monkeypatch):
    monkeypatch.setattr("sklidh.nn._threads.LEAST", 1)
    monkeypatch.setattr("sklidh.nn._layers.ROWS", 1)
    shapes = (20, 3), (2, 3), (2,)
    inputs = [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    assert gradcheck(RowProduct.apply, inputs)


def test_under_autocast_a_product_has_half_precision():
    layer, x = PointwiseConvolution(8, 5), torch.ones(3, 8, 9, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
