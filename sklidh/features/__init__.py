"""Stage 2: compute features from an image and its mask."""

from importlib import import_module

from sklidh.features._clinical import ClinicalFeatures
from sklidh.features._feature_maps import (
    check_map_folders,
    feature_map_images,
    map_columns,
    write_feature_maps,
)
from sklidh.features._radiomics import RadiomicsExtractor
from sklidh.features._radiomics_case import ExtractionError

# Loaded on first use, because they import torch.
_LAZY = {
    "SANetFeaturizer": "sklidh.features._sanet",
    "SANetClassifier": "sklidh.features._sanet_classifier",
}

__all__ = [
    "ClinicalFeatures",
    "ExtractionError",
    "RadiomicsExtractor",
    "SANetClassifier",
    "SANetFeaturizer",
    "check_map_folders",
    "feature_map_images",
    "map_columns",
    "write_feature_maps",
]


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'sklidh.features' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__():
    return sorted([*globals(), *_LAZY])
