"""Convert a DICOM segmentation or structure set to the grid of an image; needs pydicom."""

import warnings
from collections import defaultdict

import numpy as np
import SimpleITK as sitk

from sklidh.images._dicom_elements import (
    frames_of,
    numbers_of,
    orientation_of,
    pixels_of,
    read_dataset,
)
from sklidh.images._errors import (
    CorruptImage,
    GeometryMismatch,
    ImageWarning,
    MissingLabel,
    NonIntegerMask,
)
from sklidh.images._grids import LARGEST_LOSS, volume_of
from sklidh.images._labels import choice_needed, with_names
from sklidh.images._labels import numbers_of as label_numbers

OFF_GRID = 0.05
"""Maximum displacement of a frame from the image's grid, in voxels."""

OFF_SLICE = 0.25
"""Maximum distance of a contour from its nearest slice, to which it belongs, in slices."""


def load_mask(path, like, label) -> sitk.Image:
    """Read the labels of a DICOM segmentation (SEG) or structure set (RTSTRUCT).

    Parameters
    ----------
    path : str or path
    like : SimpleITK.Image or None
        The image on which the mask was drawn.
    label : list of int or str
        Numbers or names of segments or structures; empty if there is only one.

    Returns
    -------
    SimpleITK.Image
        On the grid of `like`: the numbers of segments or structures, 0 outside; where two overlap,
        the higher number. Their names are kept as metadata.

    Raises
    ------
    CorruptImage
        The file is neither kind, or lacks a required element.
    GeometryMismatch
        The mask was drawn on another grid, or no image is given.
    MissingLabel
        There are several labels and none was chosen, or none has the chosen name.
    NonIntegerMask
        The segmentation is fractional.

    Warns
    -----
    ImageWarning
        Contours are outside the image.
    """
    dataset = read_dataset(path)
    kind = str(dataset.get("Modality"))
    if kind not in ("SEG", "RTSTRUCT"):
        raise CorruptImage(f"is DICOM of modality {kind!r}; a mask must be SEG or RTSTRUCT")
    if like is None:
        raise GeometryMismatch(
            f"is a DICOM {kind}, which is defined on the grid of an image: use read_case, or pass "
            "the image to read_mask as like=; RigidRegistration converts it"
        )
    names_of, paint = (
        (_segments, _paint_frames) if kind == "SEG" else (_structures, _paint_contours)
    )
    try:
        names = names_of(dataset)
        chosen = label_numbers(label or None, names) or list(names)
        if len(chosen) > 1 and not label:
            volumes = {n: volume_of(_image(paint(dataset, like, [n])[0], like)) for n in names}
            raise choice_needed(names, volumes)
        labels, n_lost, n_all = paint(dataset, like, chosen)
    except (AttributeError, IndexError, TypeError) as error:
        raise CorruptImage(f"lacks a required element of a {kind} ({error})") from error
    kept = {number: name for number, name in names.items() if number in chosen}
    if not kept:
        there = ", ".join(f"{number} {name!r}" for number, name in names.items())
        raise MissingLabel(f"no structure has the label {label}; available: {there}")
    if n_lost:
        what = f"{n_lost} of its {n_all} {'segmented voxels' if kind == 'SEG' else 'contours'}"
        if n_lost > LARGEST_LOSS * n_all:
            raise GeometryMismatch(f"{what} are outside the image; it was drawn on another")
        warnings.warn(
            f"{path}: {what} are outside the image and are ignored", ImageWarning, stacklevel=3
        )
    return with_names(_image(labels, like), kept, chosen=True)


def _image(labels: np.ndarray, like: sitk.Image) -> sitk.Image:
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(like)
    return image


def _segments(dataset) -> dict[int, str]:
    """Return the names of the segments of a SEG that have a frame, by number."""
    named = {
        int(each.SegmentNumber): str(each.get("SegmentLabel", ""))
        for each in dataset.get("SegmentSequence", [])
    }
    drawn = {
        int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        for group in dataset.PerFrameFunctionalGroupsSequence
    }
    return {number: named.get(number, "") for number in sorted(drawn)}


def _structures(dataset) -> dict[int, str]:
    """Return the names of the structures of an RTSTRUCT that have a contour, by number."""
    named = {
        int(each.ROINumber): str(each.get("ROIName", ""))
        for each in dataset.get("StructureSetROISequence", [])
    }
    drawn = {
        int(each.ReferencedROINumber)
        for each in dataset.ROIContourSequence
        if each.get("ContourSequence")
    }
    return {number: named.get(number, "") for number in sorted(drawn)}


def inside(polygon, shape) -> np.ndarray:
    """Return which pixels have their centre inside a polygon, by the even-odd rule.

    Parameters
    ----------
    polygon : ndarray of shape (n_corners, 2)
        x and y, in pixels.
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
    """
    crossings = np.zeros(shape, dtype=bool)
    columns = np.arange(shape[1])
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        low, high = sorted((y0, y1))
        # An edge includes its lower end but not its upper one, so each corner is crossed once.
        rows = np.arange(max(int(np.ceil(low)), 0), min(int(np.ceil(high)), shape[0]))
        if rows.size:
            at = x0 + (rows - y0) * (x1 - x0) / (y1 - y0)
            crossings[rows] ^= columns >= at[:, None]
    return crossings


def to_voxels(points, like) -> np.ndarray:
    """Convert points, shape (n, 3) in mm, to voxels of an image, x first."""
    axes = np.reshape(like.GetDirection(), (3, 3))
    return (np.asarray(points, float) - like.GetOrigin()) @ axes / like.GetSpacing()


def _paint_frames(dataset, like, chosen) -> tuple[np.ndarray, int, int]:
    """Return the chosen segments on an image's grid, and counts of voxels beyond it and in all."""
    if dataset.get("SegmentationType") != "BINARY":
        raise NonIntegerMask(
            f"is a segmentation of type {dataset.get('SegmentationType')}; only BINARY is accepted"
        )
    frames = np.reshape(pixels_of(dataset, "segmentation"), (-1, dataset.Rows, dataset.Columns))
    labels = np.zeros(like.GetSize()[::-1], np.uint16)
    order = []
    for number, (frame, _) in enumerate(frames_of(dataset, "segmentation")):
        axes, (row, column) = orientation_of(frame), numbers_of(frame, "PixelSpacing", 2)
        origin = numbers_of(frame, "ImagePositionPatient", 3)
        corners = [(0, 0), (0, dataset.Columns - 1), (dataset.Rows - 1, 0)]
        points = [origin + axes[:, :2] @ (c * column, r * row) for r, c in corners]
        index = to_voxels(points, like)
        if np.abs(index - np.rint(index)).max() > OFF_GRID or not _is_turned(index, frames.shape):
            raise GeometryMismatch(
                f"frame {number + 1} is not on the grid of the image; it was drawn on another image"
            )
        segment = int(frame.ReferencedSegmentNumber)
        if segment in chosen:
            order.append((segment, number, np.rint(index).astype(int)))
    n_lost = n_all = 0
    for segment, number, (origin, along_row, along_column) in sorted(order, key=lambda o: o[0]):
        rows, columns = np.nonzero(frames[number])
        right = (along_row - origin) // max(dataset.Columns - 1, 1)
        down = (along_column - origin) // max(dataset.Rows - 1, 1)
        voxels = origin + np.outer(columns, right) + np.outer(rows, down)
        there = ((voxels >= 0) & (voxels < like.GetSize())).all(axis=1)
        n_lost, n_all = n_lost + np.count_nonzero(~there), n_all + len(there)
        labels[tuple(voxels[there].T[::-1])] = segment
    return labels, n_lost, n_all


def _is_turned(index, shape) -> bool:
    """Return whether the rows and columns of a frame match the axes and voxels of an image."""
    sides = np.abs(np.rint(index[1:]) - np.rint(index[0]))
    return bool(
        (np.count_nonzero(sides, axis=1) <= 1).all()
        and sides.max(axis=1).tolist() == [shape[2] - 1, shape[1] - 1]
    )


def _paint_contours(dataset, like, chosen) -> tuple[np.ndarray, int, int]:
    """Return the chosen structures on an image's grid, and counts of contours beyond it, in all."""
    labels = np.zeros(like.GetSize()[::-1], np.uint16)
    n_beyond = n_closed = 0
    for structure in sorted(dataset.ROIContourSequence, key=lambda each: each.ReferencedROINumber):
        if int(structure.ReferencedROINumber) not in chosen:
            continue
        planes = defaultdict(lambda: np.zeros(labels.shape[1:], dtype=bool))
        for number, contour in enumerate(structure.get("ContourSequence", []), start=1):
            if contour.ContourGeometricType != "CLOSED_PLANAR":
                continue  # a point or a line encloses nothing
            points = numbers_of(contour, "ContourData", len(contour.ContourData))
            corners = to_voxels(np.reshape(points, (-1, 3)), like)
            index = round(float(np.mean(corners[:, 2])))
            if np.abs(corners[:, 2] - index).max() > OFF_SLICE:
                raise GeometryMismatch(
                    f"contour {number} of structure {structure.ReferencedROINumber} is between two "
                    f"slices of the image, at {np.mean(corners[:, 2]):.2f}; it was drawn on "
                    "another image"
                )
            n_closed += 1
            n_beyond += not 0 <= index < like.GetDepth()
            # A contour inside another one cuts a hole.
            planes[index] ^= inside(corners[:, :2], labels.shape[1:])
        for index, region in planes.items():
            if 0 <= index < like.GetDepth():
                labels[index][region] = int(structure.ReferencedROINumber)
    return labels, n_beyond, n_closed
