"""The mutual information agrees with its definition, with SimpleITK and with its derivative."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.interpolate import BSpline
from scipy.ndimage import gaussian_filter, map_coordinates

from sklidh.images._mutual_information import bin_positions, mutual_information

N_BINS = 20
PARZEN = BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False)


@pytest.fixture(scope="module")
def volumes():
    """Return two smooth volumes of shape (z, y, x) that share their shapes, not their shades."""
    rng = np.random.default_rng(0)
    shared = gaussian_filter(rng.normal(size=(14, 17, 19)), 2)
    other = np.cos(3 * shared / shared.std()) + 0.2 * rng.normal(size=shared.shape)
    return shared.astype(np.float32), gaussian_filter(other, 0.7).astype(np.float32)


@pytest.fixture(scope="module")
def samples(volumes):
    """Return (fixed, offsets, moving) as the function takes them, offsets in voxels, x first."""
    fixed, moving = volumes
    voxels = np.argwhere(np.ones(fixed.shape))[::3]
    positions = bin_positions(fixed[tuple(voxels.T)], N_BINS)
    return positions.astype(np.int64), voxels[:, ::-1] - 8.0, bin_positions(moving, N_BINS)


def slow_mutual_information(fixed, offsets, moving, matrix, shift):
    """Compute the same from the definition: interpolate, spread, normalise, sum."""
    places = offsets @ matrix.T + shift
    inside = ((places >= 0) & (places <= np.array(moving.shape)[::-1] - 1)).all(axis=1)
    values = map_coordinates(moving, places[inside][:, ::-1].T, order=1, output=np.float64)
    spread = np.nan_to_num(PARZEN(np.arange(N_BINS) - values[:, None]))
    joint = np.zeros((N_BINS, N_BINS))
    np.add.at(joint, fixed[inside], spread)
    joint /= joint.sum()
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    seen = joint > 0
    return (joint[seen] * np.log(joint[seen] / independent[seen])).sum()


TURNED = np.array([[0.99, -0.1, 0.02], [0.1, 0.98, 0.05], [-0.03, -0.04, 1.0]])
SHIFTED = np.array([8.3, 7.6, 7.1])


def test_it_is_the_sum_in_its_definition(samples):
    value, _, _ = mutual_information(*samples, TURNED, SHIFTED, N_BINS)
    assert value == pytest.approx(slow_mutual_information(*samples, TURNED, SHIFTED), rel=1e-5)


def test_its_derivative_is_the_limit_of_differences():
    # A volume that is linear in x, y and z: between voxels, too, it is interpolated exactly, and
    # no sample passes a kink on its way.
    rng = np.random.default_rng(0)
    moving = np.indices((8, 8, 8)).sum(axis=0).astype(np.float32) * 0.6 + 2
    offsets = rng.uniform(-2, 2, (5000, 3))
    fixed = np.clip(10 + 2 * offsets.sum(axis=1) + rng.normal(size=5000), 2, 17).astype(np.int64)

    def information(matrix, shift):
        return mutual_information(fixed, offsets, moving, matrix, shift, N_BINS)

    matrix, shift, step = TURNED, np.array([3.3, 3.6, 3.1]), 1e-2
    _, by_matrix, by_shift = information(matrix, shift)
    for row in range(3):
        nudge = step * np.eye(3)[row]
        change = information(matrix, shift + nudge)[0] - information(matrix, shift - nudge)[0]
        assert by_shift[row] == pytest.approx(change / (2 * step), rel=0.01, abs=1e-4)
        for column in range(3):
            nudge = np.zeros((3, 3))
            nudge[row, column] = step
            change = information(matrix + nudge, shift)[0] - information(matrix - nudge, shift)[0]
            assert by_matrix[row, column] == pytest.approx(change / (2 * step), rel=0.01, abs=1e-4)


def test_it_is_what_simpleitk_calls_mattes_mutual_information(volumes):
    # SimpleITK leaves two bins free at either end; here it is one below and two above. The fixed
    # image is the smaller one, since SimpleITK lets samples lie half a voxel outside the other.
    fixed, moving = volumes[0][2:-2, 2:-2, 2:-2], volumes[1]
    shift = np.array([2.4, 1.3, 2.3])

    def positions(values):
        share = (values - values.min()) / (values.max() - values.min())
        return (1 + np.clip(share, 0, 0.99999) * N_BINS).astype(np.float32)

    voxels = np.argwhere(np.ones(fixed.shape))
    bins = positions(fixed)[tuple(voxels.T)].astype(np.int64)
    offsets = voxels[:, ::-1].astype(float)
    ours, _, _ = mutual_information(bins, offsets, positions(moving), np.eye(3), shift, N_BINS + 3)
    theirs = sitk.ImageRegistrationMethod()
    theirs.SetMetricAsMattesMutualInformation(N_BINS + 4)
    theirs.SetInterpolator(sitk.sitkLinear)
    theirs.SetInitialTransform(sitk.TranslationTransform(3, shift.tolist()))
    images = (sitk.GetImageFromArray(volume) for volume in (fixed, moving))
    assert ours == pytest.approx(-theirs.MetricEvaluate(*images), rel=1e-4)


def test_it_does_not_care_which_way_round_the_shades_are(samples, volumes):
    fixed, offsets, _ = samples
    moving = volumes[1]
    moving = np.clip(moving, *np.quantile(moving, [0.001, 0.999]))
    values = [
        mutual_information(fixed, offsets, bin_positions(image, N_BINS), TURNED, SHIFTED, N_BINS)[0]
        for image in (moving, -moving, 5 * moving + 100)
    ]
    assert values[1] == pytest.approx(values[0], rel=0.02)
    assert values[2] == pytest.approx(values[0], rel=1e-3)


def test_samples_outside_the_moving_image_do_not_count(samples):
    fixed, offsets, moving = samples
    far = np.vstack([offsets, offsets + 1000])
    once = mutual_information(fixed, offsets, moving, TURNED, SHIFTED, N_BINS)
    twice = mutual_information(np.tile(fixed, 2), far, moving, TURNED, SHIFTED, N_BINS)
    assert twice[0] == once[0]
    np.testing.assert_array_equal(twice[1], once[1])


@pytest.mark.parametrize("n_inside", [0, 1, 9])
def test_with_less_than_a_tenth_of_overlap_there_is_no_information(samples, n_inside):
    fixed, offsets, moving = samples
    offsets = np.vstack([np.zeros((n_inside, 3)), offsets[n_inside:100] + 1000])
    value, by_matrix, by_shift = mutual_information(
        fixed[:100], offsets, moving, np.eye(3), np.full(3, 8.0), N_BINS
    )
    assert value == 0
    assert not by_matrix.any()
    assert not by_shift.any()


def test_positions_leave_room_for_the_spline(volumes):
    for values in (*volumes, np.zeros(5, np.float32), np.array([-1e9, 1e9], np.float32)):
        positions = bin_positions(values, N_BINS)
        assert positions.min() >= 1
        assert positions.max() < N_BINS - 2
