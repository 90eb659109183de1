"""How the loops of networks are compiled, and what they see of a tensor."""

import torch

from sklidh.utils import kernel


def compiled(function):
    """Compile with numba; the machine code is kept on disk, and other threads run beside it.

    Without ``fastmath``: code that is compiled in this process and code that is read from disk are
    optimised apart, and would otherwise differ in the order of their sums, so in the last bit.
    numba looks for changes in a function's own file only: after an edit in one that others call,
    touch the callers' files, `_native_step.py` for the fusion.
    """
    return kernel(function, error_model="numpy")


def is_compiled_for(*tensors):
    """Return whether compiled loops can read these tensors."""
    first = tensors[0].dtype
    return first in (torch.float32, torch.float64) and all(
        each.is_cpu and each.dtype == first for each in tensors
    )


def arrays(*tensors):
    """Return numpy's view of each tensor."""
    return [each.detach().numpy() for each in tensors]
