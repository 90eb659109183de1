"""What the header of a file declares, checked before anything is allocated for it."""

from dataclasses import dataclass
from math import prod

import numpy as np

from sklidh.images._errors import (
    CorruptImage,
    GeometryMismatch,
    ImageTooLarge,
    WrongDimension,
)

MOST_BYTES = 2**31
"""Of voxels in one image: 8 times what 512 x 512 x 512 voxels of 16 bits take."""

LONGEST_HEADER = 2**20
"""Bytes; extensions of a NIfTI header are part of it."""

PERPENDICULAR = 1e-3
"""Cosine up to which two axes are at right angles."""


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
    data : str
        Name of the file that holds the voxels, beside the header's; empty if it is the same.
    grid : object or None
        ``spacing``, ``origin`` and ``axes``; None where SimpleITK reads them from the header.
    """

    size: tuple[int, int, int]
    dtype: np.dtype
    offset: int
    codec: str = ""
    slope: float = 1.0
    intercept: float = 0.0
    data: str = ""
    grid: object | None = None

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
