"""Single precision inside of autocast, for derivatives that are written down."""

from functools import wraps

import torch
from torch.autograd.function import once_differentiable


def backward_as_kept(backward):
    """Make a `Function.backward` one that cannot be differentiated and that autocast leaves alone.

    What was kept has the precision of the forward pass, and products of two precisions are none.
    """

    @wraps(backward)
    def run(ctx, *grads):
        with torch.autocast(ctx.saved_tensors[0].device.type, enabled=False):
            return backward(ctx, *grads)

    return once_differentiable(run)
