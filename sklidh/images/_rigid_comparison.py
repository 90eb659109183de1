"""The agreement of two images under a rigid transform, as a function to maximise."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.optimize import minimize

from sklidh.images._mutual_information import bin_positions, mutual_information

FLAT = 1e-3
"""Slope in nats per mm that counts as a maximum, to about 0.02 mm in brain images."""

GENERATORS = np.array(
    [
        [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
        [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    ]
)
"""Generators of rotation about x, y and z: ``generator @ point`` is the motion per radian."""


def rotate(angles):
    """Return the rotation about x, then y, then z, and its derivatives.

    Parameters
    ----------
    angles : array-like of shape (3,)
        In radians.

    Returns
    -------
    rotation : ndarray of shape (3, 3)
    by_angle : ndarray of shape (3, 3, 3)
        The first axis is the angle.
    """
    turns, slopes = [], []
    for generator, angle in zip(GENERATORS, angles, strict=True):
        plane = -generator @ generator
        turns.append(np.eye(3) - plane + np.cos(angle) * plane + np.sin(angle) * generator)
        slopes.append(-np.sin(angle) * plane + np.cos(angle) * generator)
    x, y, z = turns
    return z @ y @ x, np.stack([z @ y @ slopes[0], z @ slopes[1] @ x, slopes[2] @ y @ x])


def grid_points(image, voxels):
    """Return the centres of voxels, given as (n, 3) with x first, in mm."""
    direction = np.reshape(image.GetDirection(), (3, 3))
    return (voxels * np.array(image.GetSpacing())) @ direction.T + image.GetOrigin()


@dataclass(frozen=True)
class Foreground:
    """The head: the voxels brighter than the image's mean, and their neighbours.

    Attributes
    ----------
    region : SimpleITK.Image
        1 in the foreground, 0 elsewhere.
    centre : ndarray of shape (3,)
        In mm.
    radius : float
        Root mean square distance of the voxels from the centre, in mm.
    """

    region: sitk.Image
    centre: np.ndarray
    radius: float

    @classmethod
    def of(cls, image):
        """Find the foreground of an image."""
        mean = float(sitk.GetArrayViewFromImage(image).mean())
        region = sitk.BinaryDilate(image > mean, [1, 1, 1])
        points = grid_points(image, np.argwhere(sitk.GetArrayViewFromImage(region))[:, ::-1])
        centre = points.mean(axis=0)
        return cls(region, centre, np.sqrt(((points - centre) ** 2).sum(axis=1).mean()))


@dataclass(frozen=True)
class Samples:
    """The voxels of the fixed image that are compared at one resolution.

    Attributes
    ----------
    offsets : ndarray of shape (n_samples, 3)
        From the foreground's centre, in mm.
    bins : ndarray of int64 of shape (n_samples,)
    """

    offsets: np.ndarray
    bins: np.ndarray

    @classmethod
    def of(cls, image, foreground, n_samples, n_bins, rng):
        """Draw samples from the foreground of an image."""
        chosen = np.flatnonzero(region_on(image, foreground.region))
        if len(chosen) > n_samples:
            chosen = np.sort(rng.choice(chosen, n_samples, replace=False))
        values = sitk.GetArrayViewFromImage(image)
        voxels = np.stack(np.unravel_index(chosen, values.shape)[::-1], axis=1)
        bins = bin_positions(values.ravel()[chosen], n_bins).astype(np.int64)
        return cls(grid_points(image, voxels) - foreground.centre, bins)


def region_on(image, region):
    """Return a region, stored at a coarser resolution, on the grid of an image.

    Parameters
    ----------
    image, region : SimpleITK.Image
        Their axes have the same directions, so each axis is resampled separately.

    Returns
    -------
    ndarray of bool, shape (z, y, x)
        Values of the nearest voxel; False outside the region's grid.
    """
    direction = np.reshape(image.GetDirection(), (3, 3))
    start = (np.subtract(image.GetOrigin(), region.GetOrigin()) @ direction) / region.GetSpacing()
    step = np.divide(image.GetSpacing(), region.GetSpacing())
    nearest = [
        np.floor(start[axis] + step[axis] * np.arange(n) + 0.5).astype(int)
        for axis, n in enumerate(image.GetSize())
    ]
    # A border of False on the far side, which index -1 reaches too, stands for the outside.
    bordered = np.pad(sitk.GetArrayViewFromImage(region).astype(bool), ((0, 1),) * 3)
    index = [
        np.where((n < 0) | (n >= size), size, n)
        for n, size in zip(nearest, region.GetSize(), strict=True)
    ]
    return bordered[np.ix_(*index[::-1])]


class Moving:
    """The moving image at one resolution.

    Attributes
    ----------
    positions : ndarray of float32 of shape (n_z, n_y, n_x)
        Intensities, as `bin_positions` scales them.
    to_voxels : ndarray of shape (3, 3)
        Maps mm from the origin to voxels, x first.
    origin : ndarray of shape (3,)
    """

    def __init__(self, image, n_bins):
        self.positions = bin_positions(sitk.GetArrayViewFromImage(image), n_bins)
        self.to_voxels = (np.reshape(image.GetDirection(), (3, 3)) / image.GetSpacing()).T
        self.origin = np.array(image.GetOrigin())


class Comparison:
    """The mutual information of two images at one resolution, as a function of the transform.

    `base` is a rotation applied before that of the parameters, so that angles stay small.
    """

    def __init__(self, samples, moving, foreground, base, n_bins):
        self.samples, self.moving, self.base, self.n_bins = samples, moving, base, n_bins
        self.centre, self.radius = foreground.centre, foreground.radius

    def __call__(self, parameters):
        """Return the mutual information and its derivative.

        `parameters` are three rotations, as mm on the foreground's rim, and a translation in mm: a
        common unit keeps the problem well conditioned.
        """
        rotation, by_angle = rotate(parameters[:3] / self.radius)
        to_voxels = self.moving.to_voxels
        value, by_matrix, by_shift = mutual_information(
            self.samples.bins,
            self.samples.offsets,
            self.moving.positions,
            to_voxels @ rotation @ self.base,
            to_voxels @ (self.centre + parameters[3:] - self.moving.origin),
            self.n_bins,
        )
        by_rotation = to_voxels.T @ by_matrix @ self.base.T
        turning = np.tensordot(by_angle, by_rotation) / self.radius
        return value, np.concatenate([turning, to_voxels.T @ by_shift])

    def maximise(self, start, curvature, most_steps=200):
        """Find the local maximum nearest `start`.

        Parameters
        ----------
        start : ndarray of shape (6,)
        curvature : ndarray of shape (6, 6)
            Initial estimate of the inverse Hessian of the loss.
        most_steps : int, default=200

        Returns
        -------
        parameters : ndarray of shape (6,)
        curvature : ndarray of shape (6, 6)
            The estimate at the maximum.
        """

        def loss(parameters):
            value, slope = self(parameters)
            return -value, -slope

        options = {"gtol": FLAT, "maxiter": most_steps, "hess_inv0": curvature}
        found = minimize(loss, start, jac=True, method="BFGS", options=options)
        # SciPy refuses an estimate that rounding has made slightly asymmetric.
        return found.x, (found.hess_inv + found.hess_inv.T) / 2
