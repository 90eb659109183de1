"""Pairs of a pixel and its neighbours, with reflection at the border, unfolded or in tiles.

Shapes of the tiles as in `_tiles`.
"""

import math

import torch
import torch.nn.functional as F

from sklidh.nn._threads import PARTS, cut, scratch

TILE_BYTES = 3 * 2**19
"""Maximum size in bytes of the C channels of a tile's pairs, which fit a core's cache."""


def reflect_pad(x, reach):
    """Pad maps by periodic reflection, which also works if `reach` exceeds the map.

    Parameters
    ----------
    x : Tensor of shape (B, C, H, W)
    reach : int
        Number of pixels added on each side.

    Returns
    -------
    Tensor of shape (B, C, H + 2 * reach, W + 2 * reach)
    """
    if reach < min(x.shape[2:]):
        # Autocast on the CPU would return single precision here.
        return F.pad(x, [reach] * 4, mode="reflect").to(x.dtype)
    for dim in (2, 3):
        x = x.index_select(dim, reflected(x.shape[dim], reach, x.device))
    return x


def reflected(n, reach, device=None):
    """Return the pixel indices at positions -reach .. n + reach - 1 of a reflected row.

    Returns
    -------
    LongTensor of shape (n + 2 * reach,)
    """
    period = max(1, 2 * (n - 1))
    position = torch.arange(-reach, n + reach, device=device) % period
    return torch.minimum(position, period - position)


def visits(n, k):
    """Count how often each pixel occurs among the k pixels around each pixel of a reflected row.

    Returns
    -------
    LongTensor of shape (n, n)
        Rows are the centre pixels; each row sums to k.
    """
    shown = reflected(n, k // 2)[:, None] == torch.arange(n)
    return shown.unfold(0, k, 1).sum(-1)


def unfold(x, k):
    """Return the k * k pixels around each pixel: (B, C, H, W) to (B, C, k * k, H * W)."""
    return F.unfold(reflect_pad(x, k // 2), k).unflatten(1, (x.shape[1], k * k))


def coordinates(H, W, like):
    """Return the pixel coordinates of a map, from -1 to 1 along each axis.

    Returns
    -------
    Tensor of shape (1, 2, H, W)
        Column coordinate first, with the dtype and device of `like`.
    """
    across, down = (torch.linspace(-1, 1, n, dtype=like.dtype, device=like.device) for n in (W, H))
    return torch.stack([across.expand(H, W), down[:, None].expand(H, W)])[None]


def difference_moments(phi, psi, k):
    """Return mean and biased variance of phi_i - psi_j over all pixels i and neighbours j.

    They are computed from sums over pixels, without computing any difference.

    Parameters
    ----------
    phi, psi : Tensor of shape (B, H, W, C)
    k : int
        Side of the footprint in pixels.

    Returns
    -------
    mean, variance : Tensor of shape (C,)
    """
    pixels = 0, 1, 2
    # Subtracting any constant is allowed; the mean minimises rounding errors.
    shifts = [each.detach().mean(pixels) for each in (phi, psi)]
    phi, psi = phi - shifts[0], psi - shifts[1]
    down, across = (visits(n, k).to(phi) / k for n in phi.shape[1:3])
    # The mean of psi over the neighbours of each pixel, along one axis after the other.
    met = torch.einsum("yh,bhwc->bywc", down, torch.einsum("xw,bhwc->bhxc", across, psi))
    shown = down.sum(0)[:, None, None] * across.sum(0)[:, None]
    mean = (phi - met).mean(pixels)
    variance = (phi * (phi - 2 * met) + shown * psi.square()).mean(pixels) - mean.square()
    return mean + shifts[0] - shifts[1], variance


class Windows:
    """Pairs of each pixel with the k * k pixels around it, with reflection at the border.

    A tile's pairs have the shape (k, k, images, rows, W, channels).

    Parameters
    ----------
    k : int
    phi : Tensor of shape (B, H, W, C)
    psi : Tensor of shape (B, H + k - 1, W + k - 1, C)
    beta : Tensor of shape (S, B, H + k - 1, W + k - 1, G)
    """

    visits = None
    """Number of times each pair counts; None means once."""

    def __init__(self, k, phi, psi, beta):
        self.k, self.phi, self.psi, self.beta = k, phi, psi, beta
        self.around, self.halo = (k, k), k - 1
        self.count = phi[..., 0].numel() * k * k

    @staticmethod
    def padded(maps, k):
        """Return maps (S, B, H, W, channels) with reflected pixels beyond the border."""
        H, W = maps.shape[2:4]
        down, across = (reflected(n, k // 2) for n in (H, W))
        pixels = (down[:, None] * W + across).flatten()
        padded = maps.flatten(2, 3).index_select(2, pixels)
        return padded.unflatten(2, (len(down), len(across)))

    def tiles(self):
        """Return the slices of images and rows that divide all pairs into tiles.

        A tile holds whole images if they are small enough, otherwise some rows of one image. Tiles
        do not depend on the number of threads, because the rounding of a sum depends on the tiles.
        """
        B, H = self.phi.shape[:2]
        row = self.phi[0, 0].nbytes * math.prod(self.around)
        if H * row <= TILE_BYTES:
            return [(images, slice(0, H)) for images in cut(B, H * row, at_most=TILE_BYTES)]
        rows = cut(H, row, at_most=TILE_BYTES, parts=-(-PARTS // B))
        return [(slice(b, b + 1), some) for b in range(B) for some in rows]

    def differences(self, tile):
        """Return the rectified differences of phi and psi (a buffer that is reused)."""
        phi, psi = self.phi[tile], self._neighbours(self.psi, tile)
        r = scratch("differences", phi, *self.around, *phi.shape)
        return torch.sub(phi, psi, out=r).relu_()

    def differences_back(self, grad, grad_phi, tile):
        """Write the gradient of phi, and return the gradient of the tile's part of psi."""
        torch.sum(grad, (0, 1), out=grad_phi[tile])
        return self._neighbours_back(grad).neg_()

    def weights(self, logits):
        """Return the softmax over the neighbours."""
        return logits.flatten(0, 1).softmax(0).view_as(logits)

    def attend(self, weights, out, tile):
        """Write the weighted means of beta to the tile of `out` (S, B, H, W, G)."""
        values = scratch("values", weights, *weights.shape)
        for beta, mean in zip(self._neighbours(self.beta, tile).unbind(2), out, strict=True):
            torch.mul(weights, beta, out=values)
            torch.sum(values, (0, 1), out=mean[tile])

    def attend_back(self, grad, weights, out, tile):
        """Return the gradients of the logits (a reused buffer) and of the tile's part of beta."""
        grad, out = (each[:, *tile] for each in (grad, out))
        logits = scratch("logits", weights, *weights.shape)
        logits.copy_((grad * out).sum(0).neg_())
        for beta, channel in zip(self._neighbours(self.beta, tile).unbind(2), grad, strict=True):
            logits.addcmul_(channel, beta)
        return logits.mul_(weights), self._neighbours_back(weights, grad)

    def joined(self, parts, like):
        """Add up the gradients of psi or beta from all tiles."""
        whole = torch.zeros_like(like)
        for (images, rows), part in zip(self.tiles(), parts, strict=True):
            whole[..., images, rows.start : rows.stop + self.halo, :, :] += part
        return whole

    def _neighbours(self, maps, tile):
        """Return a view (k, k, ..., images, rows, W, channels) of the neighbours in maps."""
        images, rows = tile
        part = maps[..., images, rows.start : rows.stop + self.halo, :, :]
        return part.unfold(-3, self.k, 1).unfold(-3, self.k, 1).movedim((-2, -1), (0, 1))

    def _neighbours_back(self, pairs, factors=None):
        """Return the gradient of the neighbours: pairs * factors, summed over the pixels.

        Parameters
        ----------
        pairs : Tensor of shape (k, k, images, rows, W, channels)
        factors : Tensor of shape (..., images, rows, W, channels), optional
        """
        k = self.k
        *some, W, channels = pairs.shape[2:] if factors is None else factors.shape
        # Shifting all rows right and then all columns down needs 2 * k sums instead of k * k.
        columns = scratch("columns", pairs, k, *some, W + k - 1, channels).zero_()
        pairs = pairs.view(k, k, *[1] * (len(some) - 2), *pairs.shape[2:])
        for right in range(k):
            column, part = columns.narrow(-2, right, W), pairs[:, right]
            column.add_(part) if factors is None else column.addcmul_(factors, part)
        *some, rows = some
        out = pairs.new_zeros(*some, rows + k - 1, W + k - 1, channels)
        for down in range(k):
            out.narrow(-3, down, rows).add_(columns[down])
        return out


class Pixels(Windows):
    """Pairs of all pixels of a map that has no more pixels than the footprint.

    Reflection would repeat the same pixels; here each pair is computed once and counted `visits`
    times. A tile's pairs have the shape (H, W, images, H, W, channels), neighbour first; maps are
    not padded.

    Parameters
    ----------
    k : int
    phi, psi : Tensor of shape (B, H, W, C)
    beta : Tensor of shape (S, B, H, W, G)
    """

    def __init__(self, k, phi, psi, beta):
        super().__init__(k, phi, psi, beta)
        self.around, self.halo = phi.shape[1:3], 0
        down, across = (visits(n, k).to(phi) for n in self.around)
        self.visits = torch.einsum("yh,xw->hwyx", down, across)[:, :, None, ..., None]

    @staticmethod
    def padded(maps, k):
        """Return maps unpadded and contiguous in memory."""
        return maps.contiguous()

    def tiles(self):
        """Return slices of images with all their rows."""
        B, H = self.phi.shape[:2]
        size = self.phi[0].nbytes * math.prod(self.around)
        return [(images, slice(0, H)) for images in cut(B, size, at_most=TILE_BYTES)]

    def weights(self, logits):
        """Return the softmax over the neighbours, each counted `visits` times."""
        return super().weights(logits + self.visits.log())

    def _neighbours(self, maps, tile):
        return maps[..., *tile, :, :].movedim((-3, -2), (0, 1))[..., None, None, :]

    def _neighbours_back(self, pairs, factors=None):
        if factors is None:
            return pairs.sum((3, 4)).movedim((0, 1), (1, 2))
        return torch.einsum("hwbyxc,sbyxc->sbhwc", pairs, factors)
