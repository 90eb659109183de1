"""An image is known again by its voxels, whatever file or patient it is said to be of."""

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
"""Of a fingerprint, 64 bits: two of a million images agree by chance once in ten million times."""


def voxel_digests(found: Inspection) -> dict[str, str]:
    """Return digests of one patient's voxels.

    Parameters
    ----------
    found : Inspection

    Returns
    -------
    dict of str to str
        By modality, and by ``"mask"`` the tumour's. An image of one value, or with voxels that are
        not numbers, and a tumour that is a box are left out: different patients may share them.
    """
    digests = {}
    for modality, image in found.images.items():
        # Every second one along each axis: two people do not agree in a million voxels either.
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
    """Return the file in which it is kept what was found in one patient's images.

    Parameters
    ----------
    cache : None, False, str or path
        As in `RigidRegistration`.
    case : Series
        Its name is the patient.
    columns : sequence of str
        The images and the mask that were looked at; those that the case lacks are passed over.
    *settings : object with a faithful text
        All else that the result depends on.

    Returns
    -------
    Path or None
        None without a cache, and where an image is in memory or cannot be read.
    """
    folder = cache_folder(cache, "inspections")
    cells = {name: case[name] for name in columns if not is_missing(case.get(name))}
    if folder is None or not all(map(is_path, cells.values())):
        return None
    try:
        files = [file for cell in cells.values() for file in files_of(cell)]
        # Messages name patient and path.
        named = case.name, {name: str(cell) for name, cell in cells.items()}
        key = fingerprint(*files, *named, *settings, source_digest(__file__))
    except OSError:
        return None
    return folder / f"{key}.json"


def same_images(digests: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Tell which images of a cohort are one, voxel by voxel.

    A patient listed under two names is trained on and tested at the same time, which no split of
    rows prevents.

    Parameters
    ----------
    digests : dict of str to dict
        By patient, what `voxel_digests` returns.

    Returns
    -------
    list of str
        One line for each set of patients who share images, and for each patient two of whose
        sequences are one.

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
    return [_told(patients, columns) for patients, columns in shared.items()]


def _told(patients, columns) -> str:
    if len(patients) == 1:
        return (
            f"patient {patients[0]!r}: {', '.join(columns)} contain identical voxels; check that "
            "each column names the right file"
        )
    return (
        f"patients {listed(patients)}: the same {', '.join(columns)}, voxel by voxel; one person "
        "listed twice stands on both sides of a split, so keep one row of each"
    )


def _digest(image: sitk.Image, voxels: np.ndarray) -> str:
    return fingerprint(image.GetSize(), voxels.tobytes())[:DIGITS]
