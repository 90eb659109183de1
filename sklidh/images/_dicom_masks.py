"""Lay a DICOM segmentation or structure set on the grid of an image; needs pydicom."""

from collections import defaultdict

import numpy as np
import SimpleITK as sitk

from sklidh.images._dicom import numbers_of, orientation_of, pixels_of, read_dataset
from sklidh.images._errors import CorruptImage, GeometryMismatch, NonIntegerMask

OFF_GRID = 0.05
"""Voxels by which a frame or a contour may lie beside the image's grid."""


def load_mask(path, like) -> sitk.Image:
    """Read the labels of a DICOM segmentation (SEG) or structure set (RTSTRUCT).

    Parameters
    ----------
    path : str or path
    like : SimpleITK.Image or None
        The image on which it was drawn.

    Returns
    -------
    SimpleITK.Image
        In the grid of `like`: the numbers of segments or structures, 0 outside; of two that
        overlap, the higher.

    Raises
    ------
    CorruptImage
        Neither kind, or a file that lacks what it must say.
    GeometryMismatch
        It was drawn on another grid, or no image is given.
    NonIntegerMask
        A fractional segmentation.
    """
    dataset = read_dataset(path)
    kind = str(dataset.get("Modality"))
    if kind not in ("SEG", "RTSTRUCT"):
        raise CorruptImage(f"is DICOM of modality {kind!r}; SEG and RTSTRUCT are masks")
    if like is None:
        raise GeometryMismatch(
            f"is a DICOM {kind}, which lies on the grid of an image: read it by read_case, or give "
            "read_mask the image as like=; RigidRegistration turns it into an image"
        )
    labels = np.zeros(like.GetSize()[::-1], np.uint16)
    try:
        (_paint_frames if kind == "SEG" else _paint_contours)(dataset, like, labels)
    except (AttributeError, IndexError, TypeError) as error:
        raise CorruptImage(f"lacks what a {kind} must say ({error})") from error
    mask = sitk.GetImageFromArray(labels)
    mask.CopyInformation(like)
    return mask


def inside(polygon, shape) -> np.ndarray:
    """Tell which pixels have their centre inside a polygon, by the even-odd rule.

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
        # An edge holds its lower end and not its upper one: a corner is crossed once.
        rows = np.arange(max(int(np.ceil(low)), 0), min(int(np.ceil(high)), shape[0]))
        if rows.size:
            at = x0 + (rows - y0) * (x1 - x0) / (y1 - y0)
            crossings[rows] ^= columns >= at[:, None]
    return crossings


def to_voxels(points, like) -> np.ndarray:
    """Return points, shape (n, 3) in mm, as voxels of an image, x first."""
    axes = np.reshape(like.GetDirection(), (3, 3))
    return (np.asarray(points, float) - like.GetOrigin()) @ axes / like.GetSpacing()


def slice_number(heights, like, what: str) -> int:
    """Return the one slice on which all heights, in voxels, lie."""
    index = round(float(np.mean(heights)))
    if np.abs(np.asarray(heights) - index).max() > OFF_GRID or not 0 <= index < like.GetDepth():
        raise GeometryMismatch(
            f"{what} lies at slice {np.mean(heights):.2f} of the image, which has slices 0 to "
            f"{like.GetDepth() - 1}; it was drawn on another image"
        )
    return index


def _paint_frames(dataset, like, labels: np.ndarray) -> None:
    if dataset.get("SegmentationType") != "BINARY":
        raise NonIntegerMask(
            f"is a segmentation of type {dataset.get('SegmentationType')}; BINARY is accepted"
        )
    frames = np.reshape(pixels_of(dataset, "segmentation"), (-1, dataset.Rows, dataset.Columns))
    shared = dataset.SharedFunctionalGroupsSequence[0]
    order = []
    for number, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        plane = group if "PlaneOrientationSequence" in group else shared
        measures = group if "PixelMeasuresSequence" in group else shared
        axes = orientation_of(plane.PlaneOrientationSequence[0])
        row, column = numbers_of(measures.PixelMeasuresSequence[0], "PixelSpacing", 2)
        place = numbers_of(group.PlanePositionSequence[0], "ImagePositionPatient", 3)
        corner = to_voxels(place, like)
        same = (
            np.allclose(axes[:, :2], np.reshape(like.GetDirection(), (3, 3))[:, :2], atol=1e-3)
            and np.allclose((column, row), like.GetSpacing()[:2], rtol=1e-3)
            and np.abs(corner[:2]).max() <= OFF_GRID
            and frames.shape[1:] == labels.shape[1:]
        )
        if not same:
            raise GeometryMismatch(
                f"frame {number + 1} lies in another grid than the image; it was drawn on another"
            )
        segment = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        order.append((segment, slice_number(corner[2:], like, f"frame {number + 1}"), number))
    for segment, index, number in sorted(order):
        labels[index][frames[number] > 0] = segment


def _paint_contours(dataset, like, labels: np.ndarray) -> None:
    for structure in sorted(dataset.ROIContourSequence, key=lambda each: each.ReferencedROINumber):
        planes = defaultdict(lambda: np.zeros(labels.shape[1:], dtype=bool))
        for number, contour in enumerate(structure.get("ContourSequence", []), start=1):
            if contour.ContourGeometricType != "CLOSED_PLANAR":
                continue  # a point or a line encloses nothing
            points = numbers_of(contour, "ContourData", len(contour.ContourData))
            corners = to_voxels(np.reshape(points, (-1, 3)), like)
            what = f"contour {number} of structure {structure.ReferencedROINumber}"
            # A contour within another cuts a hole.
            planes[slice_number(corners[:, 2], like, what)] ^= inside(
                corners[:, :2], labels.shape[1:]
            )
        for index, region in planes.items():
            labels[index][region] = int(structure.ReferencedROINumber)
