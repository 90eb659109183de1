"""Stage 1: read and prepare images; align all modalities of a patient on one grid."""

from sklidh.images._bias_field import BiasFieldCorrection
from sklidh.images._case import check_case, inspect_case, read_case
from sklidh.images._case_regions import check_regions, read_case_regions
from sklidh.images._cohort_check import CohortCheck
from sklidh.images._columns import image_columns, is_dicom_folder
from sklidh.images._errors import (
    CorruptImage,
    EmptyROI,
    GeometryMismatch,
    ImageError,
    ImageTooLarge,
    ImageWarning,
    MissingLabel,
    NonFiniteVoxels,
    NonIntegerMask,
    ROITooSmall,
    WrongDimension,
    describe_source,
)
from sklidh.images._grids import grid_difference
from sklidh.images._identity import inspection_entry, same_images, voxel_digests
from sklidh.images._intensity import IntensityNormalization
from sklidh.images._labels import check_label
from sklidh.images._perturbation import MARGIN, Perturbations, noise_level, perturbed_images
from sklidh.images._reading import read_image, read_mask
from sklidh.images._registration import RigidRegistration
from sklidh.images._resampling import Resampling
from sklidh.images._roi import check_planes, tumour_slices
from sklidh.utils import files_of

__all__ = [
    "MARGIN",
    "BiasFieldCorrection",
    "CohortCheck",
    "CorruptImage",
    "EmptyROI",
    "GeometryMismatch",
    "ImageError",
    "ImageTooLarge",
    "ImageWarning",
    "IntensityNormalization",
    "MissingLabel",
    "NonFiniteVoxels",
    "NonIntegerMask",
    "Perturbations",
    "ROITooSmall",
    "Resampling",
    "RigidRegistration",
    "WrongDimension",
    "check_case",
    "check_label",
    "check_planes",
    "check_regions",
    "describe_source",
    "files_of",
    "grid_difference",
    "image_columns",
    "inspect_case",
    "inspection_entry",
    "is_dicom_folder",
    "noise_level",
    "perturbed_images",
    "read_case",
    "read_case_regions",
    "read_image",
    "read_mask",
    "same_images",
    "tumour_slices",
    "voxel_digests",
]
