"""One patient's images, laid onto the reference or found in the cache."""

import warnings
from dataclasses import asdict, dataclass, replace

import numpy as np
import SimpleITK as sitk

from sklidh.images._cached_images import cache_entry, cached_record, keep
from sklidh.images._columns import is_dicom
from sklidh.images._errors import describe_source, failing, naming
from sklidh.images._grids import carry, check_kept, grid_difference, is_noticed, volume_of
from sklidh.images._reading import read_image, read_labels
from sklidh.images._rigid import RigidFit, register_rigidly
from sklidh.utils import is_missing

ARITHMETIC = "rigid registration 4"
"""Part of every cached file's name: to be changed when the same images would give other voxels."""


@dataclass(frozen=True)
class Registered:
    """An image or a mask after registration.

    Attributes
    ----------
    image : SimpleITK.Image, str or None
        The image in the reference's grid, or its path in the cache; None if it stays as it is.
    fit : RigidFit or None
        None for a mask, which is not registered.
    volumes : tuple of 2 float, or None
        Of a mask that was carried to the reference's grid: ml before and after.
    """

    image: sitk.Image | str | None
    fit: RigidFit | None = None
    volumes: tuple[float, float] | None = None


def register_image(image, reference, *, tolerance, **search):
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
    Registered
    """
    fit = register_rigidly(reference, image, **search)
    aligned = fit.displacement < tolerance * min(reference.GetSpacing())
    if aligned and not grid_difference(image, reference):
        return Registered(None, fit)
    return Registered(resample(image, reference, fit.matrix), fit)


def carry_mask(mask, reference, *, rewrite):
    """Bring a mask into the reference's grid; labels come from the nearest voxel.

    Parameters
    ----------
    mask, reference : SimpleITK.Image
    rewrite : bool
        Whether a mask in the reference's grid is returned too: a DICOM mask, which no later step
        could lay on a grid, or one reduced to the labels that were asked for.

    Returns
    -------
    Registered

    Raises
    ------
    EmptyROI, GeometryMismatch
        Nothing of the mask lies within the reference, or too little.
    """
    if not grid_difference(mask, reference):
        return Registered(mask if rewrite else None)
    moved = carry(mask, reference)
    volumes = volume_of(mask), volume_of(moved)
    check_kept(*volumes)
    return Registered(moved, volumes=volumes)


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


def from_record(record) -> Registered | None:
    """Return what a record of the cache says, or None if it says something else."""
    if record is None:
        return None
    try:
        fit = record["fit"] and RigidFit(
            **record["fit"] | {"matrix": np.array(record["fit"]["matrix"])}
        )
        return Registered(record["image"], fit, record["volumes"])
    except (KeyError, TypeError):
        return None


def register_patient(patient, row, *, reference, mask, label, folder, settings):
    """Lay one patient's images and mask onto the reference.

    Parameters
    ----------
    patient : object
        Named in messages.
    row : dict
        Path or SimpleITK image by column: the reference, the modalities and the mask.
    reference, mask : str
        Which of the columns are these; `mask` may be None.
    label : int, str, sequence of these, or None
        As in `read_mask`.
    folder : Path or None
        The cache.
    settings : dict
        As `register_image` takes them.

    Returns
    -------
    row : dict
        Paths where both images came as paths and there is a cache, else SimpleITK images.
    fits : dict of RigidFit
        By modality; without the reference, the mask and what is missing.
    volumes : tuple of 2 float, or None
        The mask's ml before and after, where it was carried to the reference's grid.

    Raises
    ------
    ImageError
        An image cannot be read or registered; patient, column and path are named.
    """
    done, fits, images, volumes = dict(row), {}, {}, None

    def read(column):
        if column not in images:
            about = {"patient": patient, "modality": column}
            if column == mask:
                about |= {"label": label, "like": read(reference)}
            images[column] = (read_labels if column == mask else read_image)(row[column], **about)
        return images[column]

    for column, cell in row.items():
        if column == reference or is_missing(cell):
            continue
        how, suffix = settings, ".nii.gz"
        if column == mask:
            how, suffix = {"rewrite": is_dicom(cell) or label is not None}, ".nrrd"
        entry = cache_entry(
            folder, (row[reference], cell), ARITHMETIC, how, str(label), suffix=suffix
        )
        registered = from_record(cached_record(entry))
        if registered is None:
            register = carry_mask if column == mask else register_image
            pair = read(column), read(reference)
            where = describe_source(cell, patient, column)
            with naming(where), failing(f"cannot be laid onto {reference!r}"):
                registered = register(*pair, **how)
            fit = registered.fit and asdict(registered.fit) | {
                "matrix": registered.fit.matrix.tolist()
            }
            record = keep(entry, registered.image, fit=fit, volumes=registered.volumes)
            registered = replace(registered, image=record["image"])
        if registered.image is not None:
            done[column] = registered.image
        if registered.fit is not None:
            fits[column] = registered.fit
        volumes = registered.volumes or volumes
    return done, fits, volumes


def warn_of_lost_masks(patients, volumes, *, mask, reference) -> None:
    """Say which masks lost a part of their volume on the reference's grid.

    Parameters
    ----------
    patients : sequence
    volumes : sequence of (float, float) or None
        ml before and after, by patient; None where the mask was not carried.
    mask, reference : str
        Columns.
    """
    lost = [
        f"{patient} ({pair[1]:.3g} of {pair[0]:.3g} ml left)"
        for patient, pair in zip(patients, volumes, strict=True)
        if pair and is_noticed(*pair)
    ]
    if lost:
        warnings.warn(
            f"column {mask!r}: a part of {len(lost)} masks lies outside the image of "
            f"{reference!r}: {', '.join(lost)}. Choose a reference that shows the whole tumour",
            UserWarning,
            stacklevel=3,
        )
