"""The constraints of the fusion network: similarity, difference and reconstruction.

Every function compares two stacks of vectors, `a` and `b` of shape (..., n_patients, n_features),
and returns one number per stack, of shape (...). `share` of shape (..., n_patients) is each
patient's part of the mean: it adds up to 1, or is 0 throughout where no patient counts.
"""

from math import log
from typing import NamedTuple

import torch

# Added to the variances: a feature that is the same in all patients correlates with nothing.
VARIANCE_FLOOR = 1e-4
# A distance has a kink at 0, and a direction jumps where the vector is short: rounding errors grow
# there until the order of the rows decides the answer. Codes are of the order of 1.
ROUND_DISTANCE = 1e-2
ROUND_NORM = 0.1
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
    logits : Tensor of shape (..., n_patients, n_classes)
    y : Tensor of shape (..., n_patients)
        Class numbers, from 0.
    share : Tensor of shape (..., n_patients)
    """
    log_probability = torch.log_softmax(logits, -1)
    y = y.expand(log_probability.shape[:-1]).unsqueeze(-1)
    return -mean(log_probability.gather(-1, y).squeeze(-1), share)


def kl(a, b, share):
    """KL(p(a) || p(b)), where p(h) is the softmax of h over its features (Eq. 3).

    Not symmetric: which block comes first matters.
    """
    log_p, log_q = torch.log_softmax(a, -1), torch.log_softmax(b, -1)
    return mean((log_p.exp() * (log_p - log_q)).sum(-1), share)


def jeffreys(a, b, share):
    """KL(p || q) + KL(q || p): the symmetric sum."""
    log_p, log_q = torch.log_softmax(a, -1), torch.log_softmax(b, -1)
    return mean(((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-1), share)


def js(a, b, share):
    """Jensen-Shannon divergence: the mean of the KL of p and of q to (p + q) / 2; at most log 2."""
    log_p, log_q = torch.log_softmax(a, -1), torch.log_softmax(b, -1)
    log_middle = torch.logaddexp(log_p, log_q) - log(2)
    divergence = log_p.exp() * (log_p - log_middle) + log_q.exp() * (log_q - log_middle)
    return mean(divergence.sum(-1) / 2, share)


def cmd(a, b, share):
    """Central moment discrepancy of p(a) and p(b): means, then central moments 2 to 5.

    The sum over the orders of the distance between the two vectors of moments. It compares how
    the patients are spread, not patient by patient, and p(h) lies in [0, 1] as its bounds need.
    """
    p, q = torch.softmax(a, -1), torch.softmax(b, -1)
    share = share.unsqueeze(-1)
    mean_p, mean_q = (p * share).sum(-2), (q * share).sum(-2)
    total = torch.linalg.vector_norm(mean_p - mean_q, dim=-1)
    p, q = p - mean_p.unsqueeze(-2), q - mean_q.unsqueeze(-2)
    for order in range(2, CMD_MOMENTS + 1):
        moments = (p**order * share).sum(-2) - (q**order * share).sum(-2)
        total = total + torch.linalg.vector_norm(moments, dim=-1)
    return total


def distance(a, b, share):
    """Euclidean distance ||a - b||, as Eq. 4 and Eq. 5 print it, with its kink rounded off.

    sqrt(||a - b||^2 + d^2) - d with d = 0.01: 0 for equal vectors, never more than d too small.
    """
    squared = (a - b).square().sum(-1)
    return mean((squared + ROUND_DISTANCE**2).sqrt() - ROUND_DISTANCE, share)


def xcorr(a, b, share):
    """Squared correlation over the patients, the mean over all pairs of a feature of a and of b.

    Between 0 and 1, whatever the scale of the codes and the number of patients.
    """
    a, b = _centred(a, share), _centred(b, share)
    weighted = a * share.unsqueeze(-1)
    scale_a = ((weighted * a).sum(-2) + VARIANCE_FLOOR).rsqrt()
    scale_b = ((b * b * share.unsqueeze(-1)).sum(-2) + VARIANCE_FLOOR).rsqrt()
    correlation = (weighted.transpose(-1, -2) @ b) * scale_a.unsqueeze(-1) * scale_b.unsqueeze(-2)
    return correlation.square().mean((-1, -2))


def cosine(a, b, share):
    """Squared cosine of the angle between a and b, patient by patient.

    0.1 squared is added to both squared norms: two vectors of length 1 get 0.98 of their cosine.
    """
    squared_norms = [h.square().sum(-1) + ROUND_NORM**2 for h in (a, b)]
    return mean((a * b).sum(-1).square() / (squared_norms[0] * squared_norms[1]), share)


def dot(a, b, share):
    """Squared scalar product: the "vector product of the features" of the paper's text.

    Squared, because the product itself has no lower bound.
    """
    return mean((a * b).sum(-1).square(), share)


def misa(a, b, share):
    """Orthogonality of Hazarika et al.: ||A'B||^2, columns centred, then rows scaled to length 1.

    The row lengths are constants for the gradient, as in their program, and 0.1 squared is added
    to their squares. Here A'B is a mean over the patients, where theirs is a sum: beta means the
    same for any batch size.
    """
    a, b = _unit_rows(_centred(a, share)), _unit_rows(_centred(b, share))
    return ((a * share.unsqueeze(-1)).transpose(-1, -2) @ b).square().mean((-1, -2))


def mse(a, b, share):
    """Squared difference, the mean over the features."""
    return mean((a - b).square().mean(-1), share)


def _centred(h, share):
    return h - (h * share.unsqueeze(-1)).sum(-2, keepdim=True)


def _unit_rows(h):
    return h / (h.detach().square().sum(-1, keepdim=True) + ROUND_NORM**2).sqrt()


SIMILARITIES = {"kl": kl, "jeffreys": jeffreys, "js": js, "cmd": cmd}
DIFFERENCES = {
    "distance": distance,
    "xcorr": xcorr,
    "cosine": cosine,
    "dot": dot,
    "misa": misa,
}
RECONSTRUCTIONS = {"norm": distance, "mse": mse}


class Constraints(NamedTuple):
    """Which definition each constraint takes, by its name in the dicts above."""

    similarity: str = "kl"
    difference: str = "distance"
    reconstruction: str = "norm"
