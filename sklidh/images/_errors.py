"""The ways in which an image or a mask cannot be used, and how a message names it."""

import os
from contextlib import contextmanager

from sklidh.utils import is_path, listed


class ImageError(ValueError):
    """An image that cannot be used; the message names patient, modality, path and remedy."""


class CorruptImage(ImageError):
    """The file is no image, is damaged, ends too early, or declares what cannot be."""


class ImageTooLarge(ImageError):
    """The header declares more voxels than are accepted; nothing was allocated for them."""


class WrongDimension(ImageError):
    """Not three dimensions, or not one value a voxel."""


class GeometryMismatch(ImageError):
    """Two grids that should be one differ, or a grid's axes are not at right angles."""


class EmptyROI(ImageError):
    """The mask has no voxel at all, or none within the image."""


class MissingLabel(ImageError):
    """The mask has voxels, but none of the label asked for."""


class ROITooSmall(ImageError):
    """The region of interest has too few voxels to be described."""


class NonFiniteVoxels(ImageError):
    """NaN or infinite intensities where they would be used."""


class NonIntegerMask(ImageError):
    """The mask holds something other than whole labels from 0 up."""


class ImageWarning(UserWarning):
    """An image that can be used, though something in it is odd."""


def describe_source(source, patient=None, modality=None) -> str:
    """Name an image in a message.

    Parameters
    ----------
    source : str, path or SimpleITK.Image
    patient, modality : default=None
        Left out where they are not known.

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
    """Say that a patient has no image of any modality."""
    return (
        f"patient {patient!r}: no image at all, every cell of {listed(modalities)} is empty; drop "
        "the row or fill one in"
    )


def without_reference(patient, reference) -> str:
    """Say that a patient lacks the image onto which the others are registered."""
    return (
        f"patient {patient!r}, column {reference!r}: the cell is empty, and it is the reference "
        "onto which the others are registered; drop the row or choose another"
    )


@contextmanager
def prefixed_errors(where: str):
    """Put the image's name in front of what an error raised within says."""
    try:
        yield
    except ImageError as error:
        raise type(error)(f"{where}: {error}") from error.__cause__


@contextmanager
def as_image_error(what: str):
    """Turn what SimpleITK and the arithmetic raise within into an ImageError that says `what`."""
    try:
        yield
    except ImageError:
        raise
    except (RuntimeError, ValueError) as error:
        raise ImageError(f"{what}: {error}") from error
