"""Read an image with its mask, and find every problem in a patient's images."""

import warnings
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from sklidh.images._errors import (
    GeometryMismatch,
    ImageError,
    ImageWarning,
    NonFiniteVoxels,
    describe_source,
    prefixed_errors,
    without_image,
    without_reference,
)
from sklidh.images._grids import correct_mask, grid_difference
from sklidh.images._reading import check_finite, load, not_finite, read_mask
from sklidh.utils import is_missing


def read_case(
    image, mask, *, label=None, patient=None, modality=None, correct=False, tolerance=None
) -> tuple[sitk.Image, sitk.Image]:
    """Read one modality and its mask, and check that they share one grid.

    Parameters
    ----------
    image, mask : str, path or SimpleITK.Image
    label : int, str or sequence of these, default=None
        As in `read_mask`.
    patient, modality : default=None
        Named in messages.
    correct : bool, default=False
        Whether a mask on another grid is resampled, with the nearest label, instead of refused, as
        by PyRadiomics' ``correctMask``; its tumour must lie within the image.
    tolerance : float, default=None
        Displacement up to which grids are equal, in shortest voxel edges, if more than 0.05.

    Returns
    -------
    image, mask : SimpleITK.Image
        On the same grid.

    Raises
    ------
    ImageError
        As `read_image` and `read_mask`, and:
    GeometryMismatch
        The two grids differ.
    NonFiniteVoxels
        A voxel of the region is NaN or infinite.

    Warns
    -----
    ImageWarning
        Voxels outside the region are NaN or infinite and are treated as 0; or all voxels of the
        region have the same intensity.
    """
    where = describe_source(image, patient, modality)
    with prefixed_errors(where):
        volume = load(image)
    tumour = read_mask(mask, label=label, like=volume, patient=patient)
    tumour = matched(tumour, volume, where, correct=correct, tolerance=tolerance)
    return check_pair(volume, tumour, where), tumour


def matched(tumour, volume, where: str, *, correct, tolerance) -> sitk.Image:
    """Return a mask on the grid of an image, or as it is where `read_case` has to refuse it."""
    if not grid_difference(volume, tumour, tolerance):
        tumour.CopyInformation(volume)
    elif correct:
        with prefixed_errors(where):
            tumour = correct_mask(tumour, volume)
    return tumour


def check_pair(volume, tumour, where: str, reference=None) -> sitk.Image:
    """Check an image within a region: one grid, finite, not constant.

    Parameters
    ----------
    volume, tumour : SimpleITK.Image
        The region is 1, the rest 0.
    where : str
        Names the image in messages.
    reference : str, default=None
        The modality onto which the others are registered, if any; named in messages.

    Returns
    -------
    SimpleITK.Image
        The image, with non-finite voxels outside the region set to 0.

    Raises
    ------
    GeometryMismatch, NonFiniteVoxels
        As `read_case`.
    """
    difference = grid_difference(volume, tumour)
    if difference:
        remedy = (
            f"the mask was drawn on another image than {reference!r}; make that the reference"
            if reference
            else "use RigidRegistration or Resampling; on the command line, set --reference to the "
            "sequence on which the mask was drawn"
        )
        raise GeometryMismatch(
            f"{where}: image and mask are on different grids: {difference}; {remedy}"
        )
    region = sitk.GetArrayViewFromImage(tumour).astype(bool)
    bad = not_finite(volume)
    if bad.any():
        n_inside = np.count_nonzero(bad & region)
        if n_inside:
            raise NonFiniteVoxels(
                f"{where}: {n_inside} of the {np.count_nonzero(region)} voxels of the region are "
                "NaN or infinite; replace them with finite intensities"
            )
        warnings.warn(
            f"{where}: {np.count_nonzero(bad)} voxels outside the region are NaN or infinite; they "
            "are treated as 0",
            ImageWarning,
            stacklevel=3,
        )
        voxels = np.where(bad, 0, sitk.GetArrayViewFromImage(volume))
        filled = sitk.GetImageFromArray(voxels)
        filled.CopyInformation(volume)
        volume = filled
    intensities = sitk.GetArrayViewFromImage(volume)[region]
    if intensities.min() == intensities.max():
        warnings.warn(
            f"{where}: all {len(intensities)} voxels of the region are {intensities[0]:g}, so "
            "texture features are meaningless; check image and mask",
            ImageWarning,
            stacklevel=3,
        )
    return volume


@dataclass(frozen=True)
class Inspection:
    """The findings for one patient's images.

    Attributes
    ----------
    problems : list of ImageError or ImageWarning
    images : dict of SimpleITK.Image
        The readable images, by modality.
    mask : SimpleITK.Image or None
        As `read_mask` returns it; None if it cannot be used.
    """

    problems: list
    images: dict
    mask: sitk.Image | None


def check_case(
    case, modalities, *, mask="mask", label=None, reference=None, missing="raise"
) -> list[ImageError | ImageWarning]:
    """Find every problem in one patient's images.

    Parameters
    ----------
    case : Series
        One row of a table of cases, with a path or image in memory per column, named by patient.
    modalities : sequence of str
        The columns of images.
    mask : str, default="mask"
        The column of the mask.
    label : int, str or sequence of these, default=None
        As in `read_mask`.
    reference : str, default=None
        The modality on which the mask was drawn, if the other images are not registered yet and may
        be on other grids. None: all images are on the mask's grid.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty modality cell is a problem. At least one image is always required.

    Returns
    -------
    list of ImageError or ImageWarning
        The problems, returned rather than raised; empty if there are none.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklidh.images import check_case
    >>> case = pd.Series({"T1": "nowhere.nii", "mask": None}, name="P1")
    >>> for problem in check_case(case, ["T1"]):
    ...     print(problem)
    patient 'P1', column 'T1', nowhere.nii: cannot be read: No such file or directory
    patient 'P1', column 'mask': no mask; every patient needs one
    """
    arguments = {"mask": mask, "label": label, "reference": reference, "missing": missing}
    return inspect_case(case, modalities, **arguments).problems


def inspect_case(case, modalities, *, mask, label, reference, missing) -> Inspection:
    """Read one patient's images and find every problem in them.

    Parameters
    ----------
    case : Series
    modalities : sequence of str
    mask : str or None
        None if the table lacks the column; the images are then read without a mask.
    label : int, str, sequence of these, or None
    reference : str or None
    missing : {"raise", "nan"}
        All as in `check_case`.

    Returns
    -------
    Inspection
    """
    problems, volumes, tumour = empty_cells(case, modalities, reference, missing), {}, None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ImageWarning)
        where = {name: describe_source(case[name], case.name, name) for name in modalities}
        for modality in modalities:
            if not is_missing(case[modality]):
                with collected_errors(problems), prefixed_errors(where[modality]):
                    volumes[modality] = load(case[modality])
        drawn_on = [name for name in volumes if reference in (None, name)]
        if mask is not None and is_missing(case[mask]):
            without = f"patient {case.name!r}, column {mask!r}: no mask; every patient needs one"
            problems.append(ImageError(without))
        elif mask is not None:
            like = volumes[drawn_on[0]] if drawn_on else None
            with collected_errors(problems):
                tumour = read_mask(case[mask], label=label, like=like, patient=case.name)
        for modality, volume in volumes.items():
            if tumour is not None and modality in drawn_on:
                with collected_errors(problems):
                    check_pair(volume, tumour, where[modality], reference)
            else:
                with collected_errors(problems), prefixed_errors(where[modality]):
                    check_finite(volume)
    problems += [each.message for each in caught if issubclass(each.category, ImageWarning)]
    return Inspection(problems, volumes, tumour)


def empty_cells(case, modalities, reference, missing) -> list[ImageError]:
    """Return the problems of a patient who lacks images; parameters as in `check_case`."""
    absent = [modality for modality in modalities if is_missing(case[modality])]
    if missing == "raise":
        return [
            ImageError(f"patient {case.name!r}, column {modality!r}: the cell is empty")
            for modality in absent
        ]
    if len(absent) == len(modalities) > 0:
        return [ImageError(without_image(case.name, modalities))]
    return [ImageError(without_reference(case.name, reference))] if reference in absent else []


@contextmanager
def collected_errors(problems: list):
    """Append an image error raised in the block to a list."""
    try:
        yield
    except ImageError as error:
        problems.append(error)
