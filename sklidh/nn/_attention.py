"""Self-attention over the pixels around a pixel: pairwise and patchwise (Zhao et al. 2020)."""

import torch
import torch.nn.functional as F
from torch import nn

from sklidh.nn._compiled import is_compiled_for
from sklidh.nn._native_windows import CompiledWindows
from sklidh.nn._neighbours import Pixels, Windows, reflect_pad, visits
from sklidh.nn._pairwise import Attend, DifferenceMoments
from sklidh.nn._product import product
from sklidh.nn._rectification import update_running


def coordinates(n, like):
    """Return the n coordinates of a line of pixels, -1 to 1."""
    return torch.linspace(-1, 1, n, dtype=like.dtype, device=like.device)


def coordinate_variance(n, reach, like):
    """Return the mean squared difference of coordinates between a pixel and its neighbours."""
    line = coordinates(n, visits(n, reach))
    squared = (line[:, None] - line).square()
    return (visits(n, reach) * squared).sum().to(like) / (n * (2 * reach + 1))


def all_pairs(H, W, k, *maps):
    """Return the way through all pairs that suits the size and the tensors of the maps."""
    if k * k >= H * W:
        return Pixels(H, W, k, like=maps[0])
    return CompiledWindows(k) if is_compiled_for(*maps) else Windows(k)


class PointwiseConvolution(nn.Conv2d):
    """A 1 x 1 convolution as one product of matrices, fastest on channels-last maps.

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
        out = product(x.permute(0, 2, 3, 1), self.weight.flatten(1))
        out = out if self.bias is None else out + self.bias
        return out.permute(0, 3, 1, 2)


class Attention(nn.Module):
    """The three products of a map that attention works on, phi, psi and beta.

    Parameters
    ----------
    in_channels, relation_channels, out_channels, share, kernel_size : int
        As in `PairwiseAttention`.
    """

    def __init__(self, in_channels, relation_channels, out_channels, *, share=8, kernel_size=7):
        super().__init__()
        self.share, self.kernel_size = share, kernel_size
        self.phi = PointwiseConvolution(in_channels, relation_channels)
        self.psi = PointwiseConvolution(in_channels, relation_channels)
        self.beta = PointwiseConvolution(in_channels, out_channels)

    def forward(self, x):
        """Attend.

        Parameters
        ----------
        x : Tensor of shape (B, in_channels, H, W)

        Returns
        -------
        Tensor of shape (B, out_channels, H, W)
        """
        maps = F.linear(x.permute(0, 2, 3, 1), *self.joint())
        return self.attend(maps.permute(0, 3, 1, 2))

    def joint(self):
        """Return weight (channels, in_channels) and bias of the three products at once."""
        layers = self.phi, self.psi, self.beta
        weight = torch.cat([layer.weight.flatten(1) for layer in layers])
        return weight, torch.cat([layer.bias for layer in layers])

    def attend(self, maps):
        """Attend, given phi, psi and beta of a map.

        Parameters
        ----------
        maps : Tensor of shape (B, 2 * relation_channels + out_channels, H, W)

        Returns
        -------
        Tensor of shape (B, out_channels, H, W)
        """
        layers = self.phi, self.psi, self.beta
        # As torch's own softmax and normalisations do, it leaves half precision under autocast.
        with torch.autocast(maps.device.type, enabled=False):
            maps = maps.to(self.phi.weight.dtype)
            return self._attend(*maps.split([layer.out_channels for layer in layers], 1))


class PairwiseAttention(Attention):
    r"""Attention weights from the difference of a pixel and each neighbour.

    .. math::

        y_i = \sum_{j \in R(i)} \gamma(\delta(x_i, x_j)) \odot \beta(x_j), \qquad
        \delta(x_i, x_j) = \varphi(x_i) - \psi(x_j)

    where R(i) is the square footprint around pixel i, and gamma (normalisation, ReLU, 1 x 1
    convolution, twice, then a softmax over R(i)) sees the difference of the two pixels'
    coordinates beside their difference delta.

    Parameters
    ----------
    in_channels : int
        Channels of x.
    relation_channels : int
        Channels of phi and psi.
    out_channels : int
        Channels of beta, and of y.
    share : int, default=8
        How many channels of beta each weight serves: channel c takes weight
        c mod (out_channels / share).
    kernel_size : int, default=7
        The footprint's side in pixels, odd.

    References
    ----------
    Shi et al. 2023, section II.C, Eq. (1) and (2); Zhao, Jia, Koltun, "Exploring self-attention
    for image recognition", CVPR 2020, section 3.1.
    """

    def __init__(self, in_channels, relation_channels, out_channels, *, share=8, kernel_size=7):
        super().__init__(
            in_channels, relation_channels, out_channels, share=share, kernel_size=kernel_size
        )
        self.position = PointwiseConvolution(2, 2)
        self.gamma = nn.Sequential(
            nn.BatchNorm2d(relation_channels + 2),
            nn.ReLU(),
            PointwiseConvolution(relation_channels + 2, relation_channels, bias=False),
            nn.BatchNorm2d(relation_channels),
            nn.ReLU(),
            PointwiseConvolution(relation_channels, out_channels // share),
        )

    def _attend(self, phi, psi, beta):
        phi, psi, beta = (each.permute(0, 2, 3, 1) for each in (phi, psi, beta))
        pairs = all_pairs(*phi.shape[1:3], self.kernel_size, phi, beta)
        phi, psi, beta = pairs.maps(phi, psi, beta, self.share, *self._normalisation(phi, psi))
        # The bias of gamma's last layer cancels in the softmax.
        first, norm, second = self.gamma[2], self.gamma[3], self.gamma[5]
        matrices = first.weight.flatten(1), norm.weight, norm.bias, second.weight.flatten(1)
        out = Attend.apply(pairs, norm, torch.is_grad_enabled(), phi, psi, beta, *matrices)
        return pairs.image(out).permute(0, 3, 1, 2)

    def _normalisation(self, phi, psi):
        """Return each pixel's position (H, W, 2), and gamma's first normalisation.

        As a slope and an offset, both (R + 2,), of the difference of phi, psi (B, H, W, R) and of
        the positions.
        """
        B, H, W, _ = phi.shape
        norm, reach = self.gamma[0], self.kernel_size // 2
        line = [coordinates(n, phi) for n in (W, H)]
        plane = torch.stack(torch.meshgrid(*line, indexing="xy"), -1)
        # The position's bias cancels in the difference.
        matrix = self.position.weight.flatten(1)
        if norm.training:
            mean, variance = DifferenceMoments.apply(phi, psi, reach)
            # Of the coordinates' differences the moments are known: mean 0 by symmetry, and the
            # two axes are uncorrelated.
            spread = torch.stack([coordinate_variance(n, reach, phi) for n in (W, H)])
            mean = torch.cat([mean, mean.new_zeros(2)])
            variance = torch.cat([variance, matrix.square() @ spread])
            update_running(norm, mean, variance, B * H * W * (2 * reach + 1) ** 2)
        else:
            mean, variance = norm.running_mean, norm.running_var
        slope = norm.weight * (variance + norm.eps).rsqrt()
        return plane @ matrix.t(), slope, norm.bias - mean * slope


class PatchwiseAttention(Attention):
    """Attention weights from a pixel and its whole footprint at once.

    Parameters
    ----------
    in_channels : int
        Channels of x.
    relation_channels : int
        Channels of phi and psi.
    out_channels : int
        Channels of beta, and of y.
    share : int, default=8
        How many channels of beta each weight serves.
    kernel_size : int, default=7
        The footprint's side in pixels, odd.

    References
    ----------
    Zhao, Jia, Koltun, "Exploring self-attention for image recognition", CVPR 2020, section 3.2
    (concatenation).
    """

    def __init__(self, in_channels, relation_channels, out_channels, *, share=8, kernel_size=7):
        super().__init__(
            in_channels, relation_channels, out_channels, share=share, kernel_size=kernel_size
        )
        weights = out_channels // share
        joined = relation_channels * (kernel_size**2 + 1)
        self.gamma = nn.Sequential(
            nn.BatchNorm2d(joined),
            nn.ReLU(),
            PointwiseConvolution(joined, weights, bias=False),
            nn.BatchNorm2d(weights),
            nn.ReLU(),
            PointwiseConvolution(weights, kernel_size**2 * weights),
        )

    def _attend(self, phi, psi, beta):
        B, _, H, W = phi.shape
        patches = self._unfold(psi).unflatten(-1, (H, W))
        weights = self.gamma(torch.cat([phi, patches], 1))
        weights = weights.view(B, 1, -1, self.kernel_size**2, H * W)
        values = self._unfold(beta).view(B, self.share, *weights.shape[2:])
        return (weights * values).sum(3).reshape(B, -1, H, W)

    def _unfold(self, x):
        return F.unfold(reflect_pad(x, self.kernel_size // 2), self.kernel_size)
