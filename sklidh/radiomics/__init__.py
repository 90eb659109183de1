"""Radiomics features of one image and its mask, with PyRadiomics' names and values."""

from sklidh.radiomics._announcement import announced_once
from sklidh.radiomics._engines import DIAGNOSTICS, diagnose, engine_of, extract
from sklidh.radiomics._feature_maps import feature_maps, map_names
from sklidh.radiomics._feature_table import describe_features
from sklidh.radiomics._ibsi_table import describe_ibsi_features
from sklidh.radiomics._names import feature_names
from sklidh.radiomics._settings import PRESET_NAMES, Settings, SettingsError, read_settings

__all__ = [
    "DIAGNOSTICS",
    "PRESET_NAMES",
    "Settings",
    "SettingsError",
    "announced_once",
    "describe_features",
    "describe_ibsi_features",
    "diagnose",
    "engine_of",
    "extract",
    "feature_maps",
    "feature_names",
    "map_names",
    "read_settings",
]
