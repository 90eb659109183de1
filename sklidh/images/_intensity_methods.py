"""Intensity maps based on mean and deviation, percentiles, landmarks, or white matter."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from sklidh.images._errors import ImageError

LANDMARKS = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99)
"""Percentiles of the brain between which Nyul's map is linear."""

STANDARD_RANGE = (0.0, 100.0)
"""First and last landmark on the standard scale."""


def zscore(voxels, brain):
    """Return ``(intensity - mean) / deviation``, both over the brain."""
    inside = voxels[brain]
    return (voxels - inside.mean()) / _above_zero(inside.std(), "deviation")


def percentile(voxels, brain, low=1, high=99):
    """Map two percentiles of the brain to 0 and 1, and clip values beyond them."""
    lowest, highest = np.percentile(voxels[brain], [low, high])
    return np.clip((voxels - lowest) / _above_zero(highest - lowest, "range"), 0, 1)


def landmarks(voxels, brain):
    """Return the brain's percentiles, shape (n_landmarks,)."""
    return np.percentile(voxels[brain], LANDMARKS)


def on_standard_scale(marks):
    """Map an image's landmarks so that the first and the last have the standard range."""
    low, high = STANDARD_RANGE
    return low + (marks - marks[0]) * (high - low) / _above_zero(marks[-1] - marks[0], "range")


def nyul(voxels, brain, standard):
    """Map the brain's landmarks to the standard ones, with linear interpolation and extrapolation.

    Parameters
    ----------
    voxels : ndarray of shape (n_z, n_y, n_x)
    brain : ndarray of bool, of the same shape
    standard : ndarray of shape (n_landmarks,)

    Returns
    -------
    ndarray of the shape of `voxels`
    """
    marks, first = np.unique(landmarks(voxels, brain), return_index=True)
    _above_zero(len(marks) - 1, "range")
    standard = np.asarray(standard)[first]
    mapped = np.interp(voxels, marks, standard)
    for edge, beside, beyond in ((0, 1, voxels < marks[0]), (-1, -2, voxels > marks[-1])):
        slope = (standard[edge] - standard[beside]) / (marks[edge] - marks[beside])
        mapped[beyond] = standard[edge] + slope * (voxels[beyond] - marks[edge])
    return mapped


def white_matter_peak(inside, *, last: bool):
    """Return the intensity of normal-appearing white matter, a peak of the brain's histogram.

    Parameters
    ----------
    inside : ndarray of shape (n_voxels,)
    last : bool
        Whether white matter is the brightest tissue, as in T1; else the highest peak is used.
    """
    low, high = np.percentile(inside, [0.1, 99.5])
    counts, edges = np.histogram(inside, bins=200, range=(low, high))
    smooth = gaussian_filter1d(counts.astype(float), 4, mode="constant")
    padded = np.concatenate([[-1], smooth, [-1]])
    peaks = np.flatnonzero((padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:]))
    # A ripple in the tail from vessels and fat is not tissue.
    peaks = peaks[smooth[peaks] > 0.2 * smooth.max()]
    peak = peaks[-1] if last else peaks[smooth[peaks].argmax()]
    return (edges[peak] + edges[peak + 1]) / 2


def whitestripe(voxels, brain, last, width=0.05):
    """Return ``(intensity - mean) / deviation``, both over the stripe around white matter.

    Parameters
    ----------
    voxels : ndarray of shape (n_z, n_y, n_x)
    brain : ndarray of bool, of the same shape
    last : bool
        As in `white_matter_peak`.
    width : float, default=0.05
        The share of the brain's voxels on either side of the peak.

    Returns
    -------
    ndarray of the shape of `voxels`
    """
    inside = voxels[brain]
    _above_zero(np.ptp(inside), "range")
    place = (inside < white_matter_peak(inside, last=last)).mean()
    low, high = np.quantile(inside, np.clip([place - width, place + width], 0, 1))
    stripe = inside[(inside >= low) & (inside <= high)]
    return (voxels - stripe.mean()) / _above_zero(stripe.std(), "deviation")


def _above_zero(number, what: str):
    if not number > 0:
        raise ImageError(f"the brain's intensities have no {what}: they cannot be normalised")
    return number
