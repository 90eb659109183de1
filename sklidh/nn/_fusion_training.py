"""Loss (Eq. 6) and training of the fusion network, for all members at once.

Shapes as in `_fusion`: K members, M blocks, n patients, D columns.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

import torch

from sklidh.nn import _losses as losses
from sklidh.nn._fusion import Batch, FusionNet

TERMS = ("task", "similarity", "difference", "reconstruction")


class Objective:
    """The four terms of Eq. 6 on one batch, each a weighted mean over the patients.

    Terms of a block or a pair of blocks are means over the patients who have these blocks. Pairs
    are in the order of the blocks, m < m'. Similarity sums over the pairs of invariant codes;
    difference sums over each block's invariant and specific code and over the pairs of specific
    codes; reconstruction sums over the blocks.
    """

    def __init__(self, net: FusionNet, batch: Batch, constraints: losses.Constraints):
        n_blocks = len(net.widths)
        pairs = list(combinations(range(n_blocks), 2))
        self.first, self.second = [m for m, _ in pairs], [other for _, other in pairs]
        self.net, self.batch = net, batch
        weight = batch.weight.expand(n_blocks, *batch.weight.shape)
        if batch.present is not None:
            weight = weight * batch.present.unsqueeze(1)
        counts = (weight > 0).to(weight.dtype)
        self.share = losses.shares(batch.weight)
        self.block_share = losses.shares(weight)
        self.pair_share = losses.shares(weight[self.first] * counts[self.second])
        self.similarity = losses.SIMILARITIES[constraints.similarity]
        self.difference = losses.DIFFERENCES[constraints.difference]
        self.reconstruction = losses.RECONSTRUCTIONS[constraints.reconstruction]
        # Converts the mean over D columns into the mean over the columns of the block.
        widths = weight.new_tensor(net.widths).unsqueeze(1)
        rescaled = net.target == "input" and constraints.reconstruction == "mse"
        self.rescale = widths.max() / widths if rescaled else torch.ones_like(widths)

    def __call__(self) -> torch.Tensor:
        """Return task, similarity, difference and reconstruction, of shape (4, K)."""
        made = self.net(self.batch.x, self.batch.present)
        invariant, specific = made.invariant, made.specific
        target = self.batch.x.unsqueeze(1) if self.net.target == "input" else made.projected
        task = losses.task(made.logits, self.batch.y, self.share)
        similarity = torch.zeros_like(task)
        difference = self.difference(invariant, specific, self.block_share).sum(0)
        if self.first:  # with one block there are no pairs
            pairs = invariant[self.first], invariant[self.second], self.pair_share
            similarity = self.similarity(*pairs).sum(0)
            pairs = specific[self.first], specific[self.second], self.pair_share
            difference = difference + self.difference(*pairs).sum(0)
        reconstruction = self.reconstruction(made.decoded, target, self.block_share)
        reconstruction = (reconstruction * self.rescale).sum(0)
        return torch.stack([task, similarity, difference, reconstruction])


def train(
    net: FusionNet,
    batches: Sequence[Batch],
    strengths: torch.Tensor,
    constraints: losses.Constraints,
    *,
    epochs: Iterable[int],
    n_epochs: int,
    lr: float,
    schedule: str = "cosine",
    warm_up: int = 0,
    validation: Batch | None = None,
) -> dict[str, torch.Tensor]:
    """Train all members of `net` in place with Adam.

    Parameters
    ----------
    net : FusionNet
    batches : sequence of Batch
    strengths : Tensor of shape (K, 3)
        alpha, beta and gamma of each member.
    constraints : Constraints
    epochs : iterable of int
        Epoch numbers; each epoch is one pass through all batches.
    n_epochs : int
        Number of epochs.
    lr : float
        Adam's learning rate in the first epoch.
    schedule : {"cosine", "constant"}, default="cosine"
        "cosine" lowers the rate to 0 along half a cosine. Adam's steps do not shrink near a
        minimum: at a constant rate they circle around it, and rounding errors keep growing.
    warm_up : int, default=0
        Number of epochs over which the strengths increase linearly to their values. Without it, the
        encoders may first reduce the constraints by giving all patients the same code.
    validation : Batch, default=None
        Patients that are not trained on. Each member keeps the weights of the epoch with the lowest
        cross-entropy on them.

    Returns
    -------
    dict of str to Tensor of shape (n_epochs, K)
        Each term and the "total" that is minimised, averaged over the patients of the batches
        before their steps, and "validation" if it is given.

    Raises
    ------
    FloatingPointError
        The loss is no longer finite; the message names the epoch and the learning rate.
    """
    objectives = [Objective(net, batch, constraints) for batch in batches]
    sizes = torch.stack([batch.weight.sum(-1) for batch in batches])  # (n_batches, K)
    sizes = sizes / sizes.sum(0)
    held_out = None if validation is None else Objective(net, validation, constraints)
    optimiser = torch.optim.Adam(net.parameters(), lr=lr, fused=True)
    curves, validations, best = [], [], None
    for epoch in epochs:
        factor = min(1.0, epoch / warm_up) if warm_up else 1.0
        if schedule == "cosine":
            optimiser.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * epoch / n_epochs)) / 2
        mean = 0
        for objective, size in zip(objectives, sizes, strict=True):
            optimiser.zero_grad()
            terms = objective()
            # Members share no weights, so the gradient of the sum contains each member's gradient.
            total = terms[0] + factor * (strengths.T * terms[1:]).sum(0)
            total.sum().backward()
            optimiser.step()
            mean = mean + size * torch.cat([terms, total.unsqueeze(0)]).detach()
        _refuse_not_finite(mean, epoch, lr)
        curves.append(mean)
        if held_out is not None:
            with torch.no_grad():
                validations.append(held_out()[0])
            best = _keep_best(best, net, validations)
    with torch.no_grad():
        for objective in objectives:
            _refuse_not_finite(objective(), epoch, lr)
    if best is not None:
        net.load_state_dict(best)
    history = dict(zip((*TERMS, "total"), torch.stack(curves, 1), strict=True))
    return history if held_out is None else history | {"validation": torch.stack(validations)}


def _keep_best(best, net, validations):
    """Return the weights of the best epoch so far, for each member."""
    state = {name: value.detach().clone() for name, value in net.state_dict().items()}
    if best is None:
        return state
    better = (validations[-1] < torch.stack(validations[:-1]).amin(0))[:, None, None]
    return {name: torch.where(better, value, best[name]) for name, value in state.items()}


def _refuse_not_finite(terms, epoch, lr):
    if not torch.isfinite(terms).all():
        raise FloatingPointError(
            f"the loss is no longer finite in epoch {epoch} at lr={lr:g}; choose a smaller lr"
        )
