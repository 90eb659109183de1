"""The arithmetic of pairwise attention, exact, with few tensors of every pair of pixels.

With r the rectified difference of a pixel and a neighbour, the attention logits are
``second @ relu(norm(first @ r))``. A walk through the pairs makes them a tile at a time, small
enough for the cache. Of every pair are kept ``first @ r``, whose mean and variance the
normalisation needs before it can begin, and for the backward pass the weights; r, the largest,
is computed again.

Shapes as in `_neighbours`; R channels between `first` and `second`.
"""

from functools import partial
from itertools import chain

import torch
from torch.autograd import Function

from sklidh.nn._neighbours import visits
from sklidh.nn._precision import backward_as_kept
from sklidh.nn._rectification import Rectification, Sums, update_running
from sklidh.nn._threads import scratch, spread
from sklidh.nn._tiles import total


class DifferenceMoments(Function):
    """Mean and variance of phi_i - psi_j over all pixels i and neighbours j.

    Both centred, the variance is the mean of phi_i (phi_i - psi_j) + psi_j (psi_j - phi_i): a sum
    over pixels, of each times how it differs from all that it meets. That difference is half the
    derivative, too.
    """

    @staticmethod
    def forward(ctx, phi, psi, reach):
        """Return mean and variance, of shape (C,).

        Parameters
        ----------
        phi, psi : Tensor of shape (B, H, W, C)
        reach : int
            Half the footprint: (k - 1) / 2.

        Returns
        -------
        mean, variance : Tensor of shape (C,)
            The variance is the biased one (divided by the count).
        """
        B, H, W, _ = phi.shape
        rows, columns = (visits(n, reach, phi.dtype, phi.device) for n in (H, W))
        around, shown = (2 * reach + 1) ** 2, (rows.sum(0)[:, None] * columns.sum(0))[..., None]
        count, pixels = B * H * W * around, (0, 1, 2)
        mean_phi, mean_psi = phi.mean(pixels), (psi * shown).sum(pixels) / count
        phi, psi = phi - mean_phi, psi - mean_psi
        from_phi = around * phi - _met(rows, columns, psi)
        from_psi = shown * psi - _met(rows.t(), columns.t(), phi)
        variance = ((phi * from_phi).sum(pixels) + (psi * from_psi).sum(pixels)) / count
        ctx.save_for_backward(from_phi, from_psi, shown)
        ctx.around, ctx.count = around, count
        return mean_phi - mean_psi, variance

    @staticmethod
    @backward_as_kept
    def backward(ctx, grad_mean, grad_variance):
        """Return the gradients of phi and psi."""
        from_phi, from_psi, shown = ctx.saved_tensors
        grad_mean, slope = grad_mean / ctx.count, 2 / ctx.count * grad_variance
        grad_phi = torch.addcmul(ctx.around * grad_mean, from_phi, slope)
        return grad_phi, torch.addcmul(-shown * grad_mean, from_psi, slope), None


def _met(rows, columns, x):
    """Return the sum of x (B, H, W, C) over all that each pixel meets."""
    # One axis after the other: together, the two matrices would make one of P * P elements.
    return torch.einsum("hy,bywc->bhwc", rows, torch.einsum("wx,byxc->bywc", columns, x))


class Attend(Function):
    """The mean of beta over each pixel's neighbours, weighted by their attention."""

    @staticmethod
    def forward(ctx, pairs, norm, learns, phi, psi, beta, first, gain, shift, second):
        """Return a map like out.

        Parameters
        ----------
        pairs : Windows or Pixels
        norm : BatchNorm2d
            Between `first` and `second`; its running averages move where it is in training.
        learns : bool
            Whether a backward pass may follow: what it needs is kept.
        phi, psi, beta : Tensor
            Their maps.
        first : Tensor of shape (R, C)
        gain, shift : Tensor of shape (R,)
            The weight and bias of `norm`.
        second : Tensor of shape (G, R)
        """
        tiles, count = pairs.tiles(phi), pairs.count(phi)
        share = partial(spread, alone=not phi.is_cpu)
        passes = not (norm.training or learns)  # each tile in one go, nothing of it is kept

        def products(tiles):
            for tile in tiles:
                r = pairs.differences(phi, psi, tile, scratch)
                h = scratch("hidden", r, len(r), len(first)) if passes else None
                yield torch.mm(r, first.t(), out=h)

        def compare(tiles):
            sums = Sums(gain)
            return [sums.add(h, h, pairs.visited) for h in products(tiles)], sums

        def attend(tiles, hidden):
            kept = []
            for tile, h in zip(tiles, hidden or products(tiles), strict=True):
                rectified = rectification(h, h if passes else scratch("rectified", h, *h.shape))
                logits = scratch("logits", h, len(h), len(second))
                weights = pairs.weights(torch.mm(rectified, second.t(), out=logits))
                pairs.attend(weights, beta, out, tile)
                kept += [h, weights] if learns else []
            return kept

        hidden, mean, variance = [None] * len(tiles), norm.running_mean, norm.running_var
        if norm.training:
            hidden, sums = zip(*share(compare, tiles), strict=True)
            mean, variance = Sums.together(sums).moments(count)
            update_running(norm, mean, variance, count)
        vectors = gain, shift, mean, (variance + norm.eps).rsqrt()
        rectification = Rectification(*vectors, norm.training)
        out = pairs.new_out(phi, beta)
        kept = chain.from_iterable(share(attend, tiles, hidden))
        ctx.pairs, ctx.tiles, ctx.count, ctx.of_batch = pairs, tiles, count, norm.training
        ctx.save_for_backward(phi, psi, beta, first, second, out, *vectors, *kept)
        return out

    @staticmethod
    @backward_as_kept
    def backward(ctx, grad):
        """Return the gradients of the maps, the two matrices and what lies between them."""
        pairs, tiles = ctx.pairs, ctx.tiles
        phi, psi, beta, first, second, out, *saved = ctx.saved_tensors
        share = partial(spread, alone=not phi.is_cpu)
        rectification, saved = Rectification(*saved[:4], ctx.of_batch), iter(saved[4:])
        kept = [[(next(saved), next(saved)) for _ in some] for some in tiles]
        maps = grad_phi, grad_psi, grad_beta = [torch.zeros_like(each) for each in (phi, psi, beta)]
        grad = grad.contiguous()

        def attend_back(tiles, kept):
            grads, sums, grad_second = [], Sums(second[0]), torch.zeros_like(second)
            for tile, (h, weights) in zip(tiles, kept, strict=True):
                of_maps = grad, weights, beta, out, grad_beta
                grad_logits = pairs.attend_backward(*of_maps, tile, scratch)
                rectified = rectification(h, scratch("rectified", h, *h.shape))
                grad_second.addmm_(grad_logits.t(), rectified)
                grads.append(rectification.back_(grad_logits @ second, rectified, h, sums))
            return grads, sums, grad_second

        def compare_back(tiles, kept, grads):
            grad_first = torch.zeros_like(first)
            for tile, (h, _), grad_hidden in zip(tiles, kept, grads, strict=True):
                rectification.spread_(grad_hidden, h, pairs.visited)
                r = pairs.differences(phi, psi, tile, scratch)
                grad_first.addmm_(grad_hidden.t(), r)
                grad_r = torch.mm(grad_hidden, first, out=scratch("grad_r", r, *r.shape))
                pairs.differences_backward(grad_r, r, grad_phi, grad_psi, tile)
            return grad_first

        grads, sums, grad_second = zip(*share(attend_back, tiles, kept), strict=True)
        of_norm = rectification.gradients(Sums.together(sums), ctx.count)
        grad_first = share(compare_back, tiles, kept, grads)
        return None, None, None, *maps, total(grad_first), *of_norm, total(grad_second)
