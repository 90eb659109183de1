"""Batch normalisation, ReLU and what follows them in one run through the map.

The normalised map is made a tile of pixels at a time, in a core's cache, multiplied there, and made
again in the backward pass: it is never kept.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sklidh.nn import _native_norm as native
from sklidh.nn._compiled import arrays

TILE_ELEMENTS = 2**19
"""What a tile of the normalised map may hold."""


def update_running(norm, mean, variance, count):
    """Move the running averages of a batch normalisation as its own forward pass would."""
    with torch.no_grad():
        norm.num_batches_tracked.add_(1)
        # Without a momentum, all batches count the same.
        part = 1 / norm.num_batches_tracked if norm.momentum is None else norm.momentum
        norm.running_mean.lerp_(mean, part)
        norm.running_var.lerp_(variance * (count / (count - 1)), part)


def is_compiled_for(*tensors):
    """Return whether compiled loops can read these tensors."""
    first = tensors[0].dtype
    return first in (torch.float32, torch.float64) and all(
        each.is_cpu and each.dtype == first for each in tensors
    )


def rectified_linear(norm, x, weight, bias, residual=None):
    """Normalise, rectify and multiply a map.

    Parameters
    ----------
    norm : BatchNorm2d
        Its running averages move where it is in training.
    x : Tensor of shape (B, C, H, W)
        Channels last in memory.
    weight : Tensor of shape (O, C)
    bias : Tensor of shape (O,)
    residual : Tensor of shape (B, O, H, W), optional
        Added to the result.

    Returns
    -------
    out : Tensor of shape (B, O, H, W)
        ``F.linear(relu(norm(x)), weight, bias) + residual``, channels last.
    x : Tensor of shape (B, C, H, W)
        As it came in. Use this one from here on: its gradient is then added where that of `x` is
        made, rather than to a map of its own.
    """
    pixels = x.permute(0, 2, 3, 1)
    # One pixel has no variance: torch says so.
    if x.numel() == x.shape[1] or not is_compiled_for(x, weight):
        out = F.linear(F.relu_(norm(x)).permute(0, 2, 3, 1), weight, bias)
        if residual is not None:
            out.add_(residual.permute(0, 2, 3, 1))
        return out.permute(0, 3, 1, 2), x
    rows = pixels.reshape(-1, x.shape[1])
    mean, scale = _statistics(norm, rows)
    if residual is not None:
        residual = residual.permute(0, 2, 3, 1).reshape(len(rows), -1)
    out, rows = RectifiedLinear.apply(
        rows, norm.weight, norm.bias, mean, scale, norm.training, weight, bias, residual
    )
    out, x = (each.unflatten(0, pixels.shape[:-1]).permute(0, 3, 1, 2) for each in (out, rows))
    return out, x


def rectified_halves(norm, x):
    """Normalise, rectify and halve a map.

    Parameters
    ----------
    norm : BatchNorm2d
        Its running averages move where it is in training.
    x : Tensor of shape (B, C, H, W)
        Channels last in memory.

    Returns
    -------
    Tensor of shape (B, C, H // 2, W // 2)
        ``F.max_pool2d(relu(norm(x)), 2)``; one pixel stays one pixel.
    """
    if min(x.shape[-2:]) == 1:
        return F.relu_(norm(x))
    if not is_compiled_for(x, norm.weight):
        return F.max_pool2d(F.relu_(norm(x)), 2)
    pixels = x.permute(0, 2, 3, 1).contiguous()
    mean, scale = _statistics(norm, pixels.flatten(0, 2))
    out = RectifiedHalves.apply(pixels, norm.weight, norm.bias, mean, scale, norm.training)
    return out.permute(0, 3, 1, 2)


def _statistics(norm, rows):
    """Return what a normalisation subtracts from rows (n, C), and multiplies them by."""
    if norm.training:
        mean, variance = torch.empty_like(norm.running_mean), torch.empty_like(norm.running_var)
        native.moments(*arrays(rows, mean, variance))
        update_running(norm, mean, variance, len(rows))
    else:
        mean, variance = norm.running_mean, norm.running_var
    return mean, (variance + norm.eps).rsqrt()


def _spread(total, product, n, mean, scale, slope, of_batch):
    """Return the gradient of a normalisation's weight, and a plane to add to that of its input.

    Parameters
    ----------
    total, product : ndarray of shape (C,)
        Sums of the gradient of the normalised, and of its product with the input.
    n : int
        Rows summed over.
    mean, scale, slope : Tensor of shape (C,)
    of_batch : bool
        Whether mean and scale depend on the input: the plane is how.

    Returns
    -------
    grad_gain, tilt, level : Tensor of shape (C,)
        The plane is tilt * input + level.
    """
    total, product = torch.from_numpy(total), torch.from_numpy(product)
    grad_gain = (product - mean * total) * scale
    tilt = -slope * scale * grad_gain / n * of_batch
    level = -slope * total / n * of_batch - tilt * mean
    return [each.to(slope) for each in (grad_gain, tilt, level)]


class RectifiedLinear(Function):
    """The product of a matrix's normalised, rectified columns and the weights."""

    @staticmethod
    def forward(ctx, x, gain, shift, mean, scale, of_batch, weight, bias, residual):
        """Return the product of shape (n, O), and `x`.

        Parameters
        ----------
        x : Tensor of shape (n, C)
        gain, shift : Tensor of shape (C,)
            The normalisation's weight and bias.
        mean, scale : Tensor of shape (C,)
            Subtracted from `x`, and multiplied by.
        of_batch : bool
            Whether `mean` and `scale` are those of `x`, and so depend on it.
        weight : Tensor of shape (O, C)
        bias : Tensor of shape (O,)
        residual : Tensor of shape (n, O) or None
        """
        slope = gain * scale
        offset = shift - mean * slope
        out = x.new_empty(len(x), len(weight))
        for tile, y in _rectified(x, slope, offset):
            start = bias if residual is None else torch.add(residual[tile], bias, out=out[tile])
            torch.addmm(start, y, weight.t(), out=out[tile])
        ctx.of_batch = of_batch
        ctx.save_for_backward(x, mean, scale, slope, offset, weight)
        ctx.set_materialize_grads(False)
        return out, x

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, other):
        """Return the gradients, given that of the product and of `x` elsewhere."""
        if grad is None:
            return other, *[None] * 8
        x, mean, scale, slope, offset, weight = ctx.saved_tensors
        n, C = x.shape
        grad = grad.contiguous()
        grad_x, grad_weight = torch.empty_like(x), torch.zeros_like(weight)
        grad_bias = grad.new_zeros(len(weight))
        total, product = np.zeros(C), np.zeros(C)
        for tile, y in _rectified(x, slope, offset):
            grad_weight.addmm_(grad[tile].t(), y)
            grad_bias += grad[tile].sum(0)
            torch.mm(grad[tile], weight, out=grad_x[tile])
            native.rectify_back(*arrays(x[tile], y, grad_x[tile]), total, product)
        grad_gain, tilt, level = _spread(total, product, n, mean, scale, slope, ctx.of_batch)
        other = x[:0] if other is None else other.contiguous()
        native.combine(*arrays(x, grad_x, slope, tilt, level, other))
        grad_residual = grad if ctx.needs_input_grad[8] else None
        grad_shift = torch.from_numpy(total).to(x)
        return (
            grad_x,
            grad_gain,
            grad_shift,
            None,
            None,
            None,
            grad_weight,
            grad_bias,
            grad_residual,
        )


class RectifiedHalves(Function):
    """The largest of each square of 2 x 2 normalised, rectified pixels."""

    @staticmethod
    def forward(ctx, x, gain, shift, mean, scale, of_batch):
        """Return a map of shape (B, H // 2, W // 2, C).

        Parameters
        ----------
        x : Tensor of shape (B, H, W, C)
        gain, shift, mean, scale, of_batch
            As in `RectifiedLinear`.
        """
        B, H, W, C = x.shape
        slope = gain * scale
        out = x.new_empty(B, H // 2, W // 2, C)
        place = torch.empty(out.shape, dtype=torch.int8)
        native.rectify_halve(*arrays(x, slope, shift - mean * slope, out, place))
        ctx.of_batch = of_batch
        ctx.save_for_backward(x, mean, scale, slope, place)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        """Return the gradients of the map and of the normalisation's weight and bias."""
        x, mean, scale, slope, place = ctx.saved_tensors
        grad, grad_x = grad.contiguous(), torch.empty_like(x)
        total, product = np.zeros(len(mean)), np.zeros(len(mean))
        native.halve_sums(*arrays(x, place, grad), total, product)
        n = x[..., 0].numel()
        grad_gain, *plane = _spread(total, product, n, mean, scale, slope, ctx.of_batch)
        native.halve_back(*arrays(x, place, grad, slope, *plane, grad_x))
        return grad_x, grad_gain, torch.from_numpy(total).to(x), None, None, None


def _rectified(x, slope, offset):
    """Yield each tile's rows, and max(slope * x + offset, 0) there, overwritten by the next."""
    size = max(1, TILE_ELEMENTS // x.shape[1])
    made = x.new_empty(min(size, len(x)), x.shape[1])
    for start in range(0, len(x), size):
        rows = x[start : start + size]
        y = made[: len(rows)]
        native.rectify(*arrays(rows, slope, offset, y))
        yield slice(start, start + size), y
