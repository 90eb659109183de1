"""Perturb an image and its regions as a second scan and a second reader would."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pywt
from scipy import ndimage
from scipy.interpolate import BSpline
from scipy.stats import norm

from sklidh.images._perturbed_contours import redrawn, resized, signed_distance, supervoxels

MARGIN = 20.0
"""Distance around the regions, in mm, that is perturbed with them: four times the widest standard
deviation of the presets' Laplacian of Gaussian."""

REACH = 15.0
"""Distance, in mm, within which a perturbed contour stays."""

ORDERS = {
    1: BSpline.basis_element([-1, 0, 1], extrapolate=False),
    3: BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False),
}
"""Basis functions of linear and of cubic interpolation."""


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
    return float(np.median(np.abs(details[volume != 0])) / norm.ppf(0.75))


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
    margin : float, default=20.0
        Distance around the regions, in mm, that is returned; infinity returns the whole image.

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
    digest = hashlib.blake2b(union[box_around(union, 0, spacing)].tobytes(), digest_size=8).digest()
    for number in range(perturbations.number):
        seeds = [perturbations.random_state, int.from_bytes(digest), number]
        rng = np.random.default_rng(seeds)
        angle = np.deg2rad(rng.uniform(-1, 1) * perturbations.rotation)
        shift = rng.uniform(-1, 1, 3) * perturbations.translation
        centre = (np.array(volume.shape) - 1) / 2
        perturbed = {}
        for name, mask in masks.items():
            region, size = mask[inner], 1 + rng.uniform(-1, 1) * perturbations.volume
            # The background is not brain: nobody would draw there.
            accepted = region | ~background[within]
            if distances:
                region = resized(region, distances[name], size, accepted, rng)
            if cells is not None:
                region = redrawn(region, cells, accepted, rng)
            start = [side.start for side in within]
            region = moved(region.astype(np.float32), angle, shift, centre - start, spacing, 1)
            perturbed[name] = np.zeros(volume.shape, dtype=bool)
            perturbed[name][within] = region >= 0.5
        noisy = volume + level * rng.standard_normal(volume.shape, dtype=np.float32)
        noisy[background] = 0
        image = moved(noisy.astype(np.float32), angle, shift, centre, spacing, 3)
        if volume.dtype.kind in "iu":
            limits = np.iinfo(volume.dtype)
            image = np.rint(image).clip(limits.min, limits.max)
        yield image.astype(volume.dtype), perturbed


def moved(volume, angle, shift, centre, spacing, order):
    """Rotate an image within its slices and translate it, by interpolation with B-splines.

    Parameters
    ----------
    volume : ndarray of float32 of shape (n_slices, n_rows, n_columns)
    angle : float
        Radians.
    shift : ndarray of shape (3,)
        In voxels along (z, y, x).
    centre : ndarray of shape (3,)
        Of the rotation, in voxels.
    spacing : sequence of 3 float
        Along (z, y, x).
    order : {1, 3}
        Linear, with 0 beyond the edges, or cubic, mirrored there.

    Returns
    -------
    ndarray of float32, of the same shape
    """
    coefficients, mode = volume, "constant"
    if order > 1:
        mode = "mirror"
        coefficients = ndimage.spline_filter(volume, order, output=np.float32, mode=mode)
    # Across the slices everything shifts alike, so one pass does; in three dimensions, the
    # rotation would take four times as long.
    weights = np.nan_to_num(ORDERS[order](np.arange(-3, 4) - shift[0]))
    if len(volume) > 1:
        coefficients = ndimage.correlate1d(coefficients, weights, axis=0, mode=mode)
    cosine, sine, aspect = np.cos(angle), np.sin(angle), spacing[2] / spacing[1]
    matrix = np.array([[cosine, -sine * aspect], [sine / aspect, cosine]])
    offset = centre[1:] + shift[1:] - matrix @ centre[1:]
    result = np.empty_like(coefficients)
    how = {"order": order, "prefilter": False, "mode": mode}
    for before, after in zip(coefficients, result, strict=True):
        ndimage.affine_transform(before, matrix, offset, output=after, **how)
    return result


def box_around(mask, reach, spacing) -> tuple[slice, ...]:
    """Return the bounding box of a mask, grown by a distance in mm and cut at the image's edge."""
    box = []
    for axis, step in enumerate(spacing):
        occupied = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
        n = mask.shape[axis]
        far = n if np.isinf(reach) else int(np.ceil(reach / step))
        box.append(slice(max(0, occupied[0] - far), min(n, occupied[-1] + 1 + far)))
    return tuple(box)
