"""The filters whose output images are described: PyRadiomics' by its names, and IBSI's."""

import numpy as np

from sklidh.radiomics._ibsi_filter_table import IBSI_FILTERS
from sklidh.radiomics._ibsi_filters import responses
from sklidh.radiomics._lbp import lbp_2d_image, lbp_3d_images
from sklidh.radiomics._log import check_room, log_image, occupied_box
from sklidh.radiomics._names import images_of, log_name
from sklidh.radiomics._wavelet import wavelet_images


def filtered_images(volume, roi, spacing, image_type, setting):
    """Apply one filter to the image.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    roi : Roi
    spacing : sequence of float
        Voxel size along (z, y, x), mm.
    image_type : str
        A key of ``imageType``.
    setting : dict
        PyRadiomics' ``setting`` for this image type.

    Yields
    ------
    name : str
    image : ndarray, shape of the region's bounding box
        In the same data type as in PyRadiomics.
    """
    match image_type:
        case "Original":
            yield "original", volume[roi.box]
        case "Wavelet":
            yield from wavelet_images(
                volume,
                roi,
                wavelet=setting["wavelet"],
                start_level=setting["start_level"],
                level=setting["level"],
                flat_axis=setting["force2Ddimension"] if setting["force2D"] else None,
            )
        case "LoG":
            for sigma in setting["sigma"]:
                check_room(volume.shape, spacing, sigma)
            occupied = occupied_box(volume, roi)
            for sigma in setting["sigma"]:
                image = log_image(volume, roi, spacing, sigma, occupied=occupied)
                yield log_name(sigma), image
        case "Gradient":
            steps = spacing if setting["gradientUseSpacing"] else (1.0, 1.0, 1.0)
            yield "gradient", gradient_image(volume, roi, steps)
        case "LBP2D":
            yield (
                "lbp-2D",
                lbp_2d_image(
                    volume,
                    roi,
                    radius=setting["lbp2DRadius"],
                    samples=setting["lbp2DSamples"],
                    method=setting["lbp2DMethod"],
                    flat_axis=setting["force2Ddimension"],
                ),
            )
        case "LBP3D":
            images = lbp_3d_images(
                volume,
                roi,
                levels=setting["lbp3DLevels"],
                radius=setting["lbp3DIcosphereRadius"],
                subdivision=setting["lbp3DIcosphereSubdivision"],
            )
            yield from zip(images_of(image_type, setting), images, strict=True)
        case _ if image_type in IBSI_FILTERS:
            for response in responses(image_type, setting, spacing):
                yield response.name, response.compute(volume, roi.box)
        case _:
            name = image_type.lower()
            yield name, pointwise_image(volume, roi, FUNCTIONS[name])


def gradient_image(volume, roi, spacing):
    """Return the magnitude of the intensity gradient, by central differences.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    roi : Roi
    spacing : sequence of float
        Voxel size along (z, y, x), mm; ones ignore it (``gradientUseSpacing: false``).

    Returns
    -------
    ndarray of float32, shape of the bounding box
    """
    # Outside the image, the nearest voxel inside is used.
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
        # Each side is scaled before subtracting: ITK's order, which gives the same rounding.
        squares = squares + (around[tuple(after)] * half - around[tuple(before)] * half) ** 2
    return np.sqrt(squares).astype(np.float32)


def pointwise_image(volume, roi, function):
    """Apply a function to every voxel in the region's box.

    Each function maps the image's largest magnitude m onto itself, so that bin widths keep their
    meaning. Only that number requires the whole image.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    roi : Roi
    function : callable
        One of `FUNCTIONS`, called with the intensities and the image's largest magnitude m.

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
