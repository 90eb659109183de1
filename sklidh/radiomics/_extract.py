"""Native radiomics: compute PyRadiomics' features of one image and its mask."""

import math

import numpy as np

from sklidh.radiomics._compiling import compilation_announced
from sklidh.radiomics._discretisation import bin_edges, discretise
from sklidh.radiomics._filters import filtered_images
from sklidh.radiomics._firstorder import firstorder_features
from sklidh.radiomics._glcm import glcm_features
from sklidh.radiomics._gldm import gldm_features
from sklidh.radiomics._glrlm import glrlm_features
from sklidh.radiomics._glszm import glszm_features
from sklidh.radiomics._ibsi import measure_ibsi
from sklidh.radiomics._names import in_order
from sklidh.radiomics._neighbours import co_occurrence_weights, half_directions, run_weights
from sklidh.radiomics._ngtdm import ngtdm_features
from sklidh.radiomics._preprocessing import crop, normalise, resegment
from sklidh.radiomics._resampling import resample
from sklidh.radiomics._roi import Roi, bounding_box, check_grid, check_region
from sklidh.radiomics._settings import SettingsError
from sklidh.radiomics._shape import shape_features
from sklidh.radiomics._shape2d import shape2d_features

MOST_LBP_SAMPLES = 30
MOST_SUBDIVISIONS = 4


def check_supported(settings):
    """Check, before any image is read, that the native engine supports the settings.

    Raises
    ------
    SettingsError
        A key is not supported; the message names it.
    """
    if "LBP2D" in settings.image_types:
        setting = settings.of_image_type("LBP2D")
        method, samples = setting["lbp2DMethod"], setting["lbp2DSamples"]
        if method in ("default", "ror") and samples > MOST_LBP_SAMPLES:
            raise SettingsError(
                f"imageType LBP2D: lbp2DSamples is {samples}; a pattern of lbp2DMethod {method!r} "
                f"holds {MOST_LBP_SAMPLES}. Choose fewer, or lbp2DMethod 'uniform'"
            )
    if "LBP3D" in settings.image_types:
        subdivision = settings.of_image_type("LBP3D")["lbp3DIcosphereSubdivision"]
        if subdivision > MOST_SUBDIVISIONS:
            raise SettingsError(
                f"imageType LBP3D: lbp3DIcosphereSubdivision is {subdivision}; the native engine "
                f"accepts {MOST_SUBDIVISIONS} at most, {10 * 4**MOST_SUBDIVISIONS + 2} samples "
                "around each voxel"
            )


def extract(volume, mask, spacing, settings):
    """Compute the features of one image in one region; see `measure`.

    Returns
    -------
    dict of str to float
    """
    return measure(volume, mask, spacing, settings)[0]


def measure(volume, mask, spacing, settings):
    """Compute the features of one image in one region, and count its grey levels.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
        Intensities in their stored type; integers and single precision are treated differently, as
        in PyRadiomics.
    mask : ndarray of bool, same shape
        True in the region.
    spacing : sequence of float, shape (3,)
        Voxel size along (z, y, x), mm.
    settings : Settings

    Returns
    -------
    features : dict of str to float
        Keys and order as in ``feature_names(settings)``. NaN only where PyRadiomics defines no
        value, as for the GLCM of a region without two neighbouring voxels.
    n_levels : dict of str to int
        Grey levels of the region in each filtered image, by its name.

    Raises
    ------
    SettingsError
        The settings hold something that is not supported.
    ValueError
        Image, mask and voxel size do not match, an intensity is not finite, the region is empty or
        too small for the settings, the image is too small for a filter, or there are too many grey
        levels.
    """
    check_supported(settings)
    check_grid(volume, mask, spacing)
    spacing = tuple(float(step) for step in spacing)
    if settings.standard == "ibsi":
        return measure_ibsi(volume, mask, spacing, settings)
    volume, mask, box, shape_mask, spacing = _prepare(volume, mask, spacing, settings.setting)
    classes = settings.feature_classes
    features, n_levels = {}, {}
    with compilation_announced():
        each = {name: settings.of_image_type(name) for name in settings.image_types}
        margin = max(max(setting["distances"]) for setting in each.values())
        roi = Roi(mask, margin, box)
        shape_roi = roi if shape_mask is mask else Roi(shape_mask)
        if "shape" in classes:
            features |= _named("original_shape", shape_features(shape_roi, spacing))
        if "shape2D" in classes:
            flat_axis = settings.setting["force2Ddimension"]
            values = shape2d_features(shape_roi, spacing, flat_axis)
            features |= _named("original_shape2D", values)
        for image_type, setting in each.items():
            for name, image in filtered_images(volume, roi, spacing, image_type, setting):
                grey, described = _describe(image, roi, spacing, setting, classes)
                n_levels[name] = grey.level.size
                for family, values in described:
                    features |= _named(f"{name}_{family}", values)
    return in_order(features, settings), n_levels


def count_levels(volume, mask, spacing, settings):
    """Count the grey levels of the region in the unfiltered image.

    Parameters
    ----------
    volume, mask, spacing, settings
        As in `measure`.

    Returns
    -------
    dict of str to int
        By the image's name; empty if the settings leave the unfiltered image out.
    """
    if "Original" not in settings.image_types:
        return {}
    volume, mask, box, _, _ = _prepare(volume, mask, tuple(spacing), settings.setting)
    roi = Roi(mask, box=box)
    grey, _ = _describe(volume[roi.box], roi, (), settings.of_image_type("Original"), {})
    return {"original": grey.level.size}


def _prepare(volume, mask, spacing, setting):
    """Run the steps before the filters; return also the region's box and the mask for its shape."""
    required = {
        "fewest_axes": setting["minimumROIDimensions"],
        "more_than": setting["minimumROISize"],
    }
    resampled = setting["resampledPixelSpacing"] and setting["interpolator"]
    if resampled or setting["preCrop"]:
        check_region(mask)
    if setting["normalize"]:
        volume = normalise(
            volume, scale=setting["normalizeScale"], outliers=setting["removeOutliers"]
        )
    if resampled:
        extent = [side.stop - side.start for side in bounding_box(mask)]
        volume, mask, spacing = resample(
            volume,
            mask,
            spacing,
            setting["resampledPixelSpacing"][::-1],  # given as (x, y, z)
            interpolator=setting["interpolator"],
            margin=setting["padDistance"],
        )
        if not mask.any():
            raise ValueError(
                f"resampledPixelSpacing={list(setting['resampledPixelSpacing'])} (x, y, z) leaves "
                f"no voxel of the region, which is {extent[2]} x {extent[1]} x {extent[0]} voxels "
                "of the image large; choose smaller voxels"
            )
    elif setting["preCrop"]:
        volume, mask = crop(volume, mask, setting["padDistance"])
    box = check_region(mask, **required)
    if not setting["resegmentRange"]:
        return volume, mask, box, mask, spacing
    kept = resegment(volume, mask, setting["resegmentRange"], setting["resegmentMode"])
    box = check_region(kept, **required)
    if setting["resegmentShape"]:
        return volume, kept, box, kept, spacing
    # PyRadiomics computes the shape before resegmentation, within the box of the region after it.
    shape_mask = np.zeros_like(mask)
    shape_mask[box] = mask[box]
    return volume, kept, box, shape_mask, spacing


def _describe(image, roi, spacing, setting, classes):
    """Return one image's grey levels, and a generator of the features of all families but shape."""
    values = roi.values(image)
    edges = bin_edges(
        values, image.dtype, bin_width=setting["binWidth"], bin_count=setting["binCount"]
    )
    grey = discretise(values, edges, roi, {*classes, *classes.get("glcm", ())})
    return grey, _families(values, grey, roi, spacing, setting, classes)


def _families(values, grey, roi, spacing, setting, classes):
    flat_axis = setting["force2Ddimension"] if setting["force2D"] else None
    directions = half_directions(flat_axis, setting["distances"])
    adjacent = half_directions(flat_axis)
    for family, wanted in classes.items():
        match family:
            case "firstorder":
                yield (
                    family,
                    firstorder_features(
                        values, grey.count, math.prod(spacing), shift=setting["voxelArrayShift"]
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
                        mcc="MCC" in wanted,
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


def _named(prefix, values):
    return {f"{prefix}_{name}": value for name, value in values.items()}
