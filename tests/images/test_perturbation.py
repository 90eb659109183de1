"""Perturbed images keep what a second scan and a second reader would keep."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from sklidh.images import Perturbations, noise_level, perturbed_images
from sklidh.images._perturbation import motion_of, moved_image, moved_mask

STILL = {"rotation": 0.0, "translation": 0.0, "noise": 0.0, "volume": 0.0, "contours": False}
SPACING = (2.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def ellipsoid():
    """Return a smooth image with noise of deviation 4, and an ellipsoid in it, brighter by 50."""
    z, y, x = np.indices((24, 60, 60))
    radius = ((z - 11.5) / 6) ** 2 + ((y - 29.5) / 16) ** 2 + ((x - 27.5) / 12) ** 2
    mask = radius < 1
    noise = np.random.default_rng(0).normal(0, 4, mask.shape)
    return 100 + 50 * mask + ndimage.gaussian_filter(noise, 6) + noise, mask


def perturbed(image, **options):
    volume, mask = image
    return list(
        perturbed_images(
            volume, {"": mask}, SPACING, Perturbations(**{**STILL, **options}), margin=np.inf
        )
    )


def dice(one, other):
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


@pytest.mark.parametrize("deviation", [0.5, 5.0, 80.0])
def test_the_noise_of_a_smooth_image_is_estimated_within_three_percent(deviation):
    z, y, x = np.indices((12, 80, 80))
    anatomy = 400 + 200 * np.sin(x / 12) * np.cos(y / 15) + 10 * z
    noise = np.random.default_rng(1).normal(0, deviation, anatomy.shape)
    assert noise_level(anatomy + noise) == pytest.approx(deviation, rel=0.03)


def test_the_background_of_a_skull_stripped_image_does_not_hide_its_noise():
    rng = np.random.default_rng(2)
    brain = np.zeros((10, 100, 100))
    # A third of the voxels, as in BraTS: the median over all of them would be 0.
    brain[:, 20:78, 20:78] = rng.normal(300, 7, (10, 58, 58))
    assert noise_level(brain) == pytest.approx(7, rel=0.05)
    assert noise_level(np.zeros((3, 4, 5))) == 0


def test_without_a_perturbation_nothing_changes(ellipsoid):
    volume, mask = ellipsoid
    ((image, masks),) = perturbed((volume.round().astype(np.int16), mask), number=1)
    assert image.dtype == np.int16
    assert np.array_equal(image, volume.round())
    assert np.array_equal(masks[""], mask)


def test_the_added_noise_has_the_images_own_level(ellipsoid):
    volume, _ = ellipsoid
    for image, _ in perturbed(ellipsoid, number=2, noise=1.0):
        assert np.std(image - volume) == pytest.approx(noise_level(volume), rel=0.02)
    assert noise_level(volume) == pytest.approx(4, rel=0.05)


def test_rotated_and_translated_the_volume_stays_and_the_region_moves_with_the_image(ellipsoid):
    _, mask = ellipsoid
    for image, masks in perturbed(ellipsoid, number=6, rotation=30.0, translation=0.5):
        region = masks[""]
        assert np.count_nonzero(region) == pytest.approx(np.count_nonzero(mask), rel=0.01)
        assert dice(region, mask) < 0.995
        inner = ndimage.binary_erosion(region, iterations=2)
        outer = ~ndimage.binary_dilation(region, iterations=2)
        assert image[inner].mean() == pytest.approx(150, abs=1)
        assert image[outer].mean() == pytest.approx(100, abs=1)


def test_a_quarter_turn_gives_the_turned_image_in_voxels_of_any_shape():
    rng = np.random.default_rng(3)
    smooth = ndimage.gaussian_filter(rng.normal(size=(5, 41, 41)), (0, 3, 3)).astype(np.float32)
    motion = motion_of(np.pi / 2, np.zeros(3), np.array([2.0, 20.0, 20.0]), (3.0, 1.0, 1.0))
    assert np.abs(moved_image(smooth, *motion) - np.rot90(smooth, -1, axes=(1, 2))).max() < 1e-4
    # Stretched voxels: a square of 12 mm turned by 90 degrees keeps its 6 x 12 voxels.
    box = np.zeros((1, 40, 40), bool)
    box[0, 17:23, 14:26] = True
    motion = motion_of(np.pi / 2, np.zeros(3), np.array([0.0, 19.5, 19.5]), (1.0, 2.0, 1.0))
    assert np.array_equal(moved_mask(box, *motion), box)


def test_the_interpolation_is_scipys():
    volume = np.random.default_rng(4).normal(size=(12, 30, 31)).astype(np.float32)
    mask = ndimage.gaussian_filter(volume, 2) > 0
    shift, centre = np.array([0.4, -0.3, 0.2]), np.array([5.5, 14.5, 15.0])
    matrix, offset = motion_of(0.3, shift, centre, (2.0, 1.0, 1.5))
    ours = moved_image(volume, matrix, offset)
    theirs = ndimage.affine_transform(volume.astype(float), matrix, offset, order=3, mode="mirror")
    # At the edges, the one mirrors and the other sees the background.
    inside = (slice(1, -1), slice(9, -9), slice(9, -9))
    assert np.abs(ours - theirs)[inside].max() < 1e-4
    linear = ndimage.affine_transform(mask.astype(float), matrix, offset, order=1)
    assert np.array_equal(moved_mask(mask, matrix, offset)[inside], (linear >= 0.5)[inside])


def test_the_volume_grows_and_shrinks_by_up_to_the_fraction_along_the_surface(ellipsoid):
    _, mask = ellipsoid
    sizes = []
    for _, masks in perturbed(ellipsoid, number=12, volume=0.2):
        region = masks[""]
        sizes.append(np.count_nonzero(region) / np.count_nonzero(mask) - 1)
        # Either the one or the other contains the other: the contour moves along its normal.
        assert not (region & ~mask).any() or not (mask & ~region).any()
    assert -0.2 < min(sizes) < -0.05
    assert 0.05 < max(sizes) < 0.2


def test_a_contour_follows_supervoxels_and_differs_each_time(ellipsoid):
    _, mask = ellipsoid
    regions = [masks[""] for _, masks in perturbed(ellipsoid, number=5, contours=True)]
    assert all(0.8 < dice(region, mask) < 1 for region in regions)
    assert all(dice(*pair) < 1 for pair in pairwise(regions))


def test_no_contour_reaches_into_the_background(ellipsoid):
    volume, mask = ellipsoid
    volume = np.where(np.indices(volume.shape)[2] < 30, volume, 0)
    mask = mask & (volume != 0)
    for _, masks in perturbed((volume, mask), number=5, volume=0.3, contours=True):
        assert not (masks[""] & (volume == 0)).any()


def test_patients_differ_and_sequences_of_a_patient_move_alike(ellipsoid):
    volume, mask = ellipsoid
    options = {"number": 3, "rotation": 10.0, "translation": 0.5, "volume": 0.2}
    here = [masks[""] for _, masks in perturbed((volume, mask), **options)]
    other_sequence = [masks[""] for _, masks in perturbed((volume**2, mask), **options)]
    more = [masks[""] for _, masks in perturbed((volume, mask), **{**options, "number": 5})]
    seeded = [masks[""] for _, masks in perturbed((volume, mask), random_state=1, **options)]
    assert all(map(np.array_equal, here, other_sequence))
    assert all(map(np.array_equal, here, more))
    assert not any(map(np.array_equal, here, seeded))
    flipped = [masks[""] for _, masks in perturbed((volume, mask[:, :, ::-1]), **options)]
    assert not any(np.array_equal(a, b[:, :, ::-1]) for a, b in zip(here, flipped, strict=True))


def test_the_margin_around_the_regions_does_not_decide_on_them(ellipsoid):
    volume, mask = (
        np.pad(each, 8, mode="reflect" if each.dtype == float else "constant") for each in ellipsoid
    )
    chosen = Perturbations(number=1, contours=False, volume=0.0, noise=0.0)
    ((near, near_masks),) = perturbed_images(volume, {"": mask}, SPACING, chosen, margin=10.0)
    ((far, far_masks),) = perturbed_images(volume, {"": mask}, SPACING, chosen, margin=13.0)
    assert near.size < far.size < volume.size
    inside, same = near[near_masks[""]], far[far_masks[""]]
    assert inside.shape == same.shape
    assert np.abs(inside - same).max() < 1e-3


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("number", 0),
        ("rotation", -1.0),
        ("translation", 1.5),
        ("volume", 1.0),
        ("noise", "own"),
        ("contours", 1),
        ("random_state", -1),
    ],
)
def test_a_value_out_of_range_is_named(option, value):
    with pytest.raises(ValueError, match=f"{option}={value!r}; accepted"):
        Perturbations(**{option: value})
