"""Which pixels a footprint shows, and all pairs of a pixel and a neighbour, a tile at a time.

A map that is larger than the footprint is walked as `Windows`: k * k offsets around every pixel.
On a smaller one reflection makes the footprint show the same pixels again and again; walked as
`Pixels`, each distinct pixel is visited once, and counted. Both have the same methods.

Shapes: B images, H rows, W columns, P = H * W pixels, k the footprint's side, C channels that a
pair is compared by, S channels that share each of G attention weights. A tile is some images, or
some rows of one image: n pixels, of K neighbours each (k * k, or P). Its K * n pairs are ordered by
neighbour first.
"""

from functools import lru_cache

import torch

from sklidh.nn._rectification import relu_backward_
from sklidh.nn._tiles import parts

TILE_BYTES = 3 * 2**19
"""What the C channels of a tile's pairs may take: a tile is worked on in a core's cache."""


def reflected(n, reach, device=None):
    """Return the pixels that positions -reach .. n + reach - 1 of a reflected line show.

    The reflection is periodic, so it stays defined where `reach` exceeds the line.

    Returns
    -------
    LongTensor of shape (n + 2 * reach,)
    """
    if n == 1:
        return torch.zeros(1 + 2 * reach, dtype=torch.long, device=device)
    period = 2 * (n - 1)
    position = torch.arange(-reach, n + reach, device=device) % period
    return torch.minimum(position, period - position)


def reflect_pad(x, reach, rows=-2):
    """Pad by periodic reflection, defined also where `reach` exceeds the map.

    Parameters
    ----------
    x : Tensor
    reach : int
        Pixels added on each side.
    rows : int, default=-2
        The dimension of rows; that of columns is the next.
    """
    rows %= x.ndim
    H, W = x.shape[rows : rows + 2]
    down, across = (reflected(n, reach, x.device) for n in (H, W))
    # One gather of pixels, of all their channels where those come last.
    pixels = (down[:, None] * W + across).flatten()
    padded = x.flatten(rows, rows + 1).index_select(rows, pixels)
    return padded.unflatten(rows, (len(down), len(across)))


@lru_cache(maxsize=128)
@torch.inference_mode(False)  # kept for later training, too, where a prediction asked first
def visits(n, reach, dtype=torch.float64, device=None):
    """Return how often the footprint of each pixel of a line shows each pixel.

    Returns
    -------
    Tensor of shape (n, n)
        Row: the pixel in the centre; its row sums to 2 * reach + 1.
    """
    shown = reflected(n, reach).unfold(0, 2 * reach + 1, 1)
    return torch.zeros(n, n, dtype=dtype).scatter_add_(
        1, shown, torch.ones(shown.shape, dtype=dtype)
    ).to(device)  # fmt: skip


def normalised(phi, psi, place, slope, offset):
    """Return phi and psi (B, H, W, R + 2), whose difference is normalised.

    Parameters
    ----------
    phi, psi : Tensor of shape (B, H, W, R)
    place : Tensor of shape (H, W, 2)
        A position; it joins both.
    slope, offset : Tensor of shape (R + 2,)
        The normalisation is slope * difference + offset.
    """
    place = place.expand(len(phi), -1, -1, -1)
    phi, psi = (torch.cat([each, place], -1) for each in (phi, psi))
    return torch.addcmul(offset, phi, slope), psi * slope


def _each(windows):
    """Return the k * k views of (k, k, ...)."""
    return [view for row in windows.unbind(0) for view in row.unbind(0)]


class Windows:
    """All pairs of a pixel and the k * k offsets around it.

    Maps: phi (B, H, W, C); psi (B, H + k - 1, W + k - 1, C), reflected beyond the border; beta
    (S, B, H + k - 1, W + k - 1, G), likewise; out (S, B, H, W, G).

    Parameters
    ----------
    k : int
    """

    visited = None
    """The footprint shows each of its pairs once."""

    def __init__(self, k):
        self.k = k

    def maps(self, phi, psi, beta, share, place, slope, offset):
        """Normalise and lay out phi, psi (B, H, W, R) and beta (B, H, W, S * G)."""
        phi, psi = normalised(phi, psi, place, slope, offset)
        beta = beta.unflatten(-1, (share, -1)).permute(3, 0, 1, 2, 4)
        reach = self.k // 2
        return phi, reflect_pad(psi, reach, rows=1), reflect_pad(beta, reach, rows=2)

    def new_out(self, phi, beta):
        """Return a map to fill with what is attended to."""
        return beta.new_empty(len(beta), *phi.shape[:-1], beta.shape[-1])

    def image(self, out):
        """Return out as (B, H, W, S * G)."""
        return out.permute(1, 2, 3, 0, 4).flatten(3)

    def tiles(self, phi):
        """Return the images and rows of each tile, in lists that have no image in common."""
        B, H, W, C = phi.shape
        row = self.k**2 * W * C * phi.element_size()
        if row * H <= TILE_BYTES:
            return [[(images, slice(0, H))] for images in parts(B, TILE_BYTES / (row * H))]
        rows = parts(H, TILE_BYTES / row)
        return [[(slice(b, b + 1), some) for some in rows] for b in range(B)]

    def count(self, phi):
        """Return the number of all pairs."""
        return phi[..., 0].numel() * self.k**2

    def differences(self, phi, psi, tile, scratch):
        """Return the rectified differences of phi and psi, (K * n, C)."""
        phi, psi = self._targets(phi, tile), self._neighbours(psi, tile)
        return (
            torch.sub(phi, psi, out=scratch("r", phi, *psi.shape)).relu_().view(-1, phi.shape[-1])
        )

    def differences_backward(self, grad, differences, grad_phi, grad_psi, tile):
        """Add to the gradients of phi and psi; `grad` is overwritten."""
        views = self._neighbours(grad_psi, tile)
        grad = relu_backward_(grad, differences).view(views.shape)
        self._targets(grad_phi, tile).add_(grad.sum((0, 1)))
        for view, part in zip(_each(views), _each(grad), strict=True):
            view.sub_(part)

    def weights(self, logits):
        """Return the softmax of logits (K * n, G) over the neighbours, (K, n * G)."""
        return logits.view(self.k**2, -1).softmax(0)

    def attend(self, weights, beta, out, tile):
        """Fill a tile of out with the weighted mean of beta."""
        beta, out = self._neighbours(beta, tile), self._targets(out, tile)
        weights = weights.view(self.k, self.k, *out.shape[1:])
        product = torch.empty_like(weights)
        for s, mean in enumerate(out):
            torch.sum(torch.mul(weights, beta[:, :, s], out=product), (0, 1), out=mean)

    def attend_backward(self, grad, weights, beta, out, grad_beta, tile, scratch):
        """Return the gradient of the logits (K * n, G), and add to that of beta."""
        grad, out = self._targets(grad, tile), self._targets(out, tile)
        beta, grad_beta = self._neighbours(beta, tile), self._neighbours(grad_beta, tile)
        weights = weights.view(self.k, self.k, *out.shape[1:])
        for view, weight in zip(_each(grad_beta), _each(weights), strict=True):
            view.addcmul_(grad, weight)
        grad_logits = (grad * out).sum(0).neg_().expand_as(weights).contiguous()
        for s, channel in enumerate(grad):
            grad_logits.addcmul_(channel, beta[:, :, s])
        return grad_logits.mul_(weights).view(-1, out.shape[-1])

    def _targets(self, maps, tile):
        images, rows = tile
        return maps[..., images, rows, :, :]

    def _neighbours(self, maps, tile):
        """Return a view of shape (k, k, ..., images, rows, W, channels)."""
        images, rows = tile
        part = maps[..., images, rows.start : rows.stop + self.k - 1, :, :]
        return part.unfold(-3, self.k, 1).unfold(-3, self.k, 1).movedim((-2, -1), (0, 1))


class Pixels:
    """All pairs of two pixels of a small map.

    Maps: phi, psi (B, P, C); beta, out (B, G, P, S).

    Parameters
    ----------
    H, W, k : int
    like : Tensor
        Gives dtype and device.
    """

    def __init__(self, H, W, k, like):
        self.shape, self.k = (H, W), k
        counts = torch.kron(*(visits(n, k // 2, like.dtype, like.device) for n in self.shape))
        # How often the target's footprint shows the neighbour: neighbours, 1, targets, 1.
        self.counts = counts.t()[:, None, :, None]

    def maps(self, phi, psi, beta, share, place, slope, offset):
        """Normalise and lay out phi, psi (B, H, W, R) and beta (B, H, W, S * G)."""
        phi, psi = normalised(phi, psi, place, slope, offset)
        beta = beta.flatten(1, 2).unflatten(-1, (share, -1)).permute(0, 3, 1, 2)
        return phi.flatten(1, 2), psi.flatten(1, 2), beta.contiguous()

    def new_out(self, phi, beta):
        """Return a map to fill with what is attended to."""
        return torch.empty_like(beta)

    def image(self, out):
        """Return out as (B, H, W, S * G)."""
        return out.permute(0, 2, 3, 1).flatten(2).unflatten(1, self.shape)

    def tiles(self, phi):
        """Return the images of each tile, in lists that have none in common."""
        B, P, C = phi.shape
        return [[images] for images in parts(B, TILE_BYTES / (P * P * C * phi.element_size()))]

    def count(self, phi):
        """Return the number of all pairs, one shown again and again as often."""
        return phi[..., 0].numel() * self.k**2

    def visited(self, pairs):
        """Weight each of a tile's pairs by how often the footprint shows it."""
        return (self._apart(pairs) * self.counts).view_as(pairs)

    def differences(self, phi, psi, tile, scratch):
        """Return the rectified differences of phi and psi, (K * n, C)."""
        phi, psi = phi[tile], psi[tile].transpose(0, 1).unsqueeze(2)
        rows = scratch("r", phi, len(psi), *phi.shape)
        return torch.sub(phi, psi, out=rows).relu_().view(-1, phi.shape[-1])

    def differences_backward(self, grad, differences, grad_phi, grad_psi, tile):
        """Add to the gradients of phi and psi; `grad` is overwritten."""
        grad = self._apart(relu_backward_(grad, differences))
        grad_phi[tile] += grad.sum(0)
        grad_psi[tile] -= grad.sum(2).transpose(0, 1)

    def weights(self, logits):
        """Return the softmax of logits (K * n, G) as matrices (images, G, P, P): targets first."""
        # A pixel seen n times takes n shares of the softmax; one never seen takes none (log 0).
        logits = self._apart(logits) + self.counts.log()
        return logits.softmax(0).permute(1, 3, 2, 0).contiguous()

    def attend(self, weights, beta, out, tile):
        """Fill a tile of out with the weighted mean of beta."""
        torch.matmul(weights, beta[tile], out=out[tile])

    def attend_backward(self, grad, weights, beta, out, grad_beta, tile, scratch):
        """Return the gradient of the logits (K * n, G), and add to that of beta."""
        grad = grad[tile]
        grad_beta[tile] += weights.mT @ grad
        grad_weights = (grad @ beta[tile].mT).sub_((grad * out[tile]).sum(-1, keepdim=True))
        return grad_weights.mul_(weights).permute(3, 0, 2, 1).reshape(-1, weights.shape[1])

    def _apart(self, pairs):
        P = len(self.counts)
        return pairs.view(P, -1, P, pairs.shape[-1])
