"""IBSI's convolutional filters: image types, codes, parameters, and names of their images."""

import re
from dataclasses import dataclass
from itertools import product

from sklidh.radiomics._parameters import (
    Parameter,
    _is_int,
    _is_real,
    _is_wavelet,
    _numbers,
    choice,
    flag,
    integer,
    positive,
)

_LENGTHS = Parameter(
    (),
    lambda value: _is_list(value, lambda v: _is_real(v) and v > 0),
    "a list of different numbers above 0, in mm",
)
_LEVELS = Parameter(
    (1,), lambda value: _is_list(value, lambda v: _is_int(v) and 1 <= v <= 8), "levels, as [1, 2]"
)
_ORDER = Parameter(
    None,
    lambda value: (
        value is None
        or (_is_list(value, lambda v: _is_int(v) and 0 <= v <= 8, unique=False) and any(value))
    ),
    "null, or the order along each axis (x, y, z), as [1, 0, 0]",
)


def _is_list(value, test, unique=True):
    return (
        isinstance(value, (list, tuple))
        and len(value) > 0
        and all(map(test, value))
        and (not unique or len(set(value)) == len(value))
    )


def _matches(pattern):
    return lambda value: _is_list(
        value, lambda v: isinstance(v, str) and re.fullmatch(pattern, v) is not None
    )


def _boundary(default):
    return choice(default, "mirror", "nearest", "periodic", "zero")


@dataclass(frozen=True)
class IbsiFilter:
    """One of IBSI's filters: its code in the reference manual, and its parameters."""

    code: str
    parameters: dict[str, Parameter]


IBSI_FILTERS = {
    "Mean": IbsiFilter(
        "S60F",
        {
            "support": Parameter(
                (),
                lambda value: _is_list(value, lambda v: _is_int(v) and v > 0 and v % 2 == 1),
                "odd numbers of voxels, as [5]",
            ),
            "boundary": _boundary("mirror"),
        },
    ),
    "LaplacianOfGaussian": IbsiFilter(
        "L6PA",
        {
            "sigma": _LENGTHS,
            "cutoff": positive(4.0),
            "rieszOrder": _ORDER,
            "boundary": _boundary("mirror"),
        },
    ),
    "Laws": IbsiFilter(
        "JTXT",
        {
            "kernels": Parameter(
                (), _matches("([LES]3|[LESWR]5){2,3}"), "names such as ['L5E5E5'], along x, y, z"
            ),
            "rotationInvariance": flag(False),
            "pooling": choice("max", "max", "mean", "min"),
            "energyDistance": integer(None, 1),
            "boundary": _boundary("mirror"),
        },
    ),
    "Gabor": IbsiFilter(
        "Q88H",
        {
            "sigma": _LENGTHS,
            "wavelength": _LENGTHS,
            "gamma": positive(1.0),
            "theta": _numbers((0.0,), lambda value: all(map(_is_real, value)), "a list of degrees"),
            "thetaStep": Parameter(
                None,
                lambda value: (
                    value is None
                    or (
                        _is_real(value)
                        and value > 0
                        and abs(360 / value - round(360 / value)) < 1e-9
                    )
                ),
                "degrees, a whole number of which make 360, or null",
                as_float=True,
            ),
            "boundary": _boundary("mirror"),
        },
    ),
    "SeparableWavelet": IbsiFilter(
        "25BO",
        {
            "wavelet": Parameter("coif1", _is_wavelet, "a discrete wavelet of PyWavelets"),
            "subBands": Parameter(
                None,
                lambda value: value is None or _matches("[LH]{2,3}")(value),
                "names such as ['LLH'], along x, y, z, or null for all",
            ),
            "levels": _LEVELS,
            "rotationInvariance": flag(False),
            "pooling": choice("mean", "mean", "max", "min"),
            "boundary": _boundary("mirror"),
        },
    ),
    "NonseparableWavelet": IbsiFilter(
        "LODD",
        {
            "family": choice("simoncelli", "simoncelli", "shannon"),
            "levels": _LEVELS,
            "rieszOrder": _ORDER,
            "boundary": _boundary("periodic"),
        },
    ),
}
"""By image type. The code of the Riesz transform, ``rieszOrder``, is AYRS."""

REQUIRED = {
    "Mean": ("support",),
    "LaplacianOfGaussian": ("sigma",),
    "Laws": ("kernels",),
    "Gabor": ("sigma", "wavelength"),
}


def check_filter(image_type, setting):
    """Return what is wrong with a filter's parameters together, or None.

    Parameters
    ----------
    image_type : str
        A key of `IBSI_FILTERS`.
    setting : dict
        The parameters, with the setting ``force2D``.
    """
    n_axes = 2 if setting["force2D"] else 3
    for key in REQUIRED.get(image_type, ()):
        if not setting[key]:
            accepted = IBSI_FILTERS[image_type].parameters[key].accepted
            return f"{key} is missing; accepted: {accepted}"
    fits = f"force2D: {'true' if n_axes == 2 else 'false'} filters along {n_axes} axes"
    for key, length in (("kernels", 2), ("subBands", 1)):
        for name in setting.get(key) or ():
            if len(name) != length * n_axes:
                return f"{key} has {name!r} for {len(name) // length} axes, but {fits}"
    if image_type == "Laws" and setting["rotationInvariance"] and setting["pooling"] == "mean":
        from sklidh.radiomics._ibsi_separable import laws_kernels, mean_of_rotations

        for name in setting["kernels"]:
            if not mean_of_rotations(laws_kernels(name)):
                return f"the mean over all rotations of {name} is 0 everywhere; choose pooling: max"
    order = setting.get("rieszOrder")
    if order and len(order) != n_axes:
        return f"rieszOrder is {list(order)} for {len(order)} axes, but {fits}"
    if setting.get("thetaStep") and setting["theta"] != (0.0,):
        return "theta and thetaStep exclude each other; thetaStep averages over the whole circle"
    return None


def response_names(image_type, setting):
    """Return the names of a filter's images, in the order in which they are computed."""
    n_axes = 2 if setting["force2D"] else 3
    planes = f"{n_axes}D"
    match image_type:
        case "Mean":
            return [f"mean-{support}-{planes}" for support in setting["support"]]
        case "LaplacianOfGaussian":
            ending = f"{planes}{_riesz(setting)}"
            return [f"ibsi-log-sigma-{_plain(s)}-mm-{ending}" for s in setting["sigma"]]
        case "Laws":
            ending = _pooled(setting)
            if setting["energyDistance"]:
                ending += f"-energy-{setting['energyDistance']}"
            return [f"laws-{kernels}{ending}" for kernels in setting["kernels"]]
        case "Gabor":
            turned = [f"theta-{_plain(theta)}" for theta in setting["theta"]]
            if setting["thetaStep"]:
                turned = ["invariant"]
            return [
                f"gabor-sigma-{_plain(s)}-wavelength-{_plain(w)}-mm-{turn}-{planes}"
                for s, w, turn in product(setting["sigma"], setting["wavelength"], turned)
            ]
        case "SeparableWavelet":
            name = f"ibsi-wavelet-{_plain(setting['wavelet'])}"
            return [
                f"{name}-{band}-level-{level}{_pooled(setting)}"
                for level, band in wavelet_bands(setting)
            ]
        case "NonseparableWavelet":
            ending = f"{planes}{_riesz(setting)}"
            return [f"{setting['family']}-level-{n}-{ending}" for n in setting["levels"]]


def wavelet_bands(setting):
    """Return the pairs of level and sub-band of the separable wavelet."""
    bands = setting["subBands"] or map(
        "".join, product("LH", repeat=2 if setting["force2D"] else 3)
    )
    return list(product(setting["levels"], bands))


def _plain(value):
    return str(value).replace(".", "-")


def _pooled(setting):
    return f"-invariant-{setting['pooling']}" if setting["rotationInvariance"] else ""


def _riesz(setting):
    order = setting["rieszOrder"]
    return "-riesz-" + "-".join(map(str, order)) if order else ""
