"""Read an image or a mask from disk or memory, and report any problem clearly."""

import os

import numpy as np
import SimpleITK as sitk

from sklidh.images._columns import is_dicom_folder
from sklidh.images._errors import NonFiniteVoxels, WrongDimension, describe_source, prefixed_errors
from sklidh.images._files import load_image
from sklidh.images._grids import on_grid_of
from sklidh.images._labels import as_list, chosen_labels, names_of, numbers_of, with_names
from sklidh.images._memory import image_in_memory
from sklidh.utils import is_path


def read_image(source, *, patient=None, modality=None) -> sitk.Image:
    """Read a three-dimensional scalar image and verify every byte.

    Parameters
    ----------
    source : str, path or SimpleITK.Image
        A NIfTI (``.nii``, ``.nii.gz``, ``.hdr`` with ``.img``), NRRD (``.nrrd``, ``.nhdr``) or
        MetaImage (``.mha``, ``.mhd``) file, a folder that holds one DICOM series (needs pydicom),
        or an image in memory.
    patient, modality : default=None
        Named in messages.

    Returns
    -------
    SimpleITK.Image
        Voxels as stored, spacing in mm.

    Raises
    ------
    CorruptImage
        The file is not an image, is damaged or truncated, or has an invalid header.
    ImageTooLarge
        The header declares more than 2 GiB of voxels.
    WrongDimension
        The image is not three-dimensional or has several values per voxel.
    GeometryMismatch
        The axes of the grid are not at right angles, or the header gives two different placements.
    NonFiniteVoxels
        A voxel is NaN or infinite.
    """
    with prefixed_errors(describe_source(source, patient, modality)):
        image = load(source)
        check_finite(image)
    return image


def read_mask(source, *, label=None, like=None, patient=None) -> sitk.Image:
    """Read a tumour mask as 0 and 1.

    Parameters
    ----------
    source : str, path or SimpleITK.Image
        As in `read_image`; or a DICOM segmentation or structure set (``.dcm``), whose labels are
        the numbers of its segments or structures.
    label : int, str or sequence of these, default=None
        The labels that are tumour: numbers, or names from DICOM or 3D Slicer's NRRD files. None
        means every label above 0; if several labels have names, one must be chosen.
    like : SimpleITK.Image, default=None
        The image on which the mask was drawn. DICOM masks are converted to its grid, as are masks
        that share its voxels but are cropped to the tumour or have another axis order.
    patient : default=None
        Named in messages.

    Returns
    -------
    SimpleITK.Image
        1 in the tumour, 0 elsewhere; uint8.

    Raises
    ------
    ImageError
        As `read_image`, and:
    NonIntegerMask
        A value is fractional, negative or not finite, or more than ten labels suggest an image.
    EmptyROI
        Every voxel is 0, or the mask lies outside the image.
    MissingLabel
        No voxel has the label, or a label must be chosen; the message lists those found.
    ROITooSmall
        The mask has fewer than three voxels.

    Warns
    -----
    ImageWarning
        A part of the mask lies outside the image.
    """
    where = describe_source(source, patient, "mask")
    with prefixed_errors(where):
        return tumour_of(load(source, like=like, label=label, mask=True), label, like, where)


def tumour_of(image, label, like, where: str) -> sitk.Image:
    """Return labels of a loaded mask as 0 and 1; `where` names the mask in a warning."""
    mask = sitk.GetImageFromArray((chosen_labels(image, label) > 0).astype(np.uint8))
    mask.CopyInformation(image)
    return mask if like is None else on_grid_of(mask, like, where)


def read_labels(source, *, label=None, like=None, patient=None, modality="mask") -> sitk.Image:
    """Read a mask with its labels unchanged, for a step that passes it on.

    Parameters
    ----------
    source, label, patient
        As in `read_mask`.
    like : SimpleITK.Image, default=None
        The image whose grid a DICOM mask is converted to; other masks keep their own.
    modality : str, default="mask"
        Named in messages.

    Returns
    -------
    SimpleITK.Image
        Only the requested labels, by number; their names are kept as metadata.

    Raises
    ------
    ImageError
        As `read_mask`.
    """
    with prefixed_errors(describe_source(source, patient, modality)):
        image = load(source, like=like, label=label, mask=True)
        labels, names = chosen_labels(image, label), names_of(image)
        stored = sitk.GetArrayViewFromImage(image)
        if label is None and stored.dtype == labels.dtype:
            return image
        numbers = numbers_of(label, names)
        kept = {n: name for n, name in names.items() if numbers is None or n in numbers}
        chosen = sitk.GetImageFromArray(labels)
        chosen.CopyInformation(image)
        return with_names(chosen, kept, chosen=label is not None)


def load(source, *, like=None, label=None, mask=False) -> sitk.Image:
    """Return an image with three dimensions and one value per voxel, finite or not.

    Parameters
    ----------
    source, like, label
        As in `read_mask`.
    mask : bool, default=False
        Whether a DICOM file is read as a segmentation.

    Raises
    ------
    ImageError
        The message lacks the image's name.
    """
    if not is_path(source):
        image = image_in_memory(source)
    elif is_dicom_folder(source):
        from sklidh.images._dicom import load_series

        image = load_series(source)
    elif os.fspath(source).lower().endswith(".dcm"):
        from sklidh.images import _dicom, _dicom_masks

        image = (
            _dicom_masks.load_mask(source, like, as_list(label))
            if mask
            else _dicom.load_series(source)
        )
    else:
        image = load_image(source)
    if image.GetDimension() != 3:
        raise WrongDimension(f"has {image.GetDimension()} dimensions; only 3 are accepted")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise WrongDimension(
            f"has {image.GetNumberOfComponentsPerPixel()} values per voxel (a colour or vector "
            "image); only 1 is accepted"
        )
    return image


def not_finite(image) -> np.ndarray:
    """Return which voxels are NaN or infinite, shape (z, y, x)."""
    voxels = sitk.GetArrayViewFromImage(image)
    whole = voxels.dtype.kind in "iu"
    return np.broadcast_to(False, voxels.shape) if whole else ~np.isfinite(voxels)


def check_finite(image) -> None:
    """Refuse an image with a voxel that is NaN or infinite."""
    n_bad = np.count_nonzero(not_finite(image))
    if n_bad:
        raise NonFiniteVoxels(
            f"contains {n_bad} NaN or infinite voxels; replace them with finite intensities, such "
            "as 0 outside the brain"
        )
