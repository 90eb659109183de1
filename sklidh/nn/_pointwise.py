"""A 1 x 1 convolution; on the CPU a product of matrices that several threads share."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.amp import custom_bwd, custom_fwd
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sklidh.nn._threads import cut, parallel_map, total

ROWS = 128
"""Minimum number of rows per part: a product of fewer is slow."""


def is_parallel(x):
    """Return whether this package, not torch, divides the work on a tensor among threads.

    So it does on the CPU in single and double precision; elsewhere plain torch runs.
    """
    return (
        x.is_cpu
        and x.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
    )


def product(x, weight, bias=None):
    """Return ``F.conv2d(x, weight, bias)`` for a 1 x 1 convolution.

    Parameters
    ----------
    x : Tensor of shape (B, C, H, W)
        Fastest with the channels last in memory.
    weight : Tensor of shape (O, C, 1, 1)
    bias : Tensor of shape (O,), optional

    Returns
    -------
    Tensor of shape (B, O, H, W)
        On the CPU with the channels last in memory.
    """
    if not is_parallel(x):
        return F.conv2d(x, weight, bias)
    pixels = x.permute(0, 2, 3, 1)
    out = RowProduct.apply(pixels.reshape(-1, x.shape[1]), weight.flatten(1), bias)
    return out.unflatten(0, pixels.shape[:-1]).permute(0, 3, 1, 2)


class PointwiseConvolution(nn.Conv2d):
    """A 1 x 1 convolution.

    Parameters
    ----------
    in_channels : int
    out_channels : int
    bias : bool, default=True
    """

    def __init__(self, in_channels, out_channels, bias=True):
        super().__init__(in_channels, out_channels, 1, bias=bias)

    def forward(self, x):
        """Map (B, in_channels, H, W) to (B, out_channels, H, W)."""
        return product(x, self.weight, self.bias)


class RowProduct(Function):
    """The product of rows and weights, plus a bias; the rows are shared among threads."""

    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(ctx, x, weight, bias):
        """Return the product, of shape (n, O), of rows (n, C), weights (O, C) and bias (O,)."""
        out = x.new_empty(len(x), len(weight))
        start = x.new_zeros(len(weight)) if bias is None else bias

        def multiply(part):
            torch.addmm(start, x[part], weight.t(), out=out[part])

        parallel_map(multiply, _parts(x))
        ctx.save_for_backward(x, weight)
        return out

    @staticmethod
    @custom_bwd(device_type="cpu")
    @once_differentiable
    def backward(ctx, grad):
        """Return the gradients of the rows, the weights and the bias."""
        x, weight = ctx.saved_tensors
        grad, grad_x = grad.contiguous(), torch.empty_like(x)

        def multiply_back(part):
            torch.mm(grad[part], weight, out=grad_x[part])
            return grad[part].t() @ x[part], grad[part].sum(0)

        sums = zip(*parallel_map(multiply_back, _parts(x)), strict=True)
        grad_weight, grad_bias = map(total, sums)
        return grad_x, grad_weight, grad_bias if ctx.needs_input_grad[2] else None


def _parts(x):
    return cut(len(x), x[:1].nbytes, at_least=ROWS)
