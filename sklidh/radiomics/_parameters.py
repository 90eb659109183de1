"""Valid content of a PyRadiomics 3.0.1 parameter file: settings, image types, classes."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real


@dataclass(frozen=True)
class Parameter:
    """One key of ``setting``: its default, the test its value must pass, and that test in words."""

    default: object
    accepts: Callable[[object], bool]
    accepted: str
    as_float: bool = False


def _is_int(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_real(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def flag(default: bool) -> Parameter:
    return Parameter(default, lambda value: isinstance(value, bool), "true or false")


def integer(default, low: int, high: int | None = None) -> Parameter:
    def accepts(value):
        if value is None:
            return default is None
        return _is_int(value) and value >= low and (high is None or value <= high)

    accepted = f"an integer of {low} or more" if high is None else f"an integer, {low} to {high}"
    return Parameter(default, accepts, accepted + (" or null" if default is None else ""))


def positive(default) -> Parameter:
    def accepts(value):
        return default is None if value is None else _is_real(value) and value > 0

    accepted = "a number above 0" + (" or null" if default is None else "")
    return Parameter(default, accepts, accepted, as_float=True)


def _numbers(default, test, accepted: str, *, as_float=False) -> Parameter:
    def accepts(value):
        if value is None:
            return default is None
        return isinstance(value, (list, tuple)) and len(value) > 0 and test(value)

    return Parameter(default, accepts, accepted, as_float)


def choice(default, *choices) -> Parameter:
    return Parameter(
        default,
        lambda value: value in choices and not isinstance(value, bool),
        ", ".join("null" if each is None else repr(each) for each in choices),
    )


def _is_wavelet(value) -> bool:
    import pywt

    return value in pywt.wavelist(kind="discrete")


def _only(default, reason: str) -> Parameter:
    # Only the default is accepted: other code here does the work of this PyRadiomics key.
    return Parameter(
        default,
        lambda value: value == default and type(value) is type(default),
        f"{default!r} only, since {reason}",
    )


INTERPOLATORS = (
    "sitkNearestNeighbor",
    "sitkLinear",
    "sitkBSpline",
    "sitkGaussian",
    "sitkLabelGaussian",
    "sitkHammingWindowedSinc",
    "sitkCosineWindowedSinc",
    "sitkWelchWindowedSinc",
    "sitkLanczosWindowedSinc",
    "sitkBlackmanWindowedSinc",
)

# Read once per image, before any filter, so image types cannot override these.
PREPROCESSING = {
    "minimumROIDimensions": integer(2, 1, 3),
    "minimumROISize": integer(None, 1),
    "normalize": flag(False),
    "normalizeScale": positive(1.0),
    "removeOutliers": positive(None),
    "resampledPixelSpacing": _numbers(
        None,
        lambda value: len(value) == 3 and all(_is_real(v) and v >= 0 for v in value),
        "three numbers in mm (x, y, z; 0 keeps the image's own) or null",
        as_float=True,
    ),
    "interpolator": choice("sitkBSpline", *INTERPOLATORS, *range(1, 11), None),
    "preCrop": flag(False),
    "padDistance": integer(5, 0),
    "resegmentRange": _numbers(
        None,
        lambda value: len(value) <= 2 and all(map(_is_real, value)),
        "one or two numbers or null",
        as_float=True,
    ),
    "resegmentMode": choice("absolute", "absolute", "relative", "sigma"),
    "resegmentShape": flag(False),
    # By default PyRadiomics uses label 1; here every label above 0 is tumour.
    "label": integer(None, 1),
    "label_channel": _only(0, "a mask has one value per voxel"),
    "additionalInfo": flag(True),
    # Used when files are read; arrays have no position.
    "geometryTolerance": positive(None),
    "correctMask": flag(False),
}

# Read for every filtered image, so image types may override these.
DISCRETISATION_AND_MATRICES = {
    "binWidth": positive(25.0),
    "binCount": integer(None, 1),
    "force2D": flag(False),
    "force2Ddimension": integer(0, 0, 2),
    "distances": _numbers(
        (1,), lambda value: all(_is_int(v) and v > 0 for v in value), "integers above 0, in voxels"
    ),
    "weightingNorm": choice(None, "euclidean", "manhattan", "infinity", "no_weighting", None),
    "symmetricalGLCM": flag(True),
    "gldm_a": integer(0, 0),
    "voxelArrayShift": integer(0, -(2**53), 2**53),
}

# Read for maps alone.
VOXEL = {
    "kernelRadius": integer(1, 1, 10),
    "maskedKernel": flag(True),
    "initValue": Parameter(
        0.0,
        # PyRadiomics' example file spells it "nan", which YAML reads as a word.
        lambda value: (isinstance(value, Real) and not isinstance(value, bool)) or value == "nan",
        "a number or nan",
        as_float=True,
    ),
    # It bounds the memory of PyRadiomics, and changes nothing here.
    "voxelBatch": integer(None, 1),
}

# Read by a single filter.
FILTERS = {
    "Wavelet": {
        "wavelet": Parameter("coif1", _is_wavelet, "the name of a discrete wavelet of PyWavelets"),
        "start_level": integer(0, 0, 20),
        "level": integer(1, 1, 20),
    },
    "LoG": {
        # Kept as written: sigma 1 names its columns log-sigma-1-mm-3D, and 1.0 log-sigma-1-0-mm-3D.
        "sigma": _numbers(
            (), lambda value: all(_is_real(v) and v > 0 for v in value), "numbers above 0, in mm"
        ),
    },
    "Gradient": {"gradientUseSpacing": flag(True)},
    "LBP2D": {
        "lbp2DRadius": positive(1.0),
        "lbp2DSamples": integer(9, 1),
        "lbp2DMethod": choice("uniform", "default", "ror", "uniform", "var"),
    },
    "LBP3D": {
        "lbp3DLevels": integer(2, 1),
        "lbp3DIcosphereRadius": positive(1.0),
        "lbp3DIcosphereSubdivision": integer(1, 0),
    },
}

SETTINGS = PREPROCESSING | DISCRETISATION_AND_MATRICES
for _parameters in FILTERS.values():
    SETTINGS |= _parameters

IMAGE_TYPES = (
    "Original",
    "Wavelet",
    "LoG",
    "Gradient",
    "Square",
    "SquareRoot",
    "Logarithm",
    "Exponential",
    "LBP2D",
    "LBP3D",
)
