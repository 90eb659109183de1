"""How well two images agree under a rigid transform, as a function that can be climbed."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.optimize import minimize

from sklidh.images._mutual_information import bin_positions, mutual_information

FLAT = 1e-3
"""nats per mm: the slope at which a maximum is reached, to about 0.02 mm in brain images."""

GENERATORS = np.array(
    [
        [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
        [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    ]
)
"""How a small turn about x, y and z moves a point: ``generator @ point`` a radian."""


def rotate(angles):
    """Return the rotation by angles about x, then y, then z, and its derivatives.

    Parameters
    ----------
    angles : array-like of shape (3,)
        In radians.

    Returns
    -------
    rotation : ndarray of shape (3, 3)
    by_angle : ndarray of shape (3, 3, 3)
        The first axis numbers the angles.
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
    """Where the head is: the voxels brighter than the image's mean, and those next to them.

    Attributes
    ----------
    region : SimpleITK.Image
        1 in the foreground, 0 elsewhere.
    centre : ndarray of shape (3,)
        In mm.
    radius : float
        The voxels' distance from the centre, in mm, as root mean square.
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


class Comparison:
    """The mutual information of two images at one resolution, as a function of the transform.

    `base` is a rotation that comes before the one of the parameters, so that angles stay small.
    """

    def __init__(self, fixed, moving, foreground, base, n_samples, n_bins, rng):
        self.base = base
        self.centre, self.radius, self.n_bins = foreground.centre, foreground.radius, n_bins
        region = sitk.Resample(foreground.region, fixed, sitk.Transform(), sitk.sitkNearestNeighbor)
        chosen = np.flatnonzero(sitk.GetArrayViewFromImage(region))
        if len(chosen) > n_samples:
            chosen = np.sort(rng.choice(chosen, n_samples, replace=False))
        values = sitk.GetArrayViewFromImage(fixed)
        voxels = np.stack(np.unravel_index(chosen, values.shape)[::-1], axis=1)
        self.offsets = grid_points(fixed, voxels) - self.centre
        self.fixed = bin_positions(values.ravel()[chosen], n_bins).astype(np.int64)
        self.moving = bin_positions(sitk.GetArrayViewFromImage(moving), n_bins)
        self.to_voxels = (np.reshape(moving.GetDirection(), (3, 3)) / moving.GetSpacing()).T
        self.origin = np.array(moving.GetOrigin())

    def __call__(self, parameters):
        """Return the mutual information and its derivative.

        `parameters` are three rotations, as mm on the foreground's rim, and a translation in mm:
        in one unit, so that a descent has no steep and no flat direction.
        """
        rotation, by_angle = rotate(parameters[:3] / self.radius)
        value, by_matrix, by_shift = mutual_information(
            self.fixed,
            self.offsets,
            self.moving,
            self.to_voxels @ rotation @ self.base,
            self.to_voxels @ (self.centre + parameters[3:] - self.origin),
            self.n_bins,
        )
        by_rotation = self.to_voxels.T @ by_matrix @ self.base.T
        turning = np.tensordot(by_angle, by_rotation) / self.radius
        return value, np.concatenate([turning, self.to_voxels.T @ by_shift])

    def maximise(self, start, most_steps=200):
        """Return the parameters of the maximum next to `start`."""

        def loss(parameters):
            value, slope = self(parameters)
            return -value, -slope

        return minimize(
            loss, start, jac=True, method="BFGS", options={"gtol": FLAT, "maxiter": most_steps}
        ).x
