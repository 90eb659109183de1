"""IBSI features of one image and its mask, with the names in IBSI's tables."""

import numpy as np

from sklidh.radiomics._compiling import compilation_announced
from sklidh.radiomics._discretisation import discretise
from sklidh.radiomics._ibsi_filter_table import IBSI_FILTERS
from sklidh.radiomics._ibsi_filters import responses
from sklidh.radiomics._ibsi_intensity import (
    histogram_features,
    local_peaks,
    statistics,
    volume_histogram_features,
)
from sklidh.radiomics._ibsi_morphology import morphology_features
from sklidh.radiomics._ibsi_preparation import (
    grey_level_edges,
    peak_reach,
    prepare,
    spacing_of,
)
from sklidh.radiomics._ibsi_presets import IBSI_PRESETS
from sklidh.radiomics._ibsi_table import AGGREGATIONS
from sklidh.radiomics._ibsi_texture import texture_features
from sklidh.radiomics._names import in_order
from sklidh.radiomics._roi import Roi


def measure_ibsi(volume, mask, spacing, settings):
    """Compute the IBSI features of one image in one region, and count its grey levels.

    Parameters
    ----------
    volume, mask, spacing, settings
        As in `sklidh.radiomics._extract.measure`.

    Returns
    -------
    features : dict of str to float
    n_levels : dict of str to int
    """
    each = {name: settings.of_image_type(name) for name in settings.image_types}
    new_spacing = spacing_of(spacing, settings.setting)
    filters = {
        name: responses(name, setting, new_spacing)
        for name, setting in each.items()
        if name in IBSI_FILTERS
    }
    margin = max((f.reach for found in filters.values() for f in found), default=0)
    image = prepare(volume, mask, spacing, settings.setting, margin)
    roi = Roi(image.intensity)
    shape_roi = roi
    if image.morphological is not image.intensity:
        shape_roi = Roi(image.morphological)
    features, n_levels = {}, {}
    with compilation_announced():
        if "morph" in settings.feature_classes:
            spatial = not {"moran_i", "geary_c"}.isdisjoint(settings.feature_classes["morph"])
            values = roi.values(image.volume[roi.box])
            described = morphology_features(shape_roi, roi, values, image.spacing, spatial=spatial)
            features |= {f"original_morph_{name}": value for name, value in described.items()}
        for image_type, setting in each.items():
            if image_type in filters:
                setting = setting | _of_responses(setting)
            for name, filtered in _images(image, roi, filters.get(image_type)):
                described, n_levels[name] = _describe(
                    filtered, image.spacing, shape_roi, roi, settings.feature_classes, setting
                )
                features |= {f"{name}_{feature}": value for feature, value in described.items()}
    return in_order(features, settings), n_levels


def _of_responses(setting):
    """Return the settings that differ for filtered images, whose intensities have no unit."""
    undivided = setting["ivhBinCount"] is None and setting["ivhBinWidth"] is None
    count = IBSI_PRESETS["ibsi"]["ivhBinCount"] if undivided else setting["ivhBinCount"]
    return {"resegmentRange": None, "ivhBinCount": count}


def _images(image, roi, filters):
    """Yield the unfiltered image, or each filter's response in the part that features read."""
    if filters is None:
        yield "original", image.volume
        return
    around = tuple(
        slice(max(0, side.start - reach), min(size, side.stop + reach))
        for side, reach, size in zip(
            roi.box, peak_reach(image.spacing), image.volume.shape, strict=True
        )
    )
    for each in filters:
        filtered = np.zeros(image.volume.shape)
        filtered[around] = each.compute(image.volume, around)
        yield each.name, filtered


def _describe(volume, spacing, shape_roi, roi, classes, setting):
    """Return the features of one image, and its number of grey levels."""
    values = roi.values(volume[roi.box])
    limited = {{"cm": "glcm", "ngt": "ngtdm"}.get(family) for family in classes}
    grey = discretise(values, grey_level_edges(values, setting), roi, limited)
    features = {}
    for family, names in classes.items():
        if family != "morph":
            described = _family(
                family, names, volume, spacing, shape_roi, roi, values, grey, setting
            )
            features |= {f"{family}_{name}": value for name, value in described.items()}
    return features, grey.level.size


def _family(family, names, volume, spacing, shape_roi, roi, values, grey, setting):
    match family:
        case "loc":
            return local_peaks(volume, roi, values, spacing)
        case "stat":
            return statistics(values, grey.count)
        case "ih":
            levels = grey.level_image.reshape(-1)[roi.voxels].astype(np.float64)
            return histogram_features(levels, grey)
        case "ivh":
            return volume_histogram_features(values, setting)
        case _:
            wanted = [a for a in AGGREGATIONS[family] if any(n.endswith(f"_{a}") for n in names)]
            return texture_features(family, grey, roi, shape_roi, wanted)
