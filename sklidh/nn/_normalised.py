"""Batch normalisation, ReLU and what follows them in one run through the map.

The normalised map is made a tile of pixels at a time, in a core's cache, multiplied there, and made
again in the backward pass: it is never kept.
"""

import torch
import torch.nn.functional as F
from torch.autograd import Function

from sklidh.nn import _native_norm as native
from sklidh.nn._compiled import arrays, is_compiled_for
from sklidh.nn._precision import backward_as_kept
from sklidh.nn._rectification import Rectification, Sums, update_running
from sklidh.nn._threads import scratch, spread
from sklidh.nn._tiles import parts, row_parts, total


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
    rows = pixels.reshape(-1, x.shape[1]).contiguous()
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
        sums = Sums.together(spread(lambda part: _sums(rows[part]), row_parts(rows)))
        mean, variance = sums.moments(len(rows))
        update_running(norm, mean, variance, len(rows))
    else:
        mean, variance = norm.running_mean, norm.running_var
    return mean, (variance + norm.eps).rsqrt()


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
        vectors = gain, shift, mean, scale
        out = x.new_empty(len(x), len(weight))
        rectification = Rectification(*vectors, of_batch)

        def multiply(tile):
            start = bias if residual is None else torch.add(residual[tile], bias, out=out[tile])
            y = rectification(x[tile], scratch("rectified", x, *x[tile].shape))
            torch.addmm(start, y, weight.t(), out=out[tile])

        spread(multiply, row_parts(x))
        ctx.of_batch = of_batch
        ctx.save_for_backward(x, weight, *vectors)
        ctx.set_materialize_grads(False)
        return out, x

    @staticmethod
    @backward_as_kept
    def backward(ctx, grad, other):
        """Return the gradients, given that of the product and of `x` elsewhere."""
        if grad is None:
            return other, *[None] * 8
        x, weight, *vectors = ctx.saved_tensors
        grad = grad.contiguous()
        other = x[:0] if other is None else other.contiguous()
        rectification = Rectification(*vectors, ctx.of_batch)
        grad_x = torch.empty_like(x)

        def multiply_back(tile):
            y = rectification(x[tile], scratch("rectified", x, *x[tile].shape))
            sums = Sums(weight[0])
            torch.mm(grad[tile], weight, out=grad_x[tile])
            rectification.back_(grad_x[tile], y, x[tile], sums)
            return sums, grad[tile].t() @ y, grad[tile].sum(0)

        def normalise_back(tile):
            rectification.spread_(grad_x[tile], x[tile], other=other[tile])

        tiles = row_parts(x)
        sums, *of_product = zip(*spread(multiply_back, tiles), strict=True)
        of_norm = rectification.gradients(Sums.together(sums), len(x))
        spread(normalise_back, tiles)
        grad_residual = grad if ctx.needs_input_grad[8] else None
        return grad_x, *of_norm, None, None, None, *map(total, of_product), grad_residual


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
        out = x.new_empty(B, H // 2, W // 2, C)
        place = torch.empty(out.shape, dtype=torch.int8)
        vectors = gain, shift, mean, scale
        line = Rectification(*vectors, of_batch)
        line_of = line.slope, line.offset

        def halve(b):
            native.rectify_halve(*arrays(x[b], *line_of, out[b], place[b]))

        spread(halve, parts(B))
        ctx.of_batch = of_batch
        ctx.save_for_backward(x, place, *vectors)
        return out

    @staticmethod
    @backward_as_kept
    def backward(ctx, grad):
        """Return the gradients of the map and of the normalisation's weight and bias."""
        x, place, *vectors = ctx.saved_tensors
        grad, grad_x = grad.contiguous(), torch.empty_like(x)
        line, images = Rectification(*vectors, ctx.of_batch), parts(len(x))

        def sum_up(b):
            sums = Sums(vectors[0])
            native.halve_sums(*arrays(x[b], place[b], grad[b], sums.total, sums.product))
            return sums

        def halve_back(b):
            plane = line.slope, line.tilt, line.level
            native.halve_back(*arrays(x[b], place[b], grad[b], *plane, grad_x[b]))

        sums = Sums.together(spread(sum_up, images))
        grad_gain, grad_shift = line.gradients(sums, x[..., 0].numel())
        spread(halve_back, images)
        return grad_x, grad_gain, grad_shift, None, None, None


def _sums(rows):
    sums = Sums(rows[0])
    sums.add(rows, rows)
    return sums
