"""The invariant and specific fusion network; any number of networks is trained in one batch.

Shapes: K members (networks), M blocks, n patients, D columns in the widest block, P projected
features, H features per code, C classes. Patients are the last axis, so that every operation on
features runs over contiguous memory. Blocks with fewer columns than D are padded with zeros; such
columns have no gradient and do not change the network.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

# As in torch.nn.LayerNorm.
NORM_EPSILON = 1e-5


class Codes(NamedTuple):
    """Everything that the network computes from its input."""

    logits: torch.Tensor  # (K, C, n)
    projected: torch.Tensor  # (M, K, P, n)
    invariant: torch.Tensor  # (M, K, H, n)
    specific: torch.Tensor  # (M, K, H, n)
    decoded: torch.Tensor  # (M, K, P, n), or (M, K, D, n) if the input is reconstructed


class Batch(NamedTuple):
    """Patients of one training step."""

    x: torch.Tensor  # (M, D, n)
    y: torch.Tensor  # (n,), class numbers
    weight: torch.Tensor  # (K or 1, n)
    present: torch.Tensor | None = None  # (M, n) bool; None if no block is missing

    def split(self, size: int | None) -> list["Batch"]:
        """Split into batches of `size` patients, in their order; None returns one batch."""
        n_patients = len(self.y)
        size = size or n_patients
        return [
            Batch(*(part if part is None else part[..., first : first + size] for part in self))
            for first in range(0, n_patients, size)
        ]


class FusionNet(nn.Module):
    """Fusion of M blocks of columns (Section II.E, Fig. 5), for K members at once.

    Each block has a linear layer to P features with layer normalisation, a specific encoder to H
    features, and a decoder from both codes. All blocks share one invariant encoder to H features,
    and one linear head reads all 2M codes. For a missing block, the head receives the mean of the
    patient's other invariant codes, and the specific code computed from `x`.

    Parameters
    ----------
    widths : sequence of int
        Number of columns of each block.
    n_classes : int
    seeds : sequence of int
        One seed per member; the initial weights of a member depend only on its seed.
    projection_dim, hidden_dim : int
        P and H; the paper uses 8 and 2.
    target : {"projected", "input"}, default="projected"
        Target of the decoders.

    Notes
    -----
    Weights are float64, because rounding errors grow during training and a network this small is
    equally fast in double precision. Their shape is (1 or M, K, ...); the second axis is the
    members.
    """

    def __init__(
        self,
        widths: Sequence[int],
        n_classes: int,
        seeds: Sequence[int],
        *,
        projection_dim: int = 8,
        hidden_dim: int = 2,
        target: str = "projected",
    ):
        super().__init__()
        self.widths, self.target = tuple(widths), target
        sizes = self.widths, n_classes, projection_dim, hidden_dim, target
        drawn = {seed: _initial_weights(seed, *sizes) for seed in set(seeds)}
        for name in drawn[seeds[0]]:
            stacked = torch.stack([drawn[seed][name] for seed in seeds], 1)
            self.register_parameter(name, nn.Parameter(stacked))

    def forward(self, x: torch.Tensor, present: torch.Tensor | None = None) -> Codes:
        """Return logits, codes and reconstructions of `x` of shape (M, D, n)."""
        n_blocks, n_members, n_projected, n_columns = self.projection_weight.shape
        # One product per block for all members.
        weight = self.projection_weight.reshape(n_blocks, n_members * n_projected, n_columns)
        projected = (weight @ x).unflatten(1, (n_members, n_projected)) + self.projection_bias
        projected = _layer_norm(projected) * self.scale + self.shift
        invariant = self.invariant_weight @ projected + self.invariant_bias
        specific = self.specific_weight @ projected + self.specific_bias
        decoded = self.decoder_weight @ torch.cat([invariant, specific], 2) + self.decoder_bias
        codes = self.head_input(invariant, specific, present)
        logits = self.head_weight[0] @ codes + self.head_bias[0]
        return Codes(logits, projected, invariant, specific, decoded)

    @classmethod
    def from_weights(cls, widths: Sequence[int], target: str, weights: dict) -> "FusionNet":
        """Return a network with these weights, without drawing random ones."""
        net = cls.__new__(cls)
        nn.Module.__init__(net)
        net.widths, net.target = tuple(widths), target
        for name, value in weights.items():
            net.register_parameter(name, nn.Parameter(value))
        return net

    def members(self, which: slice) -> "FusionNet":
        """Return some of the members as a new network with copied weights."""
        weights = {
            name: value[:, which].detach().clone() for name, value in self.named_parameters()
        }
        return FusionNet.from_weights(self.widths, self.target, weights)

    @staticmethod
    def head_input(invariant, specific, present=None) -> torch.Tensor:
        """Return the input of the head, of shape (K, 2MH, n): invariant, then specific codes."""
        if present is not None:
            known = present[:, None, None].to(invariant.dtype)
            average = (invariant * known).sum(0) / known.sum(0)
            invariant = torch.where(present[:, None, None], invariant, average)
        return torch.cat([invariant, specific]).transpose(0, 1).flatten(1, 2)


def pad(blocks: Sequence[torch.Tensor]) -> torch.Tensor:
    """Stack M matrices of shape (n, width) to (M, D, n), padding narrow blocks with zeros."""
    widest = max(block.shape[1] for block in blocks)
    return torch.stack([nn.functional.pad(b.T, (0, 0, 0, widest - b.shape[1])) for b in blocks])


def _layer_norm(values):
    """Normalise over the features in the second-to-last axis (torch's own needs the last)."""
    centred = values - values.mean(-2, keepdim=True)
    return centred * (centred.square().mean(-2, keepdim=True) + NORM_EPSILON).rsqrt()


def _initial_weights(seed, widths, n_classes, n_projected, n_hidden, target):
    """Draw the weights of one member from its seed, in the range that `torch.nn.Linear` uses."""
    generator = torch.Generator().manual_seed(seed)
    n_blocks = len(widths)

    def linear(n_in, n_out):
        drawn = torch.rand(n_out, n_in + 1, generator=generator, dtype=torch.float64)
        drawn = (2 * drawn - 1) / math.sqrt(n_in)
        return drawn[:, :-1], drawn[:, -1:]

    def layer(name, linears):
        """Stack the blocks' layers, padded with zeros to the widest shape."""
        weights, biases = zip(*linears, strict=True)
        n_out, n_in = (max(sizes) for sizes in zip(*(w.shape for w in weights), strict=True))
        pads = [(0, n_in - w.shape[1], 0, n_out - w.shape[0]) for w in weights]
        return {
            f"{name}_weight": torch.stack(list(map(nn.functional.pad, weights, pads))),
            f"{name}_bias": torch.stack(
                [nn.functional.pad(b, (0, 0, *p[2:])) for b, p in zip(biases, pads, strict=True)]
            ),
        }

    weights = layer("projection", [linear(width, n_projected) for width in widths])
    weights["scale"] = torch.ones(n_blocks, n_projected, 1, dtype=torch.float64)
    weights["shift"] = torch.zeros(n_blocks, n_projected, 1, dtype=torch.float64)
    weights |= layer("invariant", [linear(n_projected, n_hidden)])
    weights |= layer("specific", [linear(n_projected, n_hidden) for _ in widths])
    decoded = widths if target == "input" else [n_projected] * n_blocks
    weights |= layer("decoder", [linear(2 * n_hidden, n_out) for n_out in decoded])
    return weights | layer("head", [linear(2 * n_hidden * n_blocks, n_classes)])
