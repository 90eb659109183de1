"""Errors for unusable images and masks, and how messages name them."""

import os
from contextlib import contextmanager

from sklidh.utils import UserError, is_path, listed


class ImageError(UserError, ValueError):
    """An image that cannot be used; the message names patient, modality, path and remedy."""


class CorruptImage(ImageError):
    """The file is not an image, is damaged or truncated, or has an invalid header."""


class ImageTooLarge(ImageError):
    """The header declares more voxels than are accepted; no memory was allocated for them."""


class WrongDimension(ImageError):
    """The image does not have three dimensions or one value per voxel."""


class GeometryMismatch(ImageError):
    """Two grids that should match differ, or a grid's axes are not at right angles."""


class EmptyROI(ImageError):
    """The mask has no voxels, or none within the image."""


class MissingLabel(ImageError):
    """The mask has voxels, but none with the requested label."""


class ROITooSmall(ImageError):
    """The region of interest has too few voxels for features."""


class NonFiniteVoxels(ImageError):
    """Intensities that are needed are NaN or infinite."""


class NonIntegerMask(ImageError):
    """The mask holds values other than whole numbers from 0 up."""


class ImageWarning(UserWarning):
    """An image is usable but has something unusual."""


def describe_source(source, patient=None, modality=None) -> str:
    """Name an image in a message.

    Parameters
    ----------
    source : str, path or SimpleITK.Image
    patient, modality : default=None
        Left out if None.

    Returns
    -------
    str
        As ``patient 'p1', column 'T1', images/t1.nii.gz``.
    """
    path = os.fspath(source) if is_path(source) else "image in memory"
    parts = [f"patient {patient!r}"] if patient is not None else []
    parts += [f"column {modality!r}"] if modality is not None else []
    return ", ".join([*parts, path])


def without_image(patient, modalities) -> str:
    """Return the error for a patient without any image."""
    return (
        f"patient {patient!r}: no image, all cells of {listed(modalities)} are empty; add an image "
        "or drop the row"
    )


def without_reference(patient, reference) -> str:
    """Return the error for a patient who lacks the reference image."""
    return (
        f"patient {patient!r}, column {reference!r}: the cell is empty, but it is the reference "
        "to which the others are registered; drop the row or choose another reference"
    )


@contextmanager
def prefixed_errors(where: str):
    """Prefix errors raised in the block with the image's name."""
    try:
        yield
    except ImageError as error:
        raise type(error)(f"{where}: {error}") from error.__cause__


@contextmanager
def as_image_error(what: str):
    """Convert SimpleITK and arithmetic errors in the block to an ImageError that states `what`."""
    try:
        yield
    except ImageError:
        raise
    except (RuntimeError, ValueError) as error:
        raise ImageError(f"{what}: {error}") from error
