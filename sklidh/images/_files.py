"""Read a whole image file: its header, then every voxel, with checksums verified."""

import os
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from sklidh.images._errors import CorruptImage, ImageTooLarge, ImageWarning
from sklidh.images._headers import LONGEST_HEADER, Layout, meta_header, nrrd_header, text_layout
from sklidh.images._nifti import LONGEST, nifti_layout

try:
    from zlib_ng import zlib_ng as zlib
except ImportError:  # the standard library takes three times as long
    import zlib

NIFTI = (".nii", ".nii.gz", ".hdr", ".img")
NRRD = (".nrrd", ".nhdr")
META = (".mha", ".mhd")

ACCEPTED = NIFTI + NRRD + META
"""File name endings that can be read; a folder holds a DICOM series."""

PIECE = 2**20
"""Bytes decompressed at a time, few enough to stay in the processor's cache."""

STEEPEST = 1040
"""Maximum expansion of a deflate stream."""

TRAILING = 4096
"""Bytes after the voxels that are ignored as padding, with a warning. More are lost slices."""

GZIP = b"\x1f\x8b"
"""First bytes of a gzip file, whatever its name."""


def load_image(path) -> sitk.Image:
    """Read an image file and verify every byte.

    The voxels are not read with SimpleITK, which pads truncated files, ignores the checksums of
    compressed files and turns NaN into 0.

    Parameters
    ----------
    path : str or path
        NIfTI, NRRD or MetaImage, in one file or two (see `ACCEPTED`). Folders are an error;
        `load_series` reads DICOM folders.

    Returns
    -------
    SimpleITK.Image
        With segment names from NRRD files as metadata.

    Raises
    ------
    ImageError
        The problem with the file, without the file name.

    Warns
    -----
    ImageWarning
        Some bytes follow the voxels.
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        entries = [*os.scandir(path)]
        n_files = sum(entry.is_file() for entry in entries)
        raise CorruptImage(
            f"is a folder, and none of its {n_files} files is DICOM; its "
            f"{len(entries) - n_files} subfolders are not searched: name the folder of one series, "
            "or an image file"
        )
    if not path.lower().endswith(ACCEPTED):
        raise CorruptImage(
            f"has an unsupported format; convert it to one of {', '.join(ACCEPTED)}, or to a "
            "folder of DICOM slices"
        )
    try:
        layout, voxels, n_trailing = _read(Path(path))
    except (EOFError, zlib.error) as error:
        reason = str(error)[:1].lower() + str(error)[1:]
        raise CorruptImage(
            f"its compressed stream is damaged or cut off ({reason}); copy it again"
        ) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename not in (None, path) else ""
        raise CorruptImage(f"cannot be read: {where}{error.strerror}") from error
    if n_trailing:
        warnings.warn(
            f"{path}: {n_trailing} bytes follow its voxels and are ignored; if the image looks "
            "incomplete, write it again",
            ImageWarning,
            stacklevel=2,
        )
    return _image(layout, voxels)


def _read(path: Path) -> tuple[Layout, np.ndarray, int]:
    """Return the header's layout, the voxels, and the number of bytes after them."""
    is_nifti = path.name.lower().endswith(NIFTI)
    header = path.with_suffix(".hdr") if path.suffix.lower() == ".img" else path
    with open(header, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise CorruptImage("is empty; copy it again")
        if is_nifti:
            layout, stored = _nifti(file, header.name), None
        else:
            read = nrrd_header if header.name.lower().endswith(NRRD) else meta_header
            stored = read(file.read(LONGEST_HEADER))
    data = header.with_name(stored.data) if stored and stored.data else header
    if header.suffix.lower() == ".hdr":
        data = header.with_suffix(".img")
    with open(data, "rb") as file:
        if not is_nifti:
            layout = text_layout(os.fspath(path), stored)
        size = os.fstat(file.fileno()).st_size
        # NIfTI files are compressed as a whole.
        codec, skipped = (_codec(file), layout.offset) if is_nifti else (layout.codec, 0)
        if not is_nifti:
            file.seek(layout.offset)
            size -= layout.offset
        parts = _Inflating(file, codec)
        buffer, n_more = _fill(skipped + layout.n_bytes, parts, size * (STEEPEST if codec else 1))
    voxels = np.frombuffer(buffer, layout.dtype, offset=skipped)
    return layout, voxels, n_more + parts.n_trailing


def _nifti(file, name: str) -> Layout:
    codec = _codec(file)
    if not codec and name.lower().endswith(".gz"):
        raise CorruptImage(
            f"is not a gzip file: it begins with {file.read(8)!r}; write the image again"
        )
    head = b""
    for part in _Inflating(file, codec):
        head += part[:LONGEST]
        if len(head) >= LONGEST:
            break
    return nifti_layout(head[:LONGEST])


def _codec(file) -> str:
    """Return how a whole file is compressed, based on its first bytes."""
    codec = "gzip" if file.read(2) == GZIP else ""
    file.seek(0)
    return codec


class _Inflating:
    """A file's content from the current position, decompressed in pieces.

    After the last piece, `n_trailing` is the number of bytes after the compressed stream.
    """

    def __init__(self, file, codec: str):
        self.file, self.codec, self.n_trailing = file, codec, 0

    def __iter__(self):
        """Yield bytes; raise EOFError or zlib.error if the stream is cut or fails a checksum."""
        if not self.codec:
            yield from iter(partial(self.file.read, PIECE), b"")
            return
        window = 31 if self.codec == "gzip" else 15
        inflate, packed = zlib.decompressobj(window), b""
        while True:
            packed = packed or self.file.read(PIECE)
            if not packed:
                raise EOFError("the stream ends before its checksum")
            yield inflate.decompress(packed, PIECE)
            packed = inflate.unconsumed_tail
            if inflate.eof:
                packed = inflate.unused_data or self.file.read(PIECE)
                # A gzip file may have several members.
                if self.codec == "zlib" or not packed.startswith(GZIP):
                    self.n_trailing = len(packed) + len(self.file.read(PIECE))
                    return
                inflate = zlib.decompressobj(window)


def _fill(n_bytes: int, parts, most: int) -> tuple[bytearray, int]:
    """Collect the bytes that a header declares, and count the bytes after them.

    Nothing is allocated if the file can hold only `most` bytes and more are declared. If far more
    bytes follow, the header must be wrong and the rest is not decompressed.
    """
    if n_bytes > most:
        raise CorruptImage(
            f"is truncated: its header declares {n_bytes} bytes, but it can hold at most {most}; "
            "copy it again"
        )
    try:
        buffer, filled = bytearray(n_bytes), 0
    except MemoryError as error:
        raise ImageTooLarge(
            f"its {n_bytes / 2**20:.0f} MiB do not fit into the free memory; crop or resample the "
            "image, or use fewer jobs"
        ) from error
    for part in parts:
        room = max(n_bytes - filled, 0)
        buffer[n_bytes - room : n_bytes - room + min(len(part), room)] = part[:room]
        filled += len(part)
        if filled > n_bytes + TRAILING:
            raise CorruptImage(
                f"contains more than the {n_bytes} bytes that its header declares; write the image "
                "again"
            )
    if filled < n_bytes:
        raise CorruptImage(
            f"is truncated: only {filled} of {n_bytes} bytes are present; copy it again"
        )
    return buffer, filled - n_bytes


def _image(layout: Layout, voxels: np.ndarray) -> sitk.Image:
    """Return the voxels as an image on its grid."""
    voxels = voxels.reshape(layout.size[::-1]).astype(layout.dtype.newbyteorder("="), copy=False)
    if (layout.slope, layout.intercept) != (1, 0):
        # Single precision holds scaled 16-bit integers; other types need double precision.
        real = np.float32 if layout.dtype.itemsize <= 4 else np.float64
        voxels = (voxels * np.float64(layout.slope) + layout.intercept).astype(real)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(layout.grid.spacing)
    image.SetOrigin(layout.grid.origin)
    image.SetDirection(np.ravel(layout.grid.axes).tolist())
    for key, value in layout.names.items():
        image.SetMetaData(key, value)
    return image
