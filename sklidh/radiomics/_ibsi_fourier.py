"""IBSI filters computed with Fourier transforms: Gabor, non-separable wavelets and Riesz.

References
----------
.. [1] Zwanenburg et al., "Image Biomarker Standardisation Initiative: reference manual",
       arXiv:2006.05470, chapter on convolutional filters.
"""

import math

import numpy as np
from scipy import fft

from sklidh.radiomics._ibsi_separable import extended

# Distance in standard deviations beyond which a Gabor kernel is cut off, at 1.5e-8 of its peak.
GABOR_REACH = 6.0
# Part of a Gabor filter's largest transfer below which frequencies are left out.
NEGLIGIBLE = 1e-10
NARROWEST_MARGIN = 16


def gabor_reach(sigma, gamma):
    """Return the distance at which a Gabor kernel ends, in the unit of `sigma`."""
    return GABOR_REACH * sigma * max(1.0, 1.0 / gamma)


def gabor(volume, box, steps, plane_axes, *, sigma, wavelength, gamma, angles, boundary):
    """Return the mean modulus of a Gabor filter's response over some angles within one plane.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    box : tuple of slice, shape (3,)
    steps : sequence of float
        Voxel size along (z, y, x), mm.
    plane_axes : tuple of int
        The array's axes that serve as y and x.
    sigma, wavelength : float
        mm.
    gamma : float
        Aspect ratio of the Gaussian envelope.
    angles : sequence of float
        Clockwise rotations, radians.
    boundary : str
    """
    reach = [0, 0, 0]
    for axis in plane_axes:
        reach[axis] = math.ceil(gabor_reach(sigma, gamma) / steps[axis])
    stack = min({0, 1, 2}.difference(plane_axes))
    block = np.moveaxis(extended(volume, box, reach, boundary), stack, 0)
    sizes = [fft.next_fast_len(size) for size in block.shape[1:]]
    spectrum = fft.fft2(block, sizes)
    # Wrapped around the array, as the transform of a kernel with its centre at the origin needs.
    y, x = (steps[axis] * _wrapped(size) for axis, size in zip(plane_axes, sizes, strict=True))
    y = y[:, None]
    rows, columns = (
        slice(reach[axis], reach[axis] + box[axis].stop - box[axis].start) for axis in plane_axes
    )
    total = 0.0
    # Opposite angles have conjugate responses, whose moduli are equal.
    distinct, counts = np.unique(np.round(np.mod(angles, math.pi), 9), return_counts=True)
    for angle, count in zip(distinct, counts, strict=True):
        along = math.sin(angle) * y + math.cos(angle) * x
        across = math.sin(angle) * x - math.cos(angle) * y
        envelope = np.exp(-(along**2 + (gamma * across) ** 2) / (2 * sigma**2))
        kernel = fft.fft2(envelope * np.exp(2j * math.pi / wavelength * along))
        # The filter passes a narrow band of frequencies; the inverse transform skips the others.
        passed = np.abs(kernel).max(axis=0) > NEGLIGIBLE * np.abs(kernel).max()
        half = np.zeros((len(block), rows.stop - rows.start, sizes[1]), complex)
        product = spectrum[:, :, passed] * kernel[:, passed]
        half[:, :, passed] = fft.ifft(product, axis=1, overwrite_x=True)[:, rows]
        response = fft.ifft(half, axis=2, overwrite_x=True)[:, :, columns]
        total = total + count * np.abs(response)
    return np.moveaxis(total / len(angles), 0, stack)


def _wrapped(size):
    return (np.arange(size) + size // 2) % size - size // 2


def simoncelli(square, level):
    """Return the Simoncelli wavelet's transfer function of the squared radial frequency.

    A frequency of 1 is the Nyquist frequency.
    """
    highest = 0.25 ** (level - 1)
    value = np.maximum(square, highest / 16)
    np.log2(value * (4 / highest), out=value)
    np.cos(value * (math.pi / 4), out=value)
    value[(square < highest / 16) | (square > highest)] = 0
    return value


def shannon(square, level):
    """Return the Shannon wavelet's transfer function of the squared radial frequency."""
    highest = 0.25 ** (level - 1)
    return ((square >= highest / 4) & (square <= highest)).astype(float)


FAMILIES = {"simoncelli": simoncelli, "shannon": shannon}


def fourier_response(volume, box, n_axes, *, boundary, wavelet=None, terms=None, order=None):
    """Return the response to a filter defined by its transfer function, for the whole image.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    box : tuple of slice, shape (3,)
        The part to return.
    n_axes : {2, 3}
        2 filters within slices.
    boundary : str
        ``"periodic"`` adds no margin: a Fourier transform is periodic.
    wavelet : tuple of (str, int) or None
        One of `FAMILIES`, and its decomposition level.
    terms : dict or None
        A sum of symmetric separable kernels, as in `sklidh.radiomics._ibsi_separable`.
    order : sequence of int or None
        Order of the Riesz transform along (x, y) or (x, y, z).

    Returns
    -------
    ndarray of float64, shape of the box
    """
    margin = NARROWEST_MARGIN
    if wavelet:
        margin *= 2 ** wavelet[1]
    if terms:
        margin = max(margin, *(len(kernel) for term in terms for kernel in term))
    if boundary == "periodic":
        margin = 0
    axes = (0, 1, 2)[-n_axes:]
    whole = tuple(
        slice(0, size) if axis in axes else side
        for axis, (side, size) in enumerate(zip(box, volume.shape, strict=True))
    )
    block = extended(volume, whole, [margin if axis in axes else 0 for axis in range(3)], boundary)
    sizes = [block.shape[axis] for axis in axes]
    # The response is real, so only the Hermitian part of the transfer function has an effect.
    transfer = _transfer(sizes, False, wavelet, order)
    transfer = transfer + np.conj(_transfer(sizes, True, wavelet, order))
    transfer *= 0.5
    spectrum = fft.rfftn(block, axes=axes)
    spectrum *= transfer
    if terms:
        spectrum *= _transform_of(terms, sizes)
    inner = [slice(side.start + margin, side.stop + margin) for side in box]
    # Each pass of the inverse transform leaves less for the next one.
    for axis in axes[:-1]:
        passed = np.moveaxis(fft.ifft(spectrum, axis=axis), axis, 0)[inner[axis]]
        spectrum = np.moveaxis(passed, 0, axis)
    return np.ascontiguousarray(fft.irfft(spectrum, sizes[-1], axis=2)[..., inner[2]])


def _transfer(sizes, negative, wavelet, order):
    """Return the transfer function at half of the frequencies, or at their negatives.

    Frequencies run from -1 to 1 in equal steps along each axis, as in IBSI's reference maps: an
    axis of even length has none that is exactly 0.
    """
    frequencies = []
    for axis, size in enumerate(sizes):
        frequency = fft.ifftshift(np.linspace(-1, 1, size)) if size > 1 else np.zeros(1)
        places = np.arange(size // 2 + 1 if axis == len(sizes) - 1 else size)
        shape = [-1 if a == axis else 1 for a in range(len(sizes))]
        frequencies.append(frequency[-places if negative else places].reshape(shape))
    square = sum(frequency**2 for frequency in frequencies)
    result = FAMILIES[wavelet[0]](square, wavelet[1]) if wavelet else 1.0
    if not order:
        return result
    total = sum(order)
    scale = (-1j) ** total * math.sqrt(
        math.factorial(total) / math.prod(map(math.factorial, order))
    )
    direction = math.prod(f**n for f, n in zip(frequencies, order[::-1], strict=True))
    return result * scale * direction / np.where(square == 0, 1.0, square) ** (total / 2)


def _transform_of(terms, sizes):
    """Return the transform of a sum of symmetric separable kernels centred on the origin."""
    total = 0.0
    for term, weight in terms.items():
        part = weight
        for axis, (kernel, size) in enumerate(zip(term[::-1], sizes, strict=True)):
            padded = np.zeros(size)
            places = np.arange(len(kernel)) - len(kernel) // 2
            np.add.at(padded, places % size, kernel)
            along = fft.fft(padded).real
            along = along[: size // 2 + 1] if axis == len(sizes) - 1 else along
            part = part * along.reshape([-1 if a == axis else 1 for a in range(len(sizes))])
        total = total + part
    return total
