"""The region of interest: its box and its voxels, computed once per mask."""

from functools import cached_property

import numpy as np

from sklidh.radiomics._neighbours import flat_offsets
from sklidh.utils import kernel

# Looping over this many background voxels is cheaper than ending one loop and starting another.
CLOSE = 64


class Roi:
    """A tumour mask cropped to its bounding box.

    All texture families use the same *padded box*: the bounding box with `margin` background voxels
    on each side, so that every voxel has neighbours and no kernel tests for a border.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_columns)
        True inside the region, which must have at least one voxel.
    margin : int, default=1
        Background voxels around the box: the largest neighbour distance used.
    box : tuple of slice, default=None
        The mask's `bounding_box`, if known; finding it reads the whole image.

    Attributes
    ----------
    box : tuple of slice, shape (3,)
        The bounding box in the image, along (z, y, x).
    inside : ndarray of bool
        The mask within its bounding box.
    shape : tuple of int, shape (3,)
        Shape of the padded box.
    n_voxels : int
        Number of voxels in the region.
    voxels : ndarray of int64, shape (n_voxels,)
        Positions of the voxels in the padded box, raveled in C order.
    segments : ndarray of int64, shape (n_segments, 2)
        Per row of the padded box that meets the region: position of its first voxel, and distance
        to one past its last. Gaps inside a segment are background.
    """

    def __init__(self, mask, margin=1, box=None):
        self.box = box or bounding_box(mask)
        self.inside = np.ascontiguousarray(mask[self.box])
        self.margin = margin
        self.padded = np.pad(self.inside, margin)
        self.shape = self.padded.shape
        self.voxels = np.flatnonzero(self.padded)
        self.n_voxels = self.voxels.size
        self._is_inside = self.padded.reshape(-1)
        self._lines = {}
        self._n_neighbours = {}
        self._places_in_box = np.flatnonzero(self.inside)

    @cached_property
    def segments(self):
        columns = self.shape[2]
        row = self.voxels // columns
        first = np.flatnonzero(np.diff(row, prepend=-1))
        last = np.append(first[1:], self.n_voxels) - 1
        start = self.voxels[first]
        return np.column_stack([start, self.voxels[last] + 1 - start])

    @cached_property
    def joined_segments(self):
        """The segments, joined if fewer than `CLOSE` voxels apart, for longer loops."""
        start, length = self.segments.T
        stop = start + length
        apart = start[1:] - stop[:-1] >= CLOSE
        first, last = np.append(True, apart), np.append(apart, True)
        return np.column_stack([start[first], stop[last] - start[first]])

    @cached_property
    def coordinates(self):
        """Positions of the voxels within the bounding box, shape (n_voxels, 3), as (z, y, x)."""
        return np.column_stack(np.nonzero(self.inside))

    def offsets(self, directions):
        """Return each direction's offset in memory within the padded box."""
        return flat_offsets(directions, self.shape)

    def n_neighbours(self, directions):
        """Count the neighbours in the region on both sides along each direction.

        Parameters
        ----------
        directions : ndarray of int, shape (n_directions, 3)

        Returns
        -------
        ndarray of int32, shape (n,)
            For each voxel of each segment, segment by segment; meaningless in gaps.
        """
        key = directions.tobytes()
        if key not in self._n_neighbours:
            offsets = self.offsets(directions)
            offsets = np.concatenate([offsets, -offsets])
            self._n_neighbours[key] = _count_neighbours(self._is_inside, self.segments, offsets)
        return self._n_neighbours[key]

    def has_lines(self, directions):
        """Return whether a line along each direction has two voxels of the region, gaps allowed."""
        return np.array([self._has_line(tuple(direction)) for direction in directions])

    def _has_line(self, direction):
        if direction not in self._lines:
            self._lines[direction] = self._find_line(np.array(direction))
        return self._lines[direction]

    def _find_line(self, direction):
        (offset,) = self.offsets(direction[None])
        if _has_pair(self._is_inside, self.voxels, offset):
            return True
        # If no two voxels are adjacent, two still share a line if their first steps along it meet
        # the same point of the plane it starts from.
        axis = int(np.flatnonzero(direction)[0])
        start = self.coordinates - self.coordinates[:, [axis]] * direction
        return len(np.unique(start, axis=0)) < self.n_voxels

    def values(self, box_image):
        """Return the intensities of the region's voxels in an image cropped to the bounding box."""
        return np.ravel(box_image)[self._places_in_box].astype(np.float64)


@kernel
def _has_pair(is_inside, voxels, offset):
    found = False
    for voxel in voxels:
        if is_inside[voxel + offset]:
            found = True
            break
    return found


@kernel
def _count_neighbours(is_inside, segments, offsets):
    counts = np.zeros(segments[:, 1].sum(), np.int32)
    done = np.uint64(0)
    for s in range(segments.shape[0]):
        n = np.uint64(segments[s, 1])
        for d in range(offsets.size):
            neighbour = np.uint64(segments[s, 0] + offsets[d])
            for v in range(n):
                counts[done + v] += np.int32(is_inside[neighbour + v])
        done += n
    return counts


def check_grid(volume, mask, spacing):
    """Check that image, region and voxel size match and are valid.

    Parameters
    ----------
    volume : ndarray
    mask : ndarray
    spacing : sequence of float
    """
    if volume.ndim != 3 or mask.shape != volume.shape:
        raise ValueError(
            f"image and mask must have the same three-dimensional shape (z, y, x); got "
            f"{volume.shape} and {mask.shape}"
        )
    if mask.dtype != bool:
        raise ValueError(f"the mask must be True in the region and False outside; got {mask.dtype}")
    if volume.dtype.kind not in "iufb":
        raise ValueError(f"the image has dtype {volume.dtype}; it must be integer or real")
    if volume.dtype.kind == "f" and not np.isfinite(volume).all():
        raise ValueError("the image has NaN or infinite intensities; replace them first")
    if volume.dtype.itemsize == 8 and volume.dtype.kind in "iu" and volume.size:
        largest = max(abs(int(volume.min())), abs(int(volume.max())))
        if largest > 2**53:
            raise ValueError(
                f"the image has intensities up to {largest}; double precision cannot represent all "
                "integers above 2**53, so rescale the image first"
            )
    if len(spacing) != 3 or not all(0 < step < np.inf for step in spacing):
        raise ValueError(f"the voxel size must be three lengths above 0 mm; got {tuple(spacing)}")


def check_region(mask, *, fewest_axes=1, more_than=None):
    """Check that a region is large enough for features.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_columns)
    fewest_axes : int
        ``minimumROIDimensions``: minimum number of axes with extent; a single voxel never passes.
    more_than : int or None
        ``minimumROISize``: a number of voxels that the region must exceed.

    Returns
    -------
    tuple of slice
        The region's `bounding_box`.
    """
    if not mask.any():
        raise ValueError("the mask is empty: it has no voxel of the region's label")
    box = bounding_box(mask)
    n_voxels = int(np.count_nonzero(mask[box]))
    n_axes = sum(side.stop - side.start > 1 for side in box)
    if n_axes < max(1, fewest_axes):
        raise ValueError(
            f"the region has {n_voxels} voxels and extends along {n_axes} of 3 axes; "
            f"minimumROIDimensions={fewest_axes} requires more (a single voxel never passes)"
        )
    if more_than is not None and n_voxels <= more_than:
        raise ValueError(
            f"the region has {n_voxels} voxels; minimumROISize={more_than} requires more than that"
        )
    return box


def bounding_box(mask):
    """Return the smallest box with all voxels of a non-empty mask, as slices along (z, y, x)."""
    slices = mask.any(axis=(1, 2))
    first, last = np.flatnonzero(slices)[[0, -1]]
    # Most slices of a brain have no tumour, so the other two axes can skip them.
    shadow = mask[first : last + 1].any(axis=0)
    places = map(np.flatnonzero, (slices, shadow.any(axis=1), shadow.any(axis=0)))
    return tuple(slice(int(along[0]), int(along[-1]) + 1) for along in places)
