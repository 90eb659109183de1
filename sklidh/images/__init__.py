"""Stage 1: images in, images out, all modalities of a patient in one grid."""

from sklidh.images._cohort_check import CohortCheck
from sklidh.images._reading import (
    ImageError,
    grid_difference,
    image_columns,
    read_case,
    read_image,
    read_mask,
)
from sklidh.images._registration import RigidRegistration
from sklidh.images._roi import tumour_slices

__all__ = [
    "CohortCheck",
    "ImageError",
    "RigidRegistration",
    "grid_difference",
    "image_columns",
    "read_case",
    "read_image",
    "read_mask",
    "tumour_slices",
]
