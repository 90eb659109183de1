"""The invariant and specific fusion network, any number of it trained side by side.

Shapes: K members (networks trained at once), M blocks, n patients, D columns in the widest block,
P projected features, H features of a code, C classes. Blocks with fewer columns than D are filled
up with zeros: such a column has no gradient, so the answer is that of a network without it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn


class Codes(NamedTuple):
    """What the network makes of its input."""

    logits: torch.Tensor  # (K, n, C)
    projected: torch.Tensor  # (K, M, n, P)
    invariant: torch.Tensor  # (K, M, n, H)
    specific: torch.Tensor  # (K, M, n, H)
    decoded: torch.Tensor  # (K, M, n, P), or (K, M, n, D) where the input is reconstructed


class Batch(NamedTuple):
    """Patients that take one step together, the same in all K members."""

    x: torch.Tensor  # (1, M, n, D)
    y: torch.Tensor  # (1, n), class numbers
    weight: torch.Tensor  # (1, n)
    present: torch.Tensor | None = None  # (1, M, n) bool; None where every block is there

    def split(self, size: int | None) -> list["Batch"]:
        """Cut into batches of `size` patients, in their order; None leaves it whole."""
        n_patients = self.y.shape[-1]
        size = size or n_patients
        pieces = []
        for start in range(0, n_patients, size):
            rows = slice(start, start + size)
            present = None if self.present is None else self.present[..., rows]
            pieces.append(
                Batch(self.x[..., rows, :], self.y[..., rows], self.weight[..., rows], present)
            )
        return pieces


class FusionNet(nn.Module):
    """Fusion of M blocks of columns (Section II.E, Fig. 5), K members at once.

    Per block a linear layer to P features and a layer normalisation, a specific encoder to H
    features and a decoder from both codes; one invariant encoder to H features for all blocks; one
    linear head on all 2M codes. A patient's absent block enters the head with the mean of the
    invariant codes that the patient has, and with its own specific code as computed from `x`.

    Parameters
    ----------
    widths : sequence of int
        The number of columns of each block.
    n_classes : int
    seeds : sequence of int
        One seed per member; the initial weights of a member depend on nothing but its seed.
    projection_dim, hidden_dim : int
        P and H; 8 and 2 in the paper.
    target : {"projected", "input"}, default="projected"
        What the decoders give back.
    dtype : torch.dtype, default=torch.float64
        The losses amplify rounding errors, in single precision until another order of the
        patients gives other probabilities; a network this small is as fast in double.
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
        dtype: torch.dtype = torch.float64,
    ):
        super().__init__()
        self.widths, self.target = tuple(widths), target
        drawn = {
            seed: _initial_weights(self.widths, n_classes, seed, projection_dim, hidden_dim, target)
            for seed in set(seeds)
        }
        for name in drawn[seeds[0]]:
            stacked = torch.stack([drawn[seed][name] for seed in seeds]).to(dtype)
            self.register_parameter(name, nn.Parameter(stacked))

    def forward(self, x: torch.Tensor, present: torch.Tensor | None = None) -> Codes:
        """Return logits, codes and reconstructions of `x` of shape (K or 1, M, n, D)."""
        projected = torch.layer_norm(
            x @ self.projection_weight + self.projection_bias, self.projection_weight.shape[-1:]
        )
        projected = projected * self.scale + self.shift
        invariant = projected @ self.invariant_weight + self.invariant_bias
        specific = projected @ self.specific_weight + self.specific_bias
        decoded = torch.cat([invariant, specific], -1) @ self.decoder_weight + self.decoder_bias
        codes = self.head_input(invariant, specific, present)
        logits = codes @ self.head_weight + self.head_bias
        return Codes(logits, projected, invariant, specific, decoded)

    @classmethod
    def from_weights(cls, widths: Sequence[int], target: str, weights: dict) -> "FusionNet":
        """Return the network that has these weights, without drawing any."""
        net = cls.__new__(cls)
        nn.Module.__init__(net)
        net.widths, net.target = tuple(widths), target
        for name, value in weights.items():
            net.register_parameter(name, nn.Parameter(value))
        return net

    def members(self, which: slice) -> "FusionNet":
        """Return a network of its own made of some of the members."""
        weights = {name: value[which].detach().clone() for name, value in self.named_parameters()}
        return FusionNet.from_weights(self.widths, self.target, weights)

    @staticmethod
    def head_input(invariant, specific, present=None) -> torch.Tensor:
        """Return the codes that the head reads, of shape (K, n, 2MH): invariant, then specific."""
        if present is not None:
            known = present.unsqueeze(-1).to(invariant.dtype)
            average = (invariant * known).sum(1, keepdim=True) / known.sum(1, keepdim=True)
            invariant = torch.where(present.unsqueeze(-1), invariant, average)
        codes = torch.cat([invariant, specific], 1).transpose(1, 2)
        return codes.reshape(*codes.shape[:2], -1)


def pad(blocks: Sequence[torch.Tensor]) -> torch.Tensor:
    """Stack M matrices of shape (n, width) to (1, M, n, D), narrow ones filled up with zeros."""
    widest = max(block.shape[1] for block in blocks)
    return torch.stack(
        [nn.functional.pad(block, (0, widest - block.shape[1])) for block in blocks]
    ).unsqueeze(0)


def _initial_weights(widths, n_classes, seed, n_projected, n_hidden, target):
    """Return one member's weights, drawn as `torch.nn.Linear` draws them, from its own seed."""
    generator = torch.Generator().manual_seed(seed)
    widest, n_blocks = max(widths), len(widths)

    def linear(n_in, n_out):
        bound = 1 / math.sqrt(n_in)
        drawn = torch.rand(n_in + 1, n_out, generator=generator, dtype=torch.float64)
        drawn = (2 * drawn - 1) * bound
        return drawn[:-1], drawn[-1:]

    def layer(name, pairs):
        weights, biases = zip(*pairs, strict=True)
        return {f"{name}_weight": torch.stack(weights), f"{name}_bias": torch.stack(biases)}

    def wider(pair, rows, columns):
        return tuple(
            nn.functional.pad(part, (0, columns - part.shape[1], 0, more))
            for part, more in zip(pair, (rows - len(pair[0]), 0), strict=True)
        )

    projections = [wider(linear(width, n_projected), widest, n_projected) for width in widths]
    weights = layer("projection", projections)
    weights["scale"] = torch.ones(n_blocks, 1, n_projected, dtype=torch.float64)
    weights["shift"] = torch.zeros(n_blocks, 1, n_projected, dtype=torch.float64)
    weights |= layer("invariant", [linear(n_projected, n_hidden)])
    weights |= layer("specific", [linear(n_projected, n_hidden) for _ in widths])
    if target == "input":
        decoders = [wider(linear(2 * n_hidden, width), 2 * n_hidden, widest) for width in widths]
    else:
        decoders = [linear(2 * n_hidden, n_projected) for _ in widths]
    weights |= layer("decoder", decoders)
    weights["head_weight"], weights["head_bias"] = linear(2 * n_hidden * n_blocks, n_classes)
    return weights
