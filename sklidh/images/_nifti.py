"""Check NIfTI headers, whose fields nibabel decodes."""

from dataclasses import replace

import numpy as np
from nibabel import Nifti1Header, Nifti2Header

from sklidh.images._errors import CorruptImage, GeometryMismatch, WrongDimension
from sklidh.images._headers import (
    LONGEST_HEADER,
    PERPENDICULAR,
    Grid,
    Layout,
    check_axes,
    check_size,
    check_spacing,
)

HEADERS = {348: (Nifti1Header, b"n+1\0", b"ni1\0"), 540: (Nifti2Header, b"n+2\0", b"ni2\0")}
"""By header size in bytes: its class, and its magic with voxels in the same or another file."""

LONGEST = 540
"""Size of a NIfTI-2 header in bytes."""

LARGEST_DISAGREEMENT = 0.1
"""Maximum difference between the qform and sform placements at any corner, in voxels."""


def nifti_layout(head: bytes) -> Layout:
    """Parse the first bytes, decompressed, of a NIfTI-1 or NIfTI-2 header.

    Parameters
    ----------
    head : bytes
        At least 348 or 540 bytes.

    Raises
    ------
    ImageError
        The header is not NIfTI, contradicts itself, or describes an image that is not accepted.

    References
    ----------
    The NIfTI-1 and NIfTI-2 data formats, nifti1.h, 2004, and nifti2.h, 2011.
    """
    sizes = {int.from_bytes(head[:4], order): order for order in ("little", "big")}
    n_bytes = next((size for size in HEADERS if size in sizes), None)
    if n_bytes is None:
        raise CorruptImage(
            f"is not a NIfTI file: it begins with {head[:8]!r}; NIfTI-1 and NIfTI-2 are accepted"
        )
    if len(head) < n_bytes:
        raise CorruptImage(f"ends after {len(head)} bytes, within its header; copy it again")
    kind, single, pair = HEADERS[n_bytes]
    order = "<" if sizes[n_bytes] == "little" else ">"
    header = kind(head[:n_bytes], endianness=order, check=False)
    magic = head[4:8] if n_bytes == LONGEST else head[344:348]
    if magic not in (single, pair):
        raise CorruptImage(
            f"is not a NIfTI file: its magic bytes are {magic!r}. The similar ANALYZE 7.5 format "
            "does not store which side is left; convert the file to NIfTI"
        )
    n_axes = int(header["dim"][0])
    if not 1 <= n_axes <= 7:
        raise CorruptImage(f"its header declares {n_axes} dimensions; only 3 are accepted")
    size = check_size(header["dim"][1 : n_axes + 1].tolist())
    spacing = np.abs(header["pixdim"][1:4]).astype(float)
    check_spacing(spacing)
    offset = float(header["vox_offset"])
    first = n_bytes if magic == single else 0
    if not (first <= offset <= LONGEST_HEADER and offset % 1 == 0):
        raise CorruptImage(f"its header places the voxels at byte {offset}")
    slope, intercept = (float(header[name]) for name in ("scl_slope", "scl_inter"))
    # In the standard a slope of 0 means no scaling; NaN, which some tools write, is treated alike.
    scaled = np.isfinite(slope) and slope != 0
    if scaled and not np.isfinite(intercept):
        raise CorruptImage(f"its header scales intensities by {slope} and {intercept}")
    scale = {"slope": slope, "intercept": intercept} if scaled else {}
    grid = _grid(header, size, spacing)
    return Layout(size, _dtype(header, order), grid, int(offset), **scale)


def _dtype(header, order: str) -> np.dtype:
    code, bits = int(header["datatype"]), int(header["bitpix"])
    try:
        dtype = np.dtype(header.get_data_dtype())
    except Exception:  # nibabel raises its own class for unknown codes
        dtype = np.dtype("V")
    if dtype.names or dtype.kind == "c":
        raise WrongDimension(
            f"has several values per voxel (datatype {code}); only 1 is accepted: write one "
            "channel per file"
        )
    if dtype.kind not in "iuf" or dtype.itemsize > 8 or bits != 8 * dtype.itemsize:
        raise CorruptImage(
            f"its header declares datatype {code} of {bits} bits per voxel; only integers and real "
            "numbers of 8 to 64 bits are accepted"
        )
    return dtype.newbyteorder(order)


def _grid(header, size, spacing) -> Grid:
    """Return the grid of qform or sform, which must agree if both are set."""
    placements = {}
    if header["qform_code"] > 0:
        placements["qform"] = _qform(header)
    if header["sform_code"] > 0:
        placements["sform"] = _sform(header, spacing)
    if not placements:
        # ITK reads a header without a placement in the same way.
        return Grid(tuple(spacing), (0.0, 0.0, 0.0), np.eye(3))
    if not all(np.isfinite(matrix).all() for matrix in placements.values()):
        raise CorruptImage("its header places the image at a point that is not finite")
    if len(placements) == 2:
        _check_agreement(*placements.values(), size, spacing)
    return replace(grid_of_affine(next(iter(placements.values()))), spacing=tuple(spacing))


def grid_of_affine(matrix) -> Grid:
    """Return the grid, in LPS, of an affine from voxels to mm in RAS.

    Parameters
    ----------
    matrix : ndarray of shape (4, 4)
        Its axes must be at right angles except for rounding, which is removed.

    Returns
    -------
    Grid
    """
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    left, _, right = np.linalg.svd(matrix[:3, :3] / spacing)
    axes = np.diag([-1, -1, 1]) @ left @ right
    return Grid(tuple(spacing), tuple(matrix[:3, 3] * (-1, -1, 1)), axes)


def _qform(header) -> np.ndarray:
    quaternion = np.array([header[f"quatern_{name}"] for name in "bcd"], float)
    if quaternion @ quaternion > 1 + PERPENDICULAR:
        raise CorruptImage(f"its header declares {quaternion}, which is not a unit quaternion")
    header["quatern_b"], header["quatern_c"], header["quatern_d"] = quaternion / max(
        1, np.linalg.norm(quaternion)
    )
    try:
        return header.get_qform()
    except Exception as error:  # damaged fields raise many kinds of error
        raise CorruptImage(f"its header has no valid qform ({error})") from error


def _sform(header, spacing) -> np.ndarray:
    matrix = header.get_sform()
    if np.isfinite(matrix).all():
        check_axes(matrix[:3, :3])
        lengths = np.linalg.norm(matrix[:3, :3], axis=0)
        if not np.allclose(lengths, spacing, rtol=0.01):
            raise GeometryMismatch(
                f"its header contradicts itself: a spacing of {spacing.round(4).tolist()} mm "
                f"(pixdim) and of {lengths.round(4).tolist()} mm (sform); correct it at the source"
            )
    return matrix


def _check_agreement(qform, sform, size, spacing) -> None:
    """Refuse a header whose two placements differ, since tools would disagree on the position."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in size])).reshape(3, -1)
    apart = np.linalg.norm((qform - sform)[:3] @ np.vstack([corners, np.ones(8)]), axis=0).max()
    if apart > LARGEST_DISAGREEMENT * min(spacing):
        raise GeometryMismatch(
            f"its qform and sform differ by {apart:.3g} mm: SimpleITK and PyRadiomics use the "
            "qform; nibabel, FSL and SPM use the sform, which a coregistration may have changed. "
            "Make both correct (if the sform is, with nibabel's image.set_qform(image.affine)) and "
            "save the image"
        )
