"""The maps of attention normalised and laid out for a walk through windows, compiled.

Shapes: B images of H rows and W columns, R channels of phi and psi, S channels that share each of
G attention weights; `down` (H + k - 1) and `across` (W + k - 1) are the rows and columns that a
map reflected beyond its border shows.
"""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sklidh.nn._compiled import arrays, compiled
from sklidh.nn._threads import spread
from sklidh.nn._tiles import parts, total


@compiled
def lay_out(phi, psi, beta, place, slope, offset, down, across, target, neighbour, value):
    """Write the target's, the neighbours' and the values' maps.

    Parameters
    ----------
    phi, psi : ndarray of shape (B, H, W, R)
    beta : ndarray of shape (B, H, W, S * G)
    place : ndarray of shape (H, W, 2)
    slope, offset : ndarray of shape (R + 2,)
    down, across : ndarray of int
    target : ndarray of shape (B, H, W, R + 2)
        Becomes slope * (phi, place) + offset.
    neighbour : ndarray of shape (B, len(down), len(across), R + 2)
        Becomes slope * (psi, place).
    value : ndarray of shape (S, B, len(down), len(across), G)
        Becomes beta.
    """
    B, H, W, R = phi.shape
    S, G = len(value), value.shape[-1]
    for b in range(B):
        for y in range(H):
            for x in range(W):
                out = target[b, y, x]
                for c in range(R):
                    out[c] = slope[c] * phi[b, y, x, c] + offset[c]
                for c in range(2):
                    out[R + c] = slope[R + c] * place[y, x, c] + offset[R + c]
        for i, y in enumerate(down):
            for j, x in enumerate(across):
                out = neighbour[b, i, j]
                for c in range(R):
                    out[c] = slope[c] * psi[b, y, x, c]
                for c in range(2):
                    out[R + c] = slope[R + c] * place[y, x, c]
                for s in range(S):
                    for g in range(G):
                        value[s, b, i, j, g] = beta[b, y, x, s * G + g]


@compiled
def lay_out_back(
    phi, psi, place, slope, down, across, d_target, d_neighbour, d_value,
    d_phi, d_psi, d_beta, d_place, d_slope, d_offset,
):  # fmt: skip
    """Add the derivatives of `lay_out`, given those by the three maps; shapes as there."""
    B, H, W, R = phi.shape
    S, G = len(d_value), d_value.shape[-1]
    for b in range(B):
        for y in range(H):
            for x in range(W):
                out = d_target[b, y, x]
                for c in range(R):
                    d_phi[b, y, x, c] = slope[c] * out[c]
                    d_slope[c] += out[c] * phi[b, y, x, c]
                for c in range(2):
                    d_place[y, x, c] += slope[R + c] * out[R + c]
                    d_slope[R + c] += out[R + c] * place[y, x, c]
                for c in range(R + 2):
                    d_offset[c] += out[c]
        for i, y in enumerate(down):
            for j, x in enumerate(across):
                out = d_neighbour[b, i, j]
                for c in range(R):
                    d_psi[b, y, x, c] += slope[c] * out[c]
                    d_slope[c] += out[c] * psi[b, y, x, c]
                for c in range(2):
                    d_place[y, x, c] += slope[R + c] * out[R + c]
                    d_slope[R + c] += out[R + c] * place[y, x, c]
                for s in range(S):
                    for g in range(G):
                        d_beta[b, y, x, s * G + g] += d_value[s, b, i, j, g]


class Layout(Function):
    """The three maps of `lay_out`, made and differentiated in one run each."""

    @staticmethod
    def forward(ctx, phi, psi, beta, place, slope, offset, down, across, share):
        """Return target, neighbour and value."""
        B, H, W, R = phi.shape
        shape = B, len(down), len(across)
        target, neighbour = phi.new_empty(B, H, W, R + 2), phi.new_empty(*shape, R + 2)
        value = beta.new_empty(share, *shape, beta.shape[-1] // share)
        out = target, neighbour, value
        rest = place, slope, offset, down, across

        def lay_out_some(b):
            lay_out(*arrays(phi[b], psi[b], beta[b], *rest, target[b], neighbour[b], value[:, b]))

        spread(lay_out_some, parts(B))
        ctx.save_for_backward(phi, psi, place, slope, down, across)
        ctx.channels = beta.shape[-1]
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads):
        """Return the gradients of phi, psi, beta, place, slope and offset."""
        phi, psi, place, slope, down, across = ctx.saved_tensors
        # Not alike: phi and psi are slices of a map of all products.
        shapes = phi.shape, psi.shape, (*phi.shape[:-1], ctx.channels)
        maps = [phi.new_zeros(shape) for shape in shapes]
        d_target, d_neighbour, d_value = (each.contiguous() for each in grads)

        def lay_out_some_back(b):
            of_maps = d_target[b], d_neighbour[b], d_value[:, b], *(each[b] for each in maps)
            sums = torch.zeros(2, *slope.shape, dtype=torch.float64)
            rest = torch.zeros_like(place), *sums
            lay_out_back(*arrays(phi[b], psi[b], place, slope, down, across, *of_maps, *rest))
            return rest

        sums = map(total, zip(*spread(lay_out_some_back, parts(len(phi))), strict=True))
        return *maps, *(each.to(slope) for each in sums), None, None, None
