"""The fusion network's training, all members at once.

Shapes as in `_fusion`: K members, M blocks, n patients, D columns.
"""

from collections.abc import Iterable, Sequence

import torch

from sklidh.nn._fusion import Batch, FusionNet
from sklidh.nn._fusion_autograd import AutogradSteps
from sklidh.nn._fusion_native import NativeSteps
from sklidh.nn._losses import Constraints

TERMS = ("task", "similarity", "difference", "reconstruction")
ENGINES = {"native": NativeSteps, "torch": AutogradSteps}


def train(
    net: FusionNet,
    batches: Sequence[Batch],
    strengths: torch.Tensor,
    constraints: Constraints,
    *,
    epochs: Iterable[int],
    lr: float,
    warm_up: int = 0,
    validation: Batch | None = None,
    engine: str = "native",
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
    warm_up : int, default=0
        Epochs over which the strengths grow linearly to their values. Early on, the encoders can
        lower the constraints faster than the task, by giving all patients the same code.
    validation : Batch, default=None
        Patients that take no step. Each member ends with the weights of the epoch that had the
        lowest cross-entropy on them.
    engine : {"native", "torch"}, default="native"
        Derivatives written by hand and compiled, or torch's: the same but for rounding.

    Returns
    -------
    dict of str to Tensor of shape (n_epochs, K)
        Every term and the "total" that the steps lower, the means over the batches' patients
        before their steps, and "validation" where it was asked for.

    Raises
    ------
    FloatingPointError
        The loss is no longer finite; the message names the epoch and the learning rate.
    """
    steps = ENGINES[engine](net, batches, strengths, constraints, lr)
    curves, factors, validations, best = [], [], [], None
    for epoch in epochs:
        factors.append(min(1.0, len(factors) / warm_up) if warm_up else 1.0)
        curves.append(steps.epoch(factors[-1]))
        _refuse_not_finite(curves[-1], epoch, lr)
        if validation is not None:
            steps.write()
            validations.append(steps.terms(validation)[0])
            best = _keep_best(best, net, validations)
    for batch in batches:
        _refuse_not_finite(steps.terms(batch), epoch, lr)
    steps.write()
    if best is not None:
        net.load_state_dict(best)
    curves = torch.stack(curves, 1)  # (4, n_epochs, K)
    history = dict(zip(TERMS, curves, strict=True))
    constrained = (strengths.T.unsqueeze(1) * curves[1:]).sum(0)
    history["total"] = curves[0] + strengths.new_tensor(factors).unsqueeze(1) * constrained
    if validation is not None:
        history["validation"] = torch.stack(validations)
    return history


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
