"""Perturb an image and its regions as a second scan and a second reader would."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pywt
from scipy import ndimage

from sklidh.images._cubic import sample_slices
from sklidh.images._interpolation import sample_affinely
from sklidh.images._perturbed_contours import redrawn, resized, signed_distance, supervoxels

MARGIN = 10.0
"""Distance around the regions, in mm, that is perturbed with them."""

FEWEST = 8
"""The same in voxels, if that is more: as far as splines and wavelets reach."""

REACH = 12.0
"""Distance, in mm, within which a perturbed contour stays."""

THREE_QUARTERS = 0.6744897501960817
"""Of the standard normal distribution, which has half of its values within this distance of 0."""


@dataclass(frozen=True, kw_only=True)
class Perturbations:
    """How often, and how strongly, images and contours are perturbed.

    Each perturbation combines, in this order: noise; a rotation within the slices and a translation
    by part of a voxel; growth or shrinkage of the region; and a random contour along supervoxels.
    Strengths are drawn uniformly up to the given ones, anew for each patient and perturbation.

    Parameters
    ----------
    number : int, default=10
        Perturbations per image.
    rotation : float, default=5.0
        Maximum angle in degrees, either way.
    translation : float, default=0.5
        Maximum shift along each axis in voxels, either way; at most 1.
    noise : float, default=1.0
        Standard deviation of the added Gaussian noise, as a multiple of the image's `noise_level`.
    volume : float, default=0.15
        Maximum fraction by which the region's volume grows or shrinks; below 1.
    contours : bool, default=True
        Whether to redraw the contour along supervoxels.
    random_state : int, default=0
        Seed. The draws also depend on the mask, so that patients differ and a patient's sequences
        are moved alike, but not on the order of the patients.

    References
    ----------
    A. Zwanenburg et al., "Assessing robustness of radiomic features by image perturbation",
    Scientific Reports 9:614, 2019.

    Examples
    --------
    >>> from sklidh.images import Perturbations
    >>> Perturbations(number=20, volume=0.0).rotation
    5.0
    """

    number: int = 10
    rotation: float = 5.0
    translation: float = 0.5
    noise: float = 1.0
    volume: float = 0.15
    contours: bool = True
    random_state: int = 0

    def __post_init__(self):
        """Refuse values out of range."""
        limits = {"rotation": 180, "translation": 1, "noise": np.inf, "volume": 1}
        for name, most in limits.items():
            value = getattr(self, name)
            below = isinstance(value, Real) and (value <= most if name != "volume" else value < 1)
            if not below or isinstance(value, bool) or not value >= 0:
                limit = "below 1" if name == "volume" else f"at most {most}"
                raise ValueError(f"Perturbations: {name}={value!r}; accepted: 0 or more, {limit}")
        for name, least in {"number": 1, "random_state": 0}.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise ValueError(f"Perturbations: {name}={value!r}; accepted: {least} or more")
        if not isinstance(self.contours, bool):
            raise ValueError(f"Perturbations: contours={self.contours!r}; accepted: True or False")


def noise_level(volume) -> float:
    """Estimate the standard deviation of an image's noise.

    The median absolute value of the highest-frequency wavelet band within the slices, over the
    voxels that are not 0: the background of skull-stripped images has no noise.

    Parameters
    ----------
    volume : ndarray of shape (n_slices, n_rows, n_columns)

    Returns
    -------
    float
        In the image's units; 0 if every voxel is 0.

    References
    ----------
    S. G. Chang, B. Yu, M. Vetterli, "Adaptive wavelet thresholding for image denoising and
    compression", IEEE Transactions on Image Processing 9(9), 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from sklidh.images import noise_level
    >>> round(noise_level(np.random.default_rng(0).normal(100, 5, (8, 64, 64))), 1)
    5.0
    """
    volume = np.asarray(volume)
    if not volume.any():
        return 0.0
    details = volume.astype(float)
    for axis in (1, 2):
        # Reflected at the edges, the noise would be correlated there.
        details = ndimage.convolve1d(details, pywt.Wavelet("coif1").dec_hi, axis, mode="wrap")
    return float(np.median(np.abs(details[volume != 0])) / THREE_QUARTERS)


def perturbed_images(
    volume, masks, spacing, perturbations, *, margin=MARGIN
) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Perturb an image and the regions in it.

    Parameters
    ----------
    volume : ndarray of shape (n_slices, n_rows, n_columns)
    masks : dict of ndarray of bool, each of the same shape
        The regions, each with at least one voxel.
    spacing : sequence of 3 float
        Voxel size along (z, y, x), mm.
    perturbations : Perturbations
    margin : float, default=10.0
        Distance around the regions, in mm, that is returned, at least 8 voxels; infinity returns
        the whole image. Filters that reach farther need more.

    Yields
    ------
    volume : ndarray
        Of the same type; integers are rounded.
    masks : dict of ndarray of bool, each of the shape of `volume`
        A region can be empty.
    """
    union = np.any(list(masks.values()), axis=0)
    outer, inner = (box_around(union, reach, spacing) for reach in (margin, min(margin, REACH)))
    volume = np.asarray(volume)[outer]
    # The contours are perturbed in a part of the box, which is faster.
    within = tuple(
        slice(near.start - far.start, near.stop - far.start)
        for near, far in zip(inner, outer, strict=True)
    )
    background = volume == 0
    level = perturbations.noise * noise_level(volume) if perturbations.noise else 0.0
    distances, cells = {}, None
    if perturbations.volume:
        distances = {name: signed_distance(mask[inner], spacing) for name, mask in masks.items()}
    if perturbations.contours:
        cells = supervoxels(volume[within], union[inner], spacing)
    digest = hashlib.blake2b(np.flatnonzero(union).tobytes(), digest_size=8).digest()
    start = np.array([side.start for side in within])
    centre = (np.array(volume.shape) - 1) / 2
    for number in range(perturbations.number):
        seeds = [perturbations.random_state, int.from_bytes(digest), number]
        rng = np.random.default_rng(seeds)
        angle = np.deg2rad(rng.uniform(-1, 1) * perturbations.rotation)
        shift = rng.uniform(-1, 1, 3) * perturbations.translation
        shift[np.array(volume.shape) == 1] = 0
        perturbed = {}
        for name, mask in masks.items():
            region, size = mask[inner], 1 + rng.uniform(-1, 1) * perturbations.volume
            # The background is not brain: nobody would draw there.
            accepted = region | ~background[within]
            if distances:
                region = resized(region, distances[name], size, accepted, rng)
            if cells is not None:
                region = redrawn(region, cells, accepted, rng)
            perturbed[name] = np.zeros(volume.shape, dtype=bool)
            motion = motion_of(angle, shift, centre - start, spacing)
            perturbed[name][within] = moved_mask(region, *motion)
        noisy = volume.astype(np.float32)
        if level:
            noisy += level * rng.standard_normal(volume.shape, dtype=np.float32)
            noisy[background] = 0
        image = moved_image(noisy, *motion_of(angle, shift, centre, spacing))
        if volume.dtype.kind in "iu":
            limits = np.iinfo(volume.dtype)
            image = np.rint(image).clip(limits.min, limits.max)
        yield image.astype(volume.dtype), perturbed


def motion_of(angle, shift, centre, spacing) -> tuple[np.ndarray, np.ndarray]:
    """Return matrix and offset from a voxel of the moved image to its place in the given one.

    Parameters
    ----------
    angle : float
        Of the rotation within the slices, radians.
    shift : ndarray of shape (3,)
        In voxels along (z, y, x).
    centre : ndarray of shape (3,)
        Of the rotation, in voxels.
    spacing : sequence of 3 float

    Returns
    -------
    matrix : ndarray of shape (3, 3)
    offset : ndarray of shape (3,)
        Both along (z, y, x), in voxels.
    """
    cosine, sine, aspect = np.cos(angle), np.sin(angle), spacing[2] / spacing[1]
    matrix = np.array([[1, 0, 0], [0, cosine, -sine * aspect], [0, sine / aspect, cosine]])
    return matrix, centre + shift - matrix @ centre


def moved_image(volume, matrix, offset) -> np.ndarray:
    """Sample an image at other places, by cubic B-splines.

    Parameters
    ----------
    volume : ndarray of float32 of shape (n_slices, n_rows, n_columns)
    matrix, offset : ndarray
        From `motion_of`.

    Returns
    -------
    ndarray of float32, of the same shape
    """
    coefficients = ndimage.spline_filter(volume, 3, output=np.float32, mode="mirror")
    # Slices are only shifted, all alike, which one pass does.
    away = np.abs(np.arange(-3, 4) - offset[0])
    near, far = 2 / 3 - away**2 + away**3 / 2, (2 - away).clip(0) ** 3 / 6
    weights = np.where(away < 1, near, far)
    coefficients = ndimage.correlate1d(coefficients, weights, axis=0, mode="mirror")
    result = np.empty_like(coefficients)
    sample_slices(coefficients, matrix[1:, 1:], offset[1:], result)
    return result


def moved_mask(mask, matrix, offset) -> np.ndarray:
    """Sample a mask at other places, by linear interpolation and a threshold of one half.

    Parameters
    ----------
    mask : ndarray of bool of shape (n_slices, n_rows, n_columns)
    matrix, offset : ndarray
        From `motion_of`.

    Returns
    -------
    ndarray of bool, of the same shape
    """
    # Within a frame of background, beyond which there is nothing either.
    framed = np.pad(mask.astype(np.float32), 1)
    offset = offset + 1 - matrix.sum(axis=1)
    result = np.zeros_like(framed)
    sample_affinely(framed, matrix[::-1, ::-1].copy(), offset[::-1].copy(), False, result)
    return result[1:-1, 1:-1, 1:-1] >= 0.5


def box_around(mask, reach, spacing) -> tuple[slice, ...]:
    """Return a mask's bounding box, grown by a distance or `FEWEST` voxels, cut at the edges."""
    box = []
    for axis, step in enumerate(spacing):
        occupied = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
        n = mask.shape[axis]
        far = n if np.isinf(reach) else max(int(np.ceil(reach / step)), FEWEST)
        box.append(slice(max(0, occupied[0] - far), min(n, occupied[-1] + 1 + far)))
    return tuple(box)
