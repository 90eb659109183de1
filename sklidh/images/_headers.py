"""File headers, checked before memory is allocated for the voxels."""

import re
from dataclasses import dataclass, field
from math import prod

import numpy as np
import SimpleITK as sitk

from sklidh.images._errors import (
    CorruptImage,
    GeometryMismatch,
    ImageTooLarge,
    WrongDimension,
)

MOST_BYTES = 2**31
"""Maximum number of bytes per image: 8 times 512 x 512 x 512 voxels of 16 bits."""

LONGEST_HEADER = 2**20
"""Maximum size of a header in bytes; the extensions of a NIfTI header are part of it."""

PERPENDICULAR = 1e-3
"""Maximum cosine of two axes that count as being at right angles."""


@dataclass(frozen=True)
class Grid:
    """Position of the voxels: spacing in mm, origin in mm and axes as matrix columns, in LPS."""

    spacing: tuple
    origin: tuple
    axes: np.ndarray


@dataclass(frozen=True)
class Layout:
    """Where the voxels of a file begin and how they are stored.

    Attributes
    ----------
    size : tuple of int
        Voxels along x, y and z; x varies fastest.
    dtype : numpy.dtype
    grid : Grid
    offset : int
        Bytes before the voxels, in the file that holds the voxels.
    codec : {"", "gzip", "zlib"}
        Compression of the voxels alone; a NIfTI file is compressed as a whole.
    slope, intercept : float
        The intensity is ``slope * stored + intercept``.
    names : dict of str to str
        Metadata: the names of segments.
    """

    size: tuple[int, int, int]
    dtype: np.dtype
    grid: Grid
    offset: int
    codec: str = ""
    slope: float = 1.0
    intercept: float = 0.0
    names: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.n_bytes > MOST_BYTES:
            raise ImageTooLarge(
                f"its header declares {' x '.join(map(str, self.size))} voxels, "
                f"{self.n_bytes / 2**30:.3g} GiB; at most {MOST_BYTES / 2**30:g} GiB are accepted: "
                "crop or resample the image, unless the header is damaged"
            )

    @property
    def n_bytes(self) -> int:
        """Size of all voxels in bytes, uncompressed."""
        return prod(self.size) * self.dtype.itemsize


def check_size(size) -> tuple[int, int, int]:
    """Return three sizes; refuse other numbers of dimensions and empty images."""
    size = tuple(size)
    if any(length < 1 for length in size):
        raise CorruptImage(f"its header declares {size} voxels; every axis needs at least one")
    # A fourth axis of length 1 does not count as a dimension.
    while len(size) > 3 and size[-1] == 1:
        size = size[:-1]
    if len(size) != 3:
        raise WrongDimension(
            f"has {len(size)} dimensions, {size}; only 3 are accepted: write one volume per file"
        )
    return size


def check_spacing(spacing) -> None:
    """Refuse voxels without a positive size."""
    if not all(np.isfinite(edge) and edge > 0 for edge in spacing):
        seen = tuple(float(edge) for edge in spacing)
        raise CorruptImage(f"its header declares a spacing of {seen} mm; it must be above 0")


def check_axes(axes) -> None:
    """Refuse axes, given as matrix columns, that are not at right angles."""
    axes = np.asarray(axes, dtype=float)
    lengths = np.linalg.norm(axes, axis=0)
    check_spacing(lengths)
    cosines = np.abs((axes / lengths).T @ (axes / lengths) - np.eye(3)).max()
    if not cosines <= PERPENDICULAR:
        raise GeometryMismatch(
            f"the axes of its grid are not at right angles (cosine {cosines:.2g}): shear is not "
            "supported; resample the image on an unsheared grid"
        )


@dataclass(frozen=True)
class TextHeader:
    """Voxel storage according to a NRRD or MetaImage header; SimpleITK reads the rest.

    Attributes
    ----------
    data : str
        Name of the separate file that holds the voxels; empty if it is the header's file.
    offset : int
        Bytes before the voxels in that file.
    codec : {"", "gzip", "zlib"}
    order : {"<", ">"}
        Byte order.
    """

    data: str
    offset: int
    codec: str
    order: str


def nrrd_header(head: bytes) -> TextHeader:
    """Parse the first bytes of a NRRD file, which must include the whole header.

    References
    ----------
    Definition of NRRD file format, teem.sourceforge.net/nrrd/format.html.
    """
    text = re.match(rb"NRRD000\d\r?\n(.*?)\r?\n(\r?\n|$(?![\r\n]))", head, re.DOTALL)
    fields = _fields(text, head, ":", "NRRD file")
    for skip in ("byte skip", "line skip"):
        if fields.get(skip, "0") != "0":
            raise CorruptImage(f"its header declares a {skip}; write the image again")
    encoding = fields.get("encoding")
    codecs = {"raw": "", "gzip": "gzip", "gz": "gzip"}
    if encoding not in codecs:
        raise CorruptImage(
            f"its encoding is {encoding!r}; only raw and gzip are accepted: write the image again"
        )
    data = _data_file(fields.get("data file", fields.get("datafile", "")))
    order = ">" if fields.get("endian") == "big" else "<"
    return TextHeader(data, 0 if data else text.end(), codecs[encoding], order)


def meta_header(head: bytes) -> TextHeader:
    """Parse the first bytes of a MetaImage file, which must include the whole header.

    References
    ----------
    MetaIO documentation, itk.org/Wiki/MetaIO/Documentation.
    """
    text = re.match(rb"(\w+ *= .*?^ElementDataFile *= *[^\r\n]*)\r?\n", head, re.DOTALL | re.M)
    fields = _fields(text, head, "=", "MetaImage")
    if fields.get("binarydata", "True") != "True" or fields.get("headersize", "0") != "0":
        raise CorruptImage("stores its voxels as text or after a gap; write the image again")
    name = fields["elementdatafile"]
    data = "" if name == "LOCAL" else _data_file(name)
    codec = "zlib" if fields.get("compresseddata") == "True" else ""
    big = fields.get("binarydatabyteordermsb", fields.get("elementbyteordermsb"))
    return TextHeader(data, 0 if data else text.end(), codec, ">" if big == "True" else "<")


def _fields(text, head: bytes, separator: str, kind: str) -> dict[str, str]:
    """Return the lines of a header by name; refuse lines that crash SimpleITK."""
    if text is None:
        raise CorruptImage(
            f"is not a {kind}: it begins with {head[:8]!r}, or its header has no end"
        )
    lines = [line for line in text[1].decode("latin-1").splitlines() if line[:1] != "#"]
    pairs = (line.partition(separator) for line in lines if separator in line)
    fields = {key.strip().lower(): value.strip() for key, _, value in pairs}
    n_axes = fields.get("dimension", fields.get("ndims", ""))
    if not re.fullmatch(r"[1-9]", n_axes):
        raise CorruptImage(f"its header declares {n_axes[:20]!r} dimensions; only 3 are accepted")
    size = fields.get("sizes", fields.get("dimsize", ""))
    if not all(re.fullmatch(r"[0-9]{1,9}", word) for word in size.split()):
        raise CorruptImage(f"its header declares {size[:40]!r} voxels; whole numbers are needed")
    return fields


def _data_file(name: str) -> str:
    """Return the name of the file that holds the voxels; refuse patterns and other folders."""
    if name.split()[:1] == ["LIST"] or "%" in name or re.search(r"[/\\\0]", name):
        raise CorruptImage(
            f"stores its voxels in {name!r}; they must be in one file in the header's folder: "
            "write the image as one file"
        )
    return name


def text_layout(path: str, header: TextHeader) -> Layout:
    """Return the layout of a NRRD or MetaImage file, with the header read by SimpleITK.

    Raises
    ------
    ImageError
        The header contradicts itself or describes an image that is not accepted.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        kind = GeometryMismatch if "orthonormal" in reason else CorruptImage
        raise kind(f"cannot be read as an image ({reason})") from error
    n_values, kind = reader.GetNumberOfComponents(), reader.GetPixelIDValue()
    if n_values != 1:
        raise WrongDimension(f"has {n_values} values per voxel; only 1 is accepted")
    stored = re.fullmatch(r"(\d+)-bit (.*)", sitk.GetPixelIDValueAsString(kind))
    kinds = {"signed integer": "i", "unsigned integer": "u", "float": "f"}
    if stored is None or stored[2] not in kinds:
        raise CorruptImage(
            f"its voxels are {sitk.GetPixelIDValueAsString(kind)}; only integers and real numbers "
            "are accepted"
        )
    dtype = np.dtype(f"{header.order}{kinds[stored[2]]}{int(stored[1]) // 8}")
    size, n_axes = check_size(reader.GetSize()), reader.GetDimension()
    axes = np.reshape(reader.GetDirection(), (n_axes, n_axes))[:3, :3]
    check_spacing(reader.GetSpacing()[:3])
    check_axes(axes)
    if not np.isfinite(reader.GetOrigin()).all():
        raise CorruptImage(f"its header declares the origin {reader.GetOrigin()} mm")
    grid = Grid(reader.GetSpacing()[:3], reader.GetOrigin()[:3], axes)
    keys = [key for key in reader.GetMetaDataKeys() if key.startswith("Segment")]
    names = {key: reader.GetMetaData(key) for key in keys if key.endswith(("Name", "LabelValue"))}
    return Layout(size, dtype, grid, header.offset, header.codec, names=names)
