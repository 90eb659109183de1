"""What the header of a NRRD or MetaImage file declares, checked before anything is allocated."""

import re

import numpy as np

from sklidh.images._errors import CorruptImage, WrongDimension
from sklidh.images._headers import Layout, check_axes, check_size, check_spacing

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
    text = re.match(rb"NRRD000\d\r?\n(.*?)\r?\n(\r?\n|$(?![\r\n]))", head, re.DOTALL)
    if text is None:
        raise CorruptImage(
            f"is no NRRD file: it begins with {head[:8]!r}, or its header never ends"
        )
    lines = [line for line in text[1].decode("latin-1").splitlines() if line[:1] != "#"]
    fields = {key.strip().lower(): value.strip() for key, _, value in _split(lines, ":")}
    data = _data_file(fields.get("data file", fields.get("datafile", "")))
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
    offset = 0 if data else text.end()
    return Layout(size, dtype, offset, codecs[fields["encoding"]], data=data)


def meta_layout(head: bytes) -> Layout:
    """Read the first bytes of a MetaImage file, .mha or .mhd.

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
    data = text[2].strip().decode("latin-1")
    data = "" if data == "LOCAL" else _data_file(data)
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
    return Layout(size, dtype, 0 if data else text.end(), codec, data=data)


def _data_file(name: str) -> str:
    """Return the name of the one file that holds the voxels; refuse patterns and other folders."""
    if name.split()[:1] == ["LIST"] or "%" in name or re.search(r"[/\\\0]", name):
        raise CorruptImage(
            f"keeps its voxels in {name!r}; one file in the folder of the header is accepted: "
            "write the image as one file"
        )
    return name


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
