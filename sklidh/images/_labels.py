"""Select the tumour labels of a mask, by number or by segment or structure name."""

import numpy as np
import SimpleITK as sitk

from sklidh.images._errors import (
    EmptyROI,
    ImageError,
    MissingLabel,
    NonIntegerMask,
    ROITooSmall,
)

FEWEST_VOXELS = 3
"""Minimum number of voxels in a region: one or two have neither shape nor texture."""

MOST_LABELS = 10
"""Maximum number of labels above 0: a mask with more of them is an atlas or an image."""

ROUNDING = 0.01
"""Maximum distance of a stored label from a whole number: nibabel scales some on disk."""

CHOSEN = "SegmentsChosen"
"""Metadata key of a mask that was already reduced to the requested labels."""


def check_label(label) -> None:
    """Check that tumour labels are whole numbers above 0, or names.

    Parameters
    ----------
    label : int, str, sequence of these, or None

    Raises
    ------
    ValueError
        They are something else.
    """
    for each in as_list(label):
        number = isinstance(each, (int, np.integer)) and not isinstance(each, bool) and each > 0
        if not number and not (isinstance(each, str) and each):
            raise ValueError(
                "label must be one or more whole numbers above 0 or names of structures, or None; "
                f"got {label!r}"
            )
    if label is not None and not as_list(label):
        raise ValueError(f"label must be one or more labels, or None; got {label!r}")


def as_list(label) -> list:
    """Return one label, several labels or None as a list."""
    if label is None:
        return []
    return [label] if isinstance(label, str) or np.ndim(label) == 0 else list(label)


def with_names(image: sitk.Image, names: dict[int, str], *, chosen: bool) -> sitk.Image:
    """Store label names in an image's metadata, as 3D Slicer does in NRRD files.

    Parameters
    ----------
    image : SimpleITK.Image
    names : dict of int to str
    chosen : bool
        Whether the mask holds only the requested labels.

    Returns
    -------
    SimpleITK.Image
        The same.
    """
    for key in image.GetMetaDataKeys():
        image.EraseMetaData(key)
    for index, (number, name) in enumerate(names.items()):
        image.SetMetaData(f"Segment{index}_Name", name)
        image.SetMetaData(f"Segment{index}_LabelValue", str(number))
    if chosen:
        image.SetMetaData(CHOSEN, "1")
    return image


def names_of(image: sitk.Image) -> dict[int, str]:
    """Return the names of a mask's labels; empty if they are unknown."""
    names = {}
    for key in image.GetMetaDataKeys():
        number = key.removesuffix("_Name") + "_LabelValue"
        if key.endswith("_Name") and image.HasMetaDataKey(number):
            try:
                names[int(image.GetMetaData(number))] = image.GetMetaData(key).strip()
            except ValueError:
                continue
    return names


def numbers_of(label, names: dict[int, str]) -> list[int] | None:
    """Return label numbers for labels given by number or name.

    Returns
    -------
    list of int or None
        None for None.

    Raises
    ------
    MissingLabel
        A name is not found.
    """
    if label is None:
        return None
    numbers = []
    for each in as_list(label):
        named = [number for number, name in names.items() if name == each]
        if isinstance(each, str) and not named:
            there = ", ".join(f"{name!r} ({number})" for number, name in names.items())
            raise MissingLabel(
                f"no structure is named {each!r}; "
                + (f"available: {there}" if names else "the labels have no names, so give a number")
            )
        numbers += named if isinstance(each, str) else [int(each)]
    return numbers


def whole_labels(image: sitk.Image) -> np.ndarray:
    """Return the labels of a mask as whole numbers.

    Returns
    -------
    ndarray of integers

    Raises
    ------
    NonIntegerMask
        A value is fractional, negative or not finite.
    """
    labels = sitk.GetArrayViewFromImage(image)
    if labels.dtype.kind == "f":
        finite = np.isfinite(labels).all()
        rounded = np.rint(labels) if finite else labels
        whole = finite and np.abs(labels - rounded).max() <= ROUNDING
        labels = rounded.astype(np.int32) if whole and abs(rounded).max() < 2**31 else labels
    if labels.dtype.kind == "f" or labels.min() < 0:
        raise NonIntegerMask(
            f"contains values from {labels.min():g} to {labels.max():g} that are not labels; a "
            "mask must contain whole numbers: labels above 0, and 0 outside the tumour"
        )
    return labels


def chosen_labels(image: sitk.Image, label) -> np.ndarray:
    """Return the tumour labels of a mask, 0 elsewhere.

    Parameters
    ----------
    image : SimpleITK.Image
    label : int, str, sequence of these, or None
        None means every label above 0, unless several of them have names.

    Returns
    -------
    ndarray of integers, shape (z, y, x)

    Raises
    ------
    ImageError
        The labels cannot be used, or one must be chosen and none was.
    """
    labels, names = whole_labels(image), names_of(image)
    numbers = numbers_of(label, names)
    there = np.unique(labels[labels > 0])
    if there.size == 0:
        raise EmptyROI("every voxel is 0, so no tumour is marked; check that the file is right")
    if numbers is None and not image.HasMetaDataKey(CHOSEN):
        if len(names) > 1 and there.size > 1:
            millilitres = np.prod(image.GetSpacing()) / 1000
            volumes = {n: np.count_nonzero(labels == n) * millilitres for n in there.tolist()}
            raise choice_needed({n: names.get(n, "") for n in volumes}, volumes)
        if there.size > MOST_LABELS:
            raise NonIntegerMask(
                f"contains {there.size} different labels above 0, from {there[0]} to {there[-1]}, "
                "like an image or a brain atlas; name the file of the mask, or select the tumour "
                "with label= (--label)"
            )
    chosen = labels if numbers is None else np.where(np.isin(labels, numbers), labels, 0)
    n_voxels = np.count_nonzero(chosen)
    if n_voxels == 0:
        raise MissingLabel(f"no voxel has label {label}; labels present: {there[:10].tolist()}")
    if n_voxels < FEWEST_VOXELS:
        raise ROITooSmall(
            f"the region has {n_voxels} voxels; at least {FEWEST_VOXELS} are needed: check the "
            "mask and its label"
        )
    return chosen


def choice_needed(names: dict[int, str], volumes: dict[int, float]) -> ImageError:
    """Return the error for a mask with several structures of which none was chosen.

    Parameters
    ----------
    names : dict of int to str
    volumes : dict of int to float
        Millilitres, by number.
    """
    listed = ", ".join(
        f"{number} {names.get(number, '')!r} ({volume:.3g} ml)"
        for number, volume in volumes.items()
    )
    return MissingLabel(
        f"contains {len(volumes)} structures: {listed}. Select the tumour with label= (--label), "
        "by number or name; several labels are merged"
    )
