"""The settings of IBSI's configurations A to E, and the values that IBSI settings accept.

A to E are the configurations for IBSI's chest CT phantom (reference manual, chapter 5). ``"ibsi"``
does not change the image and divides the region's intensities into 32 bins (1000 for the volume
histogram), for images without a unit, such as MR images.
"""

from sklidh.radiomics._parameters import (
    DISCRETISATION_AND_MATRICES,
    PREPROCESSING,
    Parameter,
    choice,
    flag,
    integer,
    positive,
)

IBSI_SETTINGS: dict[str, Parameter] = {
    "resampledPixelSpacing": PREPROCESSING["resampledPixelSpacing"],
    "interpolator": choice("sitkLinear", "sitkLinear", "sitkBSpline", "sitkNearestNeighbor"),
    "roundIntensities": flag(False),
    "resegmentRange": PREPROCESSING["resegmentRange"],
    "outlierSigma": positive(None),
    "binWidth": DISCRETISATION_AND_MATRICES["binWidth"],
    "binCount": DISCRETISATION_AND_MATRICES["binCount"],
    "ivhBinWidth": positive(None),
    "ivhBinCount": integer(None, 2),
    "force2D": DISCRETISATION_AND_MATRICES["force2D"],
    "label": PREPROCESSING["label"],
}

_CUBES = {"resampledPixelSpacing": (2.0, 2.0, 2.0), "roundIntensities": True}

IBSI_PRESETS = {
    "ibsi": {"binCount": 32, "ivhBinCount": 1000},
    "ibsi-a": {"force2D": True, "resegmentRange": (-500.0, 400.0), "binWidth": 25.0},
    "ibsi-b": {
        "force2D": True,
        "resampledPixelSpacing": (2.0, 2.0, 0.0),
        "roundIntensities": True,
        "resegmentRange": (-500.0, 400.0),
        "binCount": 32,
    },
    "ibsi-c": _CUBES | {"resegmentRange": (-1000.0, 400.0), "binWidth": 25.0, "ivhBinWidth": 2.5},
    "ibsi-d": _CUBES | {"outlierSigma": 3.0, "binCount": 32},
    "ibsi-e": _CUBES
    | {
        "interpolator": "sitkBSpline",
        "resegmentRange": (-1000.0, 400.0),
        "outlierSigma": 3.0,
        "binCount": 32,
        "ivhBinCount": 1000,
    },
}
