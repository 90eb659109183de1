"""The square around the tumour on the slices that show most of it."""

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter, map_coordinates

from sklidh.images._case import read_case
from sklidh.images._errors import ImageError, describe_source


def largest_slices(mask, n_slices):
    """Return the indices of the slices with the largest tumour area, largest first.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_planes, height, width)
    n_slices : int
        At most so many; slices without tumour are never taken.

    Returns
    -------
    ndarray of int, shape (at most n_slices,)
        Of equal areas the lower index comes first.
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
        Of rows and columns, mm.

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

    Where pixels are merged, a Gaussian of (f - 1) / 2 pixels first takes away what `size` points
    cannot hold, f being how many pixels become one along that axis. Outside the plane lies 0.

    Parameters
    ----------
    plane : ndarray of shape (height, width)
    centre : array-like of shape (2,)
        Row and column, pixels.
    side : float
        mm.
    spacing : pair of float
        Of rows and columns, mm.
    size : int
        Points along each side of what is returned.

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


def tumour_slices(image, mask, *, size=72, n_slices=1, label=None, patient=None, modality=None):
    """Cut the tumour out of the axial slices that show most of it.

    The axial slices with the largest tumour area are found (of the patient, however the file is
    stored). On each, the tumour's bounding box is squared on its longer side in mm, so that
    nothing is stretched, and resized to `size` x `size` by linear interpolation (after a Gaussian
    where the box shrinks). What reaches beyond the image is padded with 0, its background.
    Intensities are z-scores over the volume's brain, which is every voxel that is not 0.

    Parameters
    ----------
    image, mask : str, path or SimpleITK.Image
        One modality, and the tumour in the same grid.
    size : int, default=72
        Side of each slice in pixels.
    n_slices : int, default=1
        How many slices to take at most; a smaller tumour gives as many as it has.
    label : int or sequence of int, default=None
        The mask's labels that are tumour; None means every label above 0.
    patient, modality : default=None
        Named in messages.

    Returns
    -------
    ndarray of shape (at most n_slices, size, size), float32
        The slice with the largest area first.

    Raises
    ------
    ImageError
        As `read_case`; or all voxels of the brain have the same intensity.

    References
    ----------
    Shi et al. 2023, section III.A.

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
    spacing = volume.GetSpacing()[1::-1]
    cuts = []
    for index in largest_slices(tumour, n_slices):
        centre, side = square_around(tumour[index], spacing)
        cuts.append(resample_square(voxels[index], centre, side, spacing, size))
    return ((np.stack(cuts) - brain.mean()) / brain.std()).astype(np.float32)
