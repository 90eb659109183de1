"""Local binary patterns in slices and in three dimensions, equal to PyRadiomics'.

PyRadiomics takes the first from scikit-image and the second from trimesh and an old SciPy. Here
neither is needed, and only the region's box is computed.

References
----------
.. [1] Ojala et al., "Multiresolution gray-scale and rotation invariant texture classification with
       local binary patterns", IEEE Trans. Pattern Anal. Mach. Intell. 24(7), 2002.
.. [2] Banerjee et al., "3D LBP-based rotationally invariant region description", ACCV Workshops,
       2012.
"""

import math
from itertools import pairwise

import numpy as np
from scipy.ndimage import map_coordinates, spline_filter
from scipy.special import sph_harm_y

# Distance in voxels beyond which the spline's coefficients have no effect in double precision.
SPLINE_REACH = 32


def lbp_2d_image(volume, roi, *, radius, samples, method, flat_axis):
    """Return the pattern of each voxel of the region's box within its slice.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    roi : Roi
    radius : float
        Of the circle of samples, in voxels (``lbp2DRadius``).
    samples : int
        ``lbp2DSamples``.
    method : {"default", "ror", "uniform", "var"}
        ``lbp2DMethod``.
    flat_axis : {0, 1, 2}
        Axis of (z, y, x) perpendicular to the slices.

    Returns
    -------
    ndarray, shape of the bounding box
        In the data type of the image, as in PyRadiomics: integers are truncated.
    """
    slices = volume.swapaxes(0, flat_axis)
    box = list(roi.box)
    box[0], box[flat_axis] = box[flat_axis], box[0]
    slices = slices[box[0]].astype(np.float64)
    centre = slices[:, box[1], box[2]]
    angles = 2 * np.pi * np.arange(samples, dtype=np.float64) / samples
    # Rounded as in scikit-image, since neighbours often equal the centre but for the last bit.
    rows, columns = np.round(-radius * np.sin(angles), 5), np.round(radius * np.cos(angles), 5)
    texture = [
        _interpolated(slices, box[1:], row, column)
        for row, column in zip(rows, columns, strict=True)
    ]
    signs = [(sample - centre >= 0).astype(np.int64) for sample in texture]
    pattern = _pattern(signs, texture, method)
    if np.isnan(pattern[roi.inside.swapaxes(0, flat_axis)]).any():
        raise ValueError(
            "lbp2DMethod 'var' has no value where all samples around a voxel are equal, as in "
            "uniform background; choose another method"
        )
    if volume.dtype.kind in "iu":
        pattern = np.nan_to_num(pattern).astype(np.int64)
    return np.ascontiguousarray(pattern.astype(volume.dtype).swapaxes(0, flat_axis))


def _interpolated(slices, sides, row, column):
    """Interpolate linearly at an offset from each pixel; 0 beyond the image."""
    low, part = [], []
    for side, offset in zip(sides, (row, column), strict=True):
        at = np.arange(side.start, side.stop) + offset
        low.append(np.floor(at))
        part.append(at - np.floor(at))
    corners = []
    for i in (0, 1):
        for j in (0, 1):
            # Where a sample lies on the grid, its upper neighbour is itself.
            r, c = (
                np.where(p > 0, start + step, start).astype(int)
                for p, start, step in zip(part, low, (i, j), strict=True)
            )
            values = slices[:, r.clip(0, slices.shape[1] - 1)][:, :, c.clip(0, slices.shape[2] - 1)]
            inside = ((r >= 0) & (r < slices.shape[1]))[:, None]
            inside = inside & (c >= 0) & (c < slices.shape[2])
            corners.append(np.where(inside, values, 0.0))
    down, right = part[0][:, None], part[1]
    top = (1 - right) * corners[0] + right * corners[1]
    bottom = (1 - right) * corners[2] + right * corners[3]
    return (1 - down) * top + down * bottom


def _pattern(signs, texture, method):
    n = len(signs)
    if method in ("default", "ror"):
        pattern = sum(sign << i for i, sign in enumerate(signs))
        turned = pattern
        for _ in range(n - 1 if method == "ror" else 0):
            turned = (turned >> 1) | ((turned & 1) << (n - 1))
            pattern = np.minimum(pattern, turned)
        return pattern.astype(np.float64)
    if method == "uniform":
        changes = sum(np.abs(a - b) for a, b in pairwise(signs))
        return np.where(np.asarray(changes) <= 2, sum(signs), n + 1).astype(np.float64)
    variance = (sum(sample**2 for sample in texture) - sum(texture) ** 2 / n) / n
    return np.where(variance == 0, np.nan, variance)


def lbp_3d_images(volume, roi, *, levels, radius, subdivision):
    """Return the power of each voxel's spherical pattern per degree, and the samples' kurtosis.

    Parameters
    ----------
    volume : ndarray, shape (n_slices, n_rows, n_columns)
    roi : Roi
    levels : int
        Number of degrees of the spherical harmonics (``lbp3DLevels``).
    radius : float
        Of the sphere of samples, in voxels (``lbp3DIcosphereRadius``).
    subdivision : int
        ``lbp3DIcosphereSubdivision``.

    Yields
    ------
    ndarray of float64, shape of the bounding box
        Degree by degree, then the kurtosis; 0 outside the region.
    """
    vertices = icosphere(subdivision, radius)
    margin = math.ceil(radius) + SPLINE_REACH
    around = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in roi.box)
    coefficients = spline_filter(volume[around], order=3, output=np.float64)
    places = roi.coordinates.T + np.array(
        [[side.start - part.start] for side, part in zip(roi.box, around, strict=True)]
    )
    # In the image's data type, as in PyRadiomics: integers are rounded.
    sampled = np.array(
        [
            map_coordinates(
                coefficients, places + vertex[:, None], volume.dtype, order=3, prefilter=False
            )
            for vertex in vertices
        ]
    )
    signs = (sampled >= volume[roi.box][roi.inside]).astype(np.float64)
    for harmonics in _harmonics(vertices, radius, levels):
        coefficient = signs.T @ harmonics
        power = np.einsum("pi,ij,pj->p", coefficient, harmonics.T @ harmonics, coefficient)
        yield _placed(np.sqrt(power).real, roi)
    yield _placed(_kurtosis(sampled.astype(np.float64)), roi)


def _harmonics(vertices, radius, levels):
    # PyRadiomics passes the polar angle as the azimuth and the azimuth as the polar angle.
    polar, azimuth = np.arccos(vertices[:, 2] / radius), np.arctan2(vertices[:, 1], vertices[:, 0])
    for n in range(levels):
        yield np.column_stack([sph_harm_y(n, m, np.abs(azimuth), polar) for m in range(-n, n + 1)])


def _kurtosis(sampled):
    """Return the excess kurtosis of each column; -3 where all samples are equal."""
    deviation = sampled - sampled.mean(axis=0)
    second, fourth = (deviation**2).mean(axis=0), (deviation**4).mean(axis=0)
    flat = second == 0
    return np.where(flat, 0.0, fourth / np.where(flat, 1.0, second) ** 2) - 3


def _placed(values, roi):
    image = np.zeros(roi.inside.shape)
    image[roi.inside] = values
    return image


def icosphere(subdivisions, radius):
    """Return the vertices of an icosahedron whose edges are halved, and moved onto a sphere.

    Returns
    -------
    ndarray, shape (10 * 4**subdivisions + 2, 3)
    """
    golden = (1 + math.sqrt(5)) / 2
    vertices = np.array(
        [np.roll((0, a, b * golden), shift) for shift in range(3) for a in (-1, 1) for b in (-1, 1)]
    )
    vertices *= radius / np.linalg.norm(vertices[0])
    for _ in range(subdivisions):
        distance = np.linalg.norm(vertices[:, None] - vertices, axis=2)
        # The edges of a subdivided triangle differ by less than a third.
        shortest = np.where(distance > 0, distance, np.inf).min()
        pairs = np.argwhere(np.triu(distance < 1.35 * shortest, 1))
        middle = vertices[pairs].mean(axis=1)
        middle *= radius / np.linalg.norm(middle, axis=1, keepdims=True)
        vertices = np.vstack([vertices, middle])
    return vertices
