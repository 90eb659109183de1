"""The square around the tumour on the slices with the largest tumour area."""

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter, map_coordinates

from sklidh.images._case import read_case
from sklidh.images._errors import ImageError, describe_source

PLANES = {"axial": 0, "coronal": 1, "sagittal": 2}
"""Axis of a voxel array (z, y, x) along which the slices of each plane are stacked."""


def check_planes(planes) -> list[str]:
    """Check the names of planes.

    Parameters
    ----------
    planes : str or sequence of str

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        There is no name, or a name is not a plane.
    """
    planes = [planes] if isinstance(planes, str) else list(planes)
    if not planes or not set(planes) <= set(PLANES):
        raise ValueError(f"planes={planes!r}: accepted are one or more of {', '.join(PLANES)}")
    return planes


def turned(voxels, plane):
    """Return voxels (z, y, x), stored foot to head, as slices of a plane with the head up."""
    if plane == "axial":
        return voxels
    return np.moveaxis(voxels, PLANES[plane], 0)[:, ::-1]


def largest_slices(mask, n_slices):
    """Return the indices of the slices with the largest tumour area, largest first.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_planes, height, width)
    n_slices : int
        Maximum number of slices; slices without tumour are never taken.

    Returns
    -------
    ndarray of int, shape (at most n_slices,)
        For equal areas the lower index comes first.
    """
    area = mask.sum((1, 2))
    order = np.argsort(-area, kind="stable")[:n_slices]
    return order[area[order] > 0]


def square_around(mask, spacing):
    """Return the square around a tumour: its bounding box, grown to its longer side.

    Parameters
    ----------
    mask : ndarray of bool, shape (height, width)
    spacing : pair of float
        Spacing of rows and columns, mm.

    Returns
    -------
    centre : ndarray of shape (2,)
        Row and column, in pixels, of the box's centre.
    side : float
        mm.
    """
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    centre = np.array([rows[0] + rows[-1], columns[0] + columns[-1]]) / 2
    side = max((np.ptp(rows) + 1) * spacing[0], (np.ptp(columns) + 1) * spacing[1])
    return centre, float(side)


def resample_square(plane, centre, side, spacing, size):
    """Sample a square of a plane by linear interpolation.

    Where the square is shrunk, a Gaussian of (f - 1) / 2 pixels first removes detail finer than
    `size` points can hold; f is the shrink factor along that axis. Values outside the plane are 0.

    Parameters
    ----------
    plane : ndarray of shape (height, width)
    centre : array-like of shape (2,)
        Row and column, pixels.
    side : float
        mm.
    spacing : pair of float
        Spacing of rows and columns, mm.
    size : int
        Points along each side of the result.

    Returns
    -------
    ndarray of shape (size, size)
    """
    merged = side / size / np.asarray(spacing)
    plane = gaussian_filter(plane, np.maximum(merged - 1, 0) / 2, mode="constant")
    steps = np.arange(size) - (size - 1) / 2
    rows, columns = centre[:, None] + steps * merged[:, None]
    points = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(plane, points, order=1, mode="grid-constant", cval=0.0)


def tumour_slices(
    image,
    mask,
    *,
    size=72,
    n_slices=1,
    planes=("axial",),
    label=None,
    patient=None,
    modality=None,
    return_masks=False,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Crop the tumour from the slices with the largest tumour area.

    The slices with the largest tumour area are found in each plane (of the patient, however the
    file is stored). On each, the tumour's bounding box is squared on its longer side in mm, so that
    proportions are kept, and resized to `size` x `size` by linear interpolation (after a Gaussian
    where the box shrinks). Parts beyond the image are padded with 0, its background.
    Intensities are z-scores over the volume's brain, that is, all voxels that are not 0.

    Parameters
    ----------
    image, mask : str, path or SimpleITK.Image
        One modality, and the tumour on the same grid.
    size : int, default=72
        Side of each slice in pixels.
    n_slices : int, default=1
        Maximum number of slices per plane; small tumours may give fewer.
    planes : sequence of {"axial", "coronal", "sagittal"}, default=("axial",)
    label : int, str or sequence of these, default=None
        The mask's labels that are tumour, as in `read_mask`.
    patient, modality : default=None
        Named in messages.
    return_masks : bool, default=False
        Whether to return the tumour on the same squares too.

    Returns
    -------
    slices : ndarray of shape (at most n_slices * n_planes, size, size), float32
        Plane after plane, the slice with the largest area first.
    masks : ndarray of bool, the same shape
        Only with `return_masks`.

    Raises
    ------
    ImageError
        As `read_case`; or all voxels of the brain have the same intensity.
    ValueError
        `planes` is empty or names an unknown plane.

    References
    ----------
    Shi et al. 2023, section III.A and Fig. 6.

    Examples
    --------
    >>> import numpy as np, SimpleITK as sitk
    >>> from sklidh.images import tumour_slices
    >>> voxels = np.random.default_rng(0).normal(100, 10, (8, 40, 40))
    >>> tumour = np.zeros((8, 40, 40), np.uint8)
    >>> tumour[3:5, 10:20, 15:20] = 1
    >>> image, mask = sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(tumour)
    >>> tumour_slices(image, mask, size=32, n_slices=3).shape
    (2, 32, 32)
    """
    planes = check_planes(planes)
    volume, tumour = read_case(image, mask, label=label, patient=patient, modality=modality)
    volume, tumour = (sitk.DICOMOrient(each, "LPS") for each in (volume, tumour))
    voxels = sitk.GetArrayFromImage(volume).astype(np.float64)
    brain = voxels[voxels != 0]
    if brain.size == 0 or np.ptp(brain) == 0:
        seen = f"{brain[0]:g}" if brain.size else "0"
        raise ImageError(
            f"{describe_source(image, patient, modality)}: every voxel of the brain (those that "
            f"are not 0) is {seen}: a constant image cannot be normalised; check the file"
        )
    tumour = sitk.GetArrayFromImage(tumour).astype(bool)
    cuts, masks = [], []
    for plane in planes:
        spacing = np.delete(volume.GetSpacing()[::-1], PLANES[plane])
        shown, outlined = turned(voxels, plane), turned(tumour, plane)
        for index in largest_slices(outlined, n_slices):
            square = *square_around(outlined[index], spacing), spacing, size
            cuts.append(resample_square(shown[index], *square))
            if return_masks:
                masks.append(resample_square(outlined[index].astype(float), *square) > 0.5)
    slices = ((np.stack(cuts) - brain.mean()) / brain.std()).astype(np.float32)
    return (slices, np.stack(masks)) if return_masks else slices
