"""The files in which an image is stored."""

import re
from pathlib import Path

LONGEST_HEADER = 2**20
"""Maximum size of a header in bytes."""

DATA_FILE = re.compile(rb"^(?:ElementDataFile *=|data ?file:) *([^\r\n]+?) *\r?$", re.M | re.I)
"""The line of a MetaImage or NRRD header with the name of the voxel file."""


def files_of(cell) -> list[Path]:
    """List the files of an image: the file itself, and its separate voxel file if it has one.

    Parameters
    ----------
    cell : str or path
        An image file or a folder of DICOM slices, which need not be valid.

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
            except (OSError, ValueError):  # no such file, or an invalid name
                both = [path]
        case _:
            both = [path]
    return [each for each in both if each == path or each.is_file()]
