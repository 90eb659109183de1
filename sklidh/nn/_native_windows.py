"""All pairs of a pixel and the k * k offsets around it, with compiled loops.

What `Windows` does with tensors, an operation at a time, is done here in one run through a tile,
so that each pair is read and written once. The products of matrices in between stay torch's.

Shapes as in `_neighbours`; a row of a map is one run of its W * C (or W * G) numbers, n in all, in
which a pixel further right is C (or G) numbers on.
"""

import numpy as np

from sklidh.nn._compiled import arrays, compiled
from sklidh.nn._native_layout import Layout
from sklidh.nn._neighbours import Windows, reflected


@compiled
def differences(image, top, phi, psi, C, r):
    """Write the rectified differences of a tile to `r`.

    Parameters
    ----------
    image, top : int
        The tile's first image and row.
    phi : ndarray of shape (B, H, W * C)
    psi : ndarray of shape (B, H + k - 1, (W + k - 1) * C)
    C : int
    r : ndarray of shape (k, k, images, rows, W * C)
    """
    k, _, images, rows, n = r.shape
    zero = r.dtype.type(0)
    for b in range(images):
        for y in range(rows):
            target = phi[image + b, top + y]
            for down in range(k):
                for right in range(k):
                    neighbour = psi[image + b, top + y + down, right * C : right * C + n]
                    out = r[down, right, b, y]
                    for t in range(n):
                        difference = target[t] - neighbour[t]
                        # Not a number is neither: it stays.
                        out[t] = zero if difference < 0 else difference


@compiled
def differences_back(image, top, grad, r, C, grad_phi, grad_psi):
    """Add to the gradients of phi and psi, given that of `r`; shapes as in `differences`."""
    k, _, images, rows, n = r.shape
    zero = r.dtype.type(0)
    for b in range(images):
        for y in range(rows):
            target = grad_phi[image + b, top + y]
            for down in range(k):
                for right in range(k):
                    neighbour = grad_psi[image + b, top + y + down, right * C : right * C + n]
                    rectified, out = r[down, right, b, y], grad[down, right, b, y]
                    for t in range(n):
                        part = zero if rectified[t] <= 0 else out[t]
                        target[t] += part
                        neighbour[t] -= part


@compiled
def attend(image, top, weights, beta, G, out):
    """Write the weighted sums of a tile to `out`.

    Parameters
    ----------
    image, top : int
        The tile's first image and row.
    weights : ndarray of shape (k, k, images, rows, W * G)
    beta : ndarray of shape (S, B, H + k - 1, (W + k - 1) * G)
    G : int
    out : ndarray of shape (S, B, H, W * G)
    """
    k, _, images, rows, n = weights.shape
    for b in range(images):
        for y in range(rows):
            out[:, image + b, top + y] = 0
            # A line of beta and k lines of weights stay in the first cache.
            for down in range(k):
                for s in range(len(out)):
                    mean = out[s, image + b, top + y]
                    line = beta[s, image + b, top + y + down]
                    for right in range(k):
                        weight = weights[down, right, b, y]
                        value = line[right * G : right * G + n]
                        for t in range(n):
                            mean[t] += weight[t] * value[t]


@compiled
def attend_back(image, top, grad, weights, beta, out, G, grad_beta, grad_logits):
    """Add to the gradient of beta, and write that of the logits, given that of `out`.

    Parameters
    ----------
    image, top : int
    grad, out : ndarray of shape (S, B, H, W * G)
    weights, grad_logits : ndarray of shape (k, k, images, rows, W * G)
    beta, grad_beta : ndarray of shape (S, B, H + k - 1, (W + k - 1) * G)
    G : int
    """
    k, _, images, rows, n = weights.shape
    mean = np.empty(n, weights.dtype)  # of the gradients of a footprint's weights
    for b in range(images):
        for y in range(rows):
            mean[:] = 0
            for s in range(len(out)):
                channel, attended = grad[s, image + b, top + y], out[s, image + b, top + y]
                for t in range(n):
                    mean[t] += channel[t] * attended[t]
            for down in range(k):
                for right in range(k):
                    logit = grad_logits[down, right, b, y]
                    for t in range(n):
                        logit[t] = -mean[t]
                for s in range(len(out)):
                    channel = grad[s, image + b, top + y]
                    line = beta[s, image + b, top + y + down]
                    grad_line = grad_beta[s, image + b, top + y + down]
                    for right in range(k):
                        logit, value = grad_logits[down, right, b, y], line[right * G :]
                        for t in range(n):
                            logit[t] += channel[t] * value[t]
                    for right in range(k):
                        weight, grad_value = weights[down, right, b, y], grad_line[right * G :]
                        for t in range(n):
                            grad_value[t] += channel[t] * weight[t]
                for right in range(k):
                    weight, logit = weights[down, right, b, y], grad_logits[down, right, b, y]
                    for t in range(n):
                        logit[t] *= weight[t]


class CompiledWindows(Windows):
    """`Windows` for maps that numpy can read: on the CPU, in float32 or float64."""

    def maps(self, phi, psi, beta, share, place, slope, offset):
        """Normalise and lay out phi, psi (B, H, W, R) and beta (B, H, W, S * G)."""
        down, across = (reflected(n, self.k // 2) for n in place.shape[:2])
        return Layout.apply(phi, psi, beta, place, slope, offset, down, across, share)

    def differences(self, phi, psi, tile, scratch):
        """Return the rectified differences of phi and psi, (K * n, C)."""
        C = phi.shape[-1]
        r = scratch("r", phi, *self._shape(phi, tile))
        differences(*_first(tile), *_lines(phi, psi), C, *_lines(r))
        return r.view(-1, C)

    def differences_backward(self, grad, differences, grad_phi, grad_psi, tile):
        """Add to the gradients of phi and psi."""
        C = grad_phi.shape[-1]
        shape = self._shape(grad_phi, tile)
        both = _lines(grad.view(shape), differences.view(shape))
        differences_back(*_first(tile), *both, C, *_lines(grad_phi, grad_psi))

    def attend(self, weights, beta, out, tile):
        """Fill a tile of out with the weighted mean of beta."""
        weights = weights.view(self._shape(out[0], tile))
        attend(*_first(tile), *_lines(weights, beta), out.shape[-1], *_lines(out))

    def attend_backward(self, grad, weights, beta, out, grad_beta, tile, scratch):
        """Return the gradient of the logits (K * n, G), and add to that of beta."""
        G = out.shape[-1]
        weights = weights.view(self._shape(out[0], tile))
        grad_logits = scratch("grad_logits", weights, *weights.shape)
        given = _lines(grad, weights, beta, out)
        attend_back(*_first(tile), *given, G, *_lines(grad_beta, grad_logits))
        return grad_logits.view(-1, G)

    def _shape(self, maps, tile):
        """Return the shape of a tile's pairs, (k, k, images, rows, W, channels)."""
        return self.k, self.k, *self._targets(maps, tile).shape


def _first(tile):
    """Return the first image and row of a tile."""
    return [part.start for part in tile]


def _lines(*maps):
    """Return arrays whose last axis is a row of pixels with all its channels."""
    return arrays(*(each.flatten(-2) for each in maps))
