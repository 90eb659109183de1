"""The public function: arrays in, named numbers out."""

import numpy as np
import pytest
import SimpleITK as sitk

from sklidh import radiomics
from sklidh.radiomics import (
    DIAGNOSTICS,
    SettingsError,
    diagnose,
    extract,
    feature_names,
    read_settings,
)

SPACING = (3.0, 0.9, 0.9)
VOLUME = np.random.default_rng(0).normal(100, 30, (8, 12, 10)).astype(np.float32)
MASK = VOLUME > 90
SETTINGS = {"imageType": {"Original": {}, "Gradient": {}, "Wavelet": {}}}


@pytest.mark.parametrize("dtype", ["i2", "f4", "f8"])
@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.astype(a.dtype.newbyteorder(">")),
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: np.flip(np.flip(a, 0).copy(), 0),
        lambda a: a.tolist() if a.dtype == bool else a,
    ],
)
def test_the_order_of_an_array_in_memory_changes_nothing(dtype, change):
    volume = VOLUME.astype(dtype)
    expected = radiomics.extract(volume, MASK, SPACING, SETTINGS)
    assert radiomics.extract(change(volume), change(MASK), SPACING, SETTINGS) == expected


def test_the_default_is_everything():
    assert list(radiomics.extract(VOLUME, MASK, SPACING)) == feature_names(read_settings("full"))


def test_what_an_engine_cannot_do_is_refused():
    fine = {"imageType": {"LBP3D": {"lbp3DIcosphereSubdivision": 9}}}
    with pytest.raises(SettingsError, match="LBP3D"):
        radiomics.extract(VOLUME, MASK, SPACING, fine)
    with pytest.raises(ValueError, match="engine='fast'"):
        radiomics.extract(VOLUME, MASK, SPACING, engine="fast")


def test_both_engines_behind_one_function():
    pytest.importorskip("radiomics", reason="PyRadiomics is not installed")
    ours, theirs = (
        radiomics.extract(VOLUME, MASK, SPACING, SETTINGS, engine=engine)
        for engine in ("native", "pyradiomics")
    )
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-6)


def test_diagnostics_are_those_of_pyradiomics():
    generalinfo = pytest.importorskip("radiomics.generalinfo")
    rng = np.random.default_rng(0)
    volume = rng.normal(size=(7, 8, 9)).astype(np.float32)
    mask = rng.random(volume.shape) > 0.93
    notes = generalinfo.GeneralInfo()
    image, region = (sitk.GetImageFromArray(a) for a in (volume, mask.astype(np.uint8)))
    notes.addImageElements(image)
    notes.addMaskElements(image, region, 1)
    expected = notes.getGeneralInfo()
    found = diagnose(volume, mask)
    assert found["diagnostics_Mask-original_VolumeNum"] > 1
    assert list(found) == list(DIAGNOSTICS)
    assert found == pytest.approx({name: expected[name] for name in DIAGNOSTICS}, rel=1e-6)
    settings = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean"]}}
    names = list(extract(volume, mask, (1, 1, 1), settings, diagnostics=True))
    assert names == [*DIAGNOSTICS, "original_firstorder_Mean"]
