"""One synthetic patient: a brain, a tumour, and their MR images."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter
from scipy.spatial.transform import Rotation

# Brightness of each tissue, with white matter in T1 at about 1, in painting order.
CONTRAST = {
    "T1": {"grey": 0.70, "white": 0.95, "fluid": 0.25, "oedema": 0.60, "core": 0.50},
    "T1CE": {"grey": 0.72, "white": 0.95, "fluid": 0.25, "oedema": 0.60, "core": 0.50},
    "T2": {"grey": 0.80, "white": 0.60, "fluid": 1.50, "oedema": 1.05, "core": 1.20},
    "FLAIR": {"grey": 0.80, "white": 0.60, "fluid": 0.20, "oedema": 1.15, "core": 1.10},
}

DARKEST = 0.1
"""Minimum tissue brightness; anything darker is outside the brain."""


@dataclass(frozen=True)
class Grid:
    """Voxels along x, y, z in the LPS frame, `spacing` mm apart; the centre is the origin."""

    shape: tuple[int, int, int]
    spacing: np.ndarray

    @property
    def corner(self):
        """The centre of the first voxel, in mm; shape (3,)."""
        return -(np.array(self.shape) - 1) / 2 * self.spacing

    @cached_property
    def points(self):
        """The centres of all voxels, in mm; shape (3, n_x, n_y, n_z)."""
        steps = np.indices(self.shape, dtype=np.float32)
        return steps * _column(self.spacing) + _column(self.corner)

    @property
    def extent(self):
        """The shortest edge of the field of view, in mm."""
        return float(np.min(np.array(self.shape) * self.spacing))


@dataclass(frozen=True)
class Anatomy:
    """A patient's tissue maps; every array has the grid's shape.

    `tissues` maps ``grey``, ``white``, ``fluid``, ``oedema``, ``core`` and the core's ``rim`` to
    memberships from 0 to 1; `brain` and `tumour` are bool.
    """

    tissues: dict[str, np.ndarray]
    brain: np.ndarray
    tumour: np.ndarray


def draw_traits(rng, shift, direction=(-1, -1, 1)):
    """Return the traits that distinguish mutants from wild types.

    `shift` is 0 for a wild type and `effect` for a mutant. One unit moves each trait by two
    standard deviations of its spread between patients: the ``heterogeneity`` of the tumour's
    texture and the ``enhancement`` of the core's rim in T1CE are lower in mutants; ``mismatch``,
    the darkness (0 to 1) in FLAIR of the core, which is bright in T2, is higher.
    `direction` has the signs of the shifts, by default these.
    """
    texture, rim, dark = rng.normal(size=3) + 2.6 * shift * np.array(direction)
    return {
        "heterogeneity": 0.16 * np.exp(0.3 * texture),
        "enhancement": 0.45 * np.exp(0.4 * rim),
        "mismatch": 1 / (1 + np.exp(0.5 - dark)),
    }


def draw_anatomy(rng, grid):
    """Return a brain with ventricles, folds and a tumour of random size, position and shape."""
    points, extent = grid.points, grid.extent
    voxel = grid.spacing.min()

    def depth(centre, semi_axes):
        scaled = (points - _column(centre)) / _column(semi_axes)
        return (1 - np.sqrt(np.einsum("i...,i...", scaled, scaled))) * np.min(semi_axes)

    def membership(depth):
        return np.clip(0.5 + depth / voxel, 0, 1)

    folds, lumps = (_field(rng, grid, width * extent) for width in (0.03, 0.07))
    axes = extent * np.array([0.36, 0.42, 0.36]) * rng.normal(1, 0.04, 3)
    surface = depth((0, 0, 0), axes) + 0.008 * extent * lumps
    white = membership(surface - (0.06 + 0.025 * folds) * extent)
    fluid = membership(0.015 * extent - surface)
    lobe = axes * [0.13, 0.38, 0.26] * rng.normal(1, 0.12)
    for side in (-1, 1):
        centre = axes * [0.22 * side, rng.normal(0.05, 0.04), rng.normal(0.1, 0.04)]
        fluid = np.maximum(fluid, membership(depth(centre, lobe)))

    radius = extent * rng.uniform(0.13, 0.20)
    direction = rng.normal(size=3)
    centre = rng.uniform(0.3, 1.0) * (axes - 1.1 * radius) * direction / np.linalg.norm(direction)
    tumour = depth(centre, radius * rng.uniform(0.85, 1.15, 3)) + 0.15 * radius * lumps
    core = tumour - radius * rng.uniform(0.3, 0.45)
    tissues = {
        "grey": np.ones_like(surface),
        "white": white,
        "fluid": fluid,
        "oedema": membership(tumour),
        "core": membership(core),
        "rim": np.exp(-0.5 * (core / (0.12 * radius)) ** 2) * membership(tumour),
    }
    brain = surface > 0
    return Anatomy(tissues, brain, brain & (tumour > 0))


def draw_motion(rng, misalignment):
    """Return a random rigid transform of at most `misalignment` (mm, degrees), shape (4, 4)."""
    millimetres, degrees = misalignment
    direction, axis = rng.normal(size=(2, 3))
    angle = np.radians(degrees) * rng.uniform(0.3, 1)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(angle * axis / np.linalg.norm(axis)).as_matrix()
    matrix[:3, 3] = millimetres * rng.uniform(0.3, 1) * direction / np.linalg.norm(direction)
    return matrix


def draw_image(rng, modality, anatomy, traits, grid, *, motion, gain=1.0, noise=1.0):
    """Return one modality as a scanner would store it: int16, 0 outside the brain and only there.

    `motion`, of shape (4, 4), is the patient's movement in mm; `gain` and `noise` are the site's
    factors for brightness and for the noise's standard deviation.
    """
    brightness = dict(CONTRAST[modality])
    for part in ("oedema", "core"):
        brightness[part] += rng.normal(0, 0.08)
    texture = _field(rng, grid, rng.uniform(0.7, 1.4) * grid.spacing.min())
    if modality == "FLAIR":
        brightness["core"] -= 0.55 * traits["mismatch"]
    signal = np.zeros(grid.shape, dtype=np.float32)
    for tissue, value in brightness.items():
        signal += anatomy.tissues[tissue] * (value - signal)
    signal += traits["heterogeneity"] * texture * anatomy.tissues["oedema"]
    if modality == "T1CE":
        signal += traits["enhancement"] * anatomy.tissues["rim"]
    signal = _move(np.maximum(signal, DARKEST) * anatomy.brain, motion, grid)
    brain = signal > DARKEST / 2

    slope = rng.normal(0, 0.16, 3) / grid.extent
    signal *= 1 + np.einsum("i,i...", slope, grid.points)
    sigma = np.float32(0.03 * np.exp(rng.normal(0, 0.25)) * noise)
    real, imaginary = sigma * rng.standard_normal((2, *grid.shape), dtype=np.float32)
    magnitude = np.hypot(signal + real, imaginary)
    volume = 500 * np.exp(rng.normal(0, 0.15)) * gain * magnitude
    return np.where(brain, np.clip(np.rint(volume), 1, 32767), 0).astype(np.int16)


def _column(vector):
    return np.reshape(np.asarray(vector, dtype=np.float32), (3, 1, 1, 1))


def _field(rng, grid, width):
    """Return a random field of unit variance, smooth over `width` mm."""
    noise = rng.standard_normal(grid.shape, dtype=np.float32)
    field = gaussian_filter(noise, width / grid.spacing, truncate=3)
    return field / field.std()


def _move(volume, motion, grid):
    """Resample a volume whose content moved by `motion` (mm) on its own grid."""
    if np.array_equal(motion, np.eye(4)):
        return volume
    back = np.linalg.inv(motion)
    rotation = back[:3, :3] * grid.spacing / grid.spacing[:, None]
    offset = (back[:3, :3] @ grid.corner + back[:3, 3] - grid.corner) / grid.spacing
    return affine_transform(volume, rotation, offset, order=1)
