"""Square, square root, logarithm and exponential of the intensities, on the image's own range.

Each maps the image's largest magnitude m onto itself, so that bin widths keep their meaning. They
need that one number of the whole image, and the region otherwise.
"""

import numpy as np


def pointwise_image(volume, roi, function):
    """Apply a function to every voxel of the region's box.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    roi : Roi
    function : callable
        One of `FUNCTIONS`: of the intensities, and of the image's largest magnitude m.

    Returns
    -------
    ndarray of float64, shape of the bounding box
    """
    x = volume[roi.box].astype(np.float64)
    m = max(abs(float(volume.min())), abs(float(volume.max())))
    if m == 0:
        raise ValueError(
            "the image is 0 everywhere: Square, SquareRoot, Logarithm and Exponential "
            "scale by its largest intensity"
        )
    return function(x, m)


def _square(x, m):
    return (1 / np.sqrt(m) * x) ** 2


def _square_root(x, m):
    return np.sign(x) * np.sqrt(np.abs(x) * m)


def _logarithm(x, m):
    return np.sign(x) * np.log(np.abs(x) + 1) * (m / np.log(m + 1))


def _exponential(x, m):
    return np.exp(np.log(m) / m * x)


FUNCTIONS = {
    "square": _square,
    "squareroot": _square_root,
    "logarithm": _logarithm,
    "exponential": _exponential,
}
