"""Compare the grids of two images."""

import numpy as np
import SimpleITK as sitk

GEOMETRY_TOLERANCE = 1e-3
"""Voxel edges (origin, spacing) and cosines (direction) by which two grids may differ."""


def grid_difference(one: sitk.Image, other: sitk.Image) -> str:
    """Say in words how the grids of two images differ.

    Parameters
    ----------
    one, other : SimpleITK.Image

    Returns
    -------
    str
        The first of size, spacing, origin and direction that differs, with both values; empty if
        none does, rounding apart.
    """
    if one.GetSize() != other.GetSize():
        return f"sizes {one.GetSize()} and {other.GetSize()} voxels"
    tolerance = GEOMETRY_TOLERANCE * min(one.GetSpacing())
    for name in ("Spacing", "Origin"):
        a, b = getattr(one, f"Get{name}")(), getattr(other, f"Get{name}")()
        if not np.allclose(a, b, rtol=0, atol=tolerance):
            return f"{name.lower()} {a} and {b} mm"
    if not np.allclose(one.GetDirection(), other.GetDirection(), rtol=0, atol=GEOMETRY_TOLERANCE):
        return f"direction {one.GetDirection()} and {other.GetDirection()}"
    return ""
