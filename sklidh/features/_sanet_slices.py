"""Tumour slices for the SA-Nets, and saliency maps of the slices."""

from dataclasses import dataclass

import numpy as np

from sklidh.images import tumour_slices
from sklidh.utils import is_missing, progress


def cut_slices(cases, *, verbose=0, **how):
    """Cut the tumour slices of every patient who has all images.

    Parameters
    ----------
    cases : DataFrame of shape (n_patients, n_modalities + 1)
        Checked image columns, and ``"mask"``.
    verbose : int, default=0
        1 shows a progress bar.
    **how
        `size`, `n_slices`, `planes` and `label` of `tumour_slices`.

    Returns
    -------
    images : ndarray of shape (n_images, n_modalities, size, size), float32
        The channels are the modalities of one slice.
    patients : ndarray of int, shape (n_images,)
        The row of `cases` for each image.
    masks : ndarray of bool, shape (n_images, size, size)
    """
    modalities = cases.columns.drop("mask")
    name, size = f"slices {', '.join(modalities)}", how["size"]
    images, patients = [np.empty((0, len(modalities), size, size), np.float32)], []
    masks = [np.empty((0, size, size), bool)]
    rows = progress(cases.iterrows(), name, total=len(cases), verbose=verbose)
    for row, (patient, cells) in enumerate(rows):
        if any(is_missing(cells[modality]) for modality in modalities):
            continue
        channels = []
        for modality in modalities:
            slices, mask = tumour_slices(
                cells[modality],
                cells["mask"],
                patient=patient,
                modality=modality,
                return_masks=True,
                **how,
            )
            channels.append(slices)
        images.append(np.stack(channels, 1))
        masks.append(mask)
        patients += [row] * len(mask)
    return np.concatenate(images), np.array(patients, dtype=int), np.concatenate(masks)


def patient_means(values, patients, n_patients):
    """Return the mean over each patient's slices; NaN for patients without slices.

    Parameters
    ----------
    values : ndarray of shape (n_images, n_columns)
    patients : ndarray of int, shape (n_images,)
    n_patients : int

    Returns
    -------
    ndarray of shape (n_patients, n_columns), float64
    """
    total = np.zeros((n_patients, values.shape[1]))
    np.add.at(total, patients, values)
    n_slices = np.bincount(patients, minlength=n_patients)[:, None].astype(float)
    return np.divide(total, n_slices, out=np.full_like(total, np.nan), where=n_slices > 0)


@dataclass
class GradientMap:
    """Slices of one patient and modality, and how much each pixel influences the prediction.

    Parameters
    ----------
    slices : ndarray of shape (n_slices, size, size)
        Input of the network, z-scores.
    masks : ndarray of bool, the same shape
        The tumour.
    maps : ndarray of the same shape
        Absolute derivative of the log odds of the most probable class, per unit of z-score.
    """

    slices: np.ndarray
    masks: np.ndarray
    maps: np.ndarray
