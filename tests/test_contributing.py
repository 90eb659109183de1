"""The examples of docs/contributing.rst that are no pages of the gallery."""

import numpy as np
import pytest

# A filter and a family of the engine
from scipy.ndimage import uniform_filter

from sklidh.radiomics._roi import Roi


def cube_mean_image(volume, roi):
    """Return the mean of the 27 voxels around each voxel of the region's box, float64."""
    return uniform_filter(volume.astype(np.float64), size=3)[roi.box]


def ordered_features(values):
    """Return what the order of the region's intensities tells, by name."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return {"QuartileSpread": high - low, "QuartileSkewness": (high + low - 2 * middle)}


# The test
@pytest.fixture
def ramp():
    """Return a volume that rises evenly along its rows, and a region within it."""
    volume = np.tile(np.arange(12.0), (8, 8, 1))
    mask = np.zeros(volume.shape, bool)
    mask[2:6, 2:6, 2:10] = True
    return volume, mask


def test_the_mean_of_a_cube_leaves_a_ramp_as_it_is(ramp):
    volume, mask = ramp
    roi = Roi(mask, margin=1)
    np.testing.assert_allclose(roi.values(cube_mean_image(volume, roi)), volume[mask])


def test_a_symmetric_region_has_no_skewness_and_the_spread_of_its_quartiles(ramp):
    volume, mask = ramp
    features = ordered_features(Roi(mask, margin=1).values(volume[Roi(mask, margin=1).box]))
    assert features["QuartileSkewness"] == 0
    assert features["QuartileSpread"] == np.diff(np.quantile(volume[mask], [0.25, 0.75]))[0]
