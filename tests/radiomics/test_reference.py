"""The reference engine is PyRadiomics: same names, same order, same values, and no silence."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import SimpleITK as sitk

from sklidh.radiomics import feature_names, read_settings
from sklidh.radiomics._reference import check_supported, extract

radiomics = pytest.importorskip("radiomics", reason="PyRadiomics is not installed")

SPACING = (2.0, 1.0, 0.5)
PARAMETERS = {
    "nothing said": {},
    "force2D": {
        "imageType": {"Original": {}, "Wavelet": {}, "Square": {}, "SquareRoot": {}},
        "featureClass": {"shape": [], "firstorder": [], "glcm": [], "glrlm": [], "gldm": []},
        "setting": {"force2D": True, "binWidth": 10},
    },
    "its own order": {
        "imageType": {"Gradient": {"binWidth": 5}, "LoG": {"sigma": [2, 1.5]}, "Original": {}},
        "featureClass": {"ngtdm": [], "shape": ["Sphericity"], "firstorder": ["Mean", "Energy"]},
    },
    "two levels": {
        "imageType": {"Wavelet": {"level": 2, "wavelet": "haar"}, "Exponential": {}},
        "featureClass": {"firstorder": []},
    },
    "normalised, few bins": {
        "imageType": {"Original": {}, "Logarithm": {}},
        "featureClass": {"glcm": [], "glrlm": []},
        "setting": {"normalize": True, "normalizeScale": 100, "binCount": 8, "removeOutliers": 2},
    },
    "resampled": {
        "featureClass": {"shape": [], "firstorder": [], "gldm": ["DependenceEntropy"]},
        "setting": {"resampledPixelSpacing": [0.8, 0.9, 1.1], "interpolator": "sitkLinear"},
    },
    "resegmented": {
        "featureClass": {"shape": [], "glszm": []},
        "setting": {"resegmentRange": [-1.5, 1.5], "resegmentMode": "sigma"},
    },
    "deprecated by name": {
        "featureClass": {"shape": ["Compactness1"], "firstorder": ["StandardDeviation"]}
    },
}


@pytest.fixture(scope="module")
def volume():
    rng = np.random.default_rng(0)
    smooth = np.cumsum(rng.normal(0, 20, (13, 18, 21)), axis=2)
    return (smooth - smooth.min()).astype(np.int16)


@pytest.fixture(scope="module")
def ball(volume):
    z, y, x = np.indices(volume.shape)
    return ((z - 6) ** 2 / 12 + (y - 9) ** 2 / 30 + (x - 11) ** 2 / 40) < 1


@pytest.mark.parametrize("parameters", PARAMETERS.values(), ids=PARAMETERS)
def test_names_order_and_values_are_those_of_the_parameter_file(volume, ball, parameters, tmp_path):
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(parameters))
    image, mask = (sitk.GetImageFromArray(a) for a in (volume, ball.astype(np.uint8)))
    for grid in (image, mask):
        grid.SetSpacing(SPACING[::-1])
        grid.SetOrigin((-7.3, 12.1, 40.9))
        grid.SetDirection((0.6, -0.8, 0, 0.8, 0.6, 0, 0, 0, 1))
    theirs = radiomics.featureextractor.RadiomicsFeatureExtractor(str(path)).execute(image, mask)
    theirs = {k: float(v) for k, v in theirs.items() if not k.startswith("diagnostics")}
    settings = read_settings(path)
    ours = extract(volume, ball, SPACING, settings)
    assert list(ours) == feature_names(settings) == list(theirs)
    np.testing.assert_allclose(list(ours.values()), list(theirs.values()), rtol=1e-9)


def test_the_paper_repeats_the_approximation(volume, ball):
    ours = extract(volume, ball, SPACING, read_settings("paper"))
    assert list(ours) == feature_names(read_settings("paper"))
    again = [name for name in ours if name.startswith("wavelet-LLL_")]
    assert len(again) == 86
    for name in again:
        assert ours[name] == ours[name.replace("LLL", "LL")]


def test_the_type_in_which_integers_are_stored_does_not_matter(ball):
    volume = np.random.default_rng(1).integers(0, 256, ball.shape).astype(np.uint8)
    settings = read_settings({"featureClass": {"firstorder": [], "glcm": []}})
    small = extract(volume, ball, SPACING, settings)
    large = extract(volume.astype(np.int32), ball, SPACING, settings)
    assert small == large


def test_position_and_orientation_of_the_grid_do_not_matter(volume, ball):
    """PyRadiomics rounds a resampled voxel half way between two by the origin's last digits."""
    parameters = {
        "featureClass": {"firstorder": ["Mean"]},
        "setting": {"resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkLinear"},
    }
    ours = extract(volume, ball, SPACING, read_settings(parameters))["original_firstorder_Mean"]
    theirs = {}
    for origin in ((0, 0, 0), (-7.3, 12.1, 40.9)):
        image, mask = (sitk.GetImageFromArray(a) for a in (volume, ball.astype(np.uint8)))
        for grid in (image, mask):
            grid.SetSpacing(SPACING[::-1])
            grid.SetOrigin(origin)
        extractor = radiomics.featureextractor.RadiomicsFeatureExtractor(dict(parameters))
        theirs[origin] = float(extractor.execute(image, mask)["original_firstorder_Mean"])
    assert ours == pytest.approx(theirs[0, 0, 0], rel=1e-12)
    assert 1e-6 < abs(theirs[-7.3, 12.1, 40.9] / ours - 1) < 1e-3


def test_what_the_definition_leaves_open_is_nan(volume):
    apart = np.zeros(volume.shape, dtype=bool)
    apart[2, 3, 3] = apart[9, 12, 14] = True
    settings = read_settings({"featureClass": {"glcm": ["Idm"], "firstorder": ["Mean"]}})
    values = extract(volume, apart, SPACING, settings)
    assert np.isnan(values["original_glcm_Idm"])
    assert values["original_firstorder_Mean"] == volume[apart].mean()


def test_a_filter_that_pyradiomics_skips_is_an_error(volume, ball):
    settings = read_settings({"imageType": {"LoG": {"sigma": [1.0]}, "Original": {}}})
    with pytest.raises(ValueError, match=r"left out 93 features.*log-sigma-1-0.*too small"):
        extract(volume[5:8], ball[5:8], SPACING, settings)


def test_a_feature_that_fails_is_an_error(volume, ball, monkeypatch):
    def fail(self):
        raise ZeroDivisionError("no such thing")

    monkeypatch.setattr(radiomics.glcm.RadiomicsGLCM, "getIdmFeatureValue", fail)
    settings = read_settings({"featureClass": {"glcm": ["Idm", "Id"]}})
    with pytest.raises(ValueError, match="PyRadiomics failed: ZeroDivisionError: no such thing"):
        extract(volume, ball, SPACING, settings)


def test_a_region_that_pyradiomics_refuses_is_an_error(volume, ball):
    line = np.zeros_like(ball)
    line[3, 4, :] = True
    with pytest.raises(ValueError, match="too few dimensions"):
        extract(volume, line, SPACING, read_settings({}))


def test_nothing_is_printed_and_the_log_is_left_as_it_was(volume, ball, capfd):
    before = list(radiomics.logger.handlers), list(radiomics.handler.filters)
    extract(volume, ball, SPACING, read_settings({"setting": {"binCount": 8}}))  # warns twice
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert (list(radiomics.logger.handlers), list(radiomics.handler.filters)) == before


def test_threads_do_not_hear_each_other(volume, ball):
    good = read_settings({"featureClass": {"firstorder": []}})
    bad = read_settings({"imageType": {"LoG": {"sigma": [50.0]}}})

    def work(settings):
        try:
            return len(extract(volume, ball, SPACING, settings))
        except ValueError as error:
            return "left out" in str(error)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, [good, bad] * 5)) == [18, True] * 5


def test_without_pyradiomics_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "radiomics", None)
    with pytest.raises(ImportError, match=r"--no-build-isolation pyradiomics==3\.0\.1.*native"):
        check_supported(read_settings("paper"))


def test_another_version_is_refused(monkeypatch):
    monkeypatch.setattr(radiomics, "__version__", "v3.1.0")
    with pytest.raises(ImportError, match=r"3\.1\.0 is installed, whose values differ"):
        check_supported(read_settings("paper"))


def test_a_filter_whose_package_is_absent_is_refused_before_any_image(monkeypatch):
    monkeypatch.setitem(sys.modules, "trimesh", None)
    monkeypatch.setitem(sys.modules, "trimesh.creation", None)
    with pytest.raises(ImportError, match="imageType LBP3D"):
        check_supported(read_settings({"imageType": {"LBP3D": {}}}))
