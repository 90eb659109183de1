"""IBSI filters that are products of one-dimensional kernels: mean, LoG, Laws and wavelets.

Each of these filters is a weighted sum of *terms*, and each term has one kernel per axis, in the
order (x, y, z), or (x, y) for filters applied slice by slice. Convolving with a term takes one
pass per axis. Only the region's box with the margin that its kernels reach is filtered.

References
----------
.. [1] Zwanenburg et al., "Image Biomarker Standardisation Initiative: reference manual",
       arXiv:2006.05470, chapter on convolutional filters.
"""

import math
from itertools import permutations, product

import numpy as np
import pywt
from scipy.ndimage import convolve1d

LAWS_KERNELS = {
    "L3": (1, 2, 1),
    "E3": (-1, 0, 1),
    "S3": (-1, 2, -1),
    "L5": (1, 4, 6, 4, 1),
    "E5": (-1, -2, 0, 2, 1),
    "S5": (-1, 0, 2, 0, -1),
    "W5": (-1, 2, 0, -2, 1),
    "R5": (1, -4, 6, -4, 1),
}
BOUNDARIES = ("mirror", "nearest", "periodic", "zero")


def mean_terms(support, n_axes):
    """Return the term of the mean over a cube with sides of `support` voxels."""
    return {(tuple(np.full(support, 1 / support)),) * n_axes: 1.0}


def log_terms(sigma, steps, cutoff):
    """Return the terms of the Laplacian of Gaussian, whose kernel ends at `cutoff` deviations.

    Parameters
    ----------
    sigma : float
        mm.
    steps : sequence of float
        Voxel size along the axes (x, y) or (x, y, z), mm.
    cutoff : float
    """
    smooth, second = [], []
    for step in steps:
        width = sigma / step
        reach = math.floor(cutoff * width + 0.5)
        at = np.arange(-reach, reach + 1)
        gaussian = np.exp(-(at**2) / (2 * width**2)) / (math.sqrt(2 * math.pi) * width)
        smooth.append(tuple(gaussian))
        second.append(tuple(gaussian * (at**2 / width**2 - 1) / width**2))
    return {(*smooth[:axis], second[axis], *smooth[axis + 1 :]): 1.0 for axis in range(len(steps))}


def laws_kernels(name):
    """Return the normalised kernels of a response map such as ``L5E5S5``, along (x, y, z)."""
    kernels = (np.array(LAWS_KERNELS[name[i : i + 2]], float) for i in range(0, len(name), 2))
    return [tuple(kernel / np.linalg.norm(kernel)) for kernel in kernels]


def wavelet_kernels(wavelet, bands, level):
    """Return the undecimated kernels of a sub-band at a decomposition level.

    Parameters
    ----------
    wavelet : str
        A discrete wavelet of PyWavelets.
    bands : str
        Low-pass or high-pass along (x, y, z), as ``LLH``.
    level : int
    """
    wavelet = pywt.Wavelet(wavelet)
    low, high = (_centred(taps) for taps in (wavelet.dec_lo, wavelet.dec_hi))
    before = np.ones(1)
    for i in range(level - 1):
        before = np.convolve(before, _dilated(low, 2**i))
    last = {
        "L": np.convolve(before, _dilated(low, 2 ** (level - 1))),
        "H": np.convolve(before, _dilated(high, 2 ** (level - 1))),
    }
    return [tuple(last[band]) for band in bands]


def _centred(taps):
    # An even number of taps has no middle; IBSI appends a zero.
    return np.append(taps, 0.0) if len(taps) % 2 == 0 else np.array(taps)


def _dilated(taps, step):
    result = np.zeros((len(taps) - 1) * step + 1)
    result[::step] = taps
    return result


def mean_of_rotations(kernels):
    """Return the terms of the mean response over all rotations by right angles.

    The kernels of all rotations with an even or odd number of flips are added before convolving:
    with s = k + flipped k and d = k - flipped k, the products of an even (odd) number of flips add
    up to half the product of all s plus (minus) half the product of all d.
    """
    n = len(kernels)
    scale = 1 / (math.factorial(n) * 2**n)
    terms = {}
    for order in permutations(range(n)):
        chosen = [np.array(kernels[i]) for i in order]
        for sign, part in ((1, 1), (_parity(order), -1)):
            term = tuple(tuple(kernel + part * kernel[::-1]) for kernel in chosen)
            if all(any(kernel) for kernel in term):
                terms[term] = terms.get(term, 0) + sign * scale
    return {term: weight for term, weight in terms.items() if weight}


def rotated_terms(kernels):
    """Return the distinct terms of all rotations by right angles, with the signs they occur with.

    Returns
    -------
    dict of tuple to set of {1, -1}
        A flipped antisymmetric kernel counts as the kernel with the sign -1.
    """
    n, found = len(kernels), {}
    for order, flips in product(permutations(range(n)), product((1, -1), repeat=n)):
        if _parity(order) != math.prod(flips):
            continue
        sign, term = 1, []
        for i, flip in zip(order, flips, strict=True):
            kernel = kernels[i]
            if flip < 0 and tuple(-k for k in kernel[::-1]) == kernel:
                sign = -sign
            else:
                kernel = kernel[::flip]
            term.append(kernel)
        found.setdefault(tuple(term), set()).add(sign)
    return found


def _parity(order):
    pairs = ((a, b) for i, a in enumerate(order) for b in order[i + 1 :])
    return (-1) ** sum(a > b for a, b in pairs)


def summed(volume, box, terms, boundary):
    """Return the weighted sum of the responses to `terms` in a box of the image."""
    total = 0.0
    for response, weight in _responses(volume, box, terms, boundary):
        total = total + weight * response
    return total


def extreme(volume, box, terms, boundary, pooling):
    """Return the largest (``max``) or smallest (``min``) response to `terms` in a box."""
    choose = {"max": np.maximum, "min": np.minimum}[pooling]
    result = None
    for response, signs in _responses(volume, box, terms, boundary):
        for sign in signs:
            signed = sign * response
            result = signed if result is None else choose(result, signed, out=result)
    return result


def energy(response_of, box, shape, distance, boundary, n_axes):
    """Return the mean absolute response around each voxel (Laws' texture energy).

    Parameters
    ----------
    response_of : callable
        Returns the response in a box.
    box : tuple of slice, shape (3,)
    shape : tuple of int, shape (3,)
        Of the image.
    distance : int
        Chebyshev distance up to which voxels are averaged.
    boundary : str
    n_axes : {2, 3}
        2 averages within slices.
    """
    reach = [0, distance, distance] if n_axes == 2 else [distance] * 3
    around = tuple(
        slice(0, size)
        if boundary == "periodic" and (side.start < r or side.stop + r > size)
        else slice(max(0, side.start - r), min(size, side.stop + r))
        for side, r, size in zip(box, reach, shape, strict=True)
    )
    whole = _Block(np.abs(response_of(around)), around, shape)
    return summed(whole, box, mean_terms(2 * distance + 1, n_axes), boundary)


class _Block:
    """A part of an image, addressed by positions in the image."""

    def __init__(self, values, box, shape):
        self.values, self.shape = values, shape
        self.starts = [side.start for side in box]

    def __getitem__(self, places):
        return self.values[
            np.ix_(*(np.ravel(at) - s for at, s in zip(places, self.starts, strict=True)))
        ]


def extended(volume, box, reach, boundary):
    """Return a box of the image with a margin, where the boundary condition fills the outside."""
    if not any(reach):
        return volume[tuple(box)].astype(np.float64)
    places, outside = [], []
    for side, margin, size in zip(box, reach, volume.shape, strict=True):
        at = np.arange(side.start - margin, side.stop + margin)
        outside.append((at < 0) | (at >= size))
        if boundary == "periodic":
            at = at % size
        elif boundary == "mirror":
            at = at % (2 * size)
            at = np.minimum(at, 2 * size - 1 - at)
        places.append(at.clip(0, size - 1))
    block = volume[np.ix_(*places)].astype(np.float64)
    if boundary == "zero":
        for axis, beyond in enumerate(outside):
            np.moveaxis(block, axis, 0)[beyond] = 0
    return block


def _responses(volume, box, terms, boundary):
    """Convolve with each term; terms with the same first kernels share those passes."""
    axes = (2, 1, 0)[: len(next(iter(terms)))]
    longest = [max(len(term[i]) for term in terms) // 2 for i in range(len(axes))]
    reach = [0, 0, 0]
    for axis, r in zip(axes, longest, strict=True):
        reach[axis] = r
    block = extended(volume, box, reach, boundary)
    # The passes along z come first: each trims its axis, and lines along x are the fastest.
    branches = sorted((term[::-1], value) for term, value in terms.items())
    path, kept = [block], []
    for kernels, value in branches:
        same = 0
        while same < len(kept) and kept[same] == kernels[same]:
            same += 1
        del path[same + 1 :]
        for kernel, axis, r in list(zip(kernels, axes[::-1], longest[::-1], strict=True))[same:]:
            path.append(_pass(path[-1], np.array(kernel), axis, r))
        kept = kernels
        yield path[-1], value


def _pass(image, kernel, axis, reach):
    result = convolve1d(image, kernel, axis=axis, mode="constant")
    inner = [slice(None)] * 3
    inner[axis] = slice(reach, image.shape[axis] - reach)
    return result[tuple(inner)]
