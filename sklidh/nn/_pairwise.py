"""The arithmetic of pairwise attention, exact, without keeping a tensor of every pair of pixels.

With r the rectified difference of a pixel and a neighbour, beside a constant 1, the attention
logits are ``second @ relu(first @ r)``: the normalisation between the two products is a matter of
`first`, because its mean and variance follow from the pairs' second moments E[r r^T]. So two sums
over all pairs are all there is: the moments, and the attended values. Both passes, forward and
backward, work through the pairs tile by tile, small enough to stay in the cache, and compute them
again rather than keep them: what is kept between the passes are maps of pixels.

Shapes as in `_neighbours`; R channels between `first` and `second`.
"""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sklidh.nn._neighbours import relu_backward_, visits


def difference_moments(phi, psi, reach):
    """Return mean and variance of phi_i - psi_j over all pixels i and neighbours j.

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
    count = B * H * W * (2 * reach + 1) ** 2
    share = (rows.sum(0)[:, None] * columns.sum(0))[..., None] / count
    mean_phi, mean_psi = phi.mean((0, 1, 2)), (psi * share).sum((0, 1, 2))
    phi, psi = phi - mean_phi, psi - mean_psi
    # One axis after the other: together, the two matrices would make one of P * P elements.
    neighbours = torch.einsum("wx,byxc->bywc", columns, psi)
    neighbours = torch.einsum("hy,bywc->bhwc", rows, neighbours)
    variance = (
        phi.square().mean((0, 1, 2))
        + (psi.square() * share).sum((0, 1, 2))
        - 2 / count * (phi * neighbours).sum((0, 1, 2))
    )
    return mean_phi - mean_psi, variance


class SecondMoments(Function):
    """Sum of r r^T over all pairs, r being the rectified difference of phi and psi."""

    @staticmethod
    def forward(ctx, pairs, phi, psi):
        """Return the sum of shape (C, C), in float64.

        Parameters
        ----------
        pairs : Windows or Pixels
        phi, psi : Tensor
            Their maps of C channels.
        """
        ctx.pairs = pairs
        ctx.save_for_backward(phi, psi)
        total = phi.new_zeros(phi.shape[-1], phi.shape[-1], dtype=torch.float64)
        for tile in pairs.tiles(phi):
            r = pairs.differences(phi, psi, tile)
            total += pairs.visited(r).t() @ r
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        """Return the gradients of phi and psi."""
        pairs, (phi, psi) = ctx.pairs, ctx.saved_tensors
        grad_phi, grad_psi = torch.zeros_like(phi), torch.zeros_like(psi)
        both = (grad + grad.t()).to(phi)
        for tile in pairs.tiles(phi):
            r = pairs.differences(phi, psi, tile)
            grad_r = pairs.visited(r @ both)
            pairs.differences_backward(grad_r, r, grad_phi, grad_psi, tile)
        return None, grad_phi, grad_psi


class Attend(Function):
    """The mean of beta over each pixel's neighbours, weighted by their attention."""

    @staticmethod
    def forward(ctx, pairs, phi, psi, beta, first, second):
        """Return a map like out.

        Parameters
        ----------
        pairs : Windows or Pixels
        phi, psi, beta : Tensor
            Their maps.
        first : Tensor of shape (R, C)
        second : Tensor of shape (G, R)
        """
        out = pairs.new_out(phi, beta)
        for tile in pairs.tiles(phi):
            hidden = (pairs.differences(phi, psi, tile) @ first.t()).relu_()
            pairs.attend(hidden @ second.t(), beta, out, tile)
        ctx.pairs = pairs
        ctx.save_for_backward(phi, psi, beta, first, second, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        """Return the gradients of the maps and of the two matrices."""
        pairs, (phi, psi, beta, first, second, out) = ctx.pairs, ctx.saved_tensors
        grad = grad.contiguous()
        grad_phi, grad_psi, grad_beta, grad_first, grad_second = (
            torch.zeros_like(each) for each in (phi, psi, beta, first, second)
        )
        for tile in pairs.tiles(phi):
            r = pairs.differences(phi, psi, tile)
            hidden = (r @ first.t()).relu_()
            logits = hidden @ second.t()
            grad_logits = pairs.attend_backward(grad, logits, beta, out, grad_beta, tile)
            grad_second.addmm_(grad_logits.t(), hidden)
            grad_hidden = relu_backward_(grad_logits @ second, hidden)
            grad_first.addmm_(grad_hidden.t(), r)
            pairs.differences_backward(grad_hidden @ first, r, grad_phi, grad_psi, tile)
        return None, grad_phi, grad_psi, grad_beta, grad_first, grad_second
