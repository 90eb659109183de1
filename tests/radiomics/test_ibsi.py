"""The native engine gives the consensus values of the Image Biomarker Standardisation Initiative.

On its digital phantom, for every feature that PyRadiomics defines as it does.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from sklidh.radiomics import describe_features, extract
from sklidh.radiomics._feature_table import FEATURES

PHANTOM = json.loads((Path(__file__).parent / "ibsi_phantom.json").read_text())
ALIKE = [feature for feature in describe_features() if feature.ibsi]
DIFFERENT = {
    # PyRadiomics leaves out IBSI's "- 3".
    "original_firstorder_Kurtosis": ("IPH6", lambda value: value - 3),
    # IBSI divides by n - 1 = 73 voxels where PyRadiomics divides by n = 74.
    "original_shape_MajorAxisLength": ("TDIC", lambda value: value * (74 / 73) ** 0.5),
    "original_shape_MinorAxisLength": ("P9VJ", lambda value: value * (74 / 73) ** 0.5),
    "original_shape_LeastAxisLength": ("7J51", lambda value: value * (74 / 73) ** 0.5),
}


@pytest.fixture(scope="module")
def values():
    classes = {family: list(FEATURES[family]) for family in FEATURES if family != "shape2D"}
    for feature in ALIKE:
        if feature.on_request:
            classes[feature.family].append(feature.name)
    # The phantom holds grey levels: bins one intensity wide leave them as they are.
    settings = {"featureClass": classes, "setting": {"binWidth": 1}}
    mask = np.array(PHANTOM["mask"]) > 0
    return extract(np.array(PHANTOM["volume"]), mask, (2, 2, 2), settings)


def assert_agrees(value, code):
    """Consensus values are printed with three digits."""
    expected, tolerance = PHANTOM["consensus"][code]
    last_digit = 10 ** (np.floor(np.log10(abs(expected))) - 2)
    assert value == pytest.approx(expected, abs=tolerance + 0.5 * last_digit + 1e-12)


@pytest.mark.parametrize("feature", ALIKE, ids=lambda feature: f"{feature.family}_{feature.name}")
def test_the_digital_phantom(values, feature):
    assert_agrees(values[f"original_{feature.family}_{feature.name}"], feature.ibsi)


@pytest.mark.parametrize("name", DIFFERENT)
def test_where_pyradiomics_and_ibsi_define_otherwise(values, name):
    code, convert = DIFFERENT[name]
    assert_agrees(convert(values[name]), code)


def test_a_code_names_one_feature_and_every_feature_has_a_formula():
    codes = [feature.ibsi for feature in ALIKE]
    assert len(codes) == len(set(codes)) == 101
    assert set(codes) == set(PHANTOM["consensus"]) - {code for code, _ in DIFFERENT.values()}
    assert all(feature.formula for feature in describe_features())
