"""Pairwise self-attention of each pixel to the pixels around it (Zhao et al. 2020)."""

import torch
from torch import nn

from sklidh.nn._layers import PointwiseConvolution, is_parallel, product
from sklidh.nn._pairs import coordinates, unfold
from sklidh.nn._tiles import attend_in_tiles


class PairwiseAttention(nn.Module):
    r"""Self-attention with weights computed from the difference of a pixel and each neighbour.

    .. math::

        y_i = \sum_{j \in R(i)} \gamma(\delta(x_i, x_j)) \odot \beta(x_j), \qquad
        \delta(x_i, x_j) = \varphi(x_i) - \psi(x_j)

    where R(i) is the square footprint around pixel i. The input of gamma is delta together with the
    difference of the two pixels' coordinates; gamma applies normalisation, ReLU and a 1 x 1
    convolution twice, then a softmax over R(i). Biases of the published network that cannot change
    the result are left out: they cancel in the difference of two positions, and in the softmax.

    Parameters
    ----------
    in_channels : int
        Channels of x.
    relation_channels : int
        Channels of phi and psi.
    out_channels : int
        Channels of beta, and of y.
    share : int, default=8
        Number of channels of beta that share a weight: channel c uses weight c mod (out_channels /
        share).
    kernel_size : int, default=7
        Side of the footprint in pixels, odd.

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
        self.position = nn.Conv2d(2, 2, 1, bias=False)
        self.gamma = nn.Sequential(
            nn.BatchNorm2d(relation_channels + 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(relation_channels + 2, relation_channels, 1, bias=False),
            nn.BatchNorm2d(relation_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(relation_channels, out_channels // share, 1, bias=False),
        )

    def forward(self, x):
        """Apply the attention.

        Parameters
        ----------
        x : Tensor of shape (B, in_channels, H, W)

        Returns
        -------
        Tensor of shape (B, out_channels, H, W)
        """
        # One product for all three maps, so that x is read once.
        layers = self.phi, self.psi, self.beta
        maps = product(x, *(torch.cat(each) for each in zip(*map(_matrix, layers), strict=True)))
        channels = [layer.out_channels for layer in layers]
        if is_parallel(maps):
            return attend_in_tiles(self, *maps.permute(0, 2, 3, 1).split(channels, 3))
        return self.attend(*maps.split(channels, 1))

    def attend(self, phi, psi, beta):
        """Apply the attention as the equation is written; this defines the result on every device.

        Parameters
        ----------
        phi, psi : Tensor of shape (B, relation_channels, H, W)
        beta : Tensor of shape (B, out_channels, H, W)

        Returns
        -------
        Tensor of shape (B, out_channels, H, W)
        """
        B, _, H, W = phi.shape
        k = self.kernel_size
        plane = coordinates(H, W, like=self.position.weight)

        def differences(targets, neighbours):
            return targets.flatten(2).unsqueeze(2) - unfold(neighbours, k)

        # Half precision is too coarse for positions, but sufficient for their differences.
        position = self.position(differences(plane, plane)).expand(B, -1, -1, -1)
        weights = self.gamma(torch.cat([differences(phi, psi), position], 1))
        weights = weights.softmax(2).to(beta.dtype).unsqueeze(1)
        values = unfold(beta, k).unflatten(1, (self.share, -1))
        return (weights * values).sum(3).reshape(B, -1, H, W)


def _matrix(layer):
    return layer.weight, layer.bias
