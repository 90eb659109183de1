"""Accept images in memory: SimpleITK images unchanged, nibabel images converted."""

import numpy as np
import SimpleITK as sitk

from sklidh.images._errors import CorruptImage, WrongDimension
from sklidh.images._headers import check_axes, check_size
from sklidh.images._nifti import grid_of_affine

NOT_IN_SIMPLEITK = {"?": "u1", "e": "f4", "g": "f8"}
"""Voxel types that SimpleITK lacks, and types that can hold their values."""


def image_in_memory(image) -> sitk.Image:
    """Return an image in memory as a SimpleITK image.

    Parameters
    ----------
    image : SimpleITK.Image or nibabel.spatialimages.SpatialImage
        The affine of a nibabel image gives its position; other placements in its header are
        ignored.

    Returns
    -------
    SimpleITK.Image
        A SimpleITK image is returned unchanged.

    Raises
    ------
    ImageError
        The image is not three-dimensional, has several values per voxel, or has an affine that is
        not finite or whose axes are not at right angles.
    """
    if isinstance(image, sitk.Image):
        return image
    voxels = np.asanyarray(image.dataobj)
    if voxels.dtype.kind not in "biuf":
        raise WrongDimension(
            f"has voxels of type {voxels.dtype}; one integer or real number per voxel is accepted"
        )
    voxels = voxels.reshape(check_size(voxels.shape))
    affine = np.asarray(image.affine, dtype=float)
    if not np.isfinite(affine).all():
        raise CorruptImage(f"its affine has values that are not finite: {affine.tolist()}")
    check_axes(affine[:3, :3])
    grid = grid_of_affine(affine)
    native = NOT_IN_SIMPLEITK.get(voxels.dtype.char, voxels.dtype.newbyteorder("="))
    # nibabel puts the x axis first, SimpleITK's arrays the z axis.
    converted = sitk.GetImageFromArray(np.ascontiguousarray(voxels.T, dtype=native))
    converted.SetSpacing(grid.spacing)
    converted.SetOrigin(grid.origin)
    converted.SetDirection(grid.axes.ravel().tolist())
    return converted
