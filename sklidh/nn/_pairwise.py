"""The arithmetic of pairwise attention, exact, without keeping a tensor of every pixel pair.

Three things keep it lean. The first batch normalisation acts on differences of two pixel maps, so
its statistics come from the maps and it folds into them. The backward pass computes the
differences again; only the attention weights are kept. And on a map that is not larger than the
footprint, reflection makes the footprint visit the same pixels again and again: there each
distinct pixel is visited once, and counted.

Shapes: B images, H rows, W columns, P = H * W pixels, k the footprint's side, R relation channels
(two more carry the position), S channels that share each of G attention weights. Channels last.
"""

from functools import lru_cache

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

_relu_backward = torch.ops.aten.threshold_backward.grad_input


def reflected(n, reach, device=None):
    """Return the pixels that positions -reach .. n + reach - 1 of a reflected line show.

    The reflection is periodic, so it stays defined where `reach` exceeds the line.

    Returns
    -------
    LongTensor of shape (n + 2 * reach,)
    """
    if n == 1:
        return torch.zeros(1 + 2 * reach, dtype=torch.long, device=device)
    period = 2 * (n - 1)
    position = torch.arange(-reach, n + reach, device=device) % period
    return torch.minimum(position, period - position)


@lru_cache(maxsize=128)
def visits(n, reach, dtype=torch.float64, device=None):
    """Return how often the footprint of each pixel of a line shows each pixel.

    Returns
    -------
    Tensor of shape (n, n)
        Row: the pixel in the centre; its row sums to 2 * reach + 1.
    """
    shown = reflected(n, reach).unfold(0, 2 * reach + 1, 1)
    return torch.zeros(n, n, dtype=dtype).scatter_add_(
        1, shown, torch.ones(shown.shape, dtype=dtype)
    ).to(device)  # fmt: skip


def difference_moments(phi, psi, reach):
    """Return mean and variance of phi_i - psi_j over all pixels i and neighbours j.

    Parameters
    ----------
    phi, psi : Tensor of shape (B, H, W, R)
    reach : int
        Half the footprint: (k - 1) / 2.

    Returns
    -------
    mean, variance : Tensor of shape (R,)
        The variance is the biased one (divided by the count).
    """
    B, H, W, _ = phi.shape
    rows, columns = (visits(n, reach, phi.dtype, phi.device) for n in (H, W))
    count = B * H * W * (2 * reach + 1) ** 2
    share = (rows.sum(0)[:, None] * columns.sum(0))[..., None] / count
    mean_phi, mean_psi = phi.mean((0, 1, 2)), (psi * share).sum((0, 1, 2))
    phi, psi = phi - mean_phi, psi - mean_psi
    # One axis after the other: together, the two matrices would make one of P * P elements.
    neighbours = torch.einsum("wx,byxr->bywr", columns, psi)
    neighbours = torch.einsum("hy,bywr->bhwr", rows, neighbours)
    variance = (
        phi.square().mean((0, 1, 2))
        + (psi.square() * share).sum((0, 1, 2))
        - 2 / count * (phi * neighbours).sum((0, 1, 2))
    )
    return mean_phi - mean_psi, variance


def _normalise(h, counts, scale, shift, eps, mean, variance):
    """Normalise rows h (groups, pairs, R); return them, and the mean and 1 / deviation used."""
    if counts is None or mean is not None:
        rows, *used = torch.native_batch_norm(
            h.flatten(0, 1), scale, shift, mean, variance, mean is None, 0.0, eps
        )
        if mean is not None:
            used = mean, (variance + eps).rsqrt()
        return rows.view_as(h), *used
    # Here a row stands for `counts` pairs.
    total = len(h) * counts.sum()
    mean = (h.sum(0) * counts).sum(0) / total
    variance = ((h - mean).square_().sum(0) * counts).sum(0) / total
    inverse = (variance + eps).rsqrt()
    return (h - mean).mul_(inverse * scale).add_(shift), mean, inverse


def _normalise_backward(grad, h, counts, scale, mean, inverse, batch):
    """Return the gradients with respect to h, scale and shift; `batch`: mean was that of h."""
    if counts is None and batch:
        of_rows, of_scale, of_shift = torch.ops.aten.native_batch_norm_backward(
            grad.flatten(0, 1), h.flatten(0, 1), scale, None, None, mean, inverse,
            True, 0.0, [True, True, True],
        )  # fmt: skip
        return of_rows.view_as(h), of_scale, of_shift
    centred = (h - mean).mul_(inverse)
    of_shift, of_scale = grad.sum((0, 1)), (grad * centred).sum((0, 1))
    if batch:
        # Each row also moved the mean and the deviation that all rows were normalised by.
        pull = centred.mul_(of_scale).add_(of_shift).mul_(counts / (len(h) * counts.sum()))
        grad = grad - pull
    return grad * (scale * inverse), of_scale, of_shift


def _score(r, counts, first, scale, shift, second, bias, eps, mean, variance):
    """Return the attention logits of rectified differences r (groups, pairs, R + 2).

    And the mean and 1 / deviation of the normalisation, which is that of the batch where `mean`
    is None.
    """
    hidden, mean, inverse = _normalise(r @ first.t(), counts, scale, shift, eps, mean, variance)
    logits = torch.addmm(bias, hidden.relu_().flatten(0, 1), second.t())
    return logits, mean, inverse


def _score_backward(r, counts, grad, first, scale, shift, second, mean, inverse, batch):
    """Return the gradients of `_score`: with respect to r, and to its five parameters.

    `grad` has shape (groups * pairs, G). `batch` says whether the statistics came from h itself.
    """
    h = r @ first.t()
    slope = scale * inverse
    hidden = torch.addcmul(shift - mean * slope, h, slope).relu_()
    grad_second, grad_bias = grad.t() @ hidden.flatten(0, 1), grad.sum(0)
    grad_hidden = (grad @ second).view_as(h)
    _relu_backward(grad_hidden, hidden, 0, grad_input=grad_hidden)
    grad_h, grad_scale, grad_shift = _normalise_backward(
        grad_hidden, h, counts, scale, mean, inverse, batch
    )
    grad_first = grad_h.flatten(0, 1).t() @ r.flatten(0, 1)
    grad_r = grad_h @ first
    _relu_backward(grad_r, r, 0, grad_input=grad_r)
    return grad_r, grad_first, grad_scale, grad_shift, grad_second, grad_bias


def _windows(padded, k):
    """View (..., H + k - 1, W + k - 1, C) as (k, k, ..., H, W, C), nothing copied."""
    views = padded.unfold(-3, k, 1).unfold(-3, k, 1)
    return views.movedim((-2, -1), (0, 1))


def _offsets(padded, k):
    return [view for row in _windows(padded, k).unbind(0) for view in row.unbind(0)]


class AttendWindows(Function):
    """Attention of every pixel to the k * k offsets around it, for maps larger than those."""

    @staticmethod
    def forward(ctx, phi, psi, beta, first, scale, shift, second, bias, k, eps, mean, variance):
        """Return the attended values, and the mean and variance of the second normalisation.

        Parameters
        ----------
        phi : Tensor of shape (B, H, W, R + 2)
            Target pixels, normalised.
        psi : Tensor of shape (B, H + k - 1, W + k - 1, R + 2)
            Neighbours, normalised and padded.
        beta : Tensor of shape (S, B, H + k - 1, W + k - 1, G)
            Values, padded.
        first, second : Tensor of shape (R, R + 2), (G, R)
            The two 1 x 1 convolutions of gamma; `bias` (G,) belongs to the second.
        scale, shift : Tensor of shape (R,)
            Of the normalisation between them.
        mean, variance : Tensor of shape (R,) or None
            Its running statistics; None takes those of the batch.
        """
        ctx.k, ctx.batch = k, mean is None
        r = AttendWindows._rectified(phi, psi, k)
        logits, mean, inverse = _score(
            r, None, first, scale, shift, second, bias, eps, mean, variance
        )
        weights = logits.view(k * k, *phi.shape[:3], -1).softmax(0)
        out = beta.new_zeros(beta.shape[0], *weights.shape[1:])
        for weight, value in zip(weights, _offsets(beta, k), strict=True):
            out.addcmul_(weight, value)
        ctx.save_for_backward(
            phi, psi, beta, first, scale, shift, second, weights, out, mean, inverse
        )
        variance = inverse.pow(-2) - eps
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    def _rectified(phi, psi, k):
        r = phi.new_empty(k, k, *phi.shape)
        return torch.sub(phi, _windows(psi, k), out=r).relu_().view(1, -1, phi.shape[-1])

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, *_):
        """Return the gradients, the differences computed again."""
        phi, psi, beta, first, scale, shift, second, weights, out, mean, inverse = ctx.saved_tensors
        k, grad = ctx.k, grad.contiguous()
        grad_logits, grad_beta, product = (torch.zeros_like(t) for t in (weights, beta, grad))
        steps = zip(weights, grad_logits, _offsets(beta, k), _offsets(grad_beta, k), strict=True)
        for weight, grad_logit, value, grad_value in steps:
            torch.sum(torch.mul(grad, value, out=product), 0, out=grad_logit)
            grad_value.addcmul_(grad, weight)
        grad_logits.sub_(torch.mul(grad, out, out=product).sum(0)).mul_(weights)
        grad_r, *grad_parameters = _score_backward(
            AttendWindows._rectified(phi, psi, k), None, grad_logits.view(-1, weights.shape[-1]),
            first, scale, shift, second, mean, inverse, ctx.batch,
        )  # fmt: skip
        grad_r = grad_r.view(k * k, *phi.shape)
        grad_psi = torch.zeros_like(psi)
        for view, grad_offset in zip(_offsets(grad_psi, k), grad_r, strict=True):
            view.sub_(grad_offset)
        return grad_r.sum(0), grad_psi, grad_beta, *grad_parameters, None, None, None, None


class AttendPixels(Function):
    """The same on a small map: attention of every pixel to every pixel, times its visits."""

    @staticmethod
    def forward(ctx, phi, psi, beta, first, scale, shift, second, bias, counts, eps, mean, variance):  # fmt: skip # noqa: E501
        """Return the attended values, and the mean and variance of the second normalisation.

        Parameters
        ----------
        phi, psi : Tensor of shape (B, P, R + 2)
            Target pixels and neighbours, normalised.
        beta : Tensor of shape (B, G, P, S)
            Values.
        counts : Tensor of shape (P, P)
            How often the footprint of the row's pixel shows the column's.
        first, scale, shift, second, bias, eps, mean, variance
            As in `AttendWindows`.
        """
        ctx.batch = mean is None
        pairs = counts.view(-1, 1)
        logits, mean, inverse = _score(
            AttendPixels._rectified(phi, psi), pairs,
            first, scale, shift, second, bias, eps, mean, variance,
        )  # fmt: skip
        # A pixel seen n times takes n shares of the softmax; one never seen takes none (log 0).
        logits = logits.view(-1, *counts.shape, logits.shape[-1]).add_(counts.log()[..., None])
        weights = logits.softmax(2).permute(0, 3, 1, 2).contiguous()
        out = weights @ beta
        ctx.save_for_backward(
            phi, psi, beta, counts, first, scale, shift, second, weights, out, mean, inverse
        )
        variance = inverse.pow(-2) - eps
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    def _rectified(phi, psi):
        return (phi.unsqueeze(2) - psi.unsqueeze(1)).relu_().flatten(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, *_):
        """Return the gradients, the differences computed again."""
        phi, psi, beta, counts, first, scale, shift, second, weights, out, mean, inverse = (
            ctx.saved_tensors
        )
        grad_beta = weights.mT @ grad
        grad_logits = (grad @ beta.mT).sub_((grad * out).sum(-1, keepdim=True)).mul_(weights)
        grad_logits = grad_logits.permute(0, 2, 3, 1).reshape(-1, weights.shape[1])
        grad_r, *grad_parameters = _score_backward(
            AttendPixels._rectified(phi, psi), counts.view(-1, 1), grad_logits,
            first, scale, shift, second, mean, inverse, ctx.batch,
        )  # fmt: skip
        grad_r = grad_r.view(-1, *counts.shape, phi.shape[-1])
        return grad_r.sum(2), -grad_r.sum(1), grad_beta, *grad_parameters, None, None, None, None
