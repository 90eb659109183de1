"""One patient's images, laid onto the reference or found in the cache."""

from dataclasses import asdict, dataclass

import numpy as np
import SimpleITK as sitk

from sklidh.images._cached_images import cache_entry, keep, recall
from sklidh.images._columns import is_dicom
from sklidh.images._errors import EmptyROI, describe_source, failing, naming
from sklidh.images._grids import grid_difference
from sklidh.images._reading import read_image, read_labels
from sklidh.images._rigid import RigidFit, register_rigidly
from sklidh.utils import is_missing

ARITHMETIC = "rigid registration 2"
"""Part of every cached file's name: to be changed when the same images would give other voxels."""


@dataclass(frozen=True)
class Laid:
    """What became of an image.

    Attributes
    ----------
    image : SimpleITK.Image, str or None
        The image in the reference's grid, or its path in the cache; None if it stays as it is.
    fit : RigidFit or None
        None for a mask, which is not registered.
    """

    image: sitk.Image | str | None
    fit: RigidFit | None


def lay_image(image, reference, *, tolerance, **search):
    """Register an image onto the reference.

    Parameters
    ----------
    image, reference : SimpleITK.Image
    tolerance : float
        In voxels of the reference: an image in its grid that is displaced by less stays.
    **search
        Of `register_rigidly`: ``n_samples``, ``n_bins``, ``poor`` and ``seed``.

    Returns
    -------
    Laid
    """
    fit = register_rigidly(reference, image, **search)
    aligned = fit.displacement < tolerance * min(reference.GetSpacing())
    if aligned and not grid_difference(image, reference):
        return Laid(None, fit)
    return Laid(resample(image, reference, fit.matrix), fit)


def lay_mask(mask, reference, *, dicom):
    """Bring a mask into the reference's grid; labels come from the nearest voxel.

    One that lies in it stays as it is, but for DICOM: no later step could lay it on a grid.
    """
    if not grid_difference(mask, reference):
        return Laid(mask if dicom else None, None)
    carried = sitk.Resample(mask, reference, sitk.Transform(), sitk.sitkNearestNeighbor)
    if not sitk.GetArrayViewFromImage(carried).any():
        raise EmptyROI("no voxel of the mask lies within the reference image: another patient's?")
    return Laid(carried, None)


def resample(image, grid, matrix):
    """Resample an image on another's grid, by linear interpolation.

    Parameters
    ----------
    image, grid : SimpleITK.Image
    matrix : ndarray of shape (4, 4)
        Maps a point of the grid to a point of the image, in mm.

    Returns
    -------
    SimpleITK.Image
        Voxels of the type that `image` has; outside its field of view, its background.
    """
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel())
    transform.SetTranslation(matrix[:3, 3])
    values = sitk.Cast(image, sitk.sitkFloat32)
    moved = sitk.Resample(values, grid, transform, sitk.sitkLinear, background(image))
    whole_numbers = "float" not in image.GetPixelIDTypeAsString()
    return sitk.Cast(sitk.Round(moved) if whole_numbers else moved, image.GetPixelID())


def background(image):
    """Return the brightness around the head: the median of the image's eight corners."""
    corners = np.ix_(*[(0, -1)] * 3)
    return float(np.median(sitk.GetArrayViewFromImage(image)[corners]))


def remembered(record) -> Laid | None:
    """Return what a record of the cache says, or None if it says something else."""
    if record is None:
        return None
    try:
        fit = record["fit"] and RigidFit(
            **record["fit"] | {"matrix": np.array(record["fit"]["matrix"])}
        )
    except (KeyError, TypeError):
        return None
    return Laid(record["image"], fit)


def register_patient(patient, row, *, reference, mask, folder, settings):
    """Lay one patient's images and mask onto the reference.

    Parameters
    ----------
    patient : object
        Named in messages.
    row : dict
        Path or SimpleITK image by column: the reference, the modalities and the mask.
    reference, mask : str
        Which of the columns are these; `mask` may be None.
    folder : Path or None
        The cache.
    settings : dict
        As `lay_image` takes them.

    Returns
    -------
    row : dict
        Paths where both images came as paths and there is a cache, else SimpleITK images.
    fits : dict of RigidFit
        By modality; without the reference, the mask and what is missing.

    Raises
    ------
    ImageError
        An image cannot be read or registered; patient, column and path are named.
    """
    done, fits, images = dict(row), {}, {}

    def read(column):
        if column not in images:
            of_mask = {"like": read(reference)} if column == mask else {}
            images[column] = (read_labels if column == mask else read_image)(
                row[column], patient=patient, modality=column, **of_mask
            )
        return images[column]

    for column, cell in row.items():
        if column == reference or is_missing(cell):
            continue
        how = {"dicom": is_dicom(cell)} if column == mask else settings
        entry = cache_entry(folder, (row[reference], cell), ARITHMETIC, how)
        laid = remembered(recall(entry))
        if laid is None:
            lay = lay_mask if column == mask else lay_image
            pair = read(column), read(reference)
            where = describe_source(cell, patient, column)
            with naming(where), failing(f"cannot be laid onto {reference!r}"):
                laid = lay(*pair, **how)
            fit = laid.fit and asdict(laid.fit) | {"matrix": laid.fit.matrix.tolist()}
            laid = Laid(keep(entry, laid.image, fit=fit)["image"], laid.fit)
        if laid.image is not None:
            done[column] = laid.image
        if laid.fit is not None:
            fits[column] = laid.fit
    return done, fits
