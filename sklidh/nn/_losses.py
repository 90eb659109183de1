"""Loss terms of the fusion network: similarity, difference and reconstruction.

Each function compares two stacks of vectors, `a` and `b` of shape (..., n_features, n_patients),
and returns one number per stack, of shape (...). `share` of shape (..., n_patients) is each
patient's weight in the mean; it sums to 1, or is 0 everywhere if no patient counts.
"""

from math import log
from typing import NamedTuple

import torch

# Added to the variances, so that a constant feature has zero correlation.
VARIANCE_FLOOR = 1e-4
# Rounding radii. A distance has a kink at 0, which collapses short vectors to exactly 0, and the
# direction of short vectors is unstable; both amplify rounding errors. Codes are of the order of 1.
ROUND_DISTANCE = 1e-2
ROUND_SOFT_DISTANCE = 1.0
ROUND_NORM = 0.3
CMD_MOMENTS = 5


def shares(weight: torch.Tensor) -> torch.Tensor:
    """Scale weights of shape (..., n_patients) to sum to 1; all-zero weights stay zero."""
    total = weight.sum(-1, keepdim=True)
    return weight / torch.where(total > 0, total, torch.ones_like(total))


def mean(value: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Return the weighted mean over the patients (last axis)."""
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

    Not symmetric: the order of the blocks matters.
    """
    log_p, log_q = torch.log_softmax(a, -2), torch.log_softmax(b, -2)
    return mean((log_p.exp() * (log_p - log_q)).sum(-2), share)


def jeffreys(a, b, share):
    """Symmetric sum KL(p || q) + KL(q || p)."""
    log_p, log_q = torch.log_softmax(a, -2), torch.log_softmax(b, -2)
    return mean(((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-2), share)


def js(a, b, share):
    """Jensen-Shannon divergence: mean KL divergence of p and q from (p + q) / 2; at most log 2."""
    log_p, log_q = torch.log_softmax(a, -2), torch.log_softmax(b, -2)
    log_middle = torch.logaddexp(log_p, log_q) - log(2)
    divergence = log_p.exp() * (log_p - log_middle) + log_q.exp() * (log_q - log_middle)
    return mean(divergence.sum(-2) / 2, share)


def cmd(a, b, share):
    """Central moment discrepancy of p(a) and p(b): means, then central moments 2 to 5.

    The sum over the orders of the rounded distance between the two vectors of moments. It compares
    the distributions over the patients, not patient by patient; p(h) lies in [0, 1], as the bounds
    of the CMD require.
    """
    p, q = torch.softmax(a, -2), torch.softmax(b, -2)
    mean_p, mean_q = (mean(h, share.unsqueeze(-2)) for h in (p, q))
    total = _length(mean_p - mean_q, -1)
    p, q = p - mean_p.unsqueeze(-1), q - mean_q.unsqueeze(-1)
    for order in range(2, CMD_MOMENTS + 1):
        total = total + _length(mean(p**order - q**order, share.unsqueeze(-2)), -1)
    return total


def distance(a, b, share):
    """Euclidean distance ||a - b|| of Eq. 4 and Eq. 5, slightly rounded at 0.

    sqrt(||a - b||^2 + d^2) - d with d = 0.01: 0 for equal vectors, and too small by at most d.
    """
    return mean(_length(a - b, -2), share)


def soft_distance(a, b, share):
    """Euclidean distance rounded at the scale of the codes.

    sqrt(||a - b||^2 + 1) - 1: ||a - b||^2 / 2 for short differences, ||a - b|| - 1 for long ones.
    Small differences between codes cost little, so that the codes do not collapse to a point.
    """
    return mean(_length(a - b, -2, ROUND_SOFT_DISTANCE), share)


def xcorr(a, b, share):
    """Squared correlation over the patients, averaged over all pairs of a feature of a and of b.

    Between 0 and 1 for any scale of the codes and any number of patients.
    """
    a, b = _centred(a, share), _centred(b, share)
    weighted = a * share.unsqueeze(-2)
    scale_a = ((weighted * a).sum(-1) + VARIANCE_FLOOR).rsqrt()
    scale_b = (mean(b * b, share.unsqueeze(-2)) + VARIANCE_FLOOR).rsqrt()
    correlation = (weighted @ b.mT) * scale_a.unsqueeze(-1) * scale_b.unsqueeze(-2)
    return correlation.square().mean((-1, -2))


def cosine(a, b, share):
    """Squared cosine of the angle between a and b, averaged over the patients.

    0.3 squared is added to both squared norms, which multiplies the result for two vectors of
    length 1 by 0.84.
    """
    squared_norms = [h.square().sum(-2) + ROUND_NORM**2 for h in (a, b)]
    return mean((a * b).sum(-2).square() / (squared_norms[0] * squared_norms[1]), share)


def dot(a, b, share):
    """Squared scalar product: the "vector product of the features" of the paper's text.

    It is squared because the product has no lower bound.
    """
    return mean((a * b).sum(-2).square(), share)


def misa(a, b, share):
    """Orthogonality loss of Hazarika et al.: ||AB'||^2 of centred codes scaled to length 1.

    As in their code, the lengths are treated as constants in the gradient; 0.3 squared is added to
    the squared lengths. AB' is a mean over the patients instead of their sum, so that beta does not
    depend on the batch size.
    """
    a, b = _unit_vectors(_centred(a, share)), _unit_vectors(_centred(b, share))
    return ((a * share.unsqueeze(-2)) @ b.mT).square().mean((-1, -2))


def mse(a, b, share):
    """Squared difference, averaged over the features."""
    return mean((a - b).square().mean(-2), share)


def _length(difference, axis, rounding=ROUND_DISTANCE):
    """Return the Euclidean norm along an axis, rounded at 0."""
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
    """Names of the definitions of each constraint, from the dicts above."""

    similarity: str = "kl"
    difference: str = "soft_distance"
    reconstruction: str = "soft_norm"
