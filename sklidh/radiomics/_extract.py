"""Native radiomics: from one image and its mask to named numbers, PyRadiomics' values."""

import numpy as np

from sklidh.radiomics._discretisation import bin_edges, discretise
from sklidh.radiomics._firstorder import firstorder_features
from sklidh.radiomics._glcm import glcm_features
from sklidh.radiomics._gldm import gldm_features
from sklidh.radiomics._glrlm import glrlm_features
from sklidh.radiomics._glszm import glszm_features
from sklidh.radiomics._gradient import gradient_image
from sklidh.radiomics._kernels import compilation_announced
from sklidh.radiomics._log import check_room, log_image
from sklidh.radiomics._neighbours import half_directions
from sklidh.radiomics._ngtdm import ngtdm_features
from sklidh.radiomics._pointwise import pointwise_image
from sklidh.radiomics._roi import Roi, projections
from sklidh.radiomics._settings import SettingsError, in_order
from sklidh.radiomics._shape import shape_features
from sklidh.radiomics._wavelet import wavelet_images
from sklidh.radiomics._weights import co_occurrence_weights, run_weights

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
FAMILIES = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
UNSUPPORTED = ("normalize", "resampledPixelSpacing", "preCrop", "resegmentRange")


def extract(volume, mask, spacing, settings):
    """Compute the features of one image in one region.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
        Intensities in the type that they are stored in: integers and single precision are not
        treated alike, as in PyRadiomics.
    mask : ndarray of bool, same shape
        True in the region.
    spacing : sequence of float, shape (3,)
        Voxel size along (z, y, x), mm.
    settings : Settings

    Returns
    -------
    dict of str to float
        Keys and order as in ``feature_names(settings)``.

    Raises
    ------
    SettingsError
        The settings hold something that only ``engine="pyradiomics"`` does.
    ValueError
        The region is empty, too small for the settings, or holds a value that is not finite.
    """
    check_supported(settings)
    spacing = tuple(float(step) for step in spacing)
    check_region(volume, mask, spacing, settings)
    margin = max(
        max(settings.of_image_type(image_type)["distances"]) for image_type in settings.image_types
    )
    roi = Roi(mask, margin)
    with compilation_announced():
        return in_order(_describe_region(volume, roi, spacing, settings), settings)


def _describe_region(volume, roi, spacing, settings):
    features = {}
    if "shape" in settings.feature_classes:
        for name, value in shape_features(roi, spacing).items():
            features[f"original_shape_{name}"] = value
    wanted = {
        name: set(wanted)
        for name, wanted in settings.feature_classes.items()
        if name not in ("shape", "shape2D")
    }
    for image_type in settings.image_types:
        setting = settings.of_image_type(image_type)
        for image_name, image in filtered_images(volume, roi, spacing, image_type, setting):
            for family, values in _describe(image, roi, spacing, setting, wanted):
                for name, value in values.items():
                    features[f"{image_name}_{family}_{name}"] = value
    return features


def check_supported(settings):
    """Check, before any image is read, that the native engine can do what is asked.

    Raises
    ------
    SettingsError
        Naming the key; ``engine="pyradiomics"`` does it.
    """
    unsupported = [f"imageType {name}" for name in settings.image_types if name not in IMAGE_TYPES]
    unsupported += [
        f"featureClass {name}" for name in settings.feature_classes if name not in FAMILIES
    ]
    unsupported += [
        f"setting {key}={settings.setting[key]!r}"
        for key in UNSUPPORTED
        if settings.setting[key] not in (None, False)
    ]
    if unsupported:
        raise SettingsError(
            f"the native engine does not support {', '.join(unsupported)}; "
            'engine="pyradiomics" does'
        )


def check_region(volume, mask, spacing, settings):
    """Check that the region can be described: its size, its values, and room for the filters."""
    setting = settings.setting
    n_voxels = int(np.count_nonzero(mask))
    if n_voxels == 0:
        raise ValueError("the mask is empty: no voxel is above 0")
    if setting["minimumROISize"] is not None and n_voxels <= setting["minimumROISize"]:
        raise ValueError(
            f"the region has {n_voxels} voxels; minimumROISize={setting['minimumROISize']} asks "
            "for more than that"
        )
    n_axes = sum(np.ptp(np.flatnonzero(along)) > 0 for along in projections(mask))
    if n_axes < max(1, setting["minimumROIDimensions"]):
        raise ValueError(
            f"the region extends along {n_axes} of 3 axes; minimumROIDimensions="
            f"{setting['minimumROIDimensions']} asks for more (a single voxel never passes)"
        )
    if volume.dtype.kind == "f" and not np.isfinite(volume).all():
        raise ValueError("the image holds NaN or infinite intensities; repair it first")
    if "LoG" in settings.image_types:
        for sigma in settings.of_image_type("LoG")["sigma"]:
            check_room(volume.shape, spacing, sigma)


def filtered_images(volume, roi, spacing, image_type, setting):
    """Yield the name of each image of one type, and its voxels in the region's bounding box."""
    flat_axis = setting["force2Ddimension"] if setting["force2D"] else None
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
                flat_axis=flat_axis,
            )
        case "LoG":
            for sigma in setting["sigma"]:
                name = f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D"
                yield name, log_image(volume, roi, spacing, sigma)
        case "Gradient":
            steps = spacing if setting["gradientUseSpacing"] else (1.0, 1.0, 1.0)
            yield "gradient", gradient_image(volume, roi, steps)
        case _:
            function = image_type.lower()
            yield function, pointwise_image(volume, roi, function)


def _describe(image, roi, spacing, setting, wanted):
    """Yield the features of every wanted family of one image."""
    values = roi.values(image)
    edges = bin_edges(
        values, image.dtype, bin_width=setting["binWidth"], bin_count=setting["binCount"]
    )
    grey = discretise(values, edges, roi)
    flat_axis = setting["force2Ddimension"] if setting["force2D"] else None
    directions = half_directions(flat_axis, tuple(setting["distances"]))
    adjacent = half_directions(flat_axis)
    for family in wanted:
        match family:
            case "firstorder":
                yield (
                    family,
                    firstorder_features(
                        values, grey.count, np.prod(spacing), setting["voxelArrayShift"]
                    ),
                )
            case "glcm":
                yield (
                    family,
                    glcm_features(
                        grey,
                        roi,
                        directions,
                        symmetrical=setting["symmetricalGLCM"],
                        weights=co_occurrence_weights(
                            directions, spacing, setting["weightingNorm"]
                        ),
                        mcc="MCC" in wanted[family],
                    ),
                )
            case "glrlm":
                weights = run_weights(adjacent, spacing, setting["weightingNorm"])
                yield family, glrlm_features(grey, roi, adjacent, weights=weights)
            case "glszm":
                yield family, glszm_features(grey, roi, adjacent)
            case "gldm":
                yield family, gldm_features(grey, roi, directions, alpha=setting["gldm_a"])
            case "ngtdm":
                yield family, ngtdm_features(grey, roi, directions)
