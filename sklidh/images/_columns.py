"""Find the columns of a table that hold images."""

import os

from sklidh.utils import is_image, is_path

IMAGE_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".img", ".dcm")
"""File name endings of images, including formats that cannot be read."""


def is_dicom_file(path) -> bool:
    """Return whether a file is DICOM, by its marker or, in older files without one, by its tags."""
    with open(path, "rb") as file:
        head = file.read(132)
    # Without a preamble, the first element belongs to group 2 or 8 and has a low number.
    group, element, lengths = head[:2], head[2:4], head[4:8]
    bare = group in (b"\x02\0", b"\x08\0") and element[1:] == b"\0" and len(lengths) == 4
    return head[128:] == b"DICM" or bare


def is_dicom_folder(path) -> bool:
    """Return whether a path is a folder that holds a DICOM file.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    bool
    """
    if not os.path.isdir(path):
        return False
    with os.scandir(path) as entries:
        return any(entry.is_file() and is_dicom_file(entry.path) for entry in entries)


def is_dicom(cell) -> bool:
    """Return whether a cell names a DICOM file or a folder of them."""
    return is_path(cell) and (os.fspath(cell).lower().endswith(".dcm") or is_dicom_folder(cell))


def image_columns(X) -> list[str]:
    """Return the columns of a table that hold images, except the mask.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)

    Returns
    -------
    list of str
        In the table's order, the columns with at least one cell that is an image in memory, a path
        that ends like an image file, or a folder of DICOM files.
    """
    return [
        column for column in X.columns if column != "mask" and any(map(_names_image, X[column]))
    ]


def _names_image(cell) -> bool:
    if not is_path(cell):
        return is_image(cell)
    path = os.fspath(cell).strip()
    return path.lower().endswith(IMAGE_SUFFIXES) or is_dicom_folder(path)
