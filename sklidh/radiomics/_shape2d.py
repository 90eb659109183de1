"""Shape features of a region one voxel thick: its form within the plane."""

import math

import numpy as np

from sklidh.radiomics._shape import farthest_pair, principal_variances

# Corners (first, second axis of the plane) of a square, in the order of its configuration's bits;
# a boundary cuts the edge between two corners at its middle.
CORNERS = np.array([(0, 0), (0, 1), (1, 1), (1, 0)])
EDGES = ((0, 1), (1, 2), (2, 3), (3, 0))
# Line segments of each configuration as pairs of edges; opposite corners stay separate (5 and 10).
SEGMENTS = "- 30 01 31 12 1230 02 32 23 20 0123 21 13 10 03 -".split()


def shape2d_features(roi, spacing, flat_axis):
    """Compute the shape features of the region in a plane.

    Parameters
    ----------
    roi : Roi
        One voxel thick along `flat_axis`.
    spacing : sequence of float
        Voxel size along (z, y, x), mm.
    flat_axis : {0, 1, 2}

    Returns
    -------
    dict of str to float
        The 9 features of PyRadiomics (lengths in mm, areas in mm2) and its deprecated one.
    """
    thickness = roi.inside.shape[flat_axis]
    if thickness > 1:
        raise ValueError(
            f"featureClass shape2D: the region is {thickness} voxels thick along "
            f"force2Ddimension={flat_axis}; it describes a region in a single plane"
        )
    mask = np.pad(roi.inside.squeeze(flat_axis), 1)
    steps = np.delete(np.asarray(spacing, float), flat_axis)
    perimeter, area = perimeter_and_area(mask, steps)
    minor, major = principal_variances(roi, spacing)[1:]
    return {
        "MeshSurface": area,
        "PixelSurface": roi.n_voxels * math.prod(steps),
        "Perimeter": perimeter,
        "PerimeterSurfaceRatio": perimeter / area,
        "Sphericity": 2 * math.sqrt(math.pi * area) / perimeter,
        "SphericalDisproportion": perimeter / (2 * math.sqrt(math.pi * area)),
        "MaximumDiameter": farthest_pair(_crossings(mask) * steps / 2),
        "MajorAxisLength": 4 * math.sqrt(major),
        "MinorAxisLength": 4 * math.sqrt(minor),
        "Elongation": math.sqrt(minor / major),
    }


def perimeter_and_area(mask, steps):
    """Return the length of the boundary (marching squares) and the area within it.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_rows, n_columns)
        With one pixel of background on every side.
    steps : ndarray of float, shape (2,)
        Pixel size, mm.

    Returns
    -------
    perimeter : float
        mm.
    area : float
        mm2.
    """
    middle = np.array([(CORNERS[a] + CORNERS[b]) / 2 for a, b in EDGES])
    rows, columns = np.array(mask.shape) - 1
    configuration = sum(
        mask[a : a + rows, b : b + columns].astype(int) << bit for bit, (a, b) in enumerate(CORNERS)
    )
    perimeter = area = 0.0
    for place in np.argwhere((configuration > 0) & (configuration < 15)):
        edges = SEGMENTS[configuration[tuple(place)]]
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            a, b = (place + middle[int(start)]) * steps, (place + middle[int(end)]) * steps
            perimeter += math.dist(a, b)
            area += (a[0] * b[1] - b[0] * a[1]) / 2  # Gauss, from any origin
    return perimeter, abs(area)


def _crossings(mask):
    """Return where the boundary cuts the edges of the grid, in half pixels, shape (n, 2)."""
    down = 2 * np.argwhere(mask[1:] != mask[:-1]) + (1, 0)
    across = 2 * np.argwhere(mask[:, 1:] != mask[:, :-1]) + (0, 1)
    return np.concatenate([down, across])
