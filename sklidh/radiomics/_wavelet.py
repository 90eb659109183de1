"""Wavelet sub-bands of the region, as PyWavelets' stationary transform of the whole image has them.

The transform of a voxel depends on a few voxels around it only. Filtering the region's box with
that margin, in the precision and in the order of additions of PyWavelets' own loop, gives its
values to the last bit without transforming the rest of the image.
"""

import numpy as np
import pywt

from sklidh.radiomics._kernels import kernel


def wavelet_images(volume, roi, *, wavelet="coif1", start_level=0, level=1, flat_axis=None):
    """Filter the region's box into wavelet sub-bands.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    roi : Roi
    wavelet : str
        A discrete wavelet of PyWavelets.
    start_level : int
        Decompositions whose details are left out.
    level : int
        Decompositions that are kept.
    flat_axis : {0, 1, 2} or None
        Axis of (z, y, x) that is not filtered (``force2D``).

    Yields
    ------
    name : str
        ``wavelet-LLH``: the first letter is the filter along x, the last along z; ``wavelet2-...``
        for the second level. The approximation comes last.
    image : ndarray of float32 or float64, shape of the bounding box
        Single precision for a volume in single precision, double otherwise.
    """
    precision = np.float32 if volume.dtype == np.float32 else np.float64
    low, high = filter_taps(wavelet, precision)
    # The transform is circular. PyRadiomics repeats the first voxel of an odd axis at its end.
    axes = [axis for axis in (2, 1, 0) if axis != flat_axis]
    n_levels = start_level + level
    before = len(low) - 1 - len(low) // 2
    after = len(low) // 2
    around = [
        (n_levels * before, n_levels * after) if axis in axes else (0, 0) for axis in range(3)
    ]
    approximation = _circular_crop(volume, roi, around).astype(precision)
    for done in range(n_levels):
        here = done + 1 - start_level
        prefix = "wavelet-" if here <= 1 else f"wavelet{here}-"
        left = n_levels - done - 1
        image = approximation
        for name, band in _sub_bands(image, axes, low, high):
            if name == "L" * len(axes):
                approximation = band
            elif here >= 1:
                yield prefix + name, _trim(band, axes, left * before, left * after)
    yield prefix + "L" * len(axes), approximation


def _sub_bands(image, axes, low, high, name=""):
    """Filter along one axis after another, keeping no more than one band per axis in memory."""
    if not axes:
        yield name, image
        return
    for letter, taps in (("L", low), ("H", high)):
        band = _filter_along(image, axes[0], taps)
        yield from _sub_bands(band, axes[1:], low, high, name + letter)


def _trim(image, axes, before, after):
    """Cut off the margin that only a further level would need."""
    return image[
        tuple(
            slice(before, size - after) if axis in axes else slice(None)
            for axis, size in enumerate(image.shape)
        )
    ]


def filter_taps(wavelet, precision):
    """Low-pass and high-pass taps, as PyWavelets applies them in a precision.

    Its taps in single precision are not those in double precision, rounded: they are read off the
    transform of an impulse.
    """
    n_taps = pywt.Wavelet(wavelet).dec_len
    impulse = np.zeros(2 * n_taps, precision)
    impulse[n_taps // 2] = 1
    return tuple(band[:n_taps] for band in pywt.swt(impulse, wavelet, level=1)[0])


def _circular_crop(volume, roi, around):
    """The bounding box with a margin, taken around the ends of the (evenly long) axes."""
    places = []
    for axis, (before, after) in enumerate(around):
        size = volume.shape[axis]
        even = size + size % 2
        place = np.arange(roi.box[axis].start - before, roi.box[axis].stop + after) % even
        places.append(np.where(place < size, place, 0))
    return volume[np.ix_(*places)]


def _filter_along(image, axis, taps):
    """Convolve with `taps` along one axis; the margin that the filter needs is used up."""
    shape = list(image.shape)
    shape[axis] -= taps.size - 1
    result = np.zeros(shape, image.dtype)
    _convolve(image, axis, taps, result)
    return result


@kernel
def _convolve(image, axis, taps, result):
    """Add up the taps in PyWavelets' order, a row at a time."""
    last = taps.size - 1
    n_columns = result.shape[2]
    for z in range(result.shape[0]):
        for y in range(result.shape[1]):
            row = result[z, y]
            for t in range(taps.size):
                back = last - t
                if axis == 0:
                    source = image[z + back, y]
                elif axis == 1:
                    source = image[z, y + back]
                else:
                    source = image[z, y, back : back + n_columns]
                tap = taps[t]
                for x in range(n_columns):
                    row[x] += tap * source[x]
