"""Batch normalisation and ReLU of the columns of a matrix, there and back, a few rows at a time.

Where numpy can read the rows compiled loops run over them, else torch's operations. Shapes: n rows,
in any number of parts, and C columns.
"""

import torch

from sklidh.nn import _native_norm as native
from sklidh.nn._compiled import arrays, is_compiled_for

WIDTH = 256
"""How many numbers the compiled loops take at least for a row: short rows are joined."""


def update_running(norm, mean, variance, count):
    """Move the running averages of a batch normalisation as its own forward pass would."""
    with torch.no_grad():
        norm.num_batches_tracked.add_(1)
        # Without a momentum, all batches count the same.
        part = 1 / norm.num_batches_tracked if norm.momentum is None else norm.momentum
        norm.running_mean.lerp_(mean, part)
        norm.running_var.lerp_(variance * (count / (count - 1)), part)


def relu_backward_(grad, rectified):
    """Set the gradient to 0 where the rectified value is."""
    return torch.ops.aten.threshold_backward.grad_input(grad, rectified, 0, grad_input=grad)


def rows_joined(like):
    """Return how many rows of C numbers the compiled loops take for one, given a vector (C,)."""
    return max(1, WIDTH // len(like))


def joined(*vectors):
    """Return arrays of vectors (C,), repeated as often as rows are joined."""
    return arrays(*(each.repeat(rows_joined(each)) for each in vectors))


def flat(*rows):
    """Return arrays of matrices (n, C), row after row."""
    return arrays(*(each.view(-1) for each in rows))


class Sums:
    """Sums over rows, and over their products with other rows, in float64.

    Parameters
    ----------
    like : Tensor of shape (C,)
        Gives dtype and device.
    """

    def __init__(self, like):
        self.like, self.is_compiled = like, is_compiled_for(like)
        width = len(like) * (rows_joined(like) if self.is_compiled else 1)
        self.total, self.product = torch.zeros(2, width, dtype=torch.float64, device=like.device)

    def add(self, x, y, weigh=None):
        """Add rows x and their products with rows y, both (n, C), and return x.

        Parameters
        ----------
        x, y : Tensor of shape (n, C)
        weigh : callable, optional
            Multiplies each row of x by how often it counts; once, without.
        """
        weighed = x if weigh is None else weigh(x)
        if self.is_compiled:
            native.sums(*flat(weighed, y, self.total, self.product))
        else:
            self.total += weighed.sum(0, dtype=torch.float64)
            self.product += torch.mul(weighed, y).sum(0, dtype=torch.float64)
        return x

    @classmethod
    def together(cls, parts):
        """Return the sums over all rows that several have seen, added in their order."""
        whole = cls(parts[0].like)
        for part in parts:
            whole.total += part.total
            whole.product += part.product
        return whole

    def close(self):
        """Return the two sums, of shape (C,)."""
        return [each.view(-1, len(self.like)).sum(0) for each in (self.total, self.product)]

    def moments(self, n):
        """Return mean and biased variance (C,) of n rows that were added with themselves."""
        total, squares = self.close()
        mean = total / n
        variance = (squares / n - mean.square()).clamp(min=0)
        return [each.to(self.like) for each in (mean, variance)]


class Rectification:
    """max(gain * (x - mean) * scale + shift, 0), and its gradients.

    Parameters
    ----------
    gain, shift : Tensor of shape (C,)
        The normalisation's weight and bias.
    mean, scale : Tensor of shape (C,)
        Subtracted from the rows, and multiplied by.
    of_batch : bool
        Whether `mean` and `scale` are those of the rows, and so depend on them.
    """

    def __init__(self, gain, shift, mean, scale, of_batch):
        self.mean, self.scale, self.of_batch = mean, scale, of_batch
        self.slope = gain * scale
        self.offset = shift - mean * self.slope
        self.is_compiled = is_compiled_for(gain)
        self._line = joined(self.slope, self.offset) if self.is_compiled else ()

    def __call__(self, x, out):
        """Return the rectified rows (n, C); where loops are compiled, in `out`, which may be x."""
        if not self.is_compiled:
            return torch.addcmul(self.offset, x, self.slope).relu_()
        if out is x:
            native.rectify_here(*flat(x), *self._line)
        else:
            native.rectify(*flat(x), *self._line, *flat(out))
        return out

    def back_(self, grad, rectified, x, sums):
        """Turn the gradient of rectified rows into that of normalised ones, in place; sum it."""
        return sums.add(relu_backward_(grad, rectified), x)

    def gradients(self, sums, n):
        """Return the gradients of gain and shift, given the sums over all n rows.

        From here on it is known, too, how the rows' gradient depends on mean and scale: by a plane
        tilt * x + level.
        """
        total, product = sums.close()
        grad_gain = (product - self.mean * total) * self.scale
        tilt = -self.slope * self.scale * grad_gain / n * self.of_batch
        level = -self.slope * total / n * self.of_batch - tilt * self.mean
        grad_gain, grad_shift, self.tilt, self.level = (
            each.to(self.slope) for each in (grad_gain, total, tilt, level)
        )
        if self.is_compiled:
            self._plane = joined(self.slope, self.tilt, self.level)
        return grad_gain, grad_shift

    def spread_(self, grad, x, weigh=None, other=None):
        """Turn the gradient of normalised rows into that of the rows, in place.

        Parameters
        ----------
        grad, x : Tensor of shape (n, C)
        weigh : callable, optional
            Multiplies each row by how often it counted for mean and scale; once, without.
        other : Tensor of shape (n, C) or (0, C), optional
            Added, where all rows count once.
        """
        if self.is_compiled and weigh is None:
            other = x[:0] if other is None else other
            native.combine(*flat(x, grad), *self._plane, *flat(other))
            return grad
        plane = torch.addcmul(self.level, x, self.tilt)
        return grad.mul_(self.slope).add_(plane if weigh is None else weigh(plane))
