"""Local binary patterns: PyRadiomics' values, and slow versions of their formulas."""

import math

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.special import lpmv

from sklidh.radiomics import SettingsError, extract, feature_names, read_settings
from sklidh.radiomics._lbp import icosphere, lbp_2d_image, lbp_3d_images
from sklidh.radiomics._roi import Roi

Z, Y, X = np.indices((9, 10, 11))
VOLUME = (7 * X + 11 * Y + 13 * Z) ** 2 % 251
MASK = (Z - 4) ** 2 + (Y - 5) ** 2 + (X - 5) ** 2 < 18
CORNER = (Z < 4) & (Y < 5) & (X > 6)

# Sums of the values and of their squares in MASK, which PyRadiomics 3.0.1 gave with scikit-image
# 0.26, trimesh 5.2 and SciPy 1.13: 8 samples at a radius of 1.5 voxels, in slices along an axis.
OF_PYRADIOMICS_2D = {
    ("int16", "default", 0): (38137, 7793607),
    ("int16", "default", 2): (36950, 7714412),
    ("int16", "ror", 0): (22939, 3991905),
    ("int16", "ror", 2): (23506, 4454978),
    ("int16", "uniform", 0): (1736, 14222),
    ("int16", "uniform", 2): (1722, 14090),
    ("int16", "var", 0): (870420, 2864534672),
    ("int16", "var", 2): (875447, 2988056809),
    ("float64", "default", 0): (38137, 7793607),
    ("float64", "uniform", 2): (1722, 14090),
    ("float64", "var", 0): (870577.5835589906, 2865433793.5821896),
    ("float64", "var", 2): (875609.4453874351, 2988983145.22985),
}
# Three degrees and the kurtosis, 42 samples at a radius of 1.5 voxels.
OF_PYRADIOMICS_3D = {
    "int16": (
        (3153.633661375584, 49320.8598053101),
        (2853.1569479295717, 38781.278685324316),
        (2930.7876865846747, 41512.47277364305),
        (-183.38081568586546, 169.68939711496563),
    ),
    "float64": (
        (3143.3192422050993, 49140.00149250853),
        (2843.470299751828, 38652.73875566672),
        (2920.037092557789, 41326.28849780873),
        (-183.23237763777578, 169.66697053828128),
    ),
}


@pytest.mark.parametrize("case", OF_PYRADIOMICS_2D, ids=str)
def test_patterns_in_slices_have_the_values_of_pyradiomics(case):
    dtype, method, axis = case
    how = {"radius": 1.5, "samples": 8, "method": method, "flat_axis": axis}
    image = lbp_2d_image(VOLUME.astype(dtype), Roi(MASK), **how)
    assert image.dtype == dtype
    values = image[Roi(MASK).inside].astype(float)
    assert (values.sum(), (values**2).sum()) == pytest.approx(OF_PYRADIOMICS_2D[case], rel=1e-14)


@pytest.mark.parametrize("dtype", OF_PYRADIOMICS_3D)
def test_patterns_in_space_have_the_values_of_pyradiomics(dtype):
    roi = Roi(MASK)
    images = lbp_3d_images(VOLUME.astype(dtype), roi, levels=3, radius=1.5, subdivision=1)
    for image, sums in zip(images, OF_PYRADIOMICS_3D[dtype], strict=True):
        values = image[roi.inside]
        assert (values.sum(), (values**2).sum()) == pytest.approx(sums, rel=1e-12)
        assert not image[~roi.inside].any()


@pytest.mark.parametrize("mask", [MASK, CORNER], ids=["inside", "at the corner"])
@pytest.mark.parametrize(("samples", "radius"), [(9, 1.0), (7, 2.5)])
@pytest.mark.parametrize("method", ["default", "ror", "uniform", "var"])
def test_patterns_in_slices_by_their_definition(method, samples, radius, mask):
    volume, roi = VOLUME + np.random.default_rng(0).random(VOLUME.shape), Roi(mask)
    found = lbp_2d_image(volume, roi, radius=radius, samples=samples, method=method, flat_axis=0)
    padded = np.pad(volume, [(0, 0), (5, 5), (5, 5)])  # 0 beyond the image
    turn = 2 * np.pi * np.arange(samples) / samples
    for place in np.argwhere(mask):
        at = [-radius * np.sin(turn) + place[1] + 5, radius * np.cos(turn) + place[2] + 5]
        around = map_coordinates(padded[place[0]], np.round(at, 5), order=1)
        bits = (around >= volume[tuple(place)]).astype(int)
        expected = {
            "default": (bits << np.arange(samples)).sum(),
            "ror": min((np.roll(bits, i) << np.arange(samples)).sum() for i in range(samples)),
            "uniform": bits.sum() if np.abs(np.diff(bits)).sum() <= 2 else samples + 1,
            "var": around.var(),
        }[method]
        inside = tuple(place - [side.start for side in roi.box])
        assert found[inside] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("mask", [MASK, CORNER], ids=["inside", "at the corner"])
def test_patterns_in_space_by_their_definition(mask):
    levels, radius = 3, 1.5
    volume, roi = VOLUME + np.random.default_rng(0).random(VOLUME.shape), Roi(mask)
    found = [
        image[roi.inside]
        for image in lbp_3d_images(volume, roi, levels=levels, radius=radius, subdivision=0)
    ]
    vertices = icosphere(0, radius)
    theta = np.arccos(vertices[:, 2] / radius)
    phi = np.arctan2(vertices[:, 1], vertices[:, 0])
    for number, place in enumerate(np.argwhere(mask)):
        around = map_coordinates(volume, (place + vertices).T, order=3)
        signs = around >= volume[tuple(place)]
        for n in range(levels):
            part = 0
            for m in range(-n, n + 1):
                y = harmonic(n, m, theta, phi)
                part = part + (signs * y).sum() * y
            expected = np.sqrt((part**2).sum()).real
            assert found[n][number] == pytest.approx(expected, rel=1e-9, abs=1e-9)
        deviation = around - around.mean()
        kurtosis = (deviation**4).mean() / (deviation**2).mean() ** 2 - 3
        assert found[levels][number] == pytest.approx(kurtosis)


def harmonic(n, m, azimuth, polar):
    """Return the spherical harmonic with the angles as PyRadiomics passes them."""
    scale = (2 * n + 1) / (4 * np.pi) * math.factorial(n - abs(m)) / math.factorial(n + abs(m))
    positive = np.sqrt(scale) * lpmv(abs(m), n, np.cos(polar)) * np.exp(1j * abs(m) * azimuth)
    return positive if m >= 0 else (-1) ** m * positive.conj()


@pytest.mark.parametrize("subdivision", range(5))
def test_samples_lie_evenly_on_the_sphere(subdivision):
    vertices = icosphere(subdivision, 2.5)
    assert len(vertices) == 10 * 4**subdivision + 2
    np.testing.assert_allclose(np.linalg.norm(vertices, axis=1), 2.5)
    np.testing.assert_allclose(vertices.mean(axis=0), 0, atol=1e-12)
    moments = vertices.T @ vertices / len(vertices)
    np.testing.assert_allclose(moments, np.eye(3) * 2.5**2 / 3, atol=1e-12)


def test_the_region_does_not_depend_on_the_image_far_away():
    large = np.pad(VOLUME, 40, mode="wrap")
    far = large.copy()
    far[:3], far[:, -3:] = 9, 99
    mask = np.pad(MASK, 40)
    settings = {"imageType": {"LBP2D": {}, "LBP3D": {}}, "featureClass": {"firstorder": []}}
    values = [extract(volume, mask, (1, 1, 1), settings) for volume in (large, far)]
    assert values[0] == values[1]


def test_columns_are_named_as_in_pyradiomics():
    settings = {
        "imageType": {"LBP2D": {"binWidth": 1}, "LBP3D": {"lbp3DLevels": 3, "binWidth": 1}},
        "featureClass": {"firstorder": ["Mean"], "glcm": ["Contrast"]},
    }
    values = extract(VOLUME.astype(np.int16), MASK, (1, 1, 1), settings)
    assert list(values) == feature_names(read_settings(settings))
    images = [name.removesuffix("_firstorder_Mean") for name in list(values)[::2]]
    assert images == ["lbp-2D", "lbp-3D-m1", "lbp-3D-m2", "lbp-3D-m3", "lbp-3D-k"]
    kurtosis = list(lbp_3d_images(VOLUME, Roi(MASK), levels=1, radius=1.0, subdivision=1))[-1]
    assert values["lbp-3D-k_firstorder_Mean"] == pytest.approx(kurtosis[Roi(MASK).inside].mean())


def test_what_has_no_value_is_refused():
    settings = {"imageType": {"LBP2D": {"lbp2DMethod": "var"}}, "featureClass": {"firstorder": []}}
    with pytest.raises(ValueError, match=r"'var' has no value where all samples .* are equal"):
        extract(np.where(Z > 7, 1, 0), MASK, (1, 1, 1), settings)
    (image,) = list(lbp_3d_images(0 * VOLUME, Roi(MASK), levels=0, radius=1.0, subdivision=0))
    assert set(image[Roi(MASK).inside]) == {-3.0}  # a constant has no fourth moment


@pytest.mark.parametrize(
    ("image_types", "message"),
    [
        ({"LBP2D": {"lbp2DSamples": 31, "lbp2DMethod": "ror"}}, "lbp2DSamples is 31; .* holds 30"),
        ({"LBP3D": {"lbp3DIcosphereSubdivision": 5}}, "Subdivision is 5; .* 4 at most, 2562"),
    ],
)
def test_too_many_samples_are_refused_before_anything_is_computed(image_types, message):
    with pytest.raises(SettingsError, match=message):
        extract(VOLUME, MASK, (1, 1, 1), {"imageType": image_types})
