"""Read an image file to its last byte: sizes, checksums and voxels, then the grid."""

import os
import warnings
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from sklidh.images._errors import (
    CorruptImage,
    GeometryMismatch,
    ImageError,
    ImageWarning,
)
from sklidh.images._headers import LONGEST_HEADER, Layout, check_axes, check_spacing
from sklidh.images._nifti import LONGEST, Grid, nifti_layout
from sklidh.images._streams import DAMAGED, GZIP, STEEPEST, Inflating, fill
from sklidh.images._text_headers import meta_layout, nrrd_layout

NIFTI = (".nii", ".nii.gz", ".hdr", ".img")
NRRD = (".nrrd", ".nhdr")
META = (".mha", ".mhd")

ACCEPTED = NIFTI + NRRD + META
"""How the name of a file ends that can be read; a folder holds a DICOM series."""


def load_image(path) -> sitk.Image:
    """Read an image file, every byte of it verified.

    The voxels are read here and not by SimpleITK, which pads a file that ends too early, ignores
    the checksum of a compressed one, and turns NaN into 0.

    Parameters
    ----------
    path : str or path
        NIfTI, NRRD or MetaImage, in one file or two (see `ACCEPTED`). A folder is an error: those
        of DICOM files are read elsewhere.

    Returns
    -------
    SimpleITK.Image
        With the names of segments that a NRRD file has, as metadata.

    Raises
    ------
    ImageError
        What is wrong with the file; without its name.

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
            f"is a folder, and none of its {n_files} files is DICOM; folders in it "
            f"({len(entries) - n_files} are there) are not looked into: name the folder that holds "
            "one series, or an image file"
        )
    if not path.lower().endswith(ACCEPTED):
        raise CorruptImage(
            f"is of a kind that cannot be verified; {', '.join(ACCEPTED)} and folders of DICOM "
            "slices are accepted: convert it"
        )
    try:
        layout, voxels, n_trailing = _read(Path(path))
    except DAMAGED as error:
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
    return _placed(path, layout, voxels)


def _layout(path: Path, file) -> Layout:
    """Read the header at the beginning of an open file."""
    name = path.name.lower()
    if name.endswith(NIFTI):
        codec = "gzip" if file.read(2) == GZIP else ""
        file.seek(0)
        if not codec and name.endswith(".gz"):
            raise CorruptImage(
                f"is not a gzip file: it begins with {file.read(8)!r}; write it anew"
            )
        head = b""
        for part in Inflating(file, codec):
            head += part[:LONGEST]
            if len(head) >= LONGEST:
                break
        layout = nifti_layout(head[:LONGEST])
    else:
        layout = (nrrd_layout if name.endswith(NRRD) else meta_layout)(file.read(LONGEST_HEADER))
    file.seek(0)
    return layout


def _read(path: Path) -> tuple[Layout, np.ndarray, int]:
    """Return what the header declares, the voxels, and how many bytes follow them."""
    header = path.with_suffix(".hdr") if path.suffix.lower() == ".img" else path
    with open(header, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise CorruptImage("is empty; copy it again")
        layout = _layout(header, file)
    data = header.with_name(layout.data) if layout.data else header
    if header.suffix.lower() == ".hdr":
        data = header.with_suffix(".img")
    with open(data, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if path.name.lower().endswith(NIFTI):
            # The file is compressed as a whole.
            codec, skipped = ("gzip" if file.read(2) == GZIP else ""), layout.offset
            file.seek(0)
        else:
            codec, skipped = layout.codec, 0
            file.seek(layout.offset)
            size -= layout.offset
        parts = Inflating(file, codec)
        most = size * (STEEPEST if codec else 1)
        buffer, n_more = fill(skipped + layout.n_bytes, parts, most)
    voxels = np.frombuffer(buffer, layout.dtype, offset=skipped)
    return layout, voxels, n_more + parts.n_trailing


def _placed(path: str, layout: Layout, voxels: np.ndarray) -> sitk.Image:
    """Return the voxels as an image in its grid."""
    names = {}
    if layout.grid is None:
        grid, names = _grid_by_simpleitk(path, layout)
    else:
        grid = layout.grid
    voxels = voxels.reshape(layout.size[::-1]).astype(layout.dtype.newbyteorder("="), copy=False)
    if (layout.slope, layout.intercept) != (1, 0):
        # Single precision holds whole numbers of 16 bits, scaled; others need double.
        real = np.float32 if layout.dtype.itemsize <= 4 else np.float64
        voxels = (voxels * np.float64(layout.slope) + layout.intercept).astype(real)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(grid.spacing)
    image.SetOrigin(grid.origin)
    image.SetDirection(np.ravel(grid.axes).tolist())
    for key, value in names.items():
        image.SetMetaData(key, value)
    return image


def _grid_by_simpleitk(path: str, layout: Layout) -> tuple[Grid, dict[str, str]]:
    """Return the grid that SimpleITK finds in a header of text, and its names of segments."""
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
    keys = [key for key in header.GetMetaDataKeys() if key.startswith("Segment")]
    names = {key: header.GetMetaData(key) for key in keys if key.endswith(("Name", "LabelValue"))}
    return Grid(header.GetSpacing()[:3], header.GetOrigin()[:3], axes), names
