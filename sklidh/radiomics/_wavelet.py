"""Wavelet sub-bands of the region, equal to PyWavelets' stationary transform of the whole image.

The transform at a voxel depends only on a few voxels around it. Filtering the region's box with
that margin, in PyWavelets' precision and order of additions, gives the same bits without
transforming the rest of the image.
"""

import numpy as np
import pywt

from sklidh.utils import kernel


def wavelet_images(volume, roi, *, wavelet="coif1", start_level=0, level=1, flat_axis=None):
    """Filter the region's box into wavelet sub-bands.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    roi : Roi
    wavelet : str
        A discrete wavelet of PyWavelets.
    start_level : int
        Number of first decomposition levels whose details are left out.
    level : int
        Number of decomposition levels that are kept.
    flat_axis : {0, 1, 2} or None
        Axis of (z, y, x) that is not filtered (``force2D``).

    Yields
    ------
    name : str
        ``wavelet-LLH``: the first letter is the filter along x, the last along z; ``wavelet2-...``
        for the second level. The approximation comes last.
    image : ndarray of float32 or float64, shape of the bounding box
        Single precision for a single-precision volume, double otherwise.
    """
    precision = np.float32 if volume.dtype == np.float32 else np.float64
    low, high = filter_taps(wavelet, precision)
    axes = [axis for axis in (2, 1, 0) if axis != flat_axis]
    n_levels = start_level + level
    after = len(low) // 2
    before = len(low) - 1 - after
    # The transform is circular; PyRadiomics repeats the first voxel of an odd axis at its end.
    period = [size + size % 2 for size in volume.shape]

    def places(margins):
        """Return the box with a margin for this many further levels, along each axis."""
        return [
            np.arange(side.start - margins * before, side.stop + margins * after) % period[axis]
            if axis in axes
            else np.arange(side.start, side.stop)
            for axis, side in enumerate(roi.box)
        ]

    around = [at * (at < n) for at, n in zip(places(n_levels), volume.shape, strict=True)]
    approximation = volume[np.ix_(*around)].astype(precision)
    for margins in range(n_levels - 1, -1, -1):
        wrapped = [
            (at + after - n + 1).clip(0, None)
            for at, n in zip(places(margins), period, strict=True)
        ]
        of_level = level - margins
        prefix = "wavelet-" if of_level <= 1 else f"wavelet{of_level}-"
        image = approximation
        for name, band in _sub_bands(image, axes, low, high, wrapped):
            if name == "L" * len(axes):
                approximation = band
            elif of_level >= 1:
                yield prefix + name, _trim(band, axes, margins * before, margins * after)
    yield prefix + "L" * len(axes), approximation


def _sub_bands(image, axes, low, high, wrapped, name=""):
    """Filter along one axis after another, keeping only one band per axis in memory."""
    if not axes:
        yield name, image
        return
    axis, *others = axes
    shape = list(image.shape)
    shape[axis] -= low.size - 1
    for letter, taps in (("L", low), ("H", high)):
        band = np.zeros(shape, image.dtype)
        _convolve(image, axis, taps, wrapped[axis], band)
        yield from _sub_bands(band, others, low, high, wrapped, name + letter)


def _trim(image, axes, before, after):
    """Remove the margin that only a further level would need."""
    return image[
        tuple(
            slice(before, size - after) if axis in axes else slice(None)
            for axis, size in enumerate(image.shape)
        )
    ]


def filter_taps(wavelet, precision):
    """Return the low-pass and high-pass taps as PyWavelets applies them in a precision.

    Its single-precision taps are not rounded double-precision taps, so they are read from the
    transform of an impulse.
    """
    n_taps = pywt.Wavelet(wavelet).dec_len
    impulse = np.zeros(2 * n_taps, precision)
    impulse[n_taps // 2] = 1
    return tuple(band[:n_taps] for band in pywt.swt(impulse, wavelet, level=1)[0])


@kernel
def _convolve(image, axis, taps, wrapped, result):
    """Add the taps in PyWavelets' order, a row at a time.

    The order is that of the taps, except where the first few meet voxels that wrap around the axis:
    these (`wrapped`, for each position along it) come last, in reverse order.
    """
    n_taps = taps.size
    n_columns = result.shape[2]
    for z in range(result.shape[0]):
        for y in range(result.shape[1]):
            row = result[z, y]
            turned = wrapped[z] if axis == 0 else wrapped[y] if axis == 1 else 0
            for t in range(n_taps):
                tap = turned - 1 - t if t < turned else t
                back = n_taps - 1 - tap
                if axis == 0:
                    source = image[z + back, y]
                elif axis == 1:
                    source = image[z, y + back]
                else:
                    source = image[z, y, back : back + n_columns]
                weight = taps[tap]
                for x in range(n_columns):
                    row[x] += weight * source[x]
            if axis < 2:
                continue
            for x in range(n_columns):
                if wrapped[x] > 1:
                    row[x] = 0
                    for t in range(n_taps):
                        tap = wrapped[x] - 1 - t if t < wrapped[x] else t
                        row[x] += taps[tap] * image[z, y, x + n_taps - 1 - tap]
