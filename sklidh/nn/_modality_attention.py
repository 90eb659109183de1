"""Weigh the modalities, and join columns of numbers to the deep features (Zhang et al.).

Both are reconstructions: of Zhang et al. only what Shi et al. say about them is available.
"""

import torch
import torch.nn.functional as F
from torch import nn

from sklidh.nn._san import SAN


class ModalityAttention(nn.Module):
    """Weigh the channels of an image, each a modality, by squeeze and excitation.

    The mean of every channel passes through two dense layers; what comes out, between 0 and 1, is
    what the channel is multiplied by.

    Parameters
    ----------
    n_modalities : int

    References
    ----------
    Hu, Shen, Sun, "Squeeze-and-excitation networks", CVPR 2018, Eq. (2) to (4).
    """

    def __init__(self, n_modalities):
        super().__init__()
        # A bottleneck, as in the source, would leave one or two numbers of so few channels.
        self.squeeze = nn.Linear(n_modalities, n_modalities)
        self.excite = nn.Linear(n_modalities, n_modalities)

    def weights(self, x):
        """Return the weights (B, n_modalities) for images (B, n_modalities, H, W)."""
        return torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3))))))

    def forward(self, x):
        """Return the weighted images, of the shape of x."""
        return x * self.weights(x)[:, :, None, None]


class ModalitySAN(SAN):
    """A SAN whose modalities are weighed first, and whose features take columns of numbers in.

    Parameters
    ----------
    architecture, in_channels, n_features, n_classes
        As in `SAN`.
    channel_attention : bool, default=False
        Pass the images through `ModalityAttention`.
    n_columns : int, default=0
        Columns that a dense layer, followed by a ReLU, joins to the deep features.

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
        """Return what the classifier reads.

        Parameters
        ----------
        x : Tensor of shape (B, in_channels, H, W), or pair with a Tensor of shape (B, n_columns)

        Returns
        -------
        Tensor of shape (B, n_features)
        """
        images, columns = (x, None) if self.join is None else x
        deep = super().features(self.modalities(images))
        return deep if columns is None else F.relu(self.join(torch.cat([deep, columns], 1)))
