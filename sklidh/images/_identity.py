"""Identify images by their voxels, whatever the file or patient name."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from sklidh.images._case import Inspection
from sklidh.utils import (
    cache_folder,
    files_of,
    fingerprint,
    is_missing,
    is_path,
    listed,
    source_digest,
)

DIGITS = 16
"""Hex digits of a fingerprint (64 bits): 10^6 images share one by chance once in 10^7 cases."""


def voxel_digests(found: Inspection) -> dict[str, str]:
    """Return digests of one patient's voxels.

    Parameters
    ----------
    found : Inspection

    Returns
    -------
    dict of str to str
        Digests by modality, and of the tumour under ``"mask"``. Constant or non-finite images and
        box-shaped tumours are left out, because different patients may share them.
    """
    digests = {}
    for modality, image in found.images.items():
        # Every second voxel along each axis suffices: no two people share a million voxels.
        voxels = sitk.GetArrayViewFromImage(image)[::2, ::2, ::2]
        if voxels.min() < voxels.max():
            # The same image may be stored as int16 and as float32.
            digests[modality] = _digest(image, voxels.astype("<f4"))
    if found.mask is not None:
        tumour = sitk.GetArrayViewFromImage(found.mask)
        sides = [tumour.any(axes) for axes in ((1, 2), (0, 2), (0, 1))]
        if not tumour[np.ix_(*sides)].all():
            digests["mask"] = _digest(found.mask, np.packbits(tumour.astype(bool)))
    return digests


def inspection_entry(cache, case, columns, *settings) -> Path | None:
    """Return the file that caches the findings for one patient's images.

    Parameters
    ----------
    cache : None, False, str or path
        As in `RigidRegistration`.
    case : Series
        Its name is the patient.
    columns : sequence of str
        The images and the mask that were checked; those absent from the case are skipped.
    *settings : object with a faithful text
        All other settings that the result depends on.

    Returns
    -------
    Path or None
        None without a cache, or if an image is in memory or cannot be read.
    """
    folder = cache_folder(cache, "inspections")
    cells = {name: case[name] for name in columns if not is_missing(case.get(name))}
    if folder is None or not all(map(is_path, cells.values())):
        return None
    try:
        files = [file for cell in cells.values() for file in files_of(cell)]
        # Messages include patient and path.
        named = case.name, {name: str(cell) for name, cell in cells.items()}
        key = fingerprint(*files, *named, *settings, source_digest(__file__))
    except OSError:
        return None
    return folder / f"{key}.json"


def same_images(digests: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Find images of a cohort that are identical voxel by voxel.

    A patient listed under two names can be in training and test data at once, and splitting by rows
    does not prevent it.

    Parameters
    ----------
    digests : dict of str to dict
        The results of `voxel_digests`, by patient.

    Returns
    -------
    list of str
        One line per group of patients who share images, and per patient with two identical
        sequences.

    Examples
    --------
    >>> from sklidh.images import same_images
    >>> same_images({"P1": {"T1": "a7", "T2": "01"}, "P2": {"T1": "3c", "T2": "55"}})
    []
    """
    holders = defaultdict(list)
    for patient, of_patient in digests.items():
        for column, digest in of_patient.items():
            holders[digest].append((patient, column))
    shared = defaultdict(dict)
    for cells in holders.values():
        if len(cells) > 1:
            patients, columns = (tuple(dict.fromkeys(names)) for names in zip(*cells, strict=True))
            shared[patients] |= dict.fromkeys(columns)
    return [_describe_group(patients, columns) for patients, columns in shared.items()]


def _describe_group(patients, columns) -> str:
    if len(patients) == 1:
        return (
            f"patient {patients[0]!r}: {', '.join(columns)} contain identical voxels; check that "
            "each column names the right file"
        )
    return (
        f"patients {listed(patients)} have identical voxels in {', '.join(columns)}; a person "
        "listed twice could be in training and test data at once, so keep one row per person"
    )


def _digest(image: sitk.Image, voxels: np.ndarray) -> str:
    return fingerprint(image.GetSize(), voxels.tobytes())[:DIGITS]
