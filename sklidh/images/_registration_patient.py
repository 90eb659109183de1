"""One patient's images, registered to the reference or loaded from the cache."""

import warnings
from dataclasses import asdict, dataclass, replace

import numpy as np
import SimpleITK as sitk

from sklidh.images._cached_images import cache_entry, cached_record, keep
from sklidh.images._columns import is_dicom
from sklidh.images._errors import as_image_error, describe_source, prefixed_errors
from sklidh.images._grids import carry, check_kept, grid_difference, is_noticed, volume_of
from sklidh.images._interpolation import sample_affinely
from sklidh.images._reading import read_image, read_labels
from sklidh.images._rigid import Fixed, RigidFit, Search, register_onto
from sklidh.utils import is_missing

ARITHMETIC = "rigid registration 6"
"""Part of every cached file's name; change it when the same images would give other voxels."""


@dataclass(frozen=True)
class Registered:
    """An image or a mask after registration.

    Attributes
    ----------
    image : SimpleITK.Image, str or None
        The image on the reference's grid, or its path in the cache; None if it is unchanged.
    fit : RigidFit or None
        None for a mask, which is not registered.
    volumes : tuple of 2 float, or None
        For a mask transferred to the reference's grid: ml before and after.
    """

    image: sitk.Image | str | None
    fit: RigidFit | None = None
    volumes: tuple[float, float] | None = None


def register_image(image, reference, fixed, tolerance):
    """Register an image to the reference.

    Parameters
    ----------
    image, reference : SimpleITK.Image
    fixed : Fixed
        The reference, prepared.
    tolerance : float
        In voxels of the reference; an image on its grid that moves by less is kept.
    """
    fit = register_onto(fixed, image)
    aligned = fit.displacement < tolerance * min(reference.GetSpacing())
    if aligned and not grid_difference(image, reference):
        return Registered(None, fit)
    return Registered(resample(image, reference, fit.matrix), fit)


def carry_mask(mask, reference, *, rewrite):
    """Transfer a mask to the reference's grid with nearest-neighbour labels.

    Parameters
    ----------
    mask, reference : SimpleITK.Image
    rewrite : bool
        Whether to return a mask that is already on the reference's grid: needed for a DICOM mask,
        which later steps cannot convert, and for a mask reduced to the requested labels.

    Raises
    ------
    EmptyROI, GeometryMismatch
        None or too little of the mask lies within the reference.
    """
    if not grid_difference(mask, reference):
        return Registered(mask if rewrite else None)
    moved = carry(mask, reference)
    volumes = volume_of(mask), volume_of(moved)
    check_kept(*volumes)
    return Registered(moved, volumes=volumes)


def resample(image, grid, matrix):
    """Resample an image on another's grid with linear interpolation.

    Parameters
    ----------
    image, grid : SimpleITK.Image
    matrix : ndarray of shape (4, 4)
        Maps a point of the grid to a point of the image, in mm.

    Returns
    -------
    SimpleITK.Image
        With the voxel type of `image`; outside its field of view, the median of
        its eight corners.
    """
    of_image, of_grid = index_to_point(image), index_to_point(grid)
    to_voxels = np.linalg.inv(of_image) @ matrix @ of_grid
    voxels = sitk.GetArrayViewFromImage(image)
    whole = voxels.dtype.kind in "iu"
    outside = np.median(voxels[np.ix_(*[(0, -1)] * 3)])
    moved = np.full(
        grid.GetSize()[::-1], np.floor(outside + 0.5) if whole else outside, voxels.dtype
    )
    sample_affinely(voxels, to_voxels[:3, :3].copy(), to_voxels[:3, 3].copy(), whole, moved)
    resampled = sitk.GetImageFromArray(moved)
    resampled.CopyInformation(grid)
    return resampled


def index_to_point(image):
    """Return the matrix, shape (4, 4), from voxels, x first, to mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return matrix


def as_record(registered) -> dict:
    """Return the fields of the cache record of a registered image, other than the image."""
    fit = registered.fit and asdict(registered.fit) | {"matrix": registered.fit.matrix.tolist()}
    return {"fit": fit, "volumes": registered.volumes}


def from_record(record) -> Registered | None:
    """Return the content of a cache record, or None if it has other fields."""
    if record is None:
        return None
    try:
        fit = record["fit"] and RigidFit(
            **record["fit"] | {"matrix": np.array(record["fit"]["matrix"])}
        )
        return Registered(record["image"], fit, record["volumes"])
    except (KeyError, TypeError):
        return None


def kept_registrations(row, *, reference, mask, label, folder, settings):
    """Look up which of a patient's images are already registered.

    Parameters
    ----------
    row : dict
        Path or SimpleITK image by column: the reference, the modalities and the mask.
    reference, mask : str
        The names of these columns; `mask` may be None.
    label : int, str, sequence of these, or None
        As in `read_mask`.
    folder : Path or None
        The cache.
    settings : dict
        ``tolerance`` and the fields of `Search`.

    Returns
    -------
    kept : dict of Registered
        By column.
    entries : dict of Path or None
        Cache paths of the other images, by column; without the reference and empty cells.
    """
    kept, entries = {}, {}
    for column, cell in row.items():
        if column == reference or is_missing(cell):
            continue
        how = {"rewrite": is_rewritten(cell, label)} if column == mask else settings
        cells = row[reference], cell
        entry = cache_entry(folder, cells, ARITHMETIC, how, str(label))
        registered = from_record(cached_record(entry))
        if registered is None:
            entries[column] = entry
        else:
            kept[column] = registered
    return kept, entries


def is_rewritten(cell, label) -> bool:
    """Return whether a mask on the reference's grid is rewritten; see `carry_mask`."""
    return is_dicom(cell) or label is not None


def register_patient(patient, row, entries, *, reference, mask, label, settings):
    """Register one patient's images and mask to the reference.

    Parameters
    ----------
    patient : object
        Named in messages.
    row : dict
    entries : dict of Path or None
        The columns to register, with the cache paths of the results.
    reference, mask, label, settings
        All as in `kept_registrations`.

    Returns
    -------
    dict of Registered
        By column of `entries`: paths if there is a cache, else SimpleITK images.

    Raises
    ------
    ImageError
        An image cannot be read or registered; patient, column and path are named.
    """
    grid = read_image(row[reference], patient=patient, modality=reference)
    search = {name: value for name, value in settings.items() if name != "tolerance"}
    fixed, done = None, {}
    for column, entry in entries.items():
        cell, about = row[column], {"patient": patient, "modality": column}
        where, what = describe_source(cell, patient, column), f"cannot be laid onto {reference!r}"
        if column == mask:
            labels = read_labels(cell, label=label, like=grid, **about)
            with prefixed_errors(where), as_image_error(what):
                registered = carry_mask(labels, grid, rewrite=is_rewritten(cell, label))
        else:
            image = read_image(cell, **about)
            with prefixed_errors(where), as_image_error(what):
                fixed = fixed or Fixed(grid, Search(**search))
                registered = register_image(image, grid, fixed, settings["tolerance"])
        record = keep(entry, registered.image, **as_record(registered))
        done[column] = replace(registered, image=record["image"])
    return done


def warn_of_lost_masks(patients, masks, *, mask, reference) -> None:
    """Warn about masks that lost part of their volume on the reference's grid.

    Parameters
    ----------
    patients : sequence
    masks : sequence of Registered or None
    mask, reference : str
        Columns.
    """
    lost = [
        f"{patient} ({each.volumes[1]:.3g} of {each.volumes[0]:.3g} ml left)"
        for patient, each in zip(patients, masks, strict=True)
        if each and each.volumes and is_noticed(*each.volumes)
    ]
    if lost:
        warnings.warn(
            f"column {mask!r}: a part of {len(lost)} masks lies outside the image of "
            f"{reference!r}: {', '.join(lost)}. Choose a reference that shows the whole tumour",
            UserWarning,
            stacklevel=3,
        )
