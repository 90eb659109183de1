"""Read an image or a mask, from disk or from memory, and say plainly what is wrong with it."""

import os
import warnings

import numpy as np
import SimpleITK as sitk

from sklidh.images._columns import is_dicom_folder
from sklidh.images._errors import (
    EmptyROI,
    ImageWarning,
    MissingLabel,
    NonFiniteVoxels,
    NonIntegerMask,
    ROITooSmall,
    WrongDimension,
    describe_source,
    naming,
)
from sklidh.images._files import load_image
from sklidh.utils import is_path

FEWEST_VOXELS = 3
"""Of a region of interest: one or two voxels have neither shape nor texture."""

MOST_LABELS = 10
"""All of which may be tumour: a mask with more of them is an atlas, or an image."""


def read_image(source, *, patient=None, modality=None) -> sitk.Image:
    """Read a three-dimensional scalar image, every byte of it verified.

    Parameters
    ----------
    source : str, path or SimpleITK.Image
        A NIfTI (``.nii``, ``.nii.gz``), NRRD or MetaImage (``.mha``) file, a folder that holds
        one DICOM series (needs pydicom), or an image in memory.
    patient, modality : default=None
        Named in messages.

    Returns
    -------
    SimpleITK.Image
        Voxels as stored, spacing in mm.

    Raises
    ------
    CorruptImage
        The file is no image, is damaged or cut off, or its header declares what cannot be.
    ImageTooLarge
        Its header declares more than 2 GiB of voxels.
    WrongDimension
        Not three-dimensional, or more than one value a voxel.
    GeometryMismatch
        The axes of its grid are not at right angles.
    NonFiniteVoxels
        A voxel is NaN or infinite.
    """
    with naming(describe_source(source, patient, modality)):
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
    label : int or sequence of int, default=None
        The labels that are tumour; None means every label above 0.
    like : SimpleITK.Image, default=None
        The image on which the mask was drawn: DICOM masks are laid on its grid.
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
        A value is fractional, negative or not finite.
    EmptyROI
        Every voxel is 0.
    MissingLabel
        No voxel has the label; those that are there are listed.
    ROITooSmall
        Fewer than three voxels.

    Warns
    -----
    ImageWarning
        More than ten labels count as tumour.
    """
    where = describe_source(source, patient, "mask")
    with naming(where):
        image = load(source, like=like, mask=True)
        labels = sitk.GetArrayViewFromImage(image)
        tumour = _region(labels, label)
    if label is None and (n_labels := len(np.unique(labels[tumour]))) > MOST_LABELS:
        warnings.warn(
            f"{where}: {n_labels} different labels above 0 all count as tumour; name the tumour's "
            "by label=, or the file of the mask if this is an image",
            ImageWarning,
            stacklevel=2,
        )
    mask = sitk.GetImageFromArray(tumour.astype(np.uint8))
    mask.CopyInformation(image)
    return mask


def read_labels(source, *, like=None, patient=None, modality="mask") -> sitk.Image:
    """Read a mask with its labels as they are, for a step that hands it on.

    Parameters
    ----------
    source, like, patient
        As in `read_mask`.
    modality : str, default="mask"
        Named in messages.

    Returns
    -------
    SimpleITK.Image

    Raises
    ------
    ImageError
        As `read_mask`.
    """
    with naming(describe_source(source, patient, modality)):
        image = load(source, like=like, mask=True)
        _region(sitk.GetArrayViewFromImage(image), None)
    return image


def load(source, *, like=None, mask=False) -> sitk.Image:
    """Return an image of three dimensions and one value a voxel, finite or not.

    Parameters
    ----------
    source, like
        As in `read_mask`.
    mask : bool, default=False
        Whether a DICOM file is read as a segmentation.

    Returns
    -------
    SimpleITK.Image

    Raises
    ------
    ImageError
        Without the image's name.
    """
    if not is_path(source):
        image = source
    elif is_dicom_folder(source):
        from sklidh.images._dicom import load_series

        image = load_series(source)
    elif mask and os.fspath(source).lower().endswith(".dcm"):
        from sklidh.images._dicom_masks import load_mask

        image = load_mask(source, like)
    else:
        image = load_image(source)
    if image.GetDimension() != 3:
        raise WrongDimension(f"has {image.GetDimension()} dimensions; 3 are accepted")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise WrongDimension(
            f"has {image.GetNumberOfComponentsPerPixel()} values a voxel (a colour or vector "
            "image); 1 is accepted"
        )
    return image


def not_finite(image) -> np.ndarray:
    """Tell of each voxel, shape (z, y, x), whether it is NaN or infinite."""
    voxels = sitk.GetArrayViewFromImage(image)
    whole = voxels.dtype.kind in "iu"
    return np.broadcast_to(False, voxels.shape) if whole else ~np.isfinite(voxels)


def check_finite(image) -> None:
    """Refuse an image with a voxel that is NaN or infinite."""
    n_bad = np.count_nonzero(not_finite(image))
    if n_bad:
        raise NonFiniteVoxels(
            f"holds {n_bad} NaN or infinite voxels; write finite intensities, such as 0 outside "
            "the brain"
        )


def _region(labels: np.ndarray, label) -> np.ndarray:
    """Return where the labels are tumour."""
    whole = labels.dtype.kind in "iu" or np.array_equal(labels, np.rint(labels))
    if not whole or not np.isfinite(labels).all() or labels.min() < 0:
        raise NonIntegerMask(
            f"holds values from {labels.min():g} to {labels.max():g} that are no labels; a mask "
            "holds whole labels above 0, fractional values are not accepted, and 0 outside"
        )
    tumour = labels > 0 if label is None else np.isin(labels, np.atleast_1d(label))
    n_voxels = np.count_nonzero(tumour)
    if n_voxels == 0:
        seen = np.unique(labels)
        if not seen.any():
            raise EmptyROI("every voxel is 0: no voxel has a label above 0; draw the tumour")
        listed = seen[seen > 0][:10].astype(int).tolist()
        raise MissingLabel(f"no voxel has label {label}; the labels that are there: {listed}")
    if n_voxels < FEWEST_VOXELS:
        raise ROITooSmall(
            f"the region has {n_voxels} voxels; {FEWEST_VOXELS} or more are accepted: look at the "
            "mask, and at its label"
        )
    return tumour
