"""The constraints of the fusion network: similarity, difference and reconstruction.

Every function compares two stacks of vectors, `a` and `b` of shape (..., n_features, n_patients),
and returns one number per stack, of shape (...). `share` of shape (..., n_patients) is each
patient's share of the mean: it adds up to 1, or is 0 throughout where no patient counts.
"""

from math import log
from typing import NamedTuple

import torch

# Added to the variances: a feature that is the same in all patients correlates with nothing.
VARIANCE_FLOOR = 1e-4
# A distance has a kink at 0, which draws short vectors to 0 exactly, and a direction jumps where a
# vector is short; rounding errors grow at both. Codes are of the order of 1.
ROUND_DISTANCE = 1e-2
ROUND_SOFT_DISTANCE = 1.0
ROUND_NORM = 0.3
CMD_MOMENTS = 5


def shares(weight: torch.Tensor) -> torch.Tensor:
    """Scale weights of shape (..., n_patients) to add up to 1; all-zero weights stay zero."""
    total = weight.sum(-1, keepdim=True)
    return weight / torch.where(total > 0, total, torch.ones_like(total))


def mean(value: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Return the weighted mean over the patients, the last axis of both."""
    return (value * share).sum(-1)


def task(logits: torch.Tensor, y: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy.

    Parameters
    ----------
    logits : Tensor of shape (..., n_classes, n_patients)
    y : Tensor of shape (n_patients,)
        Class numbers, from 0.
    share : Tensor of shape (..., n_patients)
    """
    log_probability = torch.log_softmax(logits, -2)
    y = y.expand(*logits.shape[:-2], 1, -1)
    return -mean(log_probability.gather(-2, y).squeeze(-2), share)


def kl(a, b, share):
    """KL(p(a) || p(b)), where p(h) is the softmax of h over its features (Eq. 3).

    Not symmetric: which block comes first matters.
    """
    log_p, log_q = torch.log_softmax(a, -2), torch.log_softmax(b, -2)
    return mean((log_p.exp() * (log_p - log_q)).sum(-2), share)


def jeffreys(a, b, share):
    """KL(p || q) + KL(q || p): the symmetric sum."""
    log_p, log_q = torch.log_softmax(a, -2), torch.log_softmax(b, -2)
    return mean(((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-2), share)


def js(a, b, share):
    """Jensen-Shannon divergence: the mean of the KL of p and of q to (p + q) / 2; at most log 2."""
    log_p, log_q = torch.log_softmax(a, -2), torch.log_softmax(b, -2)
    log_middle = torch.logaddexp(log_p, log_q) - log(2)
    divergence = log_p.exp() * (log_p - log_middle) + log_q.exp() * (log_q - log_middle)
    return mean(divergence.sum(-2) / 2, share)


def cmd(a, b, share):
    """Central moment discrepancy of p(a) and p(b): means, then central moments 2 to 5.

    The sum over the orders of the distance between the two vectors of moments, its kink rounded
    off. It compares how the patients are spread, not patient by patient, and p(h) lies in [0, 1] as
    its bounds need.
    """
    p, q = torch.softmax(a, -2), torch.softmax(b, -2)
    mean_p, mean_q = (mean(h, share.unsqueeze(-2)) for h in (p, q))
    total = _length(mean_p - mean_q, -1)
    p, q = p - mean_p.unsqueeze(-1), q - mean_q.unsqueeze(-1)
    for order in range(2, CMD_MOMENTS + 1):
        total = total + _length(mean(p**order - q**order, share.unsqueeze(-2)), -1)
    return total


def distance(a, b, share):
    """Euclidean distance ||a - b|| of Eq. 4 and Eq. 5, its kink at 0 rounded off a little.

    sqrt(||a - b||^2 + d^2) - d with d = 0.01: 0 for equal vectors, never more than d too small.
    """
    return mean(_length(a - b, -2), share)


def soft_distance(a, b, share):
    """Euclidean distance with the kink rounded off at the scale of the codes.

    sqrt(||a - b||^2 + 1) - 1: ||a - b||^2 / 2 for short differences, ||a - b|| - 1 for long ones.
    Two codes may differ a little at little cost, so they are not drawn to one point.
    """
    return mean(_length(a - b, -2, ROUND_SOFT_DISTANCE), share)


def xcorr(a, b, share):
    """Squared correlation over the patients, the mean over all pairs of a feature of a and of b.

    Between 0 and 1, whatever the scale of the codes and the number of patients.
    """
    a, b = _centred(a, share), _centred(b, share)
    weighted = a * share.unsqueeze(-2)
    scale_a = ((weighted * a).sum(-1) + VARIANCE_FLOOR).rsqrt()
    scale_b = (mean(b * b, share.unsqueeze(-2)) + VARIANCE_FLOOR).rsqrt()
    correlation = (weighted @ b.mT) * scale_a.unsqueeze(-1) * scale_b.unsqueeze(-2)
    return correlation.square().mean((-1, -2))


def cosine(a, b, share):
    """Squared cosine of the angle between a and b, patient by patient.

    0.3 squared is added to both squared norms: two vectors of length 1 get 0.84 of the square.
    """
    squared_norms = [h.square().sum(-2) + ROUND_NORM**2 for h in (a, b)]
    return mean((a * b).sum(-2).square() / (squared_norms[0] * squared_norms[1]), share)


def dot(a, b, share):
    """Squared scalar product: the "vector product of the features" of the paper's text.

    Squared, because the product itself has no lower bound.
    """
    return mean((a * b).sum(-2).square(), share)


def misa(a, b, share):
    """Orthogonality of Hazarika et al.: ||AB'||^2 of centred codes, each scaled to length 1.

    The lengths are constants for the gradient, as in their program, and 0.3 squared is added to
    their squares. Here AB' is a mean over the patients, where theirs is a sum: beta means the same
    for any batch size.
    """
    a, b = _unit_vectors(_centred(a, share)), _unit_vectors(_centred(b, share))
    return ((a * share.unsqueeze(-2)) @ b.mT).square().mean((-1, -2))


def mse(a, b, share):
    """Squared difference, the mean over the features."""
    return mean((a - b).square().mean(-2), share)


def _length(difference, axis, rounding=ROUND_DISTANCE):
    """Return the Euclidean norm along an axis, its kink at 0 rounded off."""
    return (difference.square().sum(axis) + rounding**2).sqrt() - rounding


def _centred(h, share):
    return h - mean(h, share.unsqueeze(-2)).unsqueeze(-1)


def _unit_vectors(h):
    return h / (h.detach().square().sum(-2, keepdim=True) + ROUND_NORM**2).sqrt()


SIMILARITIES = {"kl": kl, "jeffreys": jeffreys, "js": js, "cmd": cmd}
DIFFERENCES = {
    "soft_distance": soft_distance,
    "distance": distance,
    "xcorr": xcorr,
    "cosine": cosine,
    "dot": dot,
    "misa": misa,
}
RECONSTRUCTIONS = {"soft_norm": soft_distance, "norm": distance, "mse": mse}


class Constraints(NamedTuple):
    """Which definition each constraint takes, by its name in the dicts above."""

    similarity: str = "kl"
    difference: str = "soft_distance"
    reconstruction: str = "soft_norm"
