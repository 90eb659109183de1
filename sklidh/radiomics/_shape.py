"""Shape features: the form of the region, regardless of intensities."""

import math

import numpy as np

from sklidh.radiomics._marching_cubes import surface, surface_vertices
from sklidh.utils import kernel


def shape_features(roi, spacing):
    """Compute the three-dimensional shape features of the region.

    Parameters
    ----------
    roi : Roi
    spacing : sequence of float
        Voxel size along (z, y, x), mm.

    Returns
    -------
    dict of str to float
        The 14 features of PyRadiomics (lengths in mm, areas in mm2, volumes in mm3) and its three
        deprecated ones. Slice, Column and Row are PyRadiomics' names for the planes of constant z,
        y and x.
    """
    mask = np.pad(roi.inside, 1)
    area, volume = surface(mask, spacing)
    in_slice, in_column, in_row, anywhere = diameters(surface_vertices(mask), spacing)
    least, minor, major = principal_variances(roi, spacing)
    return {
        "MeshVolume": volume,
        "VoxelVolume": roi.n_voxels * math.prod(spacing),
        "SurfaceArea": area,
        "SurfaceVolumeRatio": area / volume,
        "Sphericity": (36 * math.pi * volume**2) ** (1 / 3) / area,
        "Compactness1": volume / (area**1.5 * math.sqrt(math.pi)),
        "Compactness2": 36 * math.pi * volume**2 / area**3,
        "SphericalDisproportion": area / (36 * math.pi * volume**2) ** (1 / 3),
        "Maximum3DDiameter": anywhere,
        "Maximum2DDiameterSlice": in_slice,
        "Maximum2DDiameterColumn": in_column,
        "Maximum2DDiameterRow": in_row,
        "MajorAxisLength": 4 * math.sqrt(major),
        "MinorAxisLength": 4 * math.sqrt(minor),
        "LeastAxisLength": 4 * math.sqrt(least),
        "Elongation": math.sqrt(minor / major),
        "Flatness": math.sqrt(least / major),
    }


def principal_variances(roi, spacing):
    """Return the variances of the voxel positions along the principal axes, mm2, ascending."""
    # Sums over planes replace sums over voxels; this is exact, since all are whole numbers.
    counts = {(a, b): roi.inside.sum(3 - a - b, np.int64) for a, b in ((0, 1), (0, 2), (1, 2))}
    index = [np.arange(size) for size in roi.inside.shape]
    along = counts[0, 1].sum(1), counts[0, 1].sum(0), counts[0, 2].sum(0)
    first = [index[a] @ along[a] for a in range(3)]
    second = np.diag([index[a] ** 2 @ along[a] for a in range(3)])
    for (a, b), count in counts.items():
        second[a, b] = second[b, a] = index[a] @ count @ index[b]
    covariance = second / roi.n_voxels - np.outer(first, first) / roi.n_voxels**2
    return np.linalg.eigvalsh(covariance * np.outer(spacing, spacing)).clip(min=0)


def diameters(vertices, spacing):
    """Return the largest distances between two vertices of the surface.

    Parameters
    ----------
    vertices : ndarray of int64, shape (n_vertices, 3)
        In half voxels, from `surface_vertices`.
    spacing : sequence of float
        Voxel size along (z, y, x), mm.

    Returns
    -------
    tuple of float
        Within a plane of constant z, of constant y, of constant x, and anywhere; mm.
    """
    half = np.asarray(spacing, float) / 2
    within, is_end = [], np.ones(len(vertices), bool)
    for plane, row, along in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        low, high = row_ends(vertices, plane, row, along, is_end)
        within.append(_widest_in_a_plane(low, high, half[row], half[along]))
    return (*within, farthest_pair(vertices[is_end] * half))


@kernel
def row_ends(vertices, plane, row, along, is_end):
    """Return the first and last vertex of each row of each plane, the only ends of diameters.

    Parameters
    ----------
    vertices : ndarray of int64, shape (n_vertices, 3)
    plane, row, along : int
        Axes.
    is_end : ndarray of bool, shape (n_vertices,)
        Set to False for a vertex between two others of its row: along a line, the distance from any
        point is largest at an end.

    Returns
    -------
    low, high : ndarray of int64, shape (n_planes, n_rows)
        `high` is -1 in a row without a vertex.
    """
    n_planes, n_rows = vertices[:, plane].max() + 1, vertices[:, row].max() + 1
    low = np.full((n_planes, n_rows), vertices[:, along].max() + 1)
    high = np.full((n_planes, n_rows), -1)
    for v in range(vertices.shape[0]):
        p, r, a = vertices[v, plane], vertices[v, row], vertices[v, along]
        low[p, r] = min(low[p, r], a)
        high[p, r] = max(high[p, r], a)
    for v in range(vertices.shape[0]):
        p, r, a = vertices[v, plane], vertices[v, row], vertices[v, along]
        is_end[v] &= a == low[p, r] or a == high[p, r]
    return low, high


@kernel
def _widest_in_a_plane(low, high, row_step, along_step):
    """Return the largest distance between row ends in one plane."""
    widest = 0.0
    n_rows = low.shape[1]
    for plane in range(low.shape[0]):
        extent = along_step * (high[plane].max() - low[plane].min())
        for a in range(n_rows):
            if high[plane, a] < 0:
                continue
            for b in range(n_rows - 1, a - 1, -1):
                across = (b - a) * row_step
                if across * across + extent * extent <= widest:
                    break  # the rows between are even closer
                if high[plane, b] < 0:
                    continue
                along = along_step * max(
                    abs(high[plane, b] - low[plane, a]), abs(high[plane, a] - low[plane, b])
                )
                widest = max(widest, across * across + along * along)
    return np.sqrt(widest)


def farthest_pair(points):
    """Return the largest distance between two points, shape (n_points, n_axes).

    Walking repeatedly to the farthest point gives a lower bound; pairs whose summed distances from
    the centre do not exceed it are skipped.
    """
    middle = (points.min(0) + points.max(0)) / 2
    radius = np.sqrt(((points - middle) ** 2).sum(1))
    best, at = 0.0, int(radius.argmax())
    for _ in range(4):
        distance = np.sqrt(((points - points[at]) ** 2).sum(1))
        at = int(distance.argmax())
        best = max(best, distance[at])
    # Few are left to sort.
    far = radius + radius.max() > best
    points, radius = points[far], radius[far]
    order = np.argsort(-radius)
    return _farthest_beyond(points[order], radius[order], best)


@kernel
def _farthest_beyond(points, radius, best):
    for a in range(radius.size):
        for b in range(a):
            if radius[a] + radius[b] <= best:
                break
            d = 0.0
            for axis in range(points.shape[1]):
                d += (points[a, axis] - points[b, axis]) ** 2
            best = max(best, np.sqrt(d))
    return best
