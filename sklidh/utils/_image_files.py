"""Which files an image is stored in."""

import re
from pathlib import Path

LONGEST_HEADER = 2**20
"""Bytes in which a header ends."""

DATA_FILE = re.compile(rb"^(?:ElementDataFile *=|data ?file:) *([^\r\n]+?) *\r?$", re.M | re.I)
"""The line of a MetaImage or NRRD header that names the file of the voxels."""


def files_of(cell) -> list[Path]:
    """List the files that an image depends on: the one named, and the one with its voxels.

    Parameters
    ----------
    cell : str or path
        An image file or a folder of DICOM slices; it need not be valid.

    Returns
    -------
    list of Path
    """
    path = Path(cell)
    match path.suffix.lower():
        case ".hdr" | ".img":
            both = [path.with_suffix(suffix) for suffix in (".hdr", ".img")]
        case ".nhdr" | ".mhd":
            try:
                with open(path, "rb") as file:
                    named = DATA_FILE.findall(file.read(LONGEST_HEADER))
                names = [name.decode("latin-1") for name in named]
                both = [path, *(path.with_name(name) for name in names if name != "LOCAL")]
            except (OSError, ValueError):  # no such file, or a name that is none
                both = [path]
        case _:
            both = [path]
    return [each for each in both if each == path or each.is_file()]
