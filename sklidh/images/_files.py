"""Read an image file to its last byte: sizes, checksums and voxels, then the grid."""

import gzip
import os
import zlib
from functools import partial

import numpy as np
import SimpleITK as sitk

from sklidh.images._errors import CorruptImage, GeometryMismatch, ImageError, ImageTooLarge
from sklidh.images._headers import (
    LONGEST_HEADER,
    NIFTI_HEADER,
    Layout,
    check_axes,
    check_spacing,
    nifti_layout,
)
from sklidh.images._text_headers import meta_layout, nrrd_layout

ACCEPTED = (".nii", ".nii.gz", ".nrrd", ".mha")
"""How the name of a file ends that can be read; a folder holds a DICOM series."""

PIECE = 2**20
"""Bytes decompressed at a time: they stay in the processor's cache until they are copied."""

STEEPEST = 1040
"""No deflate stream expands by more."""


def load_image(path) -> sitk.Image:
    """Read an image file, every byte of it verified.

    The voxels are read here and not by SimpleITK, which pads a file that ends too early, ignores
    the checksum of a compressed one, and turns NaN into 0. The grid is what SimpleITK says.

    Parameters
    ----------
    path : str or path
        ``.nii``, ``.nii.gz``, ``.nrrd`` or ``.mha``. A folder is an error: those of DICOM files
        are read elsewhere.

    Returns
    -------
    SimpleITK.Image

    Raises
    ------
    ImageError
        What is wrong with the file; without its name.
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        entries = [*os.scandir(path)]
        n_files = sum(entry.is_file() for entry in entries)
        raise CorruptImage(
            f"is a folder, and none of its {n_files} files is DICOM; folders in it "
            f"({len(entries) - n_files} are there) are not looked into: name the folder that holds "
            "one series, or an image file"
        )
    if not path.lower().endswith(ACCEPTED):
        raise CorruptImage(
            f"is of a kind that cannot be verified; {', '.join(ACCEPTED)} and folders of DICOM "
            "slices are accepted: convert it"
        )
    read = _read_nifti if path.lower().endswith((".nii", ".nii.gz")) else _read_after_header
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise CorruptImage("is empty; copy it again")
            layout, voxels = read(file, size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        reason = str(error)[:1].lower() + str(error)[1:]
        raise CorruptImage(
            f"its compressed stream is damaged or cut off ({reason}); copy it again"
        ) from error
    except OSError as error:
        raise CorruptImage(f"cannot be read: {error.strerror}") from error
    return _placed(path, layout, voxels)


def pieces(file, codec: str):
    """Yield a file's content from where it stands, decompressed, a piece at a time.

    Parameters
    ----------
    file : binary file
    codec : {"", "gzip", "zlib"}

    Yields
    ------
    bytes

    Raises
    ------
    EOFError, gzip.BadGzipFile, zlib.error
        The compressed stream ends early, or its checksum is another.
    """
    if codec == "zlib":
        inflate = zlib.decompressobj()
        while not inflate.eof:
            packed = inflate.unconsumed_tail or file.read(PIECE)
            if not packed and not inflate.unconsumed_tail:
                raise EOFError("the stream ends before its checksum")
            yield inflate.decompress(packed, PIECE)
        if inflate.unused_data or file.read(1):
            raise EOFError("bytes follow the end of the stream")
        return
    source = gzip.GzipFile(fileobj=file) if codec == "gzip" else file
    yield from iter(partial(source.read, PIECE), b"")


def fill(n_bytes: int, parts, most: int) -> bytearray:
    """Collect exactly `n_bytes`.

    Parameters
    ----------
    n_bytes : int
        What the header declares.
    parts : iterable of bytes
    most : int
        What the file can hold at most; nothing is allocated if that is less.

    Returns
    -------
    bytearray of `n_bytes`

    Raises
    ------
    ImageTooLarge
        There is not so much memory.
    CorruptImage
        There is more, or less. Not a byte beyond one piece is decompressed in vain.
    """
    if n_bytes > most:
        raise CorruptImage(
            f"is truncated: its header declares {n_bytes} bytes and it can hold {most} at most; "
            "copy it again"
        )
    try:
        buffer, filled = bytearray(n_bytes), 0
    except MemoryError as error:
        raise ImageTooLarge(
            f"its {n_bytes / 2**20:.0f} MiB do not fit in the memory that is left; crop or "
            "resample the image, or give fewer jobs"
        ) from error
    for part in parts:
        end = filled + len(part)
        if end > n_bytes:
            raise CorruptImage(
                f"holds more than the {n_bytes} bytes that its header declares; one of them is "
                "wrong: write the image anew"
            )
        buffer[filled:end] = part
        filled = end
    if filled < n_bytes:
        raise CorruptImage(f"is truncated: {filled} of {n_bytes} bytes are there; copy it again")
    return buffer


def _read_nifti(file, size: int):
    codec = "gzip" if file.read(2) == b"\x1f\x8b" else ""
    file.seek(0)
    if codec == "" and file.name.lower().endswith(".gz"):
        raise CorruptImage(f"is no gzip file: it begins with {file.read(8)!r}; write it anew")
    stream = pieces(file, codec)
    first = next(stream, b"")
    layout = nifti_layout(first[:NIFTI_HEADER])

    def everything():
        yield first
        yield from stream

    buffer = fill(layout.offset + layout.n_bytes, everything(), size * (STEEPEST if codec else 1))
    return layout, np.frombuffer(buffer, layout.dtype, offset=layout.offset)


def _read_after_header(file, size: int):
    head = file.read(LONGEST_HEADER)
    layout = (nrrd_layout if file.name.lower().endswith(".nrrd") else meta_layout)(head)
    file.seek(layout.offset)
    most = (size - layout.offset) * (STEEPEST if layout.codec else 1)
    buffer = fill(layout.n_bytes, pieces(file, layout.codec), most)
    return layout, np.frombuffer(buffer, layout.dtype)


def _placed(path: str, layout: Layout, voxels: np.ndarray) -> sitk.Image:
    """Return the voxels as an image in the grid that SimpleITK finds in the header."""
    header = sitk.ImageFileReader()
    header.SetFileName(path)
    try:
        header.ReadImageInformation()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        kind = GeometryMismatch if "orthonormal" in reason else CorruptImage
        raise kind(f"cannot be read as an image ({reason})") from error
    if header.GetSize()[:3] != layout.size:
        raise ImageError(f"has {layout.size} voxels, and {header.GetSize()} to SimpleITK")
    n_axes = header.GetDimension()
    axes = np.reshape(header.GetDirection(), (n_axes, n_axes))[:3, :3]
    # SimpleITK may read a damaged line otherwise than the checks of the header do.
    check_spacing(header.GetSpacing()[:3])
    check_axes(axes)
    if not np.isfinite(header.GetOrigin()).all():
        raise CorruptImage(f"its header declares the origin {header.GetOrigin()} mm")
    voxels = voxels.reshape(layout.size[::-1]).astype(layout.dtype.newbyteorder("="), copy=False)
    if (layout.slope, layout.intercept) != (1, 0):
        # In the type that SimpleITK has for it: a real number of 32 or 64 bits.
        real = sitk.GetArrayViewFromImage(sitk.Image([1, 1, 1], header.GetPixelID())).dtype
        voxels = (voxels * np.float64(layout.slope) + layout.intercept).astype(real)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(header.GetSpacing()[:3])
    image.SetOrigin(header.GetOrigin()[:3])
    image.SetDirection(axes.ravel())
    return image
