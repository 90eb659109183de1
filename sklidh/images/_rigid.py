"""Find the rigid transform that aligns one image with another."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from sklidh.images._rigid_comparison import (
    Comparison,
    Foreground,
    Moving,
    Samples,
    grid_points,
    rotate,
)

SHRINKING = (4, 2, 1)
"""Resolutions of the levels, coarse to fine, in multiples of the shortest voxel edge."""

FEWEST_VOXELS = 8
"""Minimum number of voxels per axis after shrinking, so that thick slices stay usable."""

SEARCHED_DEGREES = (-16, -8, 8, 16)
"""Rotations about each axis tried as starts, besides no rotation."""

SEARCHED_SHIFTS = np.array([*product((-0.3, -0.15, 0, 0.15, 0.3), repeat=3)])
"""Translations tried where images agree poorly, in multiples of the foreground's radius."""

MOST_PROMISING = 10
"""Number of these starts that are optimised at the coarse level."""

FEW_SAMPLES, FEW_STEPS = 5000, 15
"""Voxels compared, and optimiser steps, per attempt at the coarse level."""

FOLLOWED = 3
"""Number of coarse attempts that are optimised at all levels."""

CURVATURE = 100
"""Initial inverse curvature of the negative mutual information, in mm^2 per nat. In brain images it
halves the number of evaluations; a factor of 3 either way makes little difference."""

ORIENTATIONS = np.concatenate([Rotation.create_group(name).as_matrix() for name in "OI"])
"""The 24 rotations of a cube and the 60 of an icosahedron: every orientation is within 45 degrees
of one of them."""


@dataclass(frozen=True)
class RigidFit:
    """A rigid transform, and the agreement of two images under it.

    Attributes
    ----------
    matrix : ndarray of shape (4, 4)
        Maps a point of the fixed image to the same anatomy in the moving image, in mm, LPS.
    translation : float
        Displacement of the centre of the fixed image's foreground, in mm.
    rotation : float
        In degrees.
    displacement : float
        Displacement of the foreground's voxels, in mm, as root mean square.
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
    if blocks.max() == 1:
        return image
    return sitk.BinShrink(image, blocks.astype(int).tolist())


def check_registrable(image):
    """Refuse an image that cannot be aligned."""
    if min(image.GetSize()) < 2:
        raise ValueError(f"{image.GetSize()} voxels: two or more along every axis are needed")
    values = sitk.GetArrayViewFromImage(image)
    if values.min() == values.max():
        raise ValueError(f"every voxel is {values.min()}")


@dataclass(frozen=True)
class Search:
    """Settings of the search for the maximum.

    Attributes
    ----------
    n_samples, n_bins, poor, seed
        As in `register_rigidly`.
    """

    n_samples: int = 30_000
    n_bins: int = 32
    poor: float = 0.4
    seed: int = 0


class Fixed:
    """The image to which others are registered, prepared once for all of them.

    Parameters
    ----------
    image : SimpleITK.Image
    search : Search

    Attributes
    ----------
    levels : list of SimpleITK.Image
        Coarse to fine.
    foreground : Foreground
    samples : list of Samples
        One per level.
    few_samples : Samples
        Samples of the coarsest level, for the many attempts where images agree poorly.
    """

    def __init__(self, image, search):
        check_registrable(image)
        image = sitk.Cast(image, sitk.sitkFloat32)
        self.levels = [shrink(image, factor) for factor in SHRINKING]
        self.foreground = Foreground.of(self.levels[0])
        self.search = search
        rng = np.random.default_rng(search.seed)
        self.samples = [self._draw(level, search.n_samples, rng) for level in self.levels]
        n_few = min(search.n_samples, FEW_SAMPLES)
        self.few_samples = self._draw(self.levels[0], n_few, np.random.default_rng(search.seed))

    def _draw(self, level, n_samples, rng):
        return Samples.of(level, self.foreground, n_samples, self.search.n_bins, rng)

    def compare(self, samples, moving, base):
        """Return the comparison of some of the samples with a moving image."""
        return Comparison(samples, moving, self.foreground, base, self.search.n_bins)


def search_start(compare, fixed, moving, moving_centre):
    """Return the parameters of the best start, from grids, centres and a few rotations.

    Parameters
    ----------
    compare : Comparison
    fixed, moving : SimpleITK.Image
        At the coarsest resolution.
    moving_centre : ndarray of shape (3,)
        Centre of the foreground of `moving`, in mm.

    Returns
    -------
    ndarray of shape (6,)
    """
    middles = [grid_points(image, (np.array(image.GetSize()) - 1) / 2) for image in (fixed, moving)]
    translations = [np.zeros(3), middles[1] - middles[0], moving_centre - compare.centre]
    candidates = [np.concatenate([np.zeros(3), translation]) for translation in translations]
    best = max(candidates, key=lambda candidate: compare(candidate)[0])
    turns = np.radians(SEARCHED_DEGREES)[:, None, None] * np.eye(3) * compare.radius
    candidates = [best, *(best + np.pad(turn, (0, 3)) for turn in turns.reshape(-1, 3))]
    return max(candidates, key=lambda candidate: compare(candidate)[0])


def describe(compare, parameters):
    """Return the transform with these parameters as a `RigidFit`."""
    angles, translation = parameters[:3] / compare.radius, parameters[3:]
    matrix = np.eye(4)
    matrix[:3, :3] = rotate(angles)[0] @ compare.base
    matrix[:3, 3] = compare.centre + translation - matrix[:3, :3] @ compare.centre
    moved = compare.samples.offsets @ (matrix[:3, :3] - np.eye(3)).T + translation
    return RigidFit(
        matrix=matrix,
        translation=float(np.linalg.norm(translation)),
        rotation=float(np.degrees(Rotation.from_matrix(matrix[:3, :3]).magnitude())),
        displacement=float(np.sqrt((moved**2).sum(axis=1).mean())),
        mutual_information=float(compare(parameters)[0]),
    )


def climb(comparisons, parameters, most_steps=200):
    """Maximise the mutual information level by level, each with the curvature of the one before.

    Parameters
    ----------
    comparisons : list of Comparison
        Coarse to fine.
    parameters : ndarray of shape (6,)
        The start.
    most_steps : int, default=200
        Maximum number of steps at each level.
    """
    curvature = CURVATURE * np.eye(len(parameters))
    for compare in comparisons:
        parameters, curvature = compare.maximise(parameters, curvature, most_steps)
    return describe(compare, parameters)


def register_rigidly(fixed, moving, **search):
    """Find the rigid transform that aligns `moving` with `fixed`.

    Parameters
    ----------
    fixed, moving : SimpleITK.Image
        Three-dimensional, two voxels or more along every axis.
    **search
        ``n_samples`` (default 30000), voxels of the fixed image's foreground compared at each
        resolution; ``n_bins`` (32), bins per axis of the joint histogram; ``poor`` (0.4), mutual
        information in nats below which the search restarts; ``seed`` (0) for sampling.

    Raises
    ------
    ValueError
        An image is a single slice or constant.
    """
    return register_onto(Fixed(fixed, Search(**search)), moving)


def register_onto(fixed, moving):
    """Find the rigid transform that aligns an image with a prepared one.

    The mutual information is maximised at three resolutions, each starting from the one before.
    If the images still agree poorly, the search restarts: from translations, since the coarse
    levels of a thin slab have local maxima, and from orientations all around, which include those
    of headers with swapped axes.

    Raises
    ------
    ValueError
        As `register_rigidly`.
    """
    check_registrable(moving)
    moving = sitk.Cast(moving, sitk.sitkFloat32)
    levels = [shrink(moving, factor) for factor in SHRINKING]
    moving_levels = [Moving(level, fixed.search.n_bins) for level in levels]
    moving_centre = Foreground.of(levels[0]).centre

    def comparisons(base):
        pairs = zip(fixed.samples, moving_levels, strict=True)
        return [fixed.compare(*pair, base) for pair in pairs]

    def start_of(compare):
        return search_start(compare, fixed.levels[0], levels[0], moving_centre)

    upright = comparisons(np.eye(3))
    start = start_of(upright[0])
    fit = climb(upright, start)
    if fit.mutual_information >= fixed.search.poor:
        return fit
    shifts = SEARCHED_SHIFTS * fixed.foreground.radius + start[3:]
    starts = np.pad(shifts, ((0, 0), (3, 0)))
    agreement = np.array([upright[0](each)[0] for each in starts])
    promising = starts[np.argsort(-agreement, kind="stable")[:MOST_PROMISING]]
    attempts = [(np.eye(3), each) for each in promising] + [(base, None) for base in ORIENTATIONS]
    coarsely = []
    for base, each in attempts:
        compare = fixed.compare(fixed.few_samples, moving_levels[0], base)
        each = start_of(compare) if each is None else each
        coarsely.append(climb([compare], each, FEW_STEPS).mutual_information)
    retried = []
    for index in np.argsort(-np.array(coarsely), kind="stable")[:FOLLOWED]:
        base, each = attempts[index]
        levels_of = comparisons(base)
        retried.append(climb(levels_of, start_of(levels_of[0]) if each is None else each))
    return max(fit, *retried, key=lambda each: each.mutual_information)
