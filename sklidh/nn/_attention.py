"""Self-attention over the pixels around a pixel: pairwise and patchwise (Zhao et al. 2020)."""

import torch
import torch.nn.functional as F
from torch import nn

from sklidh.nn._pairwise import (
    AttendPixels,
    AttendWindows,
    difference_moments,
    reflected,
    visits,
)


def reflect_pad(x, reach, dims=(-2, -1)):
    """Pad by periodic reflection, defined also where `reach` exceeds the map.

    Parameters
    ----------
    x : Tensor
    reach : int
        Pixels added on each side.
    dims : pair of int, default=(-2, -1)
        Rows and columns.
    """
    for dim in dims:
        x = x.index_select(dim, reflected(x.shape[dim], reach, x.device))
    return x


def coordinates(n, like):
    """Return the n coordinates of a line of pixels, -1 to 1."""
    return torch.linspace(-1, 1, n, dtype=like.dtype, device=like.device)


def coordinate_variance(n, reach, like):
    """Return the mean squared difference of coordinates between a pixel and its neighbours."""
    line = coordinates(n, visits(n, reach))
    squared = (line[:, None] - line).square()
    return (visits(n, reach) * squared).sum().to(like) / (n * (2 * reach + 1))


def update_running(norm, mean, variance, count):
    """Move the running averages of a batch normalisation as its own forward pass would."""
    with torch.no_grad():
        norm.num_batches_tracked.add_(1)
        # Without a momentum, all batches count the same.
        part = 1 / norm.num_batches_tracked if norm.momentum is None else norm.momentum
        norm.running_mean.lerp_(mean, part)
        norm.running_var.lerp_(variance * (count / (count - 1)), part)


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
        out = F.linear(x.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias)
        return out.permute(0, 3, 1, 2)


class PairwiseAttention(nn.Module):
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
        super().__init__()
        self.share, self.kernel_size = share, kernel_size
        self.phi = PointwiseConvolution(in_channels, relation_channels)
        self.psi = PointwiseConvolution(in_channels, relation_channels)
        self.beta = PointwiseConvolution(in_channels, out_channels)
        self.position = PointwiseConvolution(2, 2)
        self.gamma = nn.Sequential(
            nn.BatchNorm2d(relation_channels + 2),
            nn.ReLU(),
            PointwiseConvolution(relation_channels + 2, relation_channels, bias=False),
            nn.BatchNorm2d(relation_channels),
            nn.ReLU(),
            PointwiseConvolution(relation_channels, out_channels // share),
        )

    def forward(self, x):
        """Attend.

        Parameters
        ----------
        x : Tensor of shape (B, in_channels, H, W)

        Returns
        -------
        Tensor of shape (B, out_channels, H, W)
        """
        B, _, H, W = x.shape
        k, reach, S = self.kernel_size, self.kernel_size // 2, self.share
        norm, first, second = self.gamma[3], self.gamma[2], self.gamma[5]
        phi, psi = self._normalised_maps(x, reach)
        beta = self.beta(x).permute(0, 2, 3, 1).unflatten(-1, (S, -1))  # (B, H, W, S, G)
        scoring = (
            first.weight[:, :, 0, 0],
            norm.weight,
            norm.bias,
            second.weight[:, :, 0, 0],
            second.bias,
        )
        statistics = (None, None) if norm.training else (norm.running_mean, norm.running_var)
        if k * k >= H * W:
            rows, columns = (visits(n, reach, x.dtype, x.device) for n in (H, W))
            values = beta.flatten(1, 2).permute(0, 3, 1, 2).contiguous()  # (B, G, P, S)
            out, mean, variance = AttendPixels.apply(
                phi.flatten(1, 2), psi.flatten(1, 2), values, *scoring,
                torch.kron(rows, columns), norm.eps, *statistics,
            )  # fmt: skip
            out = out.permute(0, 2, 3, 1).reshape(B, H, W, -1)
        else:
            values = reflect_pad(beta.permute(3, 0, 1, 2, 4), reach, (2, 3))  # (S, B, .., .., G)
            out, mean, variance = AttendWindows.apply(
                phi.contiguous(), reflect_pad(psi, reach, (1, 2)), values, *scoring,
                k, norm.eps, *statistics,
            )  # fmt: skip
            out = out.permute(1, 2, 3, 0, 4).reshape(B, H, W, -1)
        if norm.training:
            update_running(norm, mean, variance, B * H * W * k * k)
        return out.permute(0, 3, 1, 2)

    def _normalised_maps(self, x, reach):
        """Return phi and psi (B, H, W, R + 2), whose difference is gamma's first normalisation."""
        B, _, H, W = x.shape
        norm = self.gamma[0]
        phi, psi = (layer(x).permute(0, 2, 3, 1) for layer in (self.phi, self.psi))
        plane = torch.stack(torch.meshgrid(coordinates(W, x), coordinates(H, x), indexing="xy"), -1)
        # The position's bias cancels in the difference.
        matrix = self.position.weight[:, :, 0, 0]
        place = (plane @ matrix.t()).expand(B, -1, -1, -1)
        if norm.training:
            mean, variance = difference_moments(phi, psi, reach)
            # Of the coordinates' differences the moments are known: mean 0 by symmetry, and the
            # two axes are uncorrelated.
            spread = torch.stack([coordinate_variance(n, reach, x) for n in (W, H)])
            mean = torch.cat([mean, mean.new_zeros(2)])
            variance = torch.cat([variance, matrix.square() @ spread])
            update_running(norm, mean, variance, B * H * W * (2 * reach + 1) ** 2)
        else:
            mean, variance = norm.running_mean, norm.running_var
        slope = norm.weight * (variance + norm.eps).rsqrt()
        offset = norm.bias - mean * slope
        return (
            torch.addcmul(offset, torch.cat([phi, place], -1), slope),
            torch.cat([psi, place], -1) * slope,
        )


class PatchwiseAttention(nn.Module):
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
        super().__init__()
        self.share, self.kernel_size = share, kernel_size
        weights = out_channels // share
        joined = relation_channels * (kernel_size**2 + 1)
        self.phi = PointwiseConvolution(in_channels, relation_channels)
        self.psi = PointwiseConvolution(in_channels, relation_channels)
        self.beta = PointwiseConvolution(in_channels, out_channels)
        self.gamma = nn.Sequential(
            nn.BatchNorm2d(joined),
            nn.ReLU(),
            PointwiseConvolution(joined, weights, bias=False),
            nn.BatchNorm2d(weights),
            nn.ReLU(),
            PointwiseConvolution(weights, kernel_size**2 * weights),
        )

    def forward(self, x):
        """Attend.

        Parameters
        ----------
        x : Tensor of shape (B, in_channels, H, W)

        Returns
        -------
        Tensor of shape (B, out_channels, H, W)
        """
        B, _, H, W = x.shape
        patches = self._unfold(self.psi(x)).unflatten(-1, (H, W))
        weights = self.gamma(torch.cat([self.phi(x), patches], 1))
        weights = weights.view(B, 1, -1, self.kernel_size**2, H * W)
        values = self._unfold(self.beta(x)).view(B, self.share, *weights.shape[2:])
        return (weights * values).sum(3).reshape(B, -1, H, W)

    def _unfold(self, x):
        return F.unfold(reflect_pad(x, self.kernel_size // 2), self.kernel_size)
