"""Parse DICOM files and read their required elements; needs pydicom."""

import numpy as np

from sklidh.images._columns import is_dicom_file
from sklidh.images._errors import CorruptImage, ImageTooLarge, WrongDimension
from sklidh.images._headers import MOST_BYTES, check_axes


def read_dataset(path):
    """Parse a DICOM file.

    Raises
    ------
    CorruptImage
        The file is not DICOM or is truncated.
    ImportError
        pydicom is not installed.
    """
    try:
        import pydicom
    except ImportError as error:
        raise ImportError(
            f"{path} is DICOM, which needs pydicom: pip install 'sklidh[dicom]'"
        ) from error
    try:
        dataset = pydicom.dcmread(path, force=is_dicom_file(path))
        if "TransferSyntaxUID" not in dataset.file_meta:  # a file without preamble
            implicit, little = dataset.original_encoding
            uids = pydicom.uid
            explicit = uids.ExplicitVRLittleEndian if little else uids.ExplicitVRBigEndian
            dataset.file_meta.TransferSyntaxUID = (
                uids.ImplicitVRLittleEndian if implicit else explicit
            )
        return dataset
    except Exception as error:  # pydicom's parser raises many kinds of error
        raise CorruptImage(f"{path}: cannot be parsed as DICOM ({error}); copy it again") from error


def pixels_of(dataset, name: str) -> np.ndarray:
    """Decode the pixels of a file, whose length must match its header.

    Parameters
    ----------
    dataset : pydicom.Dataset
    name : str
        Name of the file, for messages.

    Returns
    -------
    ndarray of shape (rows, columns) or (n_frames, rows, columns)

    Raises
    ------
    CorruptImage
        Pixels are missing, too few or cannot be decoded.
    """
    try:
        n_pixels = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("NumberOfFrames", 1))
        n_bytes = -(-n_pixels * int(dataset.BitsAllocated) // 8)
        if n_bytes > MOST_BYTES:
            raise ImageTooLarge(f"{name}: declares {n_pixels} pixels")
        compressed = dataset.file_meta.TransferSyntaxUID.is_compressed
        # A value of odd length is padded with one byte.
        if not compressed and len(dataset.PixelData) != n_bytes + n_bytes % 2:
            raise CorruptImage(
                f"{name}: has {len(dataset.PixelData)} bytes of pixels, but its header declares "
                f"{n_bytes}; copy it again"
            )
        return dataset.pixel_array
    except (CorruptImage, ImageTooLarge):
        raise
    except Exception as error:
        raise CorruptImage(f"{name}: its pixels cannot be decoded ({error})") from error


def numbers_of(dataset, keyword: str, count: int) -> np.ndarray:
    """Return a required element with the given number of finite values."""
    value = dataset.get(keyword)
    try:
        numbers = np.array(value, dtype=float).reshape(count)
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        raise CorruptImage(f"its {keyword} is {value!r}; {count} numbers are expected")
    return numbers


def orientation_of(dataset) -> np.ndarray:
    """Return the axes of an image, columns of shape (3, 3), from ImageOrientationPatient."""
    along_x, along_y = numbers_of(dataset, "ImageOrientationPatient", 6).reshape(2, 3)
    axes = np.stack([along_x, along_y, np.cross(along_x, along_y)], axis=1)
    check_axes(axes)
    return axes


def frames_of(dataset, name: str) -> list[tuple]:
    """Return each frame of an enhanced file with the elements of a single slice.

    Parameters
    ----------
    dataset : pydicom.Dataset
    name : str
        Name of the file, for messages.

    Returns
    -------
    list of (pydicom.Dataset, int)
        Dataset with position, orientation, spacing and scale, and the frame's index.

    Raises
    ------
    WrongDimension
        The frames lack positions.
    """
    from pydicom import Dataset

    if "PerFrameFunctionalGroupsSequence" not in dataset:
        raise WrongDimension(
            f"{name}: has {dataset.NumberOfFrames} frames without positions "
            "(PerFrameFunctionalGroupsSequence); re-export the series as enhanced MR, or as one "
            "file per slice"
        )
    shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    found = []
    for index, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        each = Dataset()
        each.Rows, each.Columns = dataset.Rows, dataset.Columns
        for sequence in (*shared[0], *group):
            if sequence.VR == "SQ" and sequence.value:
                for element in sequence.value[0]:
                    each[element.tag] = element
        found.append((each, index))
    return found
