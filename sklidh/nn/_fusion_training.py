"""The fusion network's loss (Eq. 6) and its training, all members at once.

Shapes as in `_fusion`: K members, M blocks, n patients, D columns.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import NamedTuple

import torch

from sklidh.nn import _losses as losses
from sklidh.nn._fusion import FusionNet

TERMS = ("task", "similarity", "difference", "reconstruction")


class Constraints(NamedTuple):
    """Which definition each constraint takes; the names are the keys of the dicts in `_losses`."""

    similarity: str = "kl"
    difference: str = "distance"
    reconstruction: str = "norm"


class Batch(NamedTuple):
    """Patients that take one step together. A leading 1 stands for the same in all K members."""

    x: torch.Tensor  # (K or 1, M, n, D)
    y: torch.Tensor  # (K or 1, n), class numbers
    weight: torch.Tensor  # (K or 1, n)
    present: torch.Tensor | None = None  # (K or 1, M, n) bool; None where every block is there

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


class Objective:
    """The four terms of Eq. 6 on one batch, every one a weighted mean over its patients.

    A term that concerns a block, or a pair of blocks, is a mean over the patients who have them.
    Pairs are in the order of the blocks, m < m'. Similarity sums over the pairs of invariant
    codes; difference over each block's invariant and specific code and over the pairs of specific
    codes; reconstruction over the blocks.
    """

    def __init__(self, net: FusionNet, batch: Batch, constraints: Constraints):
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
        """Return the terms, in the order of `TERMS`, of shape (4, K)."""
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


def train(
    net: FusionNet,
    batches: Sequence[Batch],
    strengths: torch.Tensor,
    constraints: Constraints,
    *,
    epochs: Iterable[int],
    lr: float,
    validation: Batch | None = None,
) -> dict[str, torch.Tensor]:
    """Train all members of `net` in place with Adam, on the same batches in every epoch.

    Parameters
    ----------
    net : FusionNet
    batches : sequence of Batch
    strengths : Tensor of shape (K, 3)
        alpha, beta and gamma of every member.
    constraints : Constraints
    epochs : iterable of int
        One step through all batches each.
    lr : float
        Adam's learning rate.
    validation : Batch, default=None
        Patients that take no step. Each member ends with the weights of the epoch that had the
        lowest cross-entropy on them.

    Returns
    -------
    dict of str to Tensor of shape (n_epochs, K)
        Every term and the "total", the means over the batches' patients before their steps, and
        "validation" where it was asked for.

    Raises
    ------
    FloatingPointError
        The loss is no longer finite; the message names the epoch and the learning rate.
    """
    objectives = [Objective(net, batch, constraints) for batch in batches]
    sizes = torch.stack([batch.weight.sum(-1) for batch in batches])  # (n_batches, K or 1)
    sizes = sizes / sizes.sum(0)
    optimiser = torch.optim.Adam(net.parameters(), lr=lr, fused=True)
    factors = torch.cat([torch.ones_like(strengths[:, :1]), strengths], 1).T  # (4, K)
    curves, validations, best = [], [], None
    if validation is not None:
        judge = Objective(net, validation, constraints)
    for epoch in epochs:
        curve = 0
        for objective, size in zip(objectives, sizes, strict=True):
            optimiser.zero_grad()
            terms = objective()
            # The members share nothing: the gradient of the sum is each one's own gradient.
            (factors * terms).sum().backward()
            optimiser.step()
            curve = curve + size * terms.detach()
        curves.append(curve)
        _refuse_not_finite(curve, epoch, lr)
        if validation is not None:
            with torch.no_grad():
                validations.append(judge()[0])
            best = _keep_best(best, net, validations)
    if best is not None:
        net.load_state_dict(best)
    with torch.no_grad():
        _refuse_not_finite(torch.stack([objective() for objective in objectives]), epoch, lr)
    curves = torch.stack(curves, 1)  # (4, n_epochs, K)
    history = dict(zip(TERMS, curves, strict=True))
    history["total"] = (factors.unsqueeze(1) * curves).sum(0)
    if validation is not None:
        history["validation"] = torch.stack(validations)
    return history


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: more of them only wait for each other in networks this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _two_lists(pairs):
    return [first for first, _ in pairs], [second for _, second in pairs]


def _keep_best(best, net, validations):
    """Return the weights of each member's best epoch so far."""
    state = {name: value.detach().clone() for name, value in net.state_dict().items()}
    if best is None:
        return state
    better = validations[-1] < torch.stack(validations[:-1]).amin(0)
    return {
        name: torch.where(better.reshape(-1, *[1] * (value.ndim - 1)), value, best[name])
        for name, value in state.items()
    }


def _refuse_not_finite(terms, epoch, lr):
    if not torch.isfinite(terms).all():
        raise FloatingPointError(
            f"the loss is no longer finite in epoch {epoch} at lr={lr:g}; take a smaller lr, or "
            "standardise the columns"
        )
