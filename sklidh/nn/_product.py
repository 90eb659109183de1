"""The product of a matrix's rows and weights, its rows shared among threads."""

import torch
import torch.nn.functional as F
from torch.autograd import Function

from sklidh.nn._compiled import is_compiled_for
from sklidh.nn._precision import backward_as_kept
from sklidh.nn._threads import spread
from sklidh.nn._tiles import row_parts, total


def product(x, weight):
    """Return ``F.linear(x, weight)``, and its first derivatives.

    Parameters
    ----------
    x : Tensor of shape (..., C)
    weight : Tensor of shape (O, C)

    Returns
    -------
    Tensor of shape (..., O)
    """
    half = torch.is_autocast_enabled(x.device.type)
    if half or not x.numel() or not is_compiled_for(x, weight):
        return F.linear(x, weight)
    rows = x.reshape(-1, x.shape[-1])
    return Product.apply(rows, weight).unflatten(0, x.shape[:-1])


class Product(Function):
    """The product of rows and weights, there and back, on the CPU."""

    @staticmethod
    def forward(ctx, x, weight):
        """Return the product, of shape (n, O), of rows (n, C) and weights (O, C)."""
        out = x.new_empty(len(x), len(weight))
        spread(lambda part: torch.mm(x[part], weight.t(), out=out[part]), row_parts(x))
        ctx.save_for_backward(x, weight)
        return out

    @staticmethod
    @backward_as_kept
    def backward(ctx, grad):
        """Return the gradients of the rows and of the weights."""
        x, weight = ctx.saved_tensors
        grad, grad_x = grad.contiguous(), torch.empty_like(x)

        def multiply_back(part):
            torch.mm(grad[part], weight, out=grad_x[part])
            return grad[part].t() @ x[part]

        return grad_x, total(spread(multiply_back, row_parts(x)))
