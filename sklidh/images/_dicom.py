"""Read a DICOM series, stored as one file per slice or as a single file; needs pydicom."""

import os
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from sklidh.images._columns import is_dicom_file
from sklidh.images._dicom_elements import (
    frames_of,
    numbers_of,
    orientation_of,
    pixels_of,
    read_dataset,
)
from sklidh.images._errors import GeometryMismatch, WrongDimension
from sklidh.images._headers import PERPENDICULAR, check_spacing

SLICE_TOLERANCE = 0.01
"""Maximum displacement of a slice, as a fraction of the slice distance."""

ROUNDING = 0.02
"""Displacement always accepted, in mm: positions are often written with two decimals."""

VOLUME_OF = ("EchoTime", "AcquisitionNumber", "TemporalPositionIdentifier", "ImageType")
"""Elements in which two volumes of one series may differ."""

NOT_IMAGES = (
    "1.2.840.10008.1.3.10",  # DICOMDIR
    "1.2.840.10008.5.1.4.1.1.11.",  # presentation states
    "1.2.840.10008.5.1.4.1.1.88.",  # reports
    "1.2.840.10008.5.1.4.1.1.104.",  # documents
    "1.2.840.10008.5.1.4.1.1.66",  # raw data, registrations and segmentations
    "1.2.840.10008.5.1.4.1.1.481.",  # radiotherapy: structure sets, plans and doses
)
"""Prefixes of the SOP classes of non-image objects that may be stored beside the slices."""


def load_series(place) -> sitk.Image:
    """Read the slices of a folder, or the frames of one file, as one image.

    Parameters
    ----------
    place : str or path
        A folder that holds one series, or an enhanced (multi-frame) file.

    Returns
    -------
    SimpleITK.Image
        In the scanner's units, with RescaleSlope and RescaleIntercept applied.

    Raises
    ------
    CorruptImage
        A slice cannot be read or lacks a required element.
    GeometryMismatch
        The folder holds several series or volumes, or a slice is missing, in another plane or out
        of line.
    WrongDimension
        The image is in colour or has a single slice.
    """
    files = [Path(entry.path) for entry in os.scandir(place)] if os.path.isdir(place) else [place]
    files = [Path(file) for file in files if os.path.isfile(file) and is_dicom_file(file)]
    datasets = {file.name: read_dataset(file) for file in sorted(files)}
    datasets = {name: each for name, each in datasets.items() if not _class_of(each)}
    series = {str(each.get("SeriesInstanceUID")) for each in datasets.values()}
    if len(series) > 1:
        raise GeometryMismatch(
            f"contains {len(series)} series: {', '.join(sorted(series))}; use one folder per series"
        )
    slices = {}
    for name, dataset in datasets.items():
        if int(dataset.get("SamplesPerPixel", 1)) != 1:
            raise WrongDimension(f"{name}: has several values per pixel; only 1 is accepted")
        frames = frames_of(dataset, name) if "NumberOfFrames" in dataset else [(dataset, None)]
        slices |= {f"{name}, frame {k + 1}" if k is not None else name: (each, dataset, k)
                   for each, k in frames}  # fmt: skip
    if len(slices) < 2:
        raise WrongDimension(f"contains {len(slices)} slices; at least two are needed")
    return _stack(slices)


def _class_of(dataset) -> str:
    """Return the class of an object that is not an image, else an empty string."""
    uid = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", ""))
    return uid if uid.startswith(NOT_IMAGES) else ""


def _stack(slices: dict) -> sitk.Image:
    """Return slices, given by name as (description, dataset, frame index), as one image."""
    first, *_ = next(iter(slices.values()))
    places = {n: numbers_of(each, "ImagePositionPatient", 3) for n, (each, *_) in slices.items()}
    planes = [np.append(orientation_of(each), _plane_of(each)) for each, *_ in slices.values()]
    axes = orientation_of(first)
    if not np.allclose(planes, planes[0], rtol=0, atol=1e-4):
        raise GeometryMismatch("its slices differ in orientation, spacing or size")
    names = sorted(places, key=lambda name: places[name] @ axes[:, 2])
    row, column, *_ = _plane_of(first)
    in_place = np.array([places[name] for name in names]) @ axes
    thickness = check_slices(names, in_place, {n: each for n, (each, *_) in slices.items()})
    pixels = {id(whole): pixels_of(whole, name) for name, (_, whole, _) in slices.items()}
    voxels = []
    for name in names:
        each, whole, frame = slices[name]
        plane = pixels[id(whole)] if frame is None else pixels[id(whole)][frame]
        voxels.append(_rescaled(each, plane))
    image = sitk.GetImageFromArray(np.stack(voxels))
    check_spacing((column, row, thickness))
    image.SetSpacing((column, row, thickness))
    image.SetOrigin(places[names[0]].tolist())
    image.SetDirection(axes.ravel().tolist())
    return image


def check_slices(names, places, slices) -> float:
    """Refuse series with duplicate or missing slices, or slices that drift sideways.

    Parameters
    ----------
    names : list of str
        The slices, in the order of `places`.
    places : ndarray of shape (n_slices, 3)
        Positions along rows, columns and the normal, in mm.
    slices : dict of pydicom.Dataset
        By name.

    Returns
    -------
    float
        The distance between neighbouring slices, in mm.
    """
    steps = np.diff(places[:, 2])
    thickness = float(np.median(steps))
    allowed = max(SLICE_TOLERANCE * thickness, ROUNDING)
    same = np.flatnonzero(steps < max(allowed, 1e-3))
    if same.size:
        pair = names[same[0]], names[same[0] + 1]
        differ = [
            f"{keyword} {a} and {b}"
            for keyword in VOLUME_OF
            for a, b in [[slices[name].get(keyword) for name in pair]]
            if a != b
        ]
        raise GeometryMismatch(
            f"contains two images at the same position: {pair[0]} and {pair[1]}"
            + (f" ({', '.join(differ)})" if differ else "")
            + "; keep one volume per folder, such as one echo"
        )
    straight = places[0] + np.outer(np.arange(len(places)), (0, 0, steps.mean()))
    aside = np.abs(places - straight)
    odd = np.flatnonzero(np.abs(steps - thickness) > allowed)
    if odd.size:
        raise GeometryMismatch(
            f"there is a gap between {names[odd[0]]} and {names[odd[0] + 1]}: they are "
            f"{steps[odd[0]]:.3f} mm apart, the others {thickness:.3f} mm; re-export the series"
        )
    drift = np.hypot(*aside[:, :2].T)
    extent = places[-1, 2] - places[0, 2]
    if drift.max() > max(PERPENDICULAR * extent, ROUNDING):
        raise GeometryMismatch(
            f"its slices drift in their plane, {drift.max():.3g} mm over {extent:.4g} mm: such "
            "shear (a tilted gantry) is not supported; resample the image on an unsheared grid"
        )
    return float(steps.mean()) if np.ptp(steps) < ROUNDING else thickness


def _plane_of(dataset) -> list[float]:
    spacing = numbers_of(dataset, "PixelSpacing", 2)
    return [*spacing, *(numbers_of(dataset, name, 1)[0] for name in ("Rows", "Columns"))]


def _rescaled(dataset, pixels: np.ndarray) -> np.ndarray:
    slope = float(dataset.get("RescaleSlope", 1))
    intercept = float(dataset.get("RescaleIntercept", 0))
    if (slope, intercept) == (1, 0):
        return pixels
    return (pixels * slope + intercept).astype(np.float32)
