"""What the header of a NIfTI file declares, checked before anything is allocated for it."""

import struct
from dataclasses import dataclass
from math import prod

import numpy as np

from sklidh.images._errors import CorruptImage, GeometryMismatch, ImageTooLarge, WrongDimension

MOST_BYTES = 2**31
"""Of voxels in one image: 8 times what 512 x 512 x 512 voxels of 16 bits take."""

LONGEST_HEADER = 2**20
"""Bytes; extensions of a NIfTI header are part of it."""

NIFTI_HEADER = 348
"""Bytes of a NIfTI-1 header, which its first four bytes say."""

PERPENDICULAR = 1e-3
"""Cosine up to which two axes are at right angles."""

NIFTI_TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1",
    512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
NIFTI_VECTORS = {32: "complex", 128: "RGB", 1792: "complex", 2048: "complex", 2304: "RGBA"}


@dataclass(frozen=True)
class Layout:
    """Where the voxels of a file begin, and how they are stored.

    Attributes
    ----------
    size : tuple of int
        Voxels along x, y and z; x varies fastest.
    dtype : numpy.dtype
    offset : int
        Bytes of the header.
    codec : {"", "gzip", "zlib"}
        How the voxels alone are compressed; a NIfTI file is compressed as a whole.
    slope, intercept : float
        The intensity is ``slope * stored + intercept``.
    """

    size: tuple[int, int, int]
    dtype: np.dtype
    offset: int
    codec: str = ""
    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self):
        if self.n_bytes > MOST_BYTES:
            raise ImageTooLarge(
                f"its header declares {' x '.join(map(str, self.size))} voxels, "
                f"{self.n_bytes / 2**30:.3g} GiB; {MOST_BYTES / 2**30:g} GiB are accepted; crop or "
                "resample the image, or the header is damaged"
            )

    @property
    def n_bytes(self) -> int:
        """Bytes of all voxels, not compressed."""
        return prod(self.size) * self.dtype.itemsize


def check_size(size) -> tuple[int, int, int]:
    """Return three sizes; refuse other numbers of dimensions, and none."""
    size = tuple(size)
    if any(length < 1 for length in size):
        raise CorruptImage(f"its header declares {size} voxels; one or more along every axis")
    # A fourth axis of one volume is no fourth dimension.
    while len(size) > 3 and size[-1] == 1:
        size = size[:-1]
    if len(size) != 3:
        raise WrongDimension(
            f"has {len(size)} dimensions, {size}; 3 are accepted: write one volume a file"
        )
    return size


def check_spacing(spacing) -> None:
    """Refuse voxels without extent."""
    if not all(np.isfinite(edge) and edge > 0 for edge in spacing):
        seen = tuple(float(edge) for edge in spacing)
        raise CorruptImage(f"its header declares a spacing of {seen} mm; above 0 is accepted")


def check_axes(axes) -> None:
    """Refuse axes, the columns of a matrix, that are not at right angles."""
    axes = np.asarray(axes, dtype=float)
    lengths = np.linalg.norm(axes, axis=0)
    check_spacing(lengths)
    cosines = np.abs((axes / lengths).T @ (axes / lengths) - np.eye(3)).max()
    if not cosines <= PERPENDICULAR:
        raise GeometryMismatch(
            f"the axes of its grid are not at right angles (cosine {cosines:.2g}): shear is not "
            "accepted; resample the image on a grid without"
        )


def nifti_layout(head: bytes) -> Layout:
    """Read the first bytes of a NIfTI-1 file, decompressed.

    Parameters
    ----------
    head : bytes
        348 are needed.

    Returns
    -------
    Layout

    Raises
    ------
    ImageError
        A header that is none, that contradicts itself, or of an image that is not accepted.

    References
    ----------
    The NIfTI-1 data format, nifti1.h, 2004.
    """
    if len(head) < NIFTI_HEADER:
        raise CorruptImage(f"ends after {len(head)} bytes, within its header; copy it again")
    order = next((o for o in "<>" if struct.unpack_from(f"{o}i", head)[0] == NIFTI_HEADER), None)
    if order is None or head[344:348] != b"n+1\0":
        raise CorruptImage(
            f"is no NIfTI-1 file: it begins with {head[:8]!r} and its magic is {head[344:348]!r}; "
            "NIfTI-1 with header and voxels in one file is accepted"
        )
    n_axes, *sizes = struct.unpack_from(f"{order}8h", head, 40)
    if not 1 <= n_axes <= 7:
        raise CorruptImage(f"its header declares {n_axes} dimensions; 3 are accepted")
    size = check_size(sizes[:n_axes])
    code, bits = struct.unpack_from(f"{order}2h", head, 70)
    if code in NIFTI_VECTORS:
        raise WrongDimension(
            f"holds several values a voxel ({NIFTI_VECTORS[code]}); 1 is accepted: write one "
            "channel a file"
        )
    if code not in NIFTI_TYPES or bits != 8 * np.dtype(NIFTI_TYPES[code]).itemsize:
        raise CorruptImage(
            f"its header declares datatype {code} of {bits} bits a voxel; whole and real numbers "
            "of 8 to 64 bits are accepted"
        )
    spacing = np.abs(struct.unpack_from(f"{order}3f", head, 80))
    check_spacing(spacing)
    check_nifti_placement(head, order, spacing)
    offset, slope, intercept = struct.unpack_from(f"{order}3f", head, 108)
    if not (np.isfinite(offset) and NIFTI_HEADER <= offset <= LONGEST_HEADER and offset % 1 == 0):
        raise CorruptImage(f"its header places the voxels at byte {offset}")
    if not (np.isfinite(slope) and np.isfinite(intercept)):
        raise CorruptImage(f"its header scales intensities by {slope} and {intercept}")
    dtype = np.dtype(order + NIFTI_TYPES[code])
    # A slope of 0 means that there is no scale: neither slope nor intercept counts.
    scale = {"slope": slope, "intercept": intercept} if slope else {}
    return Layout(size, dtype, int(offset), **scale)


def check_nifti_placement(head: bytes, order: str, spacing) -> None:
    """Refuse a rotation or a matrix that no rigid placement of a grid of this spacing has."""
    qform, sform = struct.unpack_from(f"{order}2h", head, 252)
    numbers = np.array(struct.unpack_from(f"{order}18f", head, 256), dtype=float)
    quaternion, matrix = numbers[:3], numbers[6:].reshape(3, 4)
    used = np.concatenate([numbers[:6] * (qform > 0), numbers[6:] * (sform > 0)])
    if not np.isfinite(used).all():
        raise CorruptImage("its header places the image at a point that is not finite")
    if qform > 0 and quaternion @ quaternion > 1 + PERPENDICULAR:
        raise CorruptImage(f"its header declares {quaternion}, which is no unit quaternion")
    if sform > 0:
        check_axes(matrix[:, :3])
        lengths = np.linalg.norm(matrix[:, :3], axis=0)
        if not np.allclose(lengths, spacing, rtol=0.01):
            raise GeometryMismatch(
                f"its header contradicts itself: a spacing of {spacing.round(4).tolist()} mm "
                f"(pixdim) and of {lengths.round(4).tolist()} mm (sform); correct it at the source"
            )
