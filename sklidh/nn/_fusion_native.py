"""Training of the fusion network by compiled steps: its weights and patients as flat arrays."""

from collections.abc import Sequence

import numpy as np
import torch

from sklidh.nn import _native_losses as losses
from sklidh.nn._fusion import Batch, FusionNet
from sklidh.nn._losses import Constraints
from sklidh.nn._native_step import epoch


def packed(batches: Sequence[Batch]) -> tuple[np.ndarray, ...]:
    """Lay batches one behind the other, patients innermost in each.

    Returns
    -------
    x, y, weight, present, ends : ndarray
        Flat; `ends` holds the number of patients up to the end of each batch.
    """

    def flat(parts):
        return np.concatenate([np.ascontiguousarray(part).ravel() for part in parts])

    blocks = [batch.x[0].numpy() for batch in batches]
    present = [
        np.ones(block.shape[:2]) if batch.present is None else batch.present[0].double().numpy()
        for batch, block in zip(batches, blocks, strict=True)
    ]
    return (
        flat([block.transpose(0, 2, 1) for block in blocks]),
        flat([batch.y[0].numpy() for batch in batches]),
        flat([batch.weight[0].numpy() for batch in batches]),
        flat(present),
        np.cumsum([block.shape[1] for block in blocks]),
    )


class NativeSteps:
    """Adam's steps by compiled code; parameters as in `_fusion_training.train`."""

    def __init__(
        self,
        net: FusionNet,
        batches: Sequence[Batch],
        strengths: torch.Tensor,
        constraints: Constraints,
        lr: float,
    ):
        self.net, self.lr = net, lr
        self.patients, self.n_batches, self.taken = packed(batches), len(batches), 0
        n_members, n_blocks, widest, n_projected = net.projection_weight.shape
        decoded, n_classes = net.decoder_weight.shape[-1], net.head_weight.shape[-1]
        sizes = n_blocks, widest, n_projected, net.invariant_weight.shape[-1], decoded, n_classes
        kinds = (
            losses.SIMILARITY[constraints.similarity],
            losses.DIFFERENCE[constraints.difference],
            losses.RECONSTRUCTION[constraints.reconstruction],
        )
        self.strengths = np.ascontiguousarray(strengths, dtype=np.float64)
        self.settings = np.array(net.widths), sizes, net.target == "input", kinds
        self.weights = np.hstack(
            [value.detach().numpy().reshape(n_members, -1) for value in net.parameters()]
        )
        self.first, self.second = np.zeros_like(self.weights), np.zeros_like(self.weights)

    def epoch(self, factor: float) -> torch.Tensor:
        """Take one step per batch, the strengths times `factor`.

        Returns the mean terms before the steps, of shape (4, K).
        """
        mean = self._run(self.patients, factor, self.lr)
        self.taken += self.n_batches
        return mean

    def terms(self, batch: Batch) -> torch.Tensor:
        """Return the terms on a batch, of shape (4, K)."""
        return self._run(packed([batch]), 1.0, 0.0)

    def write(self):
        """Write the weights to the network."""
        start = 0
        for value in self.net.parameters():
            stop = start + value[0].numel()
            value.data.copy_(torch.from_numpy(self.weights[:, start:stop]).reshape(value.shape))
            start = stop

    def _run(self, patients, factor, lr):
        adam_state = self.weights, self.first, self.second, self.taken
        strengths = factor * self.strengths
        return torch.from_numpy(epoch(*adam_state, patients, *self.settings, strengths, lr))
