"""Each filter gives, in the region, what its own library gives for the whole image, bit by bit."""

import numpy as np
import pytest
import pywt
import SimpleITK as sitk

from sklidh.radiomics import read_settings
from sklidh.radiomics._extract import extract
from sklidh.radiomics._filters import gradient_image
from sklidh.radiomics._log import log_image
from sklidh.radiomics._resampling import resample, spline_coefficients
from sklidh.radiomics._roi import Roi
from sklidh.radiomics._wavelet import wavelet_images

SPACING = (2.5, 0.9, 1.1)
SHAPE = (24, 26, 30)
TYPES = [np.int16, np.uint8, np.int32, np.float32, np.float64]


def volume_of(dtype, *, border=0, shape=SHAPE):
    """Return noise, with that many voxels of zeros on every side."""
    volume = np.random.default_rng(0).normal(100, 30, shape)
    inside = np.zeros(shape, bool)
    inside[tuple(slice(border, n - border) for n in shape)] = True
    return np.where(inside, volume, 0).astype(dtype)


def region(*sides, shape=SHAPE):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*side) for side in sides)] = True
    return Roi(mask)


INSIDE = region((9, 14), (10, 15), (12, 19))
AT_THE_CORNER = region((0, 5), (20, 26), (25, 30))


def as_image(volume):
    image = sitk.GetImageFromArray(volume)
    image.SetSpacing(SPACING[::-1])
    return image


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("roi", [INSIDE, AT_THE_CORNER], ids=["inside", "at the corner"])
@pytest.mark.parametrize("border", [0, 6])
@pytest.mark.parametrize("sigma", [0.7, 2.0, 5.0])
def test_laplacian_of_gaussian_is_that_of_itk(sigma, border, roi, dtype):
    volume = volume_of(dtype, border=border)
    itk = sitk.LaplacianRecursiveGaussianImageFilter()
    itk.SetSigma(sigma)
    itk.SetNormalizeAcrossScale(True)
    whole = sitk.GetArrayFromImage(itk.Execute(as_image(volume)))
    np.testing.assert_array_equal(log_image(volume, roi, SPACING, sigma), whole[roi.box])


def test_laplacian_of_gaussian_of_nothing_is_nothing():
    assert not log_image(np.zeros(SHAPE, np.int16), INSIDE, SPACING, 2.0).any()


def test_laplacian_of_gaussian_of_a_paraboloid_is_its_curvature():
    z, y, x = np.indices((60, 60, 60)) - 30.0
    roi = region((25, 35), (25, 35), (25, 35), shape=z.shape)
    curvature = log_image(z**2 + 2 * y**2 - x**2, roi, (1, 1, 1), 2.0) / 2.0**2
    np.testing.assert_allclose(curvature, 2 + 4 - 2, rtol=2e-3)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("roi", [INSIDE, AT_THE_CORNER], ids=["inside", "at the corner"])
def test_gradient_is_that_of_itk(roi, dtype):
    volume = volume_of(dtype)
    whole = sitk.GetArrayFromImage(sitk.GradientMagnitudeImageFilter().Execute(as_image(volume)))
    ours = gradient_image(volume, roi, SPACING)
    assert ours.dtype == whole.dtype
    np.testing.assert_array_equal(ours, whole[roi.box])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("wavelet", ["coif1", "haar", "db7", "bior3.5", "rbio2.2"])
@pytest.mark.parametrize("roi", [INSIDE, AT_THE_CORNER], ids=["inside", "at the corner"])
def test_sub_bands_are_those_of_pywavelets(roi, wavelet, dtype):
    volume = volume_of(dtype)
    whole = pywt.swtn(volume, wavelet, level=1, axes=(2, 1, 0))[0]
    ours = dict(wavelet_images(volume, roi, wavelet=wavelet))
    assert len(ours) == 8
    for name, band in ours.items():
        theirs = whole[name.removeprefix("wavelet-").replace("L", "a").replace("H", "d")]
        assert band.dtype == theirs.dtype
        np.testing.assert_array_equal(band, theirs[roi.box], err_msg=name)


def test_sub_bands_share_the_energy_of_a_whole_image():
    """Each of 3 axes doubles the energy: an orthogonal wavelet, but not decimated."""
    volume = volume_of(np.float64)
    whole = region(*((0, n) for n in SHAPE))
    bands = dict(wavelet_images(volume, whole))
    energy = sum((band**2).sum() for band in bands.values())
    assert energy == pytest.approx(2**3 * (volume**2).sum())


def test_a_filter_takes_no_notice_of_where_the_image_ends_far_away():
    small = volume_of(np.int16, border=4)
    large = np.pad(small, [(5, 3), (0, 8), (7, 2)])
    settings = read_settings({"imageType": {"LoG": {"sigma": [1.0]}, "Gradient": {}}})
    found = []
    for volume, shift in ((small, (0, 0, 0)), (large, (5, 0, 7))):
        where = np.zeros(volume.shape, bool)
        sides = zip(INSIDE.box, shift, strict=True)
        where[tuple(slice(side.start + by, side.stop + by) for side, by in sides)] = True
        found.append(extract(volume, where, SPACING, settings))
    assert found[0] == found[1]


def test_a_spline_passes_through_its_voxels():
    volume = volume_of(np.float64)
    c = spline_coefficients(volume)
    for axis in range(3):
        near = np.pad(c, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="reflect")
        near = np.moveaxis(near, axis, 0)
        c = np.moveaxis((near[:-2] + 4 * near[1:-1] + near[2:]) / 6, 0, axis)
    np.testing.assert_allclose(c, volume, rtol=1e-6)


def test_a_linear_ramp_stays_one_on_another_grid():
    z, y, x = np.indices(SHAPE) * np.array(SPACING)[:, None, None, None]
    ramp = z - 2 * y + 3 * x
    mask = np.zeros(SHAPE, bool)
    mask[INSIDE.box] = True
    for interpolator in ("sitkLinear", "sitkBSpline"):
        image, region, spacing = resample(
            ramp, mask, SPACING, (1, 1, 1), interpolator=interpolator, margin=0
        )
        for axis, slope in enumerate((1, -2, 3)):
            steps = np.diff(image, axis=axis) / spacing[axis]
            np.testing.assert_allclose(steps, slope, rtol=1e-3)
        volume = region.sum() * np.prod(spacing)
        assert volume == pytest.approx(mask.sum() * np.prod(SPACING), rel=0.1)
