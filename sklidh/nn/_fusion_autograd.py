"""The fusion network's loss (Eq. 6) in torch: the definition, with derivatives by autograd.

Shapes as in `_fusion`: K members, M blocks, n patients, D columns.
"""

from collections.abc import Sequence
from itertools import combinations

import torch

from sklidh.nn import _losses as losses
from sklidh.nn._fusion import Batch, FusionNet


class Objective:
    """The four terms of Eq. 6 on one batch, every one a weighted mean over its patients.

    A term that concerns a block, or a pair of blocks, is a mean over the patients who have them.
    Pairs are in the order of the blocks, m < m'. Similarity sums over the pairs of invariant
    codes; difference over each block's invariant and specific code and over the pairs of specific
    codes; reconstruction over the blocks.
    """

    def __init__(self, net: FusionNet, batch: Batch, constraints: losses.Constraints):
        n_blocks = len(net.widths)
        pairs = list(combinations(range(n_blocks), 2))
        # Positions in the 2M codes: the invariant ones come first, then the specific ones.
        self.alike = _two_lists(pairs)
        self.apart = _two_lists(
            [(m, n_blocks + m) for m in range(n_blocks)]
            + [(n_blocks + m, n_blocks + other) for m, other in pairs]
        )
        self.net, self.batch = net, batch
        weight = batch.weight.unsqueeze(1).expand(-1, n_blocks, -1)
        if batch.present is not None:
            weight = weight * batch.present
        twice = torch.cat([weight, weight], 1)
        counts = (twice > 0).to(weight.dtype)
        self.share = losses.shares(batch.weight)
        self.block_share = losses.shares(weight)
        self.alike_share, self.apart_share = (
            losses.shares(twice[:, first] * counts[:, second])
            for first, second in (self.alike, self.apart)
        )
        self.similarity = losses.SIMILARITIES[constraints.similarity]
        self.difference = losses.DIFFERENCES[constraints.difference]
        self.reconstruction = losses.RECONSTRUCTIONS[constraints.reconstruction]
        # The mean over D columns becomes the mean over the block's own.
        widths = weight.new_tensor(net.widths)
        rescaled = net.target == "input" and constraints.reconstruction == "mse"
        self.rescale = widths.max() / widths if rescaled else torch.ones_like(widths)

    def __call__(self) -> torch.Tensor:
        """Return the terms, task, similarity, difference and reconstruction, of shape (4, K)."""
        made = self.net(self.batch.x, self.batch.present)
        codes = torch.cat([made.invariant, made.specific], 1)
        target = self.batch.x if self.net.target == "input" else made.projected
        reconstruction = self.reconstruction(made.decoded, target, self.block_share)
        return torch.stack(
            [
                losses.task(made.logits, self.batch.y, self.share),
                self._over_pairs(self.similarity, codes, self.alike, self.alike_share),
                self._over_pairs(self.difference, codes, self.apart, self.apart_share),
                (reconstruction * self.rescale).sum(1),
            ]
        )

    @staticmethod
    def _over_pairs(term, codes, pairs, share):
        first, second = pairs
        if not first:  # one block has no pair
            return codes.new_zeros(len(codes))
        return term(codes[:, first], codes[:, second], share).sum(1)


class AutogradSteps:
    """Adam's steps with derivatives by autograd; parameters as in `_fusion_training.train`."""

    def __init__(
        self,
        net: FusionNet,
        batches: Sequence[Batch],
        strengths: torch.Tensor,
        constraints: losses.Constraints,
        lr: float,
    ):
        self.net, self.constraints = net, constraints
        self.objectives = [Objective(net, batch, constraints) for batch in batches]
        sizes = torch.stack([batch.weight.sum(-1) for batch in batches])  # (n_batches, 1)
        self.sizes = sizes / sizes.sum(0)
        self.optimiser = torch.optim.Adam(net.parameters(), lr=lr, fused=True)
        self.strengths = strengths.T  # (3, K)

    def epoch(self, factor: float) -> torch.Tensor:
        """Take one step per batch, the strengths times `factor`.

        Returns the mean terms before the steps, of shape (4, K).
        """
        mean = 0
        for objective, size in zip(self.objectives, self.sizes, strict=True):
            self.optimiser.zero_grad()
            terms = objective()
            # The members share nothing: the gradient of the sum is each one's own gradient.
            (terms[0].sum() + factor * (self.strengths * terms[1:]).sum()).backward()
            self.optimiser.step()
            mean = mean + size * terms.detach()
        return mean

    @torch.no_grad()
    def terms(self, batch: Batch) -> torch.Tensor:
        """Return the terms on a batch, of shape (4, K)."""
        return Objective(self.net, batch, self.constraints)()

    def write(self):
        """Write the weights to the network: they are there already."""


def _two_lists(pairs):
    return [first for first, _ in pairs], [second for _, second in pairs]
