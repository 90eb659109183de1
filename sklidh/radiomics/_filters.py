"""The images whose voxels are described: the filters, each under PyRadiomics' name."""

from sklidh.radiomics._gradient import gradient_image
from sklidh.radiomics._log import check_room, log_image, occupied_box
from sklidh.radiomics._names import log_name
from sklidh.radiomics._pointwise import FUNCTIONS, pointwise_image
from sklidh.radiomics._wavelet import wavelet_images

IMAGE_TYPES = (
    "Original",
    "Wavelet",
    "LoG",
    "Gradient",
    "Square",
    "SquareRoot",
    "Logarithm",
    "Exponential",
)


def filtered_images(volume, roi, spacing, image_type, setting):
    """Filter the image in one way.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    roi : Roi
    spacing : sequence of float
        Voxel size along (z, y, x), mm.
    image_type : str
        One of `IMAGE_TYPES`.
    setting : dict
        PyRadiomics' ``setting`` as it holds for this image type.

    Yields
    ------
    name : str
    image : ndarray, shape of the region's bounding box
        In the type in which PyRadiomics has it.
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
        case _:
            name = image_type.lower()
            yield name, pointwise_image(volume, roi, FUNCTIONS[name])
