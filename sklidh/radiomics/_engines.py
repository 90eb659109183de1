"""Two engines with the same values, and the function that calls either of them."""

from types import ModuleType

import numpy as np
from scipy.ndimage import label

from sklidh.radiomics._settings import read_settings

DIAGNOSTICS = (
    "diagnostics_Image-original_Mean",
    "diagnostics_Image-original_Minimum",
    "diagnostics_Image-original_Maximum",
    "diagnostics_Mask-original_VoxelNum",
    "diagnostics_Mask-original_VolumeNum",
)
"""The numbers in PyRadiomics' ``additionalInfo``, with the same names and order."""


def engine_of(name: str) -> ModuleType:
    """Import an engine; each has `check_supported`, `extract` and `measure`.

    Parameters
    ----------
    name : {"native", "pyradiomics"}

    Returns
    -------
    module
    """
    if name == "pyradiomics":
        from sklidh.radiomics import _reference as engine
    elif name == "native":
        from sklidh.radiomics import _extract as engine
    else:
        raise ValueError(f"engine={name!r}: 'native' and 'pyradiomics' are accepted")
    return engine


def extract(
    volume, mask, spacing, settings="full", *, engine="native", diagnostics=False
) -> dict[str, float]:
    """Compute the radiomics features of one image in one region from arrays.

    Parameters
    ----------
    volume : array-like of shape (n_slices, n_rows, n_columns)
        Intensities in their stored type; integers and single precision are treated differently, as
        in PyRadiomics. Any memory and byte order is accepted.
    mask : array-like of bool, of the same shape
        True in the region. To select a label, compare: ``labels == 1``.
    spacing : sequence of 3 float
        Voxel size along (z, y, x), the order of the arrays' axes, in mm.
    settings : str, dict, path or Settings, default="full"
        A preset (``"paper"``, ``"full"``, ``"ibsi"``, ``"ibsi-a"`` to ``"ibsi-e"``) or anything
        else that `read_settings` accepts.
    engine : {"native", "pyradiomics"}, default="native"
    diagnostics : bool, default=False
        Whether to put the numbers of PyRadiomics' ``additionalInfo`` before the features.

    Returns
    -------
    dict of str to float
        Keys and order as in ``feature_names(read_settings(settings))``. NaN only where PyRadiomics
        defines no value, as for the GLCM of a region without two neighbouring voxels.

    Raises
    ------
    SettingsError
        The settings cannot be used, or not with this engine.
    ValueError
        Image, mask and voxel size do not match, an intensity is not finite, the region is
        empty or too small for the settings, the image is too small for a filter, or the region has
        too many grey levels.

    See Also
    --------
    sklidh.RadiomicsExtractor : The same for a cohort's files, with workers and a cache.

    Examples
    --------
    >>> import numpy as np
    >>> from sklidh.radiomics import extract
    >>> volume = np.arange(512.0).reshape(8, 8, 8)
    >>> extract(volume, volume > 99, (1, 1, 1), {"featureClass": {"firstorder": ["Mean"]}})
    {'original_firstorder_Mean': 305.5}
    """
    settings, compute = read_settings(settings), engine_of(engine)
    compute.check_supported(settings)
    volume = np.asarray(volume)
    volume = np.ascontiguousarray(volume, volume.dtype.newbyteorder("="))
    mask = np.ascontiguousarray(mask)
    features = compute.extract(volume, mask, spacing, settings)
    return (diagnose(volume, mask) if diagnostics else {}) | features


def diagnose(volume, mask) -> dict[str, float]:
    """Describe an image and its mask before any processing.

    Parameters
    ----------
    volume : ndarray of shape (n_slices, n_rows, n_columns)
    mask : ndarray of bool, of the same shape

    Returns
    -------
    dict of str to float
        The image's mean, minimum and maximum; the region's number of voxels and of connected parts
        (voxels that share a corner are connected).
    """
    _, n_parts = label(mask, np.ones((3, 3, 3)))
    values = (volume.mean(), volume.min(), volume.max(), np.count_nonzero(mask), n_parts)
    return dict(zip(DIAGNOSTICS, map(float, values), strict=True))
