"""The native engine gives PyRadiomics' values: every feature, setting and kind of region."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import yaml
from scipy import ndimage

from sklidh.radiomics import _extract as native
from sklidh.radiomics import feature_names, read_settings
from sklidh.radiomics._feature_table import DEPRECATED, FEATURES
from sklidh.radiomics._parameters import INTERPOLATORS
from sklidh.radiomics._preprocessing import normalise
from sklidh.radiomics._presets import GLCM

pytest.importorskip("radiomics", reason="PyRadiomics is not installed")

from sklidh.radiomics import _reference as reference

DATA = Path(__file__).parents[3] / "shared" / "data"
SPACING = (2.5, 0.9, 1.1)
SHAPE = (20, 24, 22)

# Zero but for rounding where the region is flat, symmetrical or independent; squares and square
# roots of that rounding differ between any two programs.
ABSOLUTE = 1e-6


def assert_same(volume, mask, settings, spacing=SPACING):
    """Compare all features; return the largest relative difference."""
    settings = read_settings(settings)
    ours = native.extract(volume, mask, spacing, settings)
    theirs = reference.extract(volume, mask, spacing, settings)
    assert list(ours) == list(theirs) == feature_names(settings)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, rel=1e-6, abs=ABSOLUTE, nan_ok=True), name


def intensities(dtype=np.int16, shape=SHAPE, seed=0):
    """Return a smooth random image with noise, some of it negative where the type allows."""
    rng = np.random.default_rng(seed)
    volume = 200 * ndimage.gaussian_filter(rng.normal(size=shape), 1) + rng.normal(0, 10, shape)
    if np.issubdtype(dtype, np.unsignedinteger):
        volume = (volume - volume.min()) * 250 / np.ptp(volume)
    return volume.astype(dtype)


def ball(shape=SHAPE, seed=0):
    """Return a lump with an uneven surface in the middle of the image."""
    rough = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    place = np.moveaxis(np.indices(shape), 0, -1) / np.array(shape) - 0.5
    return ((place / 0.3) ** 2).sum(-1) + 4 * rough < 1


def box(*sides, shape=SHAPE):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*side) for side in sides)] = True
    return mask


def scattered(shape=SHAPE):
    """Return voxels without neighbours, some of them in line with one another."""
    mask = np.zeros(shape, bool)
    mask[2::4, 1::5, 3::6] = True
    return mask


def hollow():
    return ball() & ~ndimage.binary_erosion(ball(), iterations=2)


REGIONS = {
    "at the border": ball() | box((0, 3), (20, 24), (0, 4)),
    "all but a voxel": np.arange(np.prod(SHAPE)).reshape(SHAPE) > 0,
    "one slice": ball() & box((9, 10), (0, 24), (0, 22)),
    "one row": ball() & box((0, 20), (11, 12), (0, 22)),
    "one column": ball() & box((0, 20), (0, 24), (10, 11)),
    "hollow": hollow(),
    "scattered": scattered(),
    "two far apart": box((2, 3), (3, 4), (3, 4)) | box((9, 10), (12, 13), (14, 15)),
    "a cube of two": box((4, 6), (5, 7), (6, 8)),
    "a diagonal": np.fromfunction(lambda z, y, x: (z == y) & (y == x) & (z < 9), SHAPE),
}


@pytest.mark.parametrize("preset", ["full", "paper"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.int32, np.float32, np.float64])
def test_both_presets_on_every_type_of_intensities(preset, dtype):
    assert_same(intensities(dtype), ball(), preset)


@pytest.mark.parametrize("preset", ["full", "paper"])
@pytest.mark.parametrize("mask", REGIONS.values(), ids=REGIONS)
def test_every_kind_of_region(preset, mask):
    assert_same(intensities(), mask, preset)


def test_the_whole_image_is_a_region():
    """PyRadiomics refuses a mask without background; a voxel of it, far away, changes nothing."""
    settings = read_settings({"featureClass": {"shape": [], "firstorder": [], "ngtdm": []}})
    volume = intensities()
    alone = native.extract(volume, np.ones(SHAPE, bool), SPACING, settings)
    more = [(0, 0), (0, 0), (0, 1)]
    mask = np.pad(np.ones(SHAPE, bool), more)
    beside = reference.extract(np.pad(volume, more), mask, SPACING, settings)
    assert alone == pytest.approx(beside)


@pytest.mark.parametrize("preset", ["full", "paper"])
def test_a_region_of_a_single_intensity(preset):
    flat = np.full(SHAPE, 100, np.int16)
    flat[:3] = 0
    settings = {
        "featureClass": {"firstorder": [], "glcm": [], "glrlm": [], "glszm": [], "gldm": []}
    }
    settings = {**settings, "setting": {"force2D": preset == "paper"}}
    assert_same(flat, ball() & box((5, 20), (0, 24), (0, 22)), settings)


@pytest.mark.parametrize("shape", [(20, 24, 22), (19, 23, 21), (19, 24, 21), (12, 11, 30)])
def test_odd_and_even_sizes(shape):
    volume, mask = intensities(shape=shape), np.ones(shape, bool)
    mask[2, 3, 4] = False
    assert_same(volume, mask, {"imageType": {"Wavelet": {}, "LoG": {"sigma": [2.0]}}})


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.5, 3, 1.7), (6.5, 0.78125, 0.78125)])
def test_any_voxel_size(spacing):
    assert_same(intensities(), ball(), "full", spacing)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_two_dimensional_textures_in_any_plane(axis):
    settings = {
        "imageType": {"Original": {}, "Wavelet": {}},
        "setting": {"force2D": True, "force2Ddimension": axis},
    }
    assert_same(intensities(), ball(), settings)
    assert_same(intensities(), REGIONS["one slice"], settings)


IMAGE_TYPES = {
    "two levels": {"Wavelet": {"level": 2}},
    "later levels": {"Wavelet": {"level": 2, "start_level": 1, "wavelet": "haar"}},
    "a long wavelet": {"Wavelet": {"wavelet": "sym8"}},
    "a biorthogonal wavelet": {"Wavelet": {"wavelet": "bior2.4"}},
    "point by point": {"Square": {}, "SquareRoot": {}, "Logarithm": {}, "Exponential": {}},
    "gradient in voxels": {"Gradient": {"gradientUseSpacing": False}},
    "whole widths": {"LoG": {"sigma": [1, 2]}},
    "settings of its own": {
        "Original": {"binWidth": 10, "distances": [2]},
        "Gradient": {"binCount": 16, "force2D": True, "force2Ddimension": 1},
        "LoG": {"sigma": [2.5], "binWidth": 3, "gldm_a": 3},
    },
}


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
@pytest.mark.parametrize("image_types", IMAGE_TYPES.values(), ids=IMAGE_TYPES)
def test_every_image_type(image_types, dtype):
    assert_same(intensities(dtype), ball(), {"imageType": image_types})


SETTINGS = {
    "bin width": {"binWidth": 7.5},
    "narrow bins": {"binWidth": 4},
    "bin count": {"binCount": 12},
    "distances": {"distances": [1, 3]},
    "far only": {"distances": [2], "force2D": True},
    "euclidean": {"weightingNorm": "euclidean"},
    "manhattan": {"weightingNorm": "manhattan"},
    "infinity": {"weightingNorm": "infinity", "distances": [1, 2]},
    "summed": {"weightingNorm": "no_weighting"},
    "ordered pairs": {"symmetricalGLCM": False},
    "similar neighbours": {"gldm_a": 2},
    "shifted": {"voxelArrayShift": 300},
    "normalised": {"normalize": True, "normalizeScale": 100},
    "without outliers": {"normalize": True, "normalizeScale": 100, "removeOutliers": 1.5},
    "cropped": {"preCrop": True, "padDistance": 4},
    "from an intensity": {"resegmentRange": [-20]},
    "a range": {"resegmentRange": [40, -30]},
    "relative": {"resegmentRange": [-0.5, 0.5], "resegmentMode": "relative"},
    "within deviations": {"resegmentRange": [-1.5, 1.5], "resegmentMode": "sigma"},
    "its form too": {"resegmentRange": [-1, 1], "resegmentMode": "sigma", "resegmentShape": True},
    "small": {"minimumROIDimensions": 3, "minimumROISize": 1000},
}


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_every_setting(setting, dtype):
    image_types = {"Original": {}, "LoG": {"sigma": [1.5]}}
    assert_same(intensities(dtype), ball(), {"imageType": image_types, "setting": setting})


GRIDS = {
    "isotropic": [1, 1, 1],
    "coarse": [2.2, 1.8, 5],
    "fine, sharing points": [1.1 / 3, 0.3, 2.5 / 3],
    "slices kept": [1, 1, 0],
    "unchanged": [1.1, 0.9, 2.5],
}


@pytest.mark.parametrize("interpolator", ["sitkBSpline", "sitkLinear", "sitkNearestNeighbor"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32])
@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_any_grid(grid, dtype, interpolator):
    settings = {
        "featureClass": {"shape": [], "firstorder": [], "ngtdm": []},
        "setting": {"resampledPixelSpacing": grid, "interpolator": interpolator},
    }
    assert_same(intensities(dtype), ball() | box((0, 2), (0, 3), (18, 22)), settings)


def test_a_slice_stays_a_slice_when_resampled():
    assert_same(
        intensities(),
        REGIONS["one slice"],
        {"setting": {"resampledPixelSpacing": [1, 1, 1], "force2D": True}},
    )


RECIPES = {
    # As PyRadiomics' own examples for thin slices and for single slices of MR combine them.
    "thin slices": {
        "imageType": {"Original": {}, "LoG": {"sigma": [2.0, 5.0]}, "Wavelet": {}},
        "setting": {"resampledPixelSpacing": [2, 2, 2], "binWidth": 20, "voxelArrayShift": 300},
    },
    "in the plane": {
        "imageType": {"Original": {}, "LoG": {"sigma": [2.0]}, "Wavelet": {}, "Exponential": {}},
        "setting": {"resampledPixelSpacing": [2, 2, 0], "force2D": True, "padDistance": 10},
    },
    "normalised grey levels": {
        "imageType": {"Original": {}, "Gradient": {}, "Logarithm": {}, "Square": {}},
        "setting": {"binCount": 16, "resegmentRange": [-2, 2], "resegmentMode": "sigma"},
    },
}


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_settings_together(recipe, dtype):
    shape = (24, 60, 48)
    setting = {"normalize": True, "normalizeScale": 100} | recipe["setting"]
    assert_same(intensities(dtype, shape), ball(shape), recipe | {"setting": setting})


@pytest.mark.parametrize(("axis", "region"), [(0, "one slice"), (2, "one column")])
def test_the_form_of_a_region_in_one_plane(axis, region):
    settings = {
        "featureClass": {"shape2D": [], "shape": [], "glcm": []},
        "setting": {"force2D": True, "force2Ddimension": axis},
    }
    assert_same(intensities(), REGIONS[region], settings)


@pytest.mark.parametrize("norm", ["euclidean", "manhattan", "infinity"])
@pytest.mark.parametrize("symmetrical", [True, False])
def test_weights_that_vanish_across_thick_slices(norm, symmetrical):
    """Pairs across slices weigh exp(-20) and less: some levels are rarer than epsilon."""
    setting = {"binWidth": 15, "weightingNorm": norm, "symmetricalGLCM": symmetrical}
    settings = {"featureClass": {"glcm": []}, "setting": setting}
    for seed in range(5):
        assert_same(intensities(seed=seed), REGIONS["a cube of two"], settings, (6.5, 1, 4.5))
        assert_same(intensities(seed=seed), ball(seed=seed), settings, (6.5, 1, 4.5))


@pytest.fixture
def one_itk_thread():
    """With more, ITK adds up in the order in which they end, and the last bit varies."""
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    yield
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)


@pytest.mark.usefixtures("one_itk_thread")
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_normalised_intensities_are_those_of_pyradiomics_bit_by_bit(dtype):
    from radiomics.imageoperations import normalizeImage

    for seed in range(10):
        volume = intensities(dtype, seed=seed)
        theirs = normalizeImage(sitk.GetImageFromArray(volume), normalizeScale=100)
        ours = normalise(volume, scale=100)
        np.testing.assert_array_equal(ours, sitk.GetArrayFromImage(theirs))


def test_deprecated_features_by_name():
    settings = {
        "featureClass": {
            "shape": ["Compactness1", "Compactness2", "SphericalDisproportion"],
            "firstorder": ["StandardDeviation"],
        }
    }
    assert_same(intensities(), ball(), settings)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["full", "paper"])
def test_a_real_image_with_thick_slices(preset):
    folder = DATA / "pyradiomics"
    if not folder.exists():
        pytest.skip(f"{folder} is not there")
    image = sitk.ReadImage(folder / "brain1_image.nrrd")
    mask = sitk.GetArrayFromImage(sitk.ReadImage(folder / "brain1_label.nrrd")) > 0
    assert_same(sitk.GetArrayFromImage(image), mask, preset, image.GetSpacing()[::-1])


REAL = [
    (case, modality)
    for case in ("TCGA-FG-6692", "BraTS2021_00006")
    for modality in ("t1", "t1ce", "t2", "flair")
]


@pytest.mark.slow
@pytest.mark.parametrize(("case", "modality"), REAL)
def test_a_real_tumour_at_full_size(case, modality):
    """Every family, the filters on one image; benchmarks/radiomics.py compares both presets."""
    folder = DATA / "brats-4mod" / case
    if not folder.exists():
        pytest.skip(f"{folder} is not there")
    image = sitk.ReadImage(folder / f"{modality}.nii.gz")
    mask = sitk.GetArrayFromImage(sitk.ReadImage(folder / "seg.nii.gz")) > 0
    settings = "paper" if (case, modality) == REAL[0] else {"imageType": {"Gradient": {}}}
    assert_same(sitk.GetArrayFromImage(image), mask, settings, image.GetSpacing()[::-1])


@pytest.mark.parametrize("interpolator", INTERPOLATORS[3:])
@pytest.mark.parametrize(
    ("grid", "dtype"),
    [("isotropic", np.int16), ("coarse", np.uint8), ("slices kept", np.float32)],
)
def test_any_other_interpolator(grid, dtype, interpolator):
    settings = {
        "featureClass": {"shape": [], "firstorder": [], "ngtdm": []},
        "setting": {"resampledPixelSpacing": GRIDS[grid], "interpolator": interpolator},
    }
    assert_same(intensities(dtype), ball() | box((0, 2), (0, 3), (18, 22)), settings)


# The settings of PyRadiomics' example files; exampleVoxel.yaml is in test_feature_maps.py.
FILTERED = {"Original": {}, "Wavelet": {}}
TEXTURES = {"firstorder": None, "glcm": GLCM.split(), "glrlm": None, "glszm": None, "gldm": None}
SPLINE = {"interpolator": "sitkBSpline", "label": 1}
NORMALISED = {"normalize": True, "normalizeScale": 100, "binWidth": 5, "voxelArrayShift": 300}
FLAT = {"preCrop": True, "force2D": True, "force2Ddimension": 0, "label": 1}
EXAMPLES = {
    "exampleCT": {
        "imageType": FILTERED | {"LoG": {"sigma": [1.0, 2.0, 3.0, 4.0, 5.0]}},
        "featureClass": {"shape": None} | TEXTURES,
        "setting": SPLINE
        | {"resampledPixelSpacing": [1, 1, 1], "padDistance": 10}
        | {"binWidth": 25, "voxelArrayShift": 1000},
    },
    "exampleMR_3mm": {
        "imageType": FILTERED | {"LoG": {"sigma": [2.0, 3.0, 4.0, 5.0]}},
        "featureClass": {"shape": None} | TEXTURES,
        "setting": SPLINE | NORMALISED | {"resampledPixelSpacing": [2, 2, 2]},
    },
    "exampleMR_5mm": {
        "imageType": FILTERED | {"LoG": {"sigma": [3.0, 5.0]}},
        "featureClass": {"shape": None} | TEXTURES,
        "setting": SPLINE | NORMALISED | {"resampledPixelSpacing": [3, 3, 3]},
    },
    "exampleMR_NoResampling": {
        "imageType": FILTERED | {"LoG": {"sigma": [1.0, 3.0, 5.0]}},
        "featureClass": {"shape": None} | TEXTURES,
        "setting": NORMALISED | FLAT,
    },
    "MR_2D_extraction": {
        "imageType": FILTERED | {"LoG": {"sigma": [2.0, 3.0, 4.0, 5.0]}},
        "featureClass": {"shape2D": None} | TEXTURES | {"ngtdm": None},
        "setting": SPLINE
        | NORMALISED
        | FLAT
        | {"resampledPixelSpacing": [2, 2, 0], "padDistance": 10},
    },
    "Params": {
        "imageType": {"Original": {}},
        "featureClass": {"shape": None} | TEXTURES | {"firstorder": []},
        "setting": SPLINE | {"binWidth": 25, "resampledPixelSpacing": None, "weightingNorm": None},
    },
    "example_allShape": {
        "featureClass": {"shape": [*FEATURES["shape"], *DEPRECATED["shape"]]},
        "setting": SPLINE | {"resampledPixelSpacing": None},
    },
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_files_of_pyradiomics(name, tmp_path):
    shape = (16, 40, 36)
    mask = ball(shape)
    if "shape2D" in EXAMPLES[name]["featureClass"]:
        mask = mask & box((8, 9), (0, 40), (0, 36), shape=shape)
    path = tmp_path / f"{name}.yaml"
    path.write_text(yaml.safe_dump(EXAMPLES[name]))
    assert_same(intensities(shape=shape), mask, path)


REFUSED = {
    "an empty region": (np.zeros(SHAPE, bool), {}),
    "a single voxel": (box((3, 4), (3, 4), (3, 4)), {"setting": {"minimumROIDimensions": 1}}),
    "a line": (box((3, 4), (3, 4), (3, 9)), {}),
    "too few voxels": (box((3, 5), (3, 5), (3, 5)), {"setting": {"minimumROISize": 8}}),
    "too little left": (ball(), {"setting": {"resegmentRange": [10_000]}}),
    "no room for the filter": (ball(), {"imageType": {"LoG": {"sigma": [60.0]}}}),
}


@pytest.mark.parametrize(("mask", "settings"), REFUSED.values(), ids=REFUSED)
def test_both_engines_refuse_the_same_regions(mask, settings):
    settings = read_settings(settings)
    for engine in (native, reference):
        with pytest.raises(ValueError):
            engine.extract(intensities(), mask, SPACING, settings)


def not_finite():
    volume = intensities(np.float32)
    volume[0, 0, 0] = np.nan
    return volume


BEYOND = intensities(np.int64) + 2**60
NO_IMAGE = {
    "not finite": (not_finite(), ball(), SPACING, "NaN or infinite"),
    "a plane": (intensities()[3], ball()[3], SPACING, r"three-dimensional shape.*\(24, 22\)"),
    "another grid": (intensities(), ball()[1:], SPACING, r"\(20, 24, 22\) and \(19, 24, 22\)"),
    "labels": (intensities(), ball().astype(int), SPACING, "mask must be True in the region"),
    "complex": (intensities().astype(complex), ball(), SPACING, "dtype complex128"),
    "too large to tell apart": (BEYOND, ball(), SPACING, r"above 2\*\*53"),
    "a voxel without depth": (intensities(), ball(), (0, 1, 1), "three lengths above 0 mm"),
}


@pytest.mark.parametrize(("volume", "mask", "spacing", "said"), NO_IMAGE.values(), ids=NO_IMAGE)
def test_what_is_no_image_is_refused_by_both_engines(volume, mask, spacing, said):
    for engine in (native, reference):
        with pytest.raises(ValueError, match=said):
            engine.extract(volume, mask, spacing, read_settings("paper"))


@pytest.mark.parametrize("image_type", ["Square", "SquareRoot", "Logarithm", "Exponential"])
def test_a_scale_of_nothing_is_an_error(image_type):
    settings = read_settings({"imageType": {image_type: {}}})
    with pytest.raises(ValueError, match="0 everywhere"):
        native.extract(np.zeros(SHAPE, np.int16), ball(), SPACING, settings)


def test_a_width_too_narrow_for_the_voxels_is_an_error():
    settings = read_settings({"imageType": {"LoG": {"sigma": [1e-3]}}})
    with pytest.raises(ValueError, match=r"sigma=0\.001 mm is not defined on voxels of 2\.5 mm"):
        native.extract(intensities(), ball(), SPACING, settings)


def test_a_grid_coarser_than_the_image_leaves_no_region():
    settings = read_settings({"setting": {"resampledPixelSpacing": [100, 100, 100]}})
    with pytest.raises(ValueError, match=r"resampledPixelSpacing=.* leaves no voxel"):
        native.extract(intensities(), ball(), SPACING, settings)


def test_a_grid_too_fine_for_any_memory_is_an_error():
    settings = read_settings({"setting": {"resampledPixelSpacing": [0.01, 0.01, 0.01]}})
    with pytest.raises(ValueError, match=r"resampledPixelSpacing=\[0.01, .* choose larger voxels"):
        native.extract(intensities(), ball(), SPACING, settings)
