"""IBSI features of one image and its mask, with the names in IBSI's tables."""

import numpy as np

from sklidh.radiomics._compiling import compilation_announced
from sklidh.radiomics._discretisation import discretise
from sklidh.radiomics._ibsi_intensity import (
    histogram_features,
    local_peaks,
    statistics,
    volume_histogram_features,
)
from sklidh.radiomics._ibsi_morphology import morphology_features
from sklidh.radiomics._ibsi_preparation import grey_level_edges, prepare
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
    setting = settings.setting
    image = prepare(volume, mask, spacing, setting)
    roi = Roi(image.intensity)
    values = roi.values(image.volume[roi.box])
    limited = {{"cm": "glcm", "ngt": "ngtdm"}.get(family) for family in settings.feature_classes}
    grey = discretise(values, grey_level_edges(values, setting), roi, limited)
    shape_roi = roi
    if image.morphological is not image.intensity:
        shape_roi = Roi(image.morphological)
    features = {}
    with compilation_announced():
        for family, names in settings.feature_classes.items():
            described = _family(family, names, image, shape_roi, roi, values, grey, setting)
            features |= {f"original_{family}_{name}": value for name, value in described.items()}
    return in_order(features, settings), {"original": grey.level.size}


def _family(family, names, image, shape_roi, roi, values, grey, setting):
    match family:
        case "morph":
            spatial = not {"moran_i", "geary_c"}.isdisjoint(names)
            return morphology_features(shape_roi, roi, values, image.spacing, spatial=spatial)
        case "loc":
            return local_peaks(image.volume, roi, values, image.spacing)
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
