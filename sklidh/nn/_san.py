"""The self-attention networks SAN10, SAN15 and SAN19 (Zhao et al. 2020), and their features.

`ModalityAttention` and the columns of `ModalitySAN` reconstruct Zhang et al. from the description
in Shi et al.; the original text was not available.
"""

import torch
import torch.nn.functional as F
from torch import nn

from sklidh.nn._attention import PairwiseAttention
from sklidh.nn._layers import PointwiseConvolution, product, update_running

BLOCKS = {"san10": (2, 1, 2, 4, 1), "san15": (3, 2, 3, 5, 2), "san19": (3, 3, 4, 6, 3)}
"""Number of bottlenecks in each of the five stages."""

CHANNELS = (64, 256, 512, 1024, 2048)
FOOTPRINTS = (3, 7, 7, 7, 7)


class Bottleneck(nn.Module):
    """Residual block: normalisation and attention in a quarter of the channels.

    Parameters
    ----------
    channels : int
        Number of channels of input and output.
    kernel_size : int
        The footprint's side in pixels.
    """

    def __init__(self, channels, kernel_size):
        super().__init__()
        self.norm_in = nn.BatchNorm2d(channels)
        self.attention = PairwiseAttention(
            channels, channels // 16, channels // 4, share=8, kernel_size=kernel_size
        )
        self.norm_out = nn.BatchNorm2d(channels // 4)
        self.expand = PointwiseConvolution(channels // 4, channels)

    def forward(self, x):
        """Map (B, channels, H, W) to the same shape."""
        attended = self.attention(F.relu_(self.norm_in(x)))
        return x + self.expand(F.relu_(self.norm_out(attended)))


class Stage(nn.Module):
    """Change the number of channels, apply bottlenecks, and halve the map.

    Parameters
    ----------
    in_channels, channels : int
        Number of channels of input and output.
    n_blocks : int
    kernel_size : int
        The footprint's side in pixels.
    halves : bool
        Whether to halve the map by max pooling; the last stage is averaged instead.
    """

    def __init__(self, in_channels, channels, n_blocks, kernel_size, halves):
        super().__init__()
        self.halves = halves
        self.transition = PointwiseConvolution(in_channels, channels, bias=False)
        self.blocks = nn.Sequential(*(Bottleneck(channels, kernel_size) for _ in range(n_blocks)))
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        """Map (B, in_channels, H, W) to (B, channels, H // 2, W // 2), or (B, channels, H, W)."""
        x = self.norm(self.blocks(self.transition(x)))
        # A map of one pixel is not halved.
        return F.relu_(F.max_pool2d(x, 2) if self.halves and min(x.shape[2:]) > 1 else x)


class Stem(nn.Module):
    """Map an image to 64 channels, normalise, rectify and halve it.

    Parameters
    ----------
    in_channels : int
        Number of channels of the image.
    """

    def __init__(self, in_channels):
        super().__init__()
        self.convolution = PointwiseConvolution(in_channels, CHANNELS[0], bias=False)
        self.norm = nn.BatchNorm2d(CHANNELS[0])

    def forward(self, x):
        """Map (B, in_channels, H, W) to (B, 64, H // 2, W // 2), channels last in memory."""
        if x.shape[1] > 1:
            x = x.contiguous(memory_format=torch.channels_last)
            return F.relu_(F.max_pool2d(self.norm(self.convolution(x)), 2))
        # With a single input channel, every output is a * x + b, and its maximum over a square lies
        # where x is largest (a > 0) or smallest, so the 64 full maps need not be computed.
        weight, norm = self.convolution.weight[:, 0, 0, 0], self.norm
        if norm.training:
            variance, mean = torch.var_mean(x, correction=0)
            mean, variance = weight * mean, weight.square() * variance
            update_running(norm, mean, variance, x.numel())
        else:
            mean, variance = norm.running_mean, norm.running_var
        slope = norm.weight * (variance + norm.eps).rsqrt()
        offset = norm.bias - mean * slope
        slope = slope * weight
        most, least = F.max_pool2d(x, 2), -F.max_pool2d(-x, 2)
        slopes = torch.stack([slope.clamp(min=0), slope.clamp(max=0)], 1)[..., None, None]
        return F.relu(product(torch.cat([most, least], 1), slopes, offset))


class SAN(nn.Module):
    """Self-attention network with a feature layer before its classifier.

    Parameters
    ----------
    architecture : {"san10", "san15", "san19"}, default="san10"
        Architecture, which sets the number of bottlenecks in each of the five stages.
    in_channels : int, default=1
        Number of channels of the images.
    n_features : int or None, default=128
        Width of the dense layer before the classifier. None leaves it out, as in the published
        network, whose features are the 2048 averages of the last map.
    n_classes : int, default=2

    References
    ----------
    Shi et al. 2023, section II.C, Fig. 3 and 4; Zhao, Jia, Koltun, "Exploring self-attention for
    image recognition", CVPR 2020, Table 1.

    Examples
    --------
    >>> import torch
    >>> from sklidh.nn import SAN
    >>> network = SAN("san10").eval()
    >>> sum(parameter.numel() for parameter in network.parameters())
    8744994
    >>> network.features(torch.zeros(3, 1, 32, 32)).shape
    torch.Size([3, 128])
    """

    def __init__(
        self,
        architecture="san10",
        *,
        in_channels=1,
        n_features=128,
        n_classes=2,
    ):
        super().__init__()
        before = (CHANNELS[0], *CHANNELS[:-1])
        halves = (True,) * 4 + (False,)
        sizes = zip(before, CHANNELS, BLOCKS[architecture], FOOTPRINTS, halves, strict=True)
        self.stem = Stem(in_channels)
        self.stages = nn.Sequential(*(Stage(*each) for each in sizes))
        self.feature_layer = nn.Linear(CHANNELS[-1], n_features) if n_features else nn.Identity()
        self.classifier = nn.Linear(n_features or CHANNELS[-1], n_classes)

    def features(self, x):
        """Return the output of the layer before the classifier.

        Parameters
        ----------
        x : Tensor of shape (B, in_channels, H, W)

        Returns
        -------
        Tensor of shape (B, n_features)

        Raises
        ------
        ValueError
            The batch is empty, or its images have no pixels.
        """
        if not x.numel():
            raise ValueError(
                f"a batch of shape {tuple(x.shape)} has no pixels; at least one image is needed"
            )
        return self.feature_layer(self.stages(self.stem(x)).mean((2, 3)))

    def forward(self, x):
        """Return the logits of the classes.

        Parameters
        ----------
        x : Tensor of shape (B, in_channels, H, W)

        Returns
        -------
        Tensor of shape (B, n_classes)
        """
        return self.classifier(self.features(x))


class ModalityAttention(nn.Module):
    """Weight the channels of an image, one per modality, by squeeze and excitation.

    The mean of every channel passes through two dense layers, which return a factor between 0 and 1
    for each channel.

    Parameters
    ----------
    n_modalities : int

    References
    ----------
    Hu, Shen, Sun, "Squeeze-and-excitation networks", CVPR 2018, Eq. (2) to (4).
    """

    def __init__(self, n_modalities):
        super().__init__()
        # The original's bottleneck would reduce so few channels to one or two numbers.
        self.squeeze = nn.Linear(n_modalities, n_modalities)
        self.excite = nn.Linear(n_modalities, n_modalities)

    def weights(self, x):
        """Return the weights (B, n_modalities) for images (B, n_modalities, H, W)."""
        return torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3))))))

    def forward(self, x):
        """Return the weighted images, of the shape of x."""
        return x * self.weights(x)[:, :, None, None]


class ModalitySAN(SAN):
    """A SAN with optional attention to modalities and optional feature columns as input.

    Parameters
    ----------
    architecture, in_channels, n_features, n_classes
        As in `SAN`.
    channel_attention : bool, default=False
        Whether to pass the images through `ModalityAttention`.
    n_columns : int, default=0
        Number of columns that are concatenated with the deep features and passed through a dense
        layer with ReLU.

    References
    ----------
    Shi et al. 2023, references [8] and [10], as its sections I and III.C describe them.
    """

    def __init__(
        self,
        architecture="san10",
        *,
        in_channels=1,
        n_features=128,
        n_classes=2,
        channel_attention=False,
        n_columns=0,
    ):
        super().__init__(
            architecture, in_channels=in_channels, n_features=n_features, n_classes=n_classes
        )
        self.modalities = ModalityAttention(in_channels) if channel_attention else nn.Identity()
        self.join = nn.Linear(n_features + n_columns, n_features) if n_columns else None

    def features(self, x):
        """Return the input of the classifier.

        Parameters
        ----------
        x : Tensor of shape (B, in_channels, H, W), or tuple with a Tensor of shape (B, n_columns)

        Returns
        -------
        Tensor of shape (B, n_features)
        """
        images, columns = (x, None) if self.join is None else x
        deep = super().features(self.modalities(images))
        return deep if columns is None else F.relu(self.join(torch.cat([deep, columns], 1)))
