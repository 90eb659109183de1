"""Layers of attention: 1 x 1 convolutions of pixels, and operations on tiles of pixel pairs.

On the CPU, matrix products are divided among threads, and normalisation and ReLU of pairs run tile
by tile, forward and backward.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.amp import custom_bwd, custom_fwd
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sklidh.nn._threads import cut, parallel_map, scratch, total

ROWS = 128
"""Minimum number of rows per part; smaller products are slow."""


def is_parallel(x):
    """Return whether this package, and not torch, divides the work on a tensor among threads.

    It does so on the CPU in single and double precision; otherwise plain torch runs.
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
        Fastest in channels-last memory format.
    weight : Tensor of shape (O, C, 1, 1)
    bias : Tensor of shape (O,), optional

    Returns
    -------
    Tensor of shape (B, O, H, W)
        In channels-last memory format on the CPU.
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
    """The product of rows and weights, plus a bias; rows are divided among threads."""

    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(ctx, x, weight, bias):
        """Return the product (n, O) of rows (n, C) and weights (O, C), plus a bias (O,)."""
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


def update_running(norm, mean, variance, count):
    """Update the running averages of a batch normalisation as its forward pass would."""
    with torch.no_grad():
        norm.num_batches_tracked.add_(1)
        # Without momentum, all batches have equal weight.
        part = 1 / norm.num_batches_tracked if norm.momentum is None else norm.momentum
        norm.running_mean.lerp_(mean, part)
        norm.running_var.lerp_(variance * (count / (count - 1)), part)


def sums_of(x, y, visits=None):
    """Return the sums of x and of x * y over all pairs, of shape (R,), in float64.

    Parameters
    ----------
    x, y : Tensor of shape (..., R)
    visits : Tensor, optional
        As in `Rectification`.
    """
    if visits is not None:
        x = x * visits
    product = torch.mul(x, y, out=scratch("product", x, *x.shape))
    return [_lines(each).sum(0).double().view(-1, x.shape[-1]).sum(0) for each in (x, product)]


class Rectification:
    """max(gain * (h - mean) * scale + shift, 0) of a tile's pairs, and its gradients.

    Parameters
    ----------
    visits : Tensor or None
        Number of times each pair counts, broadcast to the shape of a tile's pairs; None means once.
    gain, shift : Tensor of shape (R,)
        Weight and bias of the normalisation.
    mean, scale : Tensor of shape (R,)
        Values to subtract, then to multiply by.
    """

    def __init__(self, visits, gain, shift, mean, scale):
        self.visits, self.mean, self.scale = visits, mean, scale
        self.slope = gain * scale
        self.offset = shift - mean * self.slope
        self._repeated = {}

    def __call__(self, h):
        """Return rectified pairs (..., R); the buffer is reused by the next call."""
        out = scratch("rectified", h, *h.shape)
        torch.addcmul(
            self._line("offset", h), _lines(h), self._line("slope", h), out=_lines(out)
        ).relu_()
        return out

    def gradients(self, total, product, count, of_batch):
        """Return the gradients of gain and shift.

        Parameters
        ----------
        total, product : Tensor of shape (R,), float64
            Sums over all pairs of the gradient of the normalised values, and of the gradient times
            h.
        count : int
            Number of all pairs.
        of_batch : bool
            Whether mean and scale were computed from h; the gradient of h then has the additional
            term tilt * h + level.
        """
        grad_gain = (product - self.mean * total) * self.scale
        tilt = -self.slope * self.scale * grad_gain / count
        level = -self.slope * total / count - tilt * self.mean
        self.tilt, self.level, self.of_batch = tilt.to(self.slope), level.to(self.slope), of_batch
        return grad_gain.to(self.slope), total.to(self.slope)

    def normalise_back_(self, grad, h):
        """Convert the gradient of the normalised values into the gradient of h, in place."""
        lines = _lines(grad)
        lines.mul_(self._line("slope", grad))
        if self.of_batch and self.visits is None:
            lines.add_(self._line("level", grad)).addcmul_(_lines(h), self._line("tilt", grad))
        elif self.of_batch:
            grad.addcmul_(torch.addcmul(self.level, h, self.tilt), self.visits)
        return grad

    def _line(self, name, pairs):
        """Return a vector repeated for all pixels of a neighbour; torch is faster on long rows."""
        length = pairs[0, 0].numel()
        if (name, length) not in self._repeated:
            vector = getattr(self, name)
            self._repeated[name, length] = vector.repeat(length // len(vector))
        return self._repeated[name, length]


def _lines(pairs):
    """Return pairs as a matrix with one neighbour per row."""
    return pairs.view(-1, pairs[0, 0].numel())


def rows_joined(pairs):
    """Return how many pairs (..., C) to join in a row; products of few columns are slow."""
    count, C = pairs[..., 0].numel(), pairs.shape[-1]
    return math.gcd(count, max(1, 16 // C))


def multiply(pairs, matrix, out=None):
    """Return the product of a matrix (R, C) with all pairs (..., C)."""
    m, shape = rows_joined(pairs), (*pairs.shape[:-1], len(matrix))
    matrix = torch.block_diag(*[matrix.t()] * m)
    out = pairs.new_empty(shape) if out is None else out
    torch.mm(pairs.view(-1, len(matrix)), matrix, out=out.view(-1, matrix.shape[1]))
    return out


def outer(x, y):
    """Return the sum over all pairs of the outer products of x (..., R) and y (..., C)."""
    m = rows_joined(x)
    blocks = x.view(-1, m * x.shape[-1]).t() @ y.view(-1, m * y.shape[-1])
    return blocks.view(m, x.shape[-1], m, y.shape[-1]).diagonal(dim1=0, dim2=2).sum(-1)


def relu_back_(grad, rectified):
    """Set the gradient to 0 where the rectified value is 0."""
    return torch.ops.aten.threshold_backward.grad_input(grad, rectified, 0, grad_input=grad)
