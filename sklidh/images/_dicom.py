"""Read a folder that holds one DICOM series; needs pydicom."""

import os
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from sklidh.images._columns import is_dicom_file
from sklidh.images._errors import CorruptImage, GeometryMismatch, ImageTooLarge, WrongDimension
from sklidh.images._headers import MOST_BYTES, check_axes, check_spacing

SLICE_TOLERANCE = 0.01
"""Of the distance of two slices: how much others may differ from it."""


def read_dataset(path):
    """Parse a DICOM file.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    pydicom.Dataset

    Raises
    ------
    CorruptImage
        The file is none, or ends too early.
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
        return pydicom.dcmread(path)
    except Exception as error:  # pydicom raises whatever its parser stumbles on
        raise CorruptImage(f"{path}: cannot be parsed as DICOM ({error}); copy it again") from error


def pixels_of(dataset, name: str) -> np.ndarray:
    """Decode the pixels of a file, whose length must be what its header declares.

    Parameters
    ----------
    dataset : pydicom.Dataset
    name : str
        Of the file, for messages.

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
        # A value of odd length is padded by one byte.
        if not compressed and len(dataset.PixelData) != n_bytes + n_bytes % 2:
            raise CorruptImage(
                f"{name}: holds {len(dataset.PixelData)} bytes of pixels, its header declares "
                f"{n_bytes}; copy it again"
            )
        return dataset.pixel_array
    except (CorruptImage, ImageTooLarge):
        raise
    except Exception as error:
        raise CorruptImage(f"{name}: its pixels cannot be decoded ({error})") from error


def numbers_of(dataset, keyword: str, count: int) -> np.ndarray:
    """Return an element that must hold so many finite numbers."""
    value = dataset.get(keyword)
    try:
        numbers = np.array(value, dtype=float).reshape(count)
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        raise CorruptImage(f"its {keyword} is {value!r}; {count} numbers are accepted")
    return numbers


def orientation_of(dataset) -> np.ndarray:
    """Return the axes of an image, columns of shape (3, 3), from ImageOrientationPatient."""
    along_x, along_y = numbers_of(dataset, "ImageOrientationPatient", 6).reshape(2, 3)
    axes = np.stack([along_x, along_y, np.cross(along_x, along_y)], axis=1)
    check_axes(axes)
    return axes


def load_series(folder) -> sitk.Image:
    """Read the slices of a folder as one image.

    Parameters
    ----------
    folder : str or path

    Returns
    -------
    SimpleITK.Image
        In the scanner's units: RescaleSlope and RescaleIntercept are applied.

    Raises
    ------
    CorruptImage
        A slice that cannot be read, or lacks what a slice must say.
    GeometryMismatch
        More than one series, a slice that is missing, there twice, or in another plane.
    WrongDimension
        Colour, several frames a file, or a single slice.
    """
    paths = [Path(entry.path) for entry in os.scandir(folder) if entry.is_file()]
    slices = {path.name: read_dataset(path) for path in sorted(paths) if is_dicom_file(path)}
    series = {str(each.get("SeriesInstanceUID")) for each in slices.values()}
    if len(series) > 1:
        raise GeometryMismatch(
            f"holds {len(series)} series: {', '.join(sorted(series))}; one folder a series"
        )
    if len(slices) < 2:
        raise WrongDimension(f"holds {len(slices)} slices; two or more are accepted")
    for name, each in slices.items():
        values = int(each.get("SamplesPerPixel", 1)) * int(each.get("NumberOfFrames", 1))
        if values != 1:
            raise WrongDimension(f"{name}: holds {values} values a pixel or frames; 1 is accepted")
    places = {n: numbers_of(each, "ImagePositionPatient", 3) for n, each in slices.items()}
    planes = [np.append(orientation_of(each), _plane_of(each)) for each in slices.values()]
    axes = orientation_of(next(iter(slices.values())))
    if not np.allclose(planes, planes[0], rtol=0, atol=1e-4):
        raise GeometryMismatch("its slices differ in orientation, spacing or size")
    names = sorted(places, key=lambda name: places[name] @ axes[:, 2])
    heights = np.array([places[name] @ axes[:, 2] for name in names])
    thickness = float(np.median(np.diff(heights)))
    check_slices(names, heights, thickness)
    voxels = np.stack([_rescaled(slices[name], name) for name in names])
    image = sitk.GetImageFromArray(voxels)
    row, column, *_ = _plane_of(next(iter(slices.values())))
    check_spacing((column, row, thickness))
    image.SetSpacing((column, row, thickness))
    image.SetOrigin(places[names[0]].tolist())
    image.SetDirection(axes.ravel().tolist())
    return image


def check_slices(names, heights, thickness: float) -> None:
    """Refuse slices that are there twice, or between which one is missing.

    Parameters
    ----------
    names : list of str
        The files, in the order of `heights`.
    heights : ndarray of shape (n_slices,)
        Along the normal, mm.
    thickness : float
        The median distance, mm.
    """
    steps = np.diff(heights)
    odd = np.flatnonzero(np.abs(steps - thickness) > SLICE_TOLERANCE * max(thickness, 1e-3))
    if thickness <= 0 or odd.size:
        where = odd[0] if odd.size else 0
        what = "lie in one place" if steps[where] < thickness / 2 else "leave a gap"
        raise GeometryMismatch(
            f"{names[where]} and {names[where + 1]} {what}: {steps[where]:.3f} mm apart, the "
            f"others {thickness:.3f} mm; export the series again"
        )


def _plane_of(dataset) -> list[float]:
    spacing = numbers_of(dataset, "PixelSpacing", 2)
    return [*spacing, *(numbers_of(dataset, name, 1)[0] for name in ("Rows", "Columns"))]


def _rescaled(dataset, name: str) -> np.ndarray:
    pixels = pixels_of(dataset, name)
    slope = float(dataset.get("RescaleSlope", 1))
    intercept = float(dataset.get("RescaleIntercept", 0))
    if (slope, intercept) == (1, 0):
        return pixels
    return (pixels * slope + intercept).astype(np.float32)
