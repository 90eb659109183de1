"""Radiomics features of one image and its mask, with PyRadiomics' names and values."""

from sklidh.radiomics._settings import Settings, SettingsError, feature_names, read_settings

__all__ = ["Settings", "SettingsError", "feature_names", "read_settings"]
