"""Read an image once with several regions of one mask, such as a tumour's parts."""

import SimpleITK as sitk

from sklidh.images._case import check_pair, matched
from sklidh.images._errors import MissingLabel, ROITooSmall, describe_source, prefixed_errors
from sklidh.images._labels import as_list, check_label
from sklidh.images._reading import load, tumour_of


def check_regions(regions) -> None:
    """Check that regions have names, and labels each.

    Parameters
    ----------
    regions : dict of str to (int, str, sequence of these, or None), or None

    Raises
    ------
    ValueError
        They are something else.
    """
    if regions is None:
        return
    named = isinstance(regions, dict) and all(isinstance(name, str) for name in regions)
    if not named or not regions or any(not name or "__" in name for name in regions):
        raise ValueError(
            "regions must be a dictionary of labels by name, such as {'core': [1, 4], 'oedema': 2},"
            f" with names that are not empty and lack '__'; got {regions!r}"
        )
    for label in regions.values():
        check_label(label)


def read_case_regions(
    image, mask, regions, *, patient=None, modality=None, correct=False, tolerance=None
) -> tuple[sitk.Image, dict[str, sitk.Image], dict[str, str]]:
    """Read one modality and the regions of its mask, each file once.

    Parameters
    ----------
    image, mask : str, path or SimpleITK.Image
    regions : dict of str to (int, str, sequence of these, or None)
        The labels of each region, as in `read_mask`; they may overlap. None is every label above 0.
    patient, modality : default=None
        Named in messages.
    correct : bool, default=False
    tolerance : float, default=None
        Both as in `read_case`.

    Returns
    -------
    image : SimpleITK.Image
    masks : dict of str to SimpleITK.Image
        On the image's grid, as `read_case` returns each.
    absent : dict of str to str
        The regions of which the mask has too few voxels, or none, with the reason.

    Raises
    ------
    ImageError
        As `read_case`.
    """
    where = describe_source(image, patient, modality)
    with prefixed_errors(where):
        volume = load(image)
    mask_where = describe_source(mask, patient, "mask")
    labels = list(dict.fromkeys(each for label in regions.values() for each in as_list(label)))
    with prefixed_errors(mask_where):
        labels = None if None in regions.values() else labels
        stored = load(mask, like=volume, label=labels, mask=True)
    checked, masks, absent = volume, {}, {}
    for name, label in regions.items():
        try:
            with prefixed_errors(f"{mask_where}, region {name!r}"):
                tumour = tumour_of(stored, label, volume, mask_where)
        except (MissingLabel, ROITooSmall) as error:
            absent[name] = str(error)
            continue
        masks[name] = matched(tumour, volume, where, correct=correct, tolerance=tolerance)
        checked = check_pair(volume, masks[name], where)
    return checked, masks, absent
