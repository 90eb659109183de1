"""Maps of features: PyRadiomics' voxel-based extraction."""

import math
from difflib import get_close_matches

import numpy as np

from sklidh.radiomics._compiling import compilation_announced
from sklidh.radiomics._discretisation import bin_edges, discretise
from sklidh.radiomics._extract import _prepare, check_supported
from sklidh.radiomics._filters import filtered_images
from sklidh.radiomics._map_glcm import GLCM, glcm_map
from sklidh.radiomics._map_intensities import FIRSTORDER, NGTDM, firstorder_map, ngtdm_map
from sklidh.radiomics._map_runs import glrlm_map
from sklidh.radiomics._map_sizes import GLDM, GLRLM, GLSZM, gldm_map, glszm_map
from sklidh.radiomics._names import feature_names
from sklidh.radiomics._neighbourhood import neighbourhood
from sklidh.radiomics._neighbours import co_occurrence_weights, half_directions, run_weights
from sklidh.radiomics._parameters import VOXEL
from sklidh.radiomics._roi import Roi, bounding_box, check_grid
from sklidh.radiomics._settings import SettingsError, read_settings

MOST_BYTES = 4 * 2**30
"""Maximum memory of the maps of one image."""

COLUMNS = {
    "firstorder": FIRSTORDER,
    "glcm": GLCM,
    "glrlm": GLRLM,
    "glszm": GLSZM,
    "gldm": GLDM,
    "ngtdm": NGTDM,
}


def feature_maps(volume, mask, spacing, settings="full", features=None) -> dict[str, np.ndarray]:
    """Compute features around every voxel of a region: PyRadiomics' voxel-based extraction.

    The value of a map at a voxel is the feature of its neighbourhood, a cube of
    2 ``kernelRadius`` + 1 voxels (with ``force2D``, a square); grey levels are those of the whole
    region.

    Parameters
    ----------
    volume : array-like of shape (n_slices, n_rows, n_columns)
        Intensities in their stored type.
    mask : array-like of bool, of the same shape
        True in the region. To select a label, compare: ``labels == 1``.
    spacing : sequence of 3 float
        Voxel size along (z, y, x), in mm.
    settings : str, dict, path or Settings, default="full"
        As for `extract`. PyRadiomics' ``voxelSetting`` is read too: ``kernelRadius`` (default 1),
        ``maskedKernel`` (default true: voxels outside the region are left out of the
        neighbourhoods), ``initValue`` (default 0: the value outside the region) and ``voxelBatch``,
        which changes nothing.
    features : sequence of str, default=None
        Names from ``feature_names(read_settings(settings))``. None means all but the shape, which
        has no maps.

    Returns
    -------
    dict of str to ndarray of float64, of the same shape
        By feature. NaN where PyRadiomics defines no value, as for the GLCM of a voxel without
        neighbours.

    Raises
    ------
    SettingsError
        The settings cannot be used for maps.
    ValueError
        A feature is unknown, the maps need more than 4 GiB, the neighbourhood is larger than the
        image, or image and region cannot be used; see `extract`.

    See Also
    --------
    sklidh.features.write_feature_maps : The same for patients of a table, as NIfTI files.
    extract : One value per region.

    Examples
    --------
    >>> import numpy as np
    >>> from sklidh.radiomics import feature_maps
    >>> volume = np.arange(512.0).reshape(8, 8, 8)
    >>> maps = feature_maps(volume, volume > 99, (1, 1, 1), features=["original_firstorder_Mean"])
    >>> float(maps["original_firstorder_Mean"][4, 4, 4])
    292.0
    """
    settings = read_settings(settings, maps=True)
    check_supported(settings)
    volume = np.asarray(volume)
    volume = np.ascontiguousarray(volume, volume.dtype.newbyteorder("="))
    mask = np.ascontiguousarray(mask)
    check_grid(volume, mask, spacing)
    names = map_names(settings, features)
    voxel = {key: parameter.default for key, parameter in VOXEL.items()} | settings.voxel
    _check_size(mask, len(names), **voxel)
    wanted = {}
    for name in names:
        image, family, feature = name.split("_", 2)
        image = settings.repeated.get(image, image)
        wanted.setdefault(image, {}).setdefault(family, []).append((name, feature))
    setting, spacing = settings.setting, tuple(float(step) for step in spacing)
    corner = np.zeros(3, int)
    if setting["preCrop"] and mask.any():
        corner = [max(0, side.start - setting["padDistance"]) for side in bounding_box(mask)]
    prepared, kept, box, _, _ = _prepare(volume, mask, spacing, setting)
    at = np.flatnonzero(kept)
    if kept.shape != volume.shape:
        places = np.add(np.unravel_index(at, kept.shape), np.reshape(corner, (3, 1)))
        at = np.ravel_multi_index(places, volume.shape)
    roi = Roi(*_described(kept, box, **voxel))
    centres = np.flatnonzero(np.pad(kept[roi.box], roi.margin))
    maps = {}
    with compilation_announced():
        for image_type in settings.image_types:
            own = settings.of_image_type(image_type)
            for image, filtered in filtered_images(prepared, roi, spacing, image_type, own):
                for family, requested in wanted.get(image, {}).items():
                    table = _family(family, filtered, roi, centres, spacing, own, requested)
                    for name, feature in requested:
                        maps[name] = _empty(volume.shape, voxel["initValue"])
                        maps[name].reshape(-1)[at] = table[COLUMNS[family].index(feature)]
    return {name: maps[name] for name in names}


def map_names(settings, features=None) -> list[str]:
    """Return the names of the maps, checked.

    Parameters
    ----------
    settings : Settings
    features : sequence of str or None
        None means all features but the shape.

    Returns
    -------
    list of str
    """
    if settings.standard != "pyradiomics":
        raise SettingsError("maps have PyRadiomics' definitions; IBSI's presets have none")
    if "LBP3D" in settings.image_types and not settings.voxel.get("maskedKernel", True):
        raise SettingsError(
            "imageType LBP3D is computed in the region alone; remove maskedKernel: false, or LBP3D"
        )
    if settings.setting["resampledPixelSpacing"] and settings.setting["interpolator"]:
        raise SettingsError(
            "setting resampledPixelSpacing: maps lie in the grid of the image; resample the image "
            "and its mask first (sklidh.images.Resampling), or leave resampledPixelSpacing out"
        )
    available = [name for name in feature_names(settings) if not name.startswith("original_shape")]
    for name in features or ():
        if name not in available:
            near = get_close_matches(str(name), available, n=1)
            reason = (
                "describes a shape, and has no value per voxel"
                if str(name).startswith("original_shape")
                else "is not a feature of the settings"
                + (f" (did you mean {near[0]!r}?)" if near else "")
            )
            raise ValueError(f"features: {name!r} {reason}; feature_names(settings) lists them")
    return available if features is None else list(dict.fromkeys(features))


def _check_size(mask, n_maps, *, kernelRadius, initValue, **_):
    side = 2 * kernelRadius + 1
    if side > max(mask.shape):
        raise ValueError(
            f"kernelRadius={kernelRadius}: a neighbourhood of {side} voxels is larger than the "
            f"image of {' x '.join(map(str, mask.shape))}; choose a smaller radius"
        )
    # The system holds no memory for zeros that are never written, as around the region.
    filled = mask[bounding_box(mask)] if initValue == 0 and mask.any() else mask
    needed = n_maps * filled.size * 8
    if needed > MOST_BYTES:
        raise ValueError(
            f"{n_maps} maps of {' x '.join(map(str, filled.shape))} voxels need "
            f"{needed / 2**30:.1f} GiB, more than the {MOST_BYTES >> 30} accepted; name fewer "
            "features=" + ("" if initValue == 0 else ", or leave initValue at 0")
        )


def _empty(shape, value):
    return np.zeros(shape) if value == 0 else np.full(shape, value, np.float64)


def _described(kept, box, *, kernelRadius, maskedKernel, **_):
    """Return the voxels that neighbourhoods consist of, the margin around them, and their box."""
    if maskedKernel:
        return kept, kernelRadius, box
    wide = tuple(
        slice(max(0, side.start - kernelRadius), min(n, side.stop + kernelRadius))
        for side, n in zip(box, kept.shape, strict=True)
    )
    described = np.zeros_like(kept)
    described[wide] = True
    return described, kernelRadius, wide


def _family(family, image, roi, centres, spacing, setting, requested):
    """Return the features of one class and image, rows as in `COLUMNS`, one column per voxel."""
    flat_axis = setting["force2Ddimension"] if setting["force2D"] else None
    around = neighbourhood(roi.margin, roi.shape, flat_axis, tuple(setting["distances"]))
    # PyRadiomics bins intensities of single precision in double precision for this class.
    dtype = np.float64 if family == "firstorder" else image.dtype
    values = roi.values(image)
    edges = bin_edges(values, dtype, bin_width=setting["binWidth"], bin_count=setting["binCount"])
    names = {feature for _, feature in requested}
    grey = discretise(values, edges, roi, {family, *names})
    ranks, level = grey.image.reshape(-1), grey.level
    table = np.zeros((centres.size, len(COLUMNS[family])))
    norm, none = setting["weightingNorm"], np.empty(0)
    match family:
        case "firstorder":
            intensities = np.zeros(ranks.size)
            intensities[roi.voxels] = values
            shift = float(setting["voxelArrayShift"])
            firstorder_map(ranks, intensities, centres, around, math.prod(spacing), shift, table)
        case "glcm":
            directions = half_directions(flat_axis, setting["distances"])
            weights = co_occurrence_weights(directions, spacing, norm)
            weights = none if weights is None else weights
            symmetrical = setting["symmetricalGLCM"]
            if glcm_map(ranks, centres, level, around, weights, symmetrical, "MCC" in names, table):
                raise ValueError(
                    f"MCC with weightingNorm={norm!r}: the weights of the directions are too "
                    "unequal for its eigenvalues; leave MCC out"
                )
        case "glrlm":
            weights = run_weights(half_directions(flat_axis), spacing, norm)
            glrlm_map(ranks, centres, level, around, none if weights is None else weights, table)
        case "glszm":
            glszm_map(ranks, centres, level, around, table)
        case "gldm":
            gldm_map(ranks, centres, level, around, setting["gldm_a"], table)
        case "ngtdm":
            ngtdm_map(ranks, centres, level, around, table)
    return np.ascontiguousarray(table.T)
