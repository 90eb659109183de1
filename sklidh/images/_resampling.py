"""Resample images and masks to voxels of a given size."""

from functools import partial
from numbers import Real

import numpy as np
import SimpleITK as sitk

from sklidh.images._errors import EmptyROI
from sklidh.images._preparation import ImagePreparation
from sklidh.utils import check_cases

SAME = 1e-4
"""mm by which a spacing may differ from the one asked for."""


def resample_to_spacing(image, *, spacing, labels=False):
    """Resample an image to voxels of a given size.

    The new grid has the old one's middle and orientation, and covers all of it. Intensities are
    interpolated by cubic B-splines and kept within the range that they had; labels come from the
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
        Of the type that `image` has; None if it has this spacing already.

    Raises
    ------
    EmptyROI
        No label is left: the voxels asked for are larger than the tumour.
    """
    if np.allclose(image.GetSpacing(), spacing, rtol=0, atol=SAME):
        return None
    extent = np.array(image.GetSize()) * image.GetSpacing()
    # A hair below, so that rounding adds no slice.
    size = np.ceil(extent / spacing - SAME).astype(int)
    middle = image.TransformContinuousIndexToPhysicalPoint(
        ((np.array(image.GetSize()) - 1) / 2).tolist()
    )
    axes = np.reshape(image.GetDirection(), (3, 3))
    origin = middle - axes @ ((size - 1) / 2 * spacing)
    frame = (sitk.Transform(), origin.tolist(), spacing, image.GetDirection())
    grid = {"size": size.tolist(), "transform": frame[0], "outputOrigin": frame[1]}
    grid |= {"outputSpacing": frame[2], "outputDirection": frame[3]}
    if labels:
        resampled = sitk.Resample(image, interpolator=sitk.sitkNearestNeighbor, **grid)
        if not sitk.GetArrayViewFromImage(resampled).any():
            raise EmptyROI(f"no voxel of the mask is left at a spacing of {spacing} mm")
        return resampled
    values = sitk.GetArrayViewFromImage(image)
    # 32 bits hold every whole number of 16 bits, and real ones of 32.
    short = values.itemsize <= 2 or values.dtype == np.float32
    real = sitk.sitkFloat32 if short else sitk.sitkFloat64
    resampled = sitk.Resample(
        sitk.Cast(image, real),
        interpolator=sitk.sitkBSpline,
        # At the rim a new voxel's centre may lie half an old voxel outside.
        useNearestNeighborExtrapolator=True,
        **grid,
    )
    resampled = sitk.Clamp(resampled, real, float(values.min()), float(values.max()))
    whole = values.dtype.kind in "iu"
    return sitk.Cast(sitk.Round(resampled) if whole else resampled, image.GetPixelID())


class Resampling(ImagePreparation):
    """Resample images and masks to voxels of one size.

    Textures compare neighbours, so that voxels of different sizes give different textures of the
    same tissue.

    Parameters
    ----------
    spacing : tuple of 3 float, default=(1, 1, 1)
        Voxel edges along x, y and z, in mm.
    modalities : sequence of str, default=None
        The columns of images; None: every column in which a cell is an image or names one.
    mask : str or None, default="mask"
        The column of masks. None: the table has none.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty cell of a modality is an error, or stays empty.
    cache : None, False, str or path, default=None
        The folder where prepared images are kept; None is ``$SKLIDH_CACHE`` or else
        ``~/.cache/sklidh``. False keeps nothing: SimpleITK images come out.
    n_jobs : int, default=None
        Images worked on at once; the results do not depend on it.
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
    An image that has the spacing already stays as it is, byte for byte. Images in one grid stay in
    one grid.

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
    }
    _name = "resampling"
    _arithmetic = 1

    def __init__(
        self,
        spacing=(1, 1, 1),
        *,
        modalities=None,
        mask="mask",
        missing="raise",
        cache=None,
        n_jobs=None,
        verbose=0,
    ):
        self.spacing = spacing
        self.modalities = modalities
        self.mask = mask
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
        if self.mask:
            check_cases(X, [self.mask])
        super()._check_cells(X)
