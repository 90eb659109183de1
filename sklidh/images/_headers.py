"""What the header of an image file declares, checked before anything is allocated for it."""

import re
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
NRRD_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
META_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
    "MET_UINT": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip


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


def nrrd_layout(head: bytes) -> Layout:
    """Read the first bytes of a NRRD file.

    Parameters
    ----------
    head : bytes
        The whole header, up to its empty line, and any number of voxels.

    Returns
    -------
    Layout

    Raises
    ------
    ImageError
        As `nifti_layout`.

    References
    ----------
    Definition of NRRD file format, teem.sourceforge.net/nrrd/format.html.
    """
    text = re.match(rb"NRRD000\d\r?\n(.*?)\r?\n\r?\n", head, re.DOTALL)
    if text is None:
        raise CorruptImage(
            f"is no NRRD file: it begins with {head[:8]!r}, or its header never ends"
        )
    lines = [line for line in text[1].decode("latin-1").splitlines() if line[:1] != "#"]
    fields = {key.strip().lower(): value.strip() for key, _, value in _split(lines, ":")}
    if "data file" in fields or "datafile" in fields:
        raise CorruptImage("keeps its voxels in another file; write both into one .nrrd file")
    for skip in ("byte skip", "line skip"):
        if fields.get(skip, "0") != "0":
            raise CorruptImage(f"its header declares a {skip}; write the image anew")
    size = check_size(_integers(fields, "sizes"))
    kinds = [kind for kind, names in NRRD_TYPES.items() if fields.get("type", "") in names]
    dtype = _dtype(kinds, fields.get("type"), big=fields.get("endian", "little") == "big")
    codecs = {"raw": "", "gzip": "gzip", "gz": "gzip"}
    if fields.get("encoding") not in codecs:
        raise CorruptImage(
            f"its encoding is {fields.get('encoding')!r}; raw and gzip are accepted: write it anew"
        )
    if "space directions" in fields:
        axes = [_numbers(axis) for axis in re.findall(r"\(([^)]*)\)", fields["space directions"])]
        if [len(axis) for axis in axes] != [3, 3, 3]:
            raise CorruptImage(f"its space directions are {fields['space directions']!r}")
        check_axes(np.transpose(axes))
    elif "spacings" in fields:
        check_spacing(_numbers(fields["spacings"]))
    return Layout(size, dtype, text.end(), codecs[fields["encoding"]])


def meta_layout(head: bytes) -> Layout:
    """Read the first bytes of a MetaImage file, .mha.

    Parameters
    ----------
    head : bytes
        The whole header, whose last line is ElementDataFile, and any number of voxels.

    Returns
    -------
    Layout

    Raises
    ------
    ImageError
        As `nifti_layout`.

    References
    ----------
    MetaIO documentation, itk.org/Wiki/MetaIO/Documentation.
    """
    text = re.match(rb"(\w+ *= .*?)^ElementDataFile *= *([^\r\n]*)\r?\n", head, re.DOTALL | re.M)
    if text is None:
        raise CorruptImage(
            f"is no MetaImage: it begins with {head[:8]!r}, or its header never ends"
        )
    if text[2].strip() != b"LOCAL":
        raise CorruptImage("keeps its voxels in another file; write both into one .mha file")
    lines = text[1].decode("latin-1").splitlines()
    fields = {key.strip(): value.strip() for key, _, value in _split(lines, "=")}
    size = check_size(_integers(fields, "DimSize"))
    channels = fields.get("ElementNumberOfChannels", "1")
    if channels != "1":
        raise WrongDimension(f"holds {channels} values a voxel; 1 is accepted")
    if fields.get("BinaryData", "True") != "True" or fields.get("HeaderSize", "0") != "0":
        raise CorruptImage("holds its voxels as text or after a gap; write it anew")
    kinds = [META_TYPES[kind] for kind in [fields.get("ElementType")] if kind in META_TYPES]
    msb = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False"))
    dtype = _dtype(kinds, fields.get("ElementType"), big=msb == "True")
    check_spacing(_numbers(fields.get("ElementSpacing", "1 1 1")))
    matrices = [fields[name] for name in ("TransformMatrix", "Rotation") if name in fields]
    for matrix in map(_numbers, matrices):
        if len(matrix) != 9:
            raise CorruptImage(f"its TransformMatrix has {len(matrix)} numbers; 9 are accepted")
        check_axes(np.reshape(matrix, (3, 3)).T)
    codec = "zlib" if fields.get("CompressedData") == "True" else ""
    return Layout(size, dtype, text.end(), codec)


def _split(lines, separator):
    return (line.partition(separator) for line in lines if separator in line)


def _dtype(kinds, seen, *, big: bool) -> np.dtype:
    if not kinds:
        raise CorruptImage(f"its voxels are of type {seen!r}; whole and real numbers are accepted")
    return np.dtype((">" if big else "<") + kinds[0])


def _integers(fields, name) -> list[int]:
    words = fields.get(name, "").split()
    # Nine digits hold every size; int() of a long word would take for ever.
    if not words or not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise CorruptImage(f"its header declares {name} {fields.get(name)!r}; whole numbers, 1 up")
    return [int(word) for word in words]


def _numbers(text: str) -> list[float]:
    try:
        return [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        raise CorruptImage(f"its header has {text!r} where numbers belong") from None
