"""Memory-saving pairwise attention on the CPU, with the same values.

With r the rectified difference of a pixel and a neighbour, the attention logits are
``second @ relu(norm(first @ r))``. They are computed for one tile of pairs at a time, small enough
for a core's cache, and each tile by one thread. Two tensors are stored for every pair:
``first @ r``, whose mean and variance over all pairs the normalisation needs first, and the weight.
The difference r, the largest tensor, is recomputed for the gradient.

Shapes: B images, H rows, W columns; footprint side k, K = k * k; C channels of a difference; R
channels between `first` and `second`; S channels of a value that share each of G weights. A tile
holds the pairs of n pixels, ordered by neighbour first.
"""

from itertools import chain

import torch
from torch.amp import custom_bwd, custom_fwd
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sklidh.nn._layers import (
    Rectification,
    multiply,
    outer,
    relu_back_,
    sums_of,
    update_running,
)
from sklidh.nn._pairs import Pixels, Windows, coordinates, difference_moments
from sklidh.nn._threads import parallel_map, scratch, total


def attend_in_tiles(block, phi, psi, beta):
    """Compute the same result and gradients as ``block.attend``.

    Parameters
    ----------
    block : PairwiseAttention
    phi, psi : Tensor of shape (B, H, W, R)
    beta : Tensor of shape (B, H, W, S * G)

    Returns
    -------
    Tensor of shape (B, S * G, H, W)
        In channels-last memory format.
    """
    norm, k = block.gamma[0], block.kernel_size
    B, H, W, _ = phi.shape
    plane = coordinates(H, W, like=phi).permute(0, 2, 3, 1)
    place = (plane @ block.position.weight.flatten(1).t()).expand(B, -1, -1, -1)
    phi, psi = (torch.cat([each, place], 3) for each in (phi, psi))
    if norm.training:
        mean, variance = difference_moments(phi, psi, k)
        update_running(norm, mean, variance, B * H * W * k * k)
    else:
        mean, variance = norm.running_mean, norm.running_var
    # Normalising a difference equals the difference of normalised maps.
    slope = norm.weight * (variance + norm.eps).rsqrt()
    phi = torch.addcmul(norm.bias - mean * slope, phi, slope)
    pairs = Pixels if k * k >= H * W else Windows
    psi = pairs.padded((psi * slope)[None], k)[0]
    beta = pairs.padded(beta.unflatten(3, (block.share, -1)).permute(3, 0, 1, 2, 4), k)
    first, norm, second = block.gamma[2], block.gamma[3], block.gamma[5]
    out = Attend.apply(
        pairs, k, norm, torch.is_grad_enabled(), phi, psi, beta,
        first.weight.flatten(1), norm.weight, norm.bias, second.weight.flatten(1),
    )  # fmt: skip
    return out.permute(1, 2, 3, 0, 4).flatten(3).permute(0, 3, 1, 2)


class Attend(Function):
    """The attention-weighted mean of beta over each pixel's neighbours."""

    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(ctx, kind, k, norm, learns, phi, psi, beta, first, gain, shift, second):
        """Return the output map of shape (S, B, H, W, G).

        Parameters
        ----------
        kind : {Windows, Pixels}
            Class of the pairs, called with k and the maps phi, psi and beta (shapes as documented
            there).
        k : int
        norm : BatchNorm2d
            Normalisation between `first` and `second`; training updates its running averages.
        learns : bool
            Whether a backward pass may follow, so that its inputs are stored.
        phi, psi, beta : Tensor
        first : Tensor of shape (R, C)
        gain, shift : Tensor of shape (R,)
            The weight and bias of `norm`.
        second : Tensor of shape (G, R)
        """
        pairs = kind(k, phi, psi, beta)
        tiles = pairs.tiles()

        def compare(tile):
            return multiply(pairs.differences(tile), first)

        def compare_and_sum(tile):
            h = compare(tile)
            return h, *sums_of(h, h, pairs.visits)

        hidden, mean, variance = None, norm.running_mean, norm.running_var
        if norm.training:
            hidden, *sums = zip(*parallel_map(compare_and_sum, tiles), strict=True)
            mean, squares = (total(each) / pairs.count for each in sums)
            mean, variance = mean.to(gain), (squares - mean.square()).clamp(min=0).to(gain)
            update_running(norm, mean, variance, pairs.count)
        vectors = gain, shift, mean, (variance + norm.eps).rsqrt()
        rectification = Rectification(pairs.visits, *vectors)
        out = beta.new_empty(len(beta), *phi.shape[:3], beta.shape[-1])

        def attend(tile, h):
            h = compare(tile) if h is None else h
            weights = pairs.weights(multiply(rectification(h), second))
            pairs.attend(weights, out, tile)
            return (h, weights) if learns else ()

        kept = parallel_map(attend, tiles, hidden or [None] * len(tiles))
        ctx.pairs, ctx.of_batch = (kind, k), norm.training
        ctx.save_for_backward(phi, psi, beta, first, second, out, *vectors, *chain(*kept))
        return out

    @staticmethod
    @custom_bwd(device_type="cpu")
    @once_differentiable
    def backward(ctx, grad):
        """Return the gradients of the maps, of the two matrices and of the normalisation."""
        phi, psi, beta, first, second, out, *saved = ctx.saved_tensors
        vectors, hidden, weights = saved[:4], saved[4::2], saved[5::2]
        kind, k = ctx.pairs
        pairs = kind(k, phi, psi, beta)
        rectification = Rectification(pairs.visits, *vectors)
        tiles, grad, grad_phi = pairs.tiles(), grad.contiguous(), torch.empty_like(phi)

        def attend_back(tile, h, weights):
            grad_logits, grad_beta = pairs.attend_back(grad, weights, out, tile)
            rectified = rectification(h)
            grad_second = outer(grad_logits, rectified)
            grad_h = relu_back_(multiply(grad_logits, second.t()), rectified)
            return grad_h, *sums_of(grad_h, h), grad_second, grad_beta

        def compare_back(tile, h, grad_h):
            rectification.normalise_back_(grad_h, h)
            r = pairs.differences(tile)
            grad_r = multiply(grad_h, first.t(), out=scratch("grad_r", r, *r.shape))
            grad_psi = pairs.differences_back(relu_back_(grad_r, r), grad_phi, tile)
            return outer(grad_h, r), grad_psi

        grads, *sums, of_second, of_beta = zip(
            *parallel_map(attend_back, tiles, hidden, weights), strict=True
        )
        of_norm = rectification.gradients(*map(total, sums), pairs.count, ctx.of_batch)
        of_first, of_psi = zip(*parallel_map(compare_back, tiles, hidden, grads), strict=True)
        of_maps = grad_phi, pairs.joined(of_psi, psi), pairs.joined(of_beta, beta)
        return *[None] * 4, *of_maps, total(of_first), *of_norm, total(of_second)
