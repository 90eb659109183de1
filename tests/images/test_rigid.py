"""The rigid transform that was applied is the one that is found."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from sklidh.datasets import make_glioma_phantoms
from sklidh.images._registration_patient import resample
from sklidh.images._rigid import register_rigidly
from sklidh.images._rigid_comparison import GENERATORS, region_on, rotate

REAL = Path(__file__).parents[3] / "shared" / "data" / "brats-4mod"


def brain_points(image):
    """Return the centres of the voxels above 0, in mm, shape (n, 3)."""
    voxels = np.argwhere(sitk.GetArrayFromImage(image) > 0)[::11, ::-1]
    return np.array([image.TransformContinuousIndexToPhysicalPoint(v) for v in voxels.tolist()])


def error(found, true, points):
    """Return how far two transforms are apart: mm on average over the points, and degrees."""
    apart = [points @ matrix[:3, :3].T + matrix[:3, 3] for matrix in (found, true)]
    turn = Rotation.from_matrix(found[:3, :3] @ true[:3, :3].T).magnitude()
    return np.linalg.norm(apart[0] - apart[1], axis=1).mean(), np.degrees(turn)


def moved(image, matrix):
    """Return an image whose content has moved by `matrix`, in the same grid."""
    back = np.linalg.inv(matrix)
    transform = sitk.AffineTransform(back[:3, :3].ravel(), back[:3, 3])
    return sitk.Resample(image, image, transform, sitk.sitkLinear)


def motion(degrees, axis, millimetres, centre):
    """Return a turn about the centre, then a shift, as a matrix of shape (4, 4)."""
    matrix = np.eye(4)
    axis = np.radians(degrees) * np.array(axis) / np.linalg.norm(axis)
    matrix[:3, :3] = Rotation.from_rotvec(axis).as_matrix()
    matrix[:3, 3] = centre + millimetres - matrix[:3, :3] @ centre
    return matrix


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    """Return one patient's T2 and FLAIR in one position, 64 voxels of 1 mm a side."""
    X, _ = make_glioma_phantoms(tmp_path_factory.mktemp("head"), 2, misalignment=(0, 0))
    return [sitk.ReadImage(path) for path in X.loc["phantom-000", ["T2", "FLAIR"]]]


def test_the_phantoms_true_transforms_come_back(tmp_path):
    X, _ = make_glioma_phantoms(tmp_path, 5)
    for patient, row in X.iterrows():
        true = json.loads((tmp_path / patient / "transforms.json").read_text())["matrices"]
        fixed = sitk.ReadImage(row["T2"])
        points = brain_points(fixed)
        for modality, matrix in true.items():
            fit = register_rigidly(fixed, sitk.ReadImage(row[modality]))
            millimetres, degrees = error(fit.matrix, np.array(matrix), points)
            assert millimetres < 0.5, f"{patient} {modality}"
            assert degrees < 0.5, f"{patient} {modality}"


@pytest.mark.parametrize(
    ("degrees", "axis", "millimetres"),
    [(15, (1, 0, 0), (8, 0, 0)), (20, (0, 1, 1), (0, -6, 3)), (12, (1, -2, 1), (-5, 5, 5))],
)
def test_large_motions_come_back(head, degrees, axis, millimetres):
    fixed, other = head
    points = brain_points(fixed)
    true = motion(degrees, axis, millimetres, points.mean(axis=0))
    found = register_rigidly(fixed, moved(other, true)).matrix
    assert max(error(found, true, points)) < 0.7


@pytest.mark.parametrize(("degrees", "axis"), [(180, (0, 1, 0)), (120, (1, 1, 1))])
def test_a_head_that_lies_the_other_way_comes_back(head, degrees, axis):
    # As where a header takes one axis of the patient for another.
    fixed, other = head
    points = brain_points(fixed)
    true = motion(degrees, axis, (3, -2, 4), points.mean(axis=0))
    # The phantom's head is so round that even the wrong way it agrees by 0.5 to 0.75 nats.
    fit = register_rigidly(fixed, moved(other, true), poor=1, n_samples=5000)
    assert max(error(fit.matrix, true, points)) < 0.7


@pytest.mark.slow
@pytest.mark.parametrize("case", ["BraTS2021_00006", "TCGA-FG-6692"])
def test_a_thin_slab_of_a_real_head_comes_back(case):
    """From the header's position the coarse levels climb to a local maximum, 7 to 10 mm off."""
    if not REAL.exists():
        pytest.skip(f"{REAL} is not there")
    fixed, other = (sitk.ReadImage(REAL / case / f"{name}.nii.gz") for name in ("t2", "flair"))
    centre = brain_points(fixed).mean(axis=0)
    true = motion(3.7, (2.4, 2.7, 0.7), (-1.5, -6.8, -6.3), centre)
    middle = fixed.TransformPhysicalPointToIndex(centre.tolist())
    slab = tuple(slice(m - n, m + n) for m, n in zip(middle, (60, 60, 20), strict=True))
    fixed, other = fixed[slab], moved(other, true)[slab]
    fit = register_rigidly(fixed, other)
    assert error(fit.matrix, true, brain_points(fixed))[0] < 1


def test_an_image_lies_on_itself(head):
    fit = register_rigidly(head[0], head[0])
    assert fit.displacement < 0.02
    assert fit.rotation < 0.05


def test_there_and_back_is_nowhere(head):
    fixed, other = head
    points = brain_points(fixed)
    other = moved(other, motion(6, (1, 1, 0), (2, 0, -2), points.mean(axis=0)))
    there, back = register_rigidly(fixed, other), register_rigidly(other, fixed)
    assert max(error(back.matrix @ there.matrix, np.eye(4), points)) < 0.5


def test_a_moved_reference_frame_changes_nothing_but_the_frame(head):
    fixed, other = head
    found = register_rigidly(fixed, other).matrix
    frame = motion(30, (1, 2, 3), (100, -50, 20), np.zeros(3))
    placed = sitk.Image(other)
    placed.SetDirection((frame[:3, :3] @ np.reshape(other.GetDirection(), (3, 3))).ravel())
    placed.SetOrigin(frame[:3, :3] @ other.GetOrigin() + frame[:3, 3])
    again = register_rigidly(fixed, placed).matrix
    assert max(error(again, frame @ found, brain_points(fixed))) < 0.1


def test_another_grid_with_thick_slices_is_no_obstacle(head):
    fixed, other = head
    true = motion(4, (0, 0, 1), (2, -2, 1), brain_points(fixed).mean(axis=0))
    grid = sitk.Image(40, 60, 16, sitk.sitkInt16)
    grid.SetSpacing((1.5, 1.1, 4.0))
    grid.SetOrigin((-30, -32, -30))
    back = np.linalg.inv(true)
    transform = sitk.AffineTransform(back[:3, :3].ravel(), back[:3, 3])
    thick = sitk.Resample(other, grid, transform, sitk.sitkLinear)
    found = register_rigidly(fixed, thick).matrix
    assert max(error(found, true, brain_points(fixed))) < 0.7


def test_the_figures_describe_the_transform(head):
    fixed, other = head
    true = motion(5, (0, 0, 1), (3, 0, 0), brain_points(fixed).mean(axis=0))
    fit = register_rigidly(fixed, moved(other, true))
    assert fit.rotation == pytest.approx(5, abs=0.3)
    assert fit.translation == pytest.approx(3, abs=0.5)
    assert fit.translation < fit.displacement < 5
    assert fit.mutual_information > 0.4


def test_the_same_seed_gives_the_same_transform(head):
    fits = [register_rigidly(*head, n_samples=5000, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(fits[0].matrix, fits[1].matrix)
    assert (fits[0].matrix != fits[2].matrix).any()


def test_what_cannot_be_aligned_is_refused(head):
    flat = sitk.Image(8, 8, 8, sitk.sitkInt16)
    with pytest.raises(ValueError, match="every voxel is 0"):
        register_rigidly(head[0], flat)
    with pytest.raises(ValueError, match="two or more along every axis"):
        register_rigidly(head[0][:, :, :1], head[1])


def test_rotations_agree_with_scipy_and_their_differences():
    angles = np.array([0.3, -0.2, 0.5])
    rotation, by_angle = rotate(angles)
    np.testing.assert_allclose(rotation, Rotation.from_euler("xyz", angles).as_matrix())
    for axis in range(3):
        step = 1e-6 * np.eye(3)[axis]
        slope = (rotate(angles + step)[0] - rotate(angles - step)[0]) / 2e-6
        np.testing.assert_allclose(by_angle[axis], slope, atol=1e-8)
        np.testing.assert_array_equal(GENERATORS[axis], -GENERATORS[axis].T)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="the real data beside the repository are not there")
@pytest.mark.parametrize("modality", ["t1", "t1ce", "flair"])
@pytest.mark.parametrize("patient", ["BraTS2021_00006", "TCGA-FG-6692"])
def test_real_images_moved_far_come_back(patient, modality):
    # The source's own misregistration, about 1 mm, is measured first and taken into account.
    fixed, other = (
        sitk.ReadImage(REAL / patient / f"{name}.nii.gz", sitk.sitkFloat32)
        for name in ("t2", modality)
    )
    points = brain_points(fixed)[::20]
    own = register_rigidly(fixed, other)
    assert own.displacement < 1.2
    rng = np.random.default_rng(len(modality))
    direction = rng.normal(size=3)
    shift = rng.uniform(5, 20) * direction / np.linalg.norm(direction)
    true = motion(rng.uniform(5, 15), rng.normal(size=3), shift, points.mean(axis=0))
    found = register_rigidly(fixed, moved(other, true)).matrix
    millimetres, degrees = error(found, true @ own.matrix, points)
    assert millimetres < 1
    assert degrees < 1


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32])
def test_resampling_gives_the_voxels_of_simpleitk(dtype):
    rng = np.random.default_rng(0)
    image, grid = (
        sitk.GetImageFromArray(rng.integers(0, 200, shape).astype(dtype))
        for shape in ((9, 11, 13), (12, 8, 10))
    )
    image.SetSpacing((1.0, 1.3, 2.0))
    image.SetOrigin((-3.0, 2.0, 5.0))
    grid.SetDirection(Rotation.from_rotvec([0.2, -0.1, 0.3]).as_matrix().ravel().tolist())
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec([0.1, -0.05, 0.08]).as_matrix()
    matrix[:3, 3] = 1.5, 0.4, -0.7
    transform = sitk.AffineTransform(matrix[:3, :3].ravel(), matrix[:3, 3])
    resampled = resample(image, grid, matrix)
    corners = sitk.GetArrayFromImage(image)[np.ix_(*[(0, -1)] * 3)]
    around = float(np.median(corners))
    expected = sitk.Resample(image, grid, transform, sitk.sitkLinear, around, sitk.sitkFloat64)
    assert resampled.GetPixelID() == image.GetPixelID()
    assert resampled.GetSize() == grid.GetSize()
    there = sitk.GetArrayFromImage(expected)
    assert 0.1 < (there == around).mean() < 0.9
    # Whole numbers are rounded.
    allowed = 1e-4 if dtype == np.float32 else 0.5 + 1e-6
    np.testing.assert_allclose(sitk.GetArrayFromImage(resampled), there, rtol=0, atol=allowed)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_coarse_region_is_found_on_finer_voxels_as_by_simpleitk(factor):
    fine = sitk.GetImageFromArray(np.zeros((13, 17, 22), np.float32))
    fine.SetSpacing((0.9, 1.1, 2.0))
    fine.SetOrigin((7.0, -3.0, 1.0))
    fine.SetDirection(Rotation.from_rotvec([0.1, 0.2, 0.3]).as_matrix().ravel().tolist())
    coarse = sitk.BinShrink(fine, [4, 4, 2])
    inside = np.random.default_rng(0).random(sitk.GetArrayViewFromImage(coarse).shape) > 0.5
    region = sitk.GetImageFromArray(inside.astype(np.uint8))
    region.CopyInformation(coarse)
    image = sitk.BinShrink(fine, [factor, factor, 1]) if factor > 1 else fine
    expected = sitk.Resample(region, image, sitk.Transform(), sitk.sitkNearestNeighbor)
    np.testing.assert_array_equal(region_on(image, region), sitk.GetArrayViewFromImage(expected))
