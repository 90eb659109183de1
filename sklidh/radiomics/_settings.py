"""The choice of features and settings: presets, dictionaries and PyRadiomics parameter files."""

import json
import os
import reprlib
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

import numpy as np

from sklidh.radiomics._feature_table import DEPRECATED, FEATURES
from sklidh.radiomics._ibsi_filter_table import IBSI_FILTERS, check_filter
from sklidh.radiomics._ibsi_presets import IBSI_PRESETS, IBSI_SETTINGS
from sklidh.radiomics._ibsi_table import ibsi_features
from sklidh.radiomics._parameters import (
    DISCRETISATION_AND_MATRICES,
    FILTERS,
    IMAGE_TYPES,
    INTERPOLATORS,
    SETTINGS,
    VOXEL,
)
from sklidh.radiomics._presets import PRESETS, REPEATED
from sklidh.utils import UserError

PRESET_NAMES = (*PRESETS, *IBSI_PRESETS)
"""Preset names that `read_settings` accepts."""

KNOWN = {name: FEATURES[name] + DEPRECATED.get(name, ()) for name in FEATURES}


class SettingsError(UserError, ValueError):
    """Settings that cannot be used; the message gives key, value seen and accepted values."""


@dataclass(frozen=True)
class Settings:
    """The complete settings of one extraction; engines add no defaults of their own.

    Parameters
    ----------
    image_types : dict of str to dict
        PyRadiomics' ``imageType``: the filter, and its overrides of `setting`.
    feature_classes : dict of str to tuple of str
        PyRadiomics' ``featureClass``: the class and all its requested features; in IBSI's presets,
        the family.
    setting : dict
        PyRadiomics' ``setting``, with 3.0.1's default for missing keys. ``label`` is None (any
        label above 0) unless given.
    name : str
        The preset's name, or an empty string.
    repeated : dict of str to str
        Names of images whose columns duplicate those of another image:
        ``{"wavelet-LLL": "wavelet-LL"}`` in the preset ``"paper"``.
    standard : {"pyradiomics", "ibsi"}
        The standard that defines and names the features.
    voxel : dict
        PyRadiomics' ``voxelSetting``, for maps alone.
    """

    image_types: dict[str, dict]
    feature_classes: dict[str, tuple[str, ...]]
    setting: dict
    name: str = ""
    repeated: dict[str, str] = field(default_factory=dict)
    standard: str = "pyradiomics"
    voxel: dict = field(default_factory=dict)

    def of_image_type(self, image_type: str) -> dict:
        """Return the settings for one image type.

        Parameters
        ----------
        image_type : str
            A key of `image_types`.

        Returns
        -------
        dict
            `setting`, updated with the overrides of the image type.
        """
        return self.setting | self.image_types[image_type]

    def as_text(self) -> str:
        """Return all settings that affect names and values.

        Returns
        -------
        str
            JSON; equal for equivalent settings.
        """
        return json.dumps([self.image_types, self.feature_classes, self.setting, self.repeated])


def read_settings(settings, *, maps=False) -> Settings:
    """Read a preset, a dictionary or a PyRadiomics parameter file.

    Parameters
    ----------
    settings : {"paper", "full", "ibsi", "ibsi-a" to "ibsi-e"}, dict, path or Settings
        A dictionary has the form of a PyRadiomics parameter file: ``imageType``, ``featureClass``
        and ``setting``; ``preset`` names a preset for them to change, as in
        ``{"preset": "paper", "setting": {"binCount": 32}}``. A path names such a file, YAML or
        JSON. As in PyRadiomics, no image type means Original alone, no feature class means all but
        shape2D, and an empty list of features means all that are not deprecated. Other keys of
        PyRadiomics are accepted if they can have an effect. With IBSI's presets, ``featureClass``
        and ``setting`` hold IBSI's families and settings, and ``imageType`` only IBSI's filters,
        which PyRadiomics' features can be computed from too.
    maps : bool, default=False
        Whether the settings are for `feature_maps`, the only use of ``voxelSetting``.

    Returns
    -------
    Settings

    Raises
    ------
    SettingsError
        A key or value is unknown to PyRadiomics 3.0.1, or has no effect in its place.
    """
    read = settings if isinstance(settings, Settings) else _read(settings)
    if read.voxel and not maps:
        raise SettingsError(
            "the settings: voxelSetting asks for a map, a feature's value around each voxel, which "
            "sklidh.radiomics.feature_maps computes; here every feature is one number per tumour. "
            "Remove voxelSetting from the settings"
        )
    return read


def _read(settings) -> Settings:
    if isinstance(settings, dict):
        return _from_parameters(settings)
    if isinstance(settings, str) and settings in PRESET_NAMES:
        return replace(_from_parameters({"preset": settings}), name=settings)
    if isinstance(settings, (str, os.PathLike)):
        parameters = _read_file(settings)
        try:
            return _from_parameters(parameters)
        except SettingsError as error:
            raise SettingsError(f"{os.fspath(settings)}: {error}") from None
    raise SettingsError(
        f"settings must be one of {', '.join(map(repr, PRESET_NAMES))}, a dictionary or the path "
        f"of a PyRadiomics parameter file, got {type(settings).__name__}: {settings!r}"
    )


def _defaults() -> dict:
    return {key: parameter.default for key, parameter in SETTINGS.items()}


def _from_parameters(parameters: dict) -> Settings:
    sections = ("preset", "imageType", "featureClass", "setting", "voxelSetting")
    parameters = _check_keys("the settings", parameters, sections)
    preset = parameters.get("preset")
    if preset is not None:
        if preset not in PRESET_NAMES:
            raise SettingsError(f"preset is {preset!r}; accepted: {', '.join(PRESET_NAMES)}")
        if preset in IBSI_PRESETS:
            return _from_ibsi(parameters)
        setting = _check_keys("setting", parameters.get("setting"), SETTINGS)
        setting = PRESETS[preset].get("setting", {}) | setting
        parameters = PRESETS[preset] | parameters | {"setting": setting}
    settings = Settings(
        image_types=_image_types(
            parameters.get("imageType"),
            {name: DISCRETISATION_AND_MATRICES | FILTERS.get(name, {}) for name in IMAGE_TYPES},
            DISCRETISATION_AND_MATRICES,
        ),
        feature_classes=_feature_classes(parameters.get("featureClass")),
        setting=_defaults() | _check_values("setting", parameters.get("setting"), SETTINGS),
        voxel=_check_values("voxelSetting", parameters.get("voxelSetting"), VOXEL),
    )
    _check_filters(settings)
    if "LoG" in settings.image_types:
        widths = settings.of_image_type("LoG")["sigma"]
        if not widths:
            raise SettingsError(
                "imageType LoG: sigma is missing; give its widths in mm, as [1.0, 3.0]"
            )
        if len(set(widths)) < len(widths):
            raise SettingsError(
                f"imageType LoG: sigma is {list(widths)}; each width may appear only once"
            )
    if settings.image_types.keys() == _image_types_of(preset) and settings.setting["force2D"]:
        settings = replace(settings, repeated=REPEATED.get(preset, {}))
    if "shape2D" in settings.feature_classes and not settings.setting["force2D"]:
        raise SettingsError("featureClass shape2D needs setting force2D: true")
    return settings


def _from_ibsi(parameters: dict) -> Settings:
    preset = parameters["preset"]
    bins = {key: IBSI_SETTINGS[key] for pair in _BINS for key in pair}
    image_types = _image_types(parameters.get("imageType"), {"Original": bins}, bins)
    setting = {key: parameter.default for key, parameter in IBSI_SETTINGS.items()}
    setting |= IBSI_PRESETS[preset]
    own = _check_values("setting", parameters.get("setting"), IBSI_SETTINGS)
    settings = Settings(
        image_types={name: _without_counts(values) for name, values in image_types.items()},
        feature_classes=_feature_classes(
            parameters.get("featureClass"),
            ibsi_features(("2D", "2_5D") if (setting | own)["force2D"] else ("3D",)),
            ibsi_features(),
        ),
        setting=_defaults() | setting | _without_counts(own),
        standard="ibsi",
    )
    _check_filters(settings)
    return settings


_BINS = (("binWidth", "binCount"), ("ivhBinWidth", "ivhBinCount"))


def _without_counts(own: dict) -> dict:
    """Let a requested bin width override the preset's count, which would override the width."""
    replaced = {count: None for width, count in _BINS if own.get(width) is not None}
    return replaced | own


def _image_types(wanted: dict | None, accepted_of: dict, overrides: dict) -> dict[str, dict]:
    """Check the image types; IBSI's filters are accepted beside those of `accepted_of`."""
    accepted_of = accepted_of | {
        name: overrides | each.parameters for name, each in IBSI_FILTERS.items()
    }
    image_types = {}
    for name, own in (_check_keys("imageType", wanted, accepted_of) or {"Original": {}}).items():
        image_types[name] = _check_values(f"imageType {name}", own, accepted_of[name])
        if name in IBSI_FILTERS:
            parameters = IBSI_FILTERS[name].parameters
            defaults = {key: parameter.default for key, parameter in parameters.items()}
            image_types[name] = defaults | image_types[name]
    return image_types


def _check_filters(settings: Settings) -> None:
    for name in settings.image_types:
        problem = name in IBSI_FILTERS and check_filter(name, settings.of_image_type(name))
        if problem:
            raise SettingsError(f"imageType {name}: {problem}")


def _image_types_of(preset: str | None):
    return PRESETS.get(preset, {}).get("imageType", {}).keys()


def _feature_classes(
    wanted: dict | None, features_of: dict = FEATURES, known_of: dict = KNOWN
) -> dict[str, tuple[str, ...]]:
    wanted = _check_keys("featureClass", wanted, features_of)
    if not wanted:
        # PyRadiomics lists shape2D too, but skips it without force2D and fails on thick regions.
        return {name: features_of[name] for name in features_of if name != "shape2D"}
    classes = {}
    for name, features in wanted.items():
        known = known_of[name]
        if not isinstance(features, (list, tuple, type(None))):
            raise SettingsError(f"featureClass {name}: expected a list, got {features!r}")
        for feature in features or ():
            if feature not in known:
                raise SettingsError(
                    f"featureClass {name}: unknown feature {feature!r}; "
                    f"accepted: {', '.join(known)}"
                )
        classes[name] = tuple(dict.fromkeys(features or features_of[name]))
    return classes


def _check_values(where: str, values: dict | None, accepted: dict) -> dict:
    values = _check_keys(where, values, accepted)
    for key, value in values.items():
        if not accepted[key].accepts(value):
            raise SettingsError(f"{where}: {key} is {value!r}; accepted: {accepted[key].accepted}")
    # In the table's order, so that equal settings have equal text.
    return {
        key: _canonical(key, values[key], parameter.as_float)
        for key, parameter in accepted.items()
        if key in values
    }


def _canonical(key: str, value, as_float: bool):
    if isinstance(value, np.generic):
        value = value.item()
    if key == "interpolator" and isinstance(value, int):
        return INTERPOLATORS[value - 1]
    if isinstance(value, (list, tuple)):
        return tuple(_canonical(key, v, as_float) for v in value)
    return float(value) if as_float and value is not None else value


def _check_keys(where: str, values: dict | None, accepted) -> dict:
    if values is None:  # as YAML reads a key without a value
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{where}: expected keys and values, got {reprlib.repr(values)}")
    for key in values:
        if key not in accepted:
            problem = "has no effect there" if key in SETTINGS else "is unknown"
            near = get_close_matches(str(key), accepted, n=1, cutoff=0.8)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            raise SettingsError(
                f"{where}: {key!r} {problem}{meant}; accepted: {', '.join(accepted)}"
            )
    return values


def _read_file(path) -> dict:
    from sklidh.radiomics._parameter_file import read_parameter_file

    if not os.path.isfile(path):
        raise SettingsError(
            f"{os.fspath(path)!r} is neither a preset ({', '.join(PRESET_NAMES)}) nor a file"
        )
    try:
        return read_parameter_file(path)
    except ValueError as error:
        raise SettingsError(str(error)) from error
