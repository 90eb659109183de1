"""Read bytes to the last one: decompressed a piece at a time, checksums verified, none missing."""

from functools import partial

from sklidh.images._errors import CorruptImage, ImageTooLarge

try:
    from zlib_ng import zlib_ng as zlib
except ImportError:  # the standard library's takes three times as long
    import zlib

PIECE = 2**20
"""Bytes decompressed at a time: they stay in the processor's cache until they are copied."""

STEEPEST = 1040
"""No deflate stream expands by more."""

GZIP = b"\x1f\x8b"
"""How a gzip file begins, whatever its name."""

DAMAGED = (EOFError, zlib.error)
"""What `Inflating` raises where a stream ends early or its checksum fails."""

TRAILING = 4096
"""Bytes after the voxels that are ignored with a warning: padding. More are lost slices."""


class Inflating:
    """A file's content from where it stands, decompressed a piece at a time.

    Parameters
    ----------
    file : binary file
    codec : {"", "gzip", "zlib"}

    Attributes
    ----------
    n_trailing : int
        Bytes that followed the end of the compressed stream; known after the last piece.
    """

    def __init__(self, file, codec: str):
        self.file, self.codec, self.n_trailing = file, codec, 0

    def __iter__(self):
        """Yield bytes; one of `DAMAGED` where the stream ends early or its checksum fails."""
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


def fill(n_bytes: int, parts, most: int) -> tuple[bytearray, int]:
    """Collect `n_bytes`, and count the bytes that follow.

    Parameters
    ----------
    n_bytes : int
        What the header declares.
    parts : iterable of bytes
    most : int
        What the file can hold at most; nothing is allocated if that is less.

    Returns
    -------
    buffer : bytearray of `n_bytes`
    n_more : int

    Raises
    ------
    ImageTooLarge
        There is not so much memory.
    CorruptImage
        There is less, or so much more that the header must be wrong: then the rest is not
        decompressed.
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
        room = max(n_bytes - filled, 0)
        buffer[n_bytes - room : n_bytes - room + min(len(part), room)] = part[:room]
        filled += len(part)
        if filled > n_bytes + TRAILING:
            raise CorruptImage(
                f"holds more than the {n_bytes} bytes that its header declares; one of them is "
                "wrong: write the image anew"
            )
    if filled < n_bytes:
        raise CorruptImage(f"is truncated: {filled} of {n_bytes} bytes are there; copy it again")
    return buffer, filled - n_bytes
