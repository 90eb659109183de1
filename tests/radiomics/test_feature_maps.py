"""Feature maps are PyRadiomics' voxel-based extraction, and `extract` around every voxel."""

import logging
import warnings

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from sklidh.radiomics import (
    SettingsError,
    _feature_maps,
    extract,
    feature_maps,
    feature_names,
    read_settings,
)

SPACING = (2.5, 0.9, 1.1)
SHAPE = (9, 10, 11)
RNG = np.random.default_rng(1)
SMOOTH = 200 * ndimage.gaussian_filter(RNG.normal(size=SHAPE), 1) + RNG.normal(0, 10, SHAPE)
IMAGE = SMOOTH.astype(np.int16)
ROUGH = ndimage.gaussian_filter(RNG.normal(size=SHAPE), 1)
PLACE = np.moveaxis(np.indices(SHAPE), 0, -1) / np.array(SHAPE) - 0.5
LUMP = ((PLACE / 0.25) ** 2).sum(-1) + 1.5 * ROUGH < 1
AT_BORDER = LUMP.copy()
AT_BORDER[:2, :3, :3] = True
# Some voxels have no neighbours, some are in line with one another, one beyond a gap.
SCATTERED = np.zeros(SHAPE, bool)
SCATTERED[2::3, 1::4, 3::5] = True
SCATTERED[4, 4, 4:8] = SCATTERED[4, 6, 4] = SCATTERED[4, 5, 1] = SCATTERED[4, 5, 3] = True

# Values that are zero but for rounding differ between any two programs.
ABSOLUTE = 1e-6


def pyradiomics_maps(volume, mask, settings, **voxel):
    """Run PyRadiomics, and lay its cropped maps into the image's grid."""
    extractor = pytest.importorskip("radiomics.featureextractor")
    settings = read_settings(settings, maps=True)
    voxel = settings.voxel | voxel
    images = [sitk.GetImageFromArray(each) for each in (volume, mask.astype(np.uint8))]
    for image in images:
        image.SetSpacing(SPACING[::-1])
    given = settings.setting | {"label": 1, "additionalInfo": False} | voxel
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compute = extractor.RadiomicsFeatureExtractor(**given)
        compute.disableAllImageTypes()
        compute.enableImageTypes(**settings.image_types)
        compute.disableAllFeatures()
        compute.enableFeaturesByName(**{k: list(v) for k, v in settings.feature_classes.items()})
        found = compute.execute(*images, voxelBased=True)
    maps = {}
    for name, cropped in found.items():
        values = sitk.GetArrayFromImage(cropped)
        first = images[0].TransformPhysicalPointToIndex(cropped.GetOrigin())[::-1]
        maps[name] = np.full(volume.shape, voxel.get("initValue", 0.0))
        maps[name][tuple(slice(f, f + n) for f, n in zip(first, values.shape, strict=True))] = (
            values
        )
    return maps


def assert_same(maps, expected):
    assert maps.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(
            maps[name], values, rtol=1e-6, atol=ABSOLUTE, equal_nan=True, err_msg=name
        )


# One voxel per batch: see `test_what_depends_on_the_batch_in_pyradiomics`.
CASES = {
    "default": (IMAGE, LUMP, {}),
    "at the border": (IMAGE, AT_BORDER, {}),
    "scattered": (IMAGE, SCATTERED, {}),
    "radius 2": (IMAGE, LUMP, {"voxelSetting": {"kernelRadius": 2}}),
    "voxels outside the region": (
        IMAGE,
        AT_BORDER,
        {"voxelSetting": {"maskedKernel": False, "initValue": float("nan")}},
    ),
    "slice by slice": (
        IMAGE,
        LUMP,
        {"setting": {"force2D": True, "force2Ddimension": 1, "weightingNorm": "infinity"}},
    ),
    "weights": (IMAGE, LUMP, {"setting": {"weightingNorm": "euclidean"}}),
    "distances": (
        IMAGE,
        LUMP,
        {"setting": {"distances": [1, 2], "gldm_a": 1, "voxelArrayShift": 300}},
    ),
    "single precision": (SMOOTH.astype(np.float32), LUMP, {"setting": {"binWidth": 7.3}}),
    "double precision": (SMOOTH, LUMP, {"setting": {"binCount": 40}}),
    "preparation": (
        IMAGE,
        LUMP,
        {
            "setting": {
                "normalize": True,
                "normalizeScale": 100,
                "preCrop": True,
                "padDistance": 2,
                "resegmentRange": [-150, 150],
            }
        },
    ),
    "filters": (
        IMAGE,
        LUMP,
        {
            "imageType": {"LoG": {"sigma": [1.0]}, "Wavelet": {}, "Gradient": {"binWidth": 10}},
            "featureClass": {"firstorder": ["Entropy", "Mean"], "glcm": ["Contrast"], "ngtdm": []},
        },
    ),
    "exampleVoxel.yaml of PyRadiomics": (
        IMAGE,
        LUMP,
        {
            "imageType": {"Original": {}},
            "featureClass": {"glcm": ["JointEntropy"]},
            "setting": {"binWidth": 25, "force2D": True, "label": 1},
            "voxelSetting": {
                "kernelRadius": 2,
                "maskedKernel": True,
                "initValue": "nan",
                "voxelBatch": 10000,
            },
        },
    ),
    "a single intensity": (np.full(SHAPE, 100, np.int16), SCATTERED, {}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_pyradiomics_has_the_same_maps(case):
    volume, mask, settings = case
    expected = pyradiomics_maps(volume, mask, settings, voxelBatch=1)
    assert_same(feature_maps(volume, mask, SPACING, settings), expected)


def test_what_depends_on_the_batch_in_pyradiomics():
    """A direction without a pair at one voxel, but with some at another, spoils two of its maps."""
    expected = pyradiomics_maps(IMAGE, LUMP, {})
    maps = feature_maps(IMAGE, LUMP, SPACING, {})
    mean, mcc = "original_glcm_JointAverage", "original_glcm_MCC"
    undefined = np.isnan(expected.pop(mean)[LUMP])
    assert undefined.sum() == 1
    assert not expected.pop(mcc).any()
    assert not np.isnan(maps.pop(mean)).any()
    assert maps.pop(mcc)[LUMP].all()
    assert_same(maps, expected)


# The grey levels of a neighbourhood are numbered from the region's lowest, not from its own: these
# features do not depend on that.
SHIFTED_ALIKE = {
    "glcm": "ClusterProminence ClusterShade ClusterTendency Contrast Correlation DifferenceAverage "
    "DifferenceEntropy DifferenceVariance Id Idm Imc1 Imc2 InverseVariance JointEnergy "
    "JointEntropy MaximumProbability SumEntropy SumSquares",
    "glrlm": "GrayLevelNonUniformity GrayLevelNonUniformityNormalized GrayLevelVariance "
    "LongRunEmphasis RunEntropy RunLengthNonUniformity RunLengthNonUniformityNormalized "
    "RunPercentage RunVariance ShortRunEmphasis",
    "glszm": "GrayLevelNonUniformity GrayLevelVariance LargeAreaEmphasis SizeZoneNonUniformity "
    "SmallAreaEmphasis ZoneEntropy ZonePercentage ZoneVariance",
    "gldm": "DependenceEntropy DependenceNonUniformity DependenceVariance GrayLevelNonUniformity "
    "GrayLevelVariance LargeDependenceEmphasis SmallDependenceEmphasis",
    "ngtdm": "Coarseness Complexity Contrast Strength",
}


@pytest.mark.parametrize("radius", [1, 2])
def test_a_voxel_has_the_features_of_its_neighbourhood(radius):
    settings = {
        "featureClass": {"firstorder": [], **{k: v.split() for k, v in SHIFTED_ALIKE.items()}}
    }
    maps = feature_maps(IMAGE, LUMP, SPACING, settings | {"voxelSetting": {"kernelRadius": radius}})
    assert list(maps) == feature_names(read_settings(settings))
    for voxel in np.argwhere(LUMP)[::7]:
        around = np.zeros(SHAPE, bool)
        around[tuple(slice(max(0, i - radius), i + radius + 1) for i in voxel)] = True
        alone = extract(IMAGE, LUMP & around, SPACING, settings)
        here = {name: values[tuple(voxel)] for name, values in maps.items()}
        assert here == pytest.approx(alone, rel=1e-9, abs=ABSOLUTE, nan_ok=True)


def test_requested_maps_are_those_of_all():
    every = feature_maps(IMAGE, LUMP, SPACING, "paper")
    assert len(every) == 873 - 13
    wanted = ["wavelet-LLL_gldm_DependenceEntropy", "original_firstorder_90Percentile"]
    some = feature_maps(IMAGE, LUMP, SPACING, "paper", features=wanted)
    assert list(some) == wanted
    for name in wanted:
        np.testing.assert_array_equal(some[name], every[name])


def test_memory_order_and_byte_order_do_not_matter():
    settings = {"featureClass": {"glszm": []}}
    expected = feature_maps(IMAGE, LUMP, SPACING, settings)
    other = feature_maps(np.asfortranarray(IMAGE.astype(">i2")), LUMP, SPACING, settings)
    assert_same(other, expected)


@pytest.mark.parametrize(
    ("settings", "features", "message"),
    [
        ({}, ["original_glcm_Contrst"], "did you mean 'original_glcm_Contrast'"),
        ("full", ["original_shape_Elongation"], "describes a shape, and has no value per voxel"),
        ({"voxelSetting": {"kernelRadius": 6}}, None, "13 voxels is larger than the image"),
        ({"voxelSetting": {"kernelRadius": 11}}, None, "kernelRadius is 11; accepted: an integer"),
        ({"voxelSetting": {"kernelRadus": 2}}, None, "did you mean 'kernelRadius'"),
        ({"voxelSetting": {"initValue": "none"}}, None, "a number or nan"),
        ({"setting": {"resampledPixelSpacing": [1, 1, 1]}}, None, "maps lie in the grid of the im"),
        ("ibsi", None, "IBSI's presets have none"),
        (
            {"imageType": {"LBP3D": {}}, "voxelSetting": {"maskedKernel": False}},
            None,
            "LBP3D is computed in the region alone; remove maskedKernel: false",
        ),
    ],
)
def test_what_has_no_maps_is_an_error_that_names_it(settings, features, message):
    with pytest.raises(ValueError, match=message):
        feature_maps(IMAGE, LUMP, SPACING, settings, features)


def test_maps_that_need_too_much_memory_are_refused_before_any_work(monkeypatch):
    monkeypatch.setattr(_feature_maps, "_prepare", None)
    volume = np.broadcast_to(np.int8(1), (200, 400, 400))
    mask = np.zeros(volume.shape, bool)
    mask[:180, :400, :400] = True
    with pytest.raises(ValueError, match=r"93 maps of 180 x 400 x 400 voxels need 20.0 GiB"):
        feature_maps(volume, mask, SPACING, {})
    mask[2:] = False
    filled = {"featureClass": {"ngtdm": []}, "voxelSetting": {"initValue": -1}}
    monkeypatch.setattr(_feature_maps, "MOST_BYTES", 2**30)
    with pytest.raises(ValueError, match=r"5 maps of 200 x .* or leave initValue at 0"):
        feature_maps(volume, mask, SPACING, filled)


def test_unequal_weights_of_directions_have_no_mcc():
    settings = {"featureClass": {"glcm": ["MCC"]}, "setting": {"weightingNorm": "euclidean"}}
    with pytest.raises(ValueError, match="leave MCC out"):
        feature_maps(IMAGE, LUMP, (1, 1, 6), settings)


def test_settings_of_maps_are_refused_where_there_are_none():
    settings = read_settings({"voxelSetting": {"kernelRadius": 2}}, maps=True)
    assert settings.voxel == {"kernelRadius": 2}
    with pytest.raises(SettingsError, match="voxelSetting asks for a map"):
        extract(IMAGE, LUMP, SPACING, settings)
