"""Resample images and masks to voxels of a given size."""

from functools import partial
from numbers import Integral, Real

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import affine_transform

from sklidh.images._errors import EmptyROI
from sklidh.images._labels import check_label
from sklidh.images._preparation import ImagePreparation
from sklidh.utils import check_cases

SAME = 1e-4
"""Maximum difference from the requested spacing, in mm."""


def resample_to_spacing(image, *, spacing, labels=False):
    """Resample an image to voxels of a given size.

    The new grid has the same centre and orientation, and covers the whole image. Intensities are
    interpolated with cubic B-splines and clipped to their original range; labels come from the
    nearest voxel.

    Parameters
    ----------
    image : SimpleITK.Image
    spacing : tuple of 3 float
        Along x, y and z, in mm.
    labels : bool, default=False
        Whether the image is a mask.

    Returns
    -------
    SimpleITK.Image or None
        With the voxel type of `image`; None if it already has this spacing.

    Raises
    ------
    EmptyROI
        No label is left: the requested voxels are larger than the tumour.
    """
    if np.allclose(image.GetSpacing(), spacing, rtol=0, atol=SAME):
        return None
    extent = np.array(image.GetSize()) * image.GetSpacing()
    # Slightly below, so that rounding does not add a slice.
    size = np.ceil(extent / spacing - SAME).astype(int)
    middle = image.TransformContinuousIndexToPhysicalPoint(
        ((np.array(image.GetSize()) - 1) / 2).tolist()
    )
    axes = np.reshape(image.GetDirection(), (3, 3))
    origin = middle - axes @ ((size - 1) / 2 * spacing)
    if labels:
        carried = sitk.Resample(
            image,
            size=size.tolist(),
            transform=sitk.Transform(),
            interpolator=sitk.sitkNearestNeighbor,
            outputOrigin=origin.tolist(),
            outputSpacing=spacing,
            outputDirection=image.GetDirection(),
        )
        if not sitk.GetArrayViewFromImage(carried).any():
            raise EmptyROI(f"no voxel of the mask is left at a spacing of {spacing} mm")
        for key in image.GetMetaDataKeys():
            carried.SetMetaData(key, image.GetMetaData(key))
        return carried
    resampled = sitk.GetImageFromArray(spline_resampled(image, size, spacing))
    resampled.SetOrigin(origin.tolist())
    resampled.SetSpacing(spacing)
    resampled.SetDirection(image.GetDirection())
    return resampled


def spline_resampled(image, size, spacing) -> np.ndarray:
    """Interpolate an image with cubic B-splines on a grid with the same centre.

    SciPy is used because ITK's spline is undefined on an axis of two voxels. At the rim, where the
    centre of a new voxel may lie half an old voxel outside, the image is mirrored.

    Parameters
    ----------
    image : SimpleITK.Image
    size : ndarray of int, shape (3,)
    spacing : tuple of 3 float
        Along x, y and z, in the order of `size`.

    Returns
    -------
    ndarray of shape (z, y, x)
        With the voxel type of `image`, within its intensity range.
    """
    values = sitk.GetArrayViewFromImage(image)
    step = np.divide(spacing, image.GetSpacing())[::-1]
    first = (np.array(values.shape) - 1) / 2 - (size[::-1] - 1) / 2 * step
    found = affine_transform(
        values.astype(np.float64), step, first, tuple(size[::-1]), order=3, mode="mirror"
    )
    found = found.clip(values.min(), values.max())
    whole = values.dtype.kind in "iu"
    return (np.rint(found) if whole else found).astype(values.dtype)


class Resampling(ImagePreparation):
    """Resample images and masks to a common voxel size.

    Textures compare neighbouring voxels, so the same tissue has different textures at different
    voxel sizes.

    Parameters
    ----------
    spacing : tuple of 3 float, default=(1, 1, 1)
        Voxel edges along x, y and z, in mm.
    modalities : sequence of str, default=None
        The columns of images; None: every column in which a cell is an image or names one.
    mask : str or None, default="mask"
        The column of masks. None: the table has no masks.
    label : int, str or sequence of these, default=None
        As in `RigidRegistration`.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty modality cell is an error or stays empty.
    cache : None, False, str or path, default=None
        The folder for prepared images; None is ``$SKLIDH_CACHE`` or else ``~/.cache/sklidh``.
        False caches nothing and returns SimpleITK images.
    n_jobs : int, default=None
        Images processed in parallel; the results do not depend on it.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    modalities_ : list of str
        The columns that are resampled, without the mask.
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : ndarray of shape (n_features,)
        The columns' names.

    Notes
    -----
    An image that already has this spacing is kept byte for byte. Images on one grid stay on one
    grid.

    Examples
    --------
    >>> import numpy as np, pandas as pd, SimpleITK as sitk
    >>> from sklidh.images import Resampling
    >>> image = sitk.GetImageFromArray(np.arange(1000.0).reshape(10, 10, 10))
    >>> image.SetSpacing((1, 1, 3))
    >>> X = pd.DataFrame({"T1": [image], "mask": [image > 500]}, index=["P1"])
    >>> Resampling(cache=False).fit_transform(X)["T1"].iloc[0].GetSize()
    (10, 10, 30)
    """

    _parameter_constraints: dict = {
        **ImagePreparation._parameter_constraints,
        "spacing": ["array-like"],
        "mask": [None, str],
        "label": [None, Integral, str, "array-like"],
    }
    _name = "resampling"
    _arithmetic = 2

    def __init__(
        self,
        spacing=(1, 1, 1),
        *,
        modalities=None,
        mask="mask",
        label=None,
        missing="raise",
        cache=None,
        n_jobs=None,
        verbose=0,
    ):
        self.spacing = spacing
        self.modalities = modalities
        self.mask = mask
        self.label = label
        self.missing = missing
        self.cache = cache
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _preparation(self, column):
        return partial(
            resample_to_spacing,
            spacing=tuple(float(edge) for edge in self.spacing),
            labels=column == self.mask,
        )

    def _masks(self):
        return [self.mask] if self.mask else []

    def _check_cells(self, X):
        edges = list(self.spacing)
        if len(edges) != 3 or not all(isinstance(e, Real) and 0 < e < np.inf for e in edges):
            raise ValueError(f"spacing must be three numbers of mm above 0, got {self.spacing!r}")
        check_label(self.label)
        if self.mask:
            check_cases(X, [self.mask])
        super()._check_cells(X)
