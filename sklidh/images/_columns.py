"""Tell which columns of a table hold images."""

import os

from sklidh.utils import is_image, is_path

IMAGE_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".img", ".dcm")
"""How the name of an image file ends, whether or not it is of a kind that can be read."""


def is_dicom_file(path) -> bool:
    """Return whether a file is DICOM, by its mark or, in older exports without one, by its tags."""
    with open(path, "rb") as file:
        head = file.read(132)
    # Without preamble the first element is one of group 2 or 8 with a low number.
    group, element, lengths = head[:2], head[2:4], head[4:8]
    bare = group in (b"\x02\0", b"\x08\0") and element[1:] == b"\0" and len(lengths) == 4
    return head[128:] == b"DICM" or bare


def is_dicom_folder(path) -> bool:
    """Tell whether a path is a folder that holds a DICOM file.

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
    """Tell whether a cell names a DICOM file or a folder of them."""
    return is_path(cell) and (os.fspath(cell).lower().endswith(".dcm") or is_dicom_folder(cell))


def image_columns(X) -> list[str]:
    """Name the columns of a table that hold images, the mask left out.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)

    Returns
    -------
    list of str
        The columns in which at least one cell is an image in memory, a path that ends as an image
        file's does, or a folder of DICOM files, in the table's order.
    """
    return [
        column for column in X.columns if column != "mask" and any(map(_names_image, X[column]))
    ]


def _names_image(cell) -> bool:
    if not is_path(cell):
        return is_image(cell)
    path = os.fspath(cell).strip()
    return path.lower().endswith(IMAGE_SUFFIXES) or is_dicom_folder(path)
