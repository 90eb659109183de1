"""Find the rigid transform that lays one image onto another."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from sklidh.images._rigid_comparison import Comparison, Foreground, grid_points, rotate

SHRINKING = (4, 2, 1)
"""The levels' resolutions, coarse to fine, in multiples of the shortest voxel edge."""

FEWEST_VOXELS = 8
"""No axis is shrunk to fewer, so that thick slices survive the coarse levels."""

SEARCHED_DEGREES = (-16, -8, 8, 16)
"""Rotations about each axis that compete, with none, for the start."""

SEARCHED_SHIFTS = np.array([*product((-0.3, -0.15, 0, 0.15, 0.3), repeat=3)])
"""Translations that compete where images agree poorly, in multiples of the foreground's radius."""

MOST_PROMISING = 10
"""How many of these are climbed at the coarse level."""

FOLLOWED = 3
"""How many of all attempts at the coarse level are climbed at all levels."""

ORIENTATIONS = np.concatenate([Rotation.create_group(name).as_matrix() for name in "OI"])
"""The 24 rotations that lay a cube onto itself, and the 60 of an icosahedron: no orientation is
farther than 45 degrees from one of them."""


@dataclass(frozen=True)
class RigidFit:
    """A rigid transform, and how well two images agree under it.

    Attributes
    ----------
    matrix : ndarray of shape (4, 4)
        Maps a point of the fixed image to the same anatomy in the moving image, in mm, LPS.
    translation : float
        How far the middle of the fixed image's foreground moves, in mm.
    rotation : float
        In degrees.
    displacement : float
        How far the foreground's voxels move, in mm, as root mean square.
    mutual_information : float
        At full resolution, in nats.
    """

    matrix: np.ndarray
    translation: float
    rotation: float
    displacement: float
    mutual_information: float


def shrink(image, factor):
    """Average blocks of voxels until all axes are `factor` times the shortest voxel edge."""
    spacing, size = np.array(image.GetSpacing()), np.array(image.GetSize())
    blocks = np.rint(factor * spacing.min() / spacing)
    blocks = np.clip(blocks, 1, np.maximum(size // FEWEST_VOXELS, 1))
    return sitk.BinShrink(image, blocks.astype(int).tolist())


def check_registrable(image):
    """Refuse an image in which nothing can be aligned."""
    if min(image.GetSize()) < 2:
        raise ValueError(f"{image.GetSize()} voxels: two or more along every axis are needed")
    values = sitk.GetArrayViewFromImage(image)
    if values.min() == values.max():
        raise ValueError(f"every voxel is {values.min()}")


def search_start(compare, fixed, moving):
    """Return the parameters of the best start: grids, centres and a few rotations compete."""
    middles = [grid_points(image, (np.array(image.GetSize()) - 1) / 2) for image in (fixed, moving)]
    centres = compare.centre, Foreground.of(moving).centre
    translations = [np.zeros(3), middles[1] - middles[0], centres[1] - centres[0]]
    candidates = [np.concatenate([np.zeros(3), translation]) for translation in translations]
    best = max(candidates, key=lambda candidate: compare(candidate)[0])
    turns = np.radians(SEARCHED_DEGREES)[:, None, None] * np.eye(3) * compare.radius
    candidates = [best, *(best + np.pad(turn, (0, 3)) for turn in turns.reshape(-1, 3))]
    return max(candidates, key=lambda candidate: compare(candidate)[0])


def describe(compare, parameters):
    """Return the transform of these parameters as a `RigidFit`."""
    angles, translation = parameters[:3] / compare.radius, parameters[3:]
    matrix = np.eye(4)
    matrix[:3, :3] = rotate(angles)[0] @ compare.base
    matrix[:3, 3] = compare.centre + translation - matrix[:3, :3] @ compare.centre
    moved = compare.offsets @ (matrix[:3, :3] - np.eye(3)).T + translation
    return RigidFit(
        matrix=matrix,
        translation=float(np.linalg.norm(translation)),
        rotation=float(np.degrees(Rotation.from_matrix(matrix[:3, :3]).magnitude())),
        displacement=float(np.sqrt((moved**2).sum(axis=1).mean())),
        mutual_information=float(compare(parameters)[0]),
    )


def climb(levels, base, seed, most_steps=200, start=None, **options):
    """Maximise the mutual information level by level.

    Parameters
    ----------
    levels : list of pair of SimpleITK.Image
        Fixed and moving, coarse to fine.
    base : ndarray of shape (3, 3)
        The rotation to start from.
    seed : int
        Of the choice of samples.
    most_steps : int, default=200
        At each level.
    start : ndarray of shape (6,), default=None
        Parameters; None: those that `search_start` finds.
    **options
        Of `Comparison`: ``foreground``, ``n_samples`` and ``n_bins``.

    Returns
    -------
    RigidFit
    """
    parameters, rng = start, np.random.default_rng(seed)
    for pair in levels:
        compare = Comparison(*pair, base=base, rng=rng, **options)
        if parameters is None:
            parameters = search_start(compare, *pair)
        parameters = compare.maximise(parameters, most_steps)
    return describe(compare, parameters)


def register_rigidly(fixed, moving, *, n_samples=30_000, n_bins=32, poor=0.4, seed=0):
    """Find the rigid transform that lays `moving` onto `fixed`.

    The mutual information is maximised at three resolutions, each starting from the one before.
    Where images agree poorly even so, the search starts again: from translations, since in a thin
    slab the coarse levels have local maxima, and from orientations all around, among which are
    those of a header that takes one axis for another.

    Parameters
    ----------
    fixed, moving : SimpleITK.Image
        Three-dimensional, two voxels or more along every axis.
    n_samples : int, default=30000
        Voxels of the fixed image's foreground compared at each resolution.
    n_bins : int, default=32
        Of either axis of the joint histogram.
    poor : float, default=0.4
        Mutual information, in nats, below which the search starts again.
    seed : int, default=0
        Of the choice of samples.

    Returns
    -------
    RigidFit

    Raises
    ------
    ValueError
        An image is a single slice, or holds one value only.
    """
    for image in (fixed, moving):
        check_registrable(image)
    fixed, moving = (sitk.Cast(image, sitk.sitkFloat32) for image in (fixed, moving))
    levels = [(shrink(fixed, factor), shrink(moving, factor)) for factor in SHRINKING]
    foreground = Foreground.of(shrink(fixed, SHRINKING[0]))
    options = {"foreground": foreground, "n_samples": n_samples, "n_bins": n_bins}
    fit = climb(levels, np.eye(3), seed, **options)
    if fit.mutual_information >= poor:
        return fit
    compare = Comparison(*levels[0], base=np.eye(3), rng=np.random.default_rng(seed), **options)
    shifts = SEARCHED_SHIFTS * compare.radius + search_start(compare, *levels[0])[3:]
    starts = np.pad(shifts, ((0, 0), (3, 0)))
    agreement = np.array([compare(start)[0] for start in starts])
    promising = starts[np.argsort(-agreement, kind="stable")[:MOST_PROMISING]]
    quickly = options | {"n_samples": min(n_samples, 5000), "most_steps": 15}
    attempts = [(np.eye(3), start) for start in promising] + [(base, None) for base in ORIENTATIONS]
    coarsely = [climb(levels[:1], base, seed, start=start, **quickly) for base, start in attempts]
    ranked = np.argsort([-each.mutual_information for each in coarsely], kind="stable")
    followed = [attempts[index] for index in ranked[:FOLLOWED]]
    retried = [climb(levels, base, seed, start=start, **options) for base, start in followed]
    return max(fit, *retried, key=lambda each: each.mutual_information)
