"""Read an image or a mask, from disk or from memory, and say plainly what is wrong with it."""

import os

import numpy as np
import SimpleITK as sitk

from sklidh.utils import is_path

GEOMETRY_TOLERANCE = 1e-3
"""mm (origin, per voxel of spacing) and cosines (direction) by which two grids may differ."""


IMAGE_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
"""How the name of an image file ends."""


class ImageError(ValueError):
    """An image that cannot be used; the message names patient, modality, path and remedy."""


def read_image(source, *, patient=None, modality=None) -> sitk.Image:
    """Read a three-dimensional scalar image.

    Parameters
    ----------
    source : str, path or SimpleITK.Image
        NIfTI, NRRD, MetaImage or anything else that SimpleITK reads; or an image in memory.
    patient, modality : default=None
        Named in messages.

    Returns
    -------
    SimpleITK.Image
        Voxels as stored, spacing in mm.

    Raises
    ------
    ImageError
        Unreadable, not three-dimensional, more than one value a voxel, or a voxel that is not
        finite.
    """
    where = _where(source, patient, modality)
    if is_path(source):
        try:
            image = sitk.ReadImage(os.fspath(source))
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ImageError(f"{where}: cannot be read as an image ({reason})") from error
    else:
        image = source
    if image.GetDimension() != 3:
        raise ImageError(f"{where}: has {image.GetDimension()} dimensions; 3 are accepted")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise ImageError(
            f"{where}: has {image.GetNumberOfComponentsPerPixel()} values a voxel "
            "(a colour or vector image); 1 is accepted"
        )
    if not np.isfinite(sitk.GetArrayViewFromImage(image)).all():
        raise ImageError(f"{where}: holds NaN or infinite voxels; write finite intensities")
    return image


def read_mask(source, *, label=None, patient=None) -> sitk.Image:
    """Read a tumour mask as 0 and 1.

    Parameters
    ----------
    source : str, path or SimpleITK.Image
    label : int or sequence of int, default=None
        The labels that are tumour; None means every label above 0.
    patient : default=None
        Named in messages.

    Returns
    -------
    SimpleITK.Image
        1 in the tumour, 0 elsewhere; uint8.

    Raises
    ------
    ImageError
        As `read_image`; or a mask with fractional values, or with no voxel of the label.
    """
    image = read_image(source, patient=patient, modality="mask")
    where = _where(source, patient, "mask")
    voxels = sitk.GetArrayViewFromImage(image)
    if voxels.dtype.kind == "f" and not np.array_equal(voxels, np.rint(voxels)):
        raise ImageError(f"{where}: holds fractional values; a mask holds whole labels, 0 outside")
    tumour = voxels > 0 if label is None else np.isin(voxels, np.atleast_1d(label))
    if not tumour.any():
        wanted = "a label above 0" if label is None else f"label {label}"
        seen = np.unique(voxels)[:10].tolist()
        raise ImageError(f"{where}: no voxel has {wanted}; the labels seen are {seen}")
    mask = sitk.GetImageFromArray(tumour.astype(np.uint8))
    mask.CopyInformation(image)
    return mask


def read_case(image, mask, *, label=None, patient=None, modality=None):
    """Read one modality and its mask, and check that they share one grid.

    Parameters
    ----------
    image, mask : str, path or SimpleITK.Image
    label : int or sequence of int, default=None
        As in `read_mask`.
    patient, modality : default=None
        Named in messages.

    Returns
    -------
    image, mask : SimpleITK.Image
        In one grid.

    Raises
    ------
    ImageError
        As `read_image` and `read_mask`; or the two grids differ.
    """
    volume = read_image(image, patient=patient, modality=modality)
    tumour = read_mask(mask, label=label, patient=patient)
    difference = grid_difference(volume, tumour)
    if difference:
        raise ImageError(
            f"{_where(image, patient, modality)}: image and mask lie in different grids: "
            f"{difference}; RigidRegistration brings them into one"
        )
    return volume, tumour


def image_columns(X) -> list[str]:
    """Name the columns of a table that hold images, the mask left out.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)

    Returns
    -------
    list of str
        The columns in which at least one cell is a SimpleITK image or a path that ends as an
        image file's does, in the table's order.
    """
    return [
        column for column in X.columns if column != "mask" and any(map(_names_image, X[column]))
    ]


def _names_image(cell) -> bool:
    if is_path(cell):
        return os.fspath(cell).strip().lower().endswith(IMAGE_SUFFIXES)
    return isinstance(cell, sitk.Image)


def grid_difference(one: sitk.Image, other: sitk.Image) -> str:
    """Say in words how the grids of two images differ.

    Parameters
    ----------
    one, other : SimpleITK.Image

    Returns
    -------
    str
        The first of size, spacing, origin and direction that differs, with both values; empty if
        none does, rounding apart.
    """
    if one.GetSize() != other.GetSize():
        return f"sizes {one.GetSize()} and {other.GetSize()} voxels"
    for name, tolerance in (("Spacing", min(one.GetSpacing())), ("Origin", min(one.GetSpacing()))):
        a, b = getattr(one, f"Get{name}")(), getattr(other, f"Get{name}")()
        if not np.allclose(a, b, rtol=0, atol=GEOMETRY_TOLERANCE * tolerance):
            return f"{name.lower()} {a} and {b} mm"
    if not np.allclose(one.GetDirection(), other.GetDirection(), rtol=0, atol=GEOMETRY_TOLERANCE):
        return f"direction {one.GetDirection()} and {other.GetDirection()}"
    return ""


def _where(source, patient, modality) -> str:
    path = os.fspath(source) if is_path(source) else "image in memory"
    parts = [f"patient {patient!r}"] if patient is not None else []
    parts += [f"column {modality!r}"] if modality is not None else []
    return ", ".join([*parts, path])
