"""Gradient magnitude of the region, as ITK computes it."""

import numpy as np


def gradient_image(volume, roi, spacing):
    """Length of the intensity's gradient, by central differences.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    roi : Roi
    spacing : sequence of float
        Voxel size along (z, y, x), mm; ones to leave it out (``gradientUseSpacing: false``).

    Returns
    -------
    ndarray of float32, shape of the bounding box
    """
    # Outside the image stands the nearest voxel inside.
    places = [
        np.arange(side.start - 1, side.stop + 1).clip(0, size - 1)
        for side, size in zip(roi.box, volume.shape, strict=True)
    ]
    around = volume[np.ix_(*places)].astype(np.float64)
    squares = 0.0
    for axis in (2, 1, 0):
        after = [slice(1, -1)] * 3
        before = list(after)
        after[axis], before[axis] = slice(2, None), slice(None, -2)
        half = 0.5 / spacing[axis]
        # Each side is scaled before the difference is taken: ITK's order, hence its rounding.
        squares = squares + (around[tuple(after)] * half - around[tuple(before)] * half) ** 2
    return np.sqrt(squares).astype(np.float32)
