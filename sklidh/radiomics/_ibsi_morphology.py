"""IBSI morphology: the shape of the region, and how its intensities are distributed in it."""

import math

import numpy as np
from scipy.fft import dctn, fft, next_fast_len, rfft
from scipy.spatial import ConvexHull

from sklidh.radiomics._marching_cubes import surface, surface_vertices
from sklidh.radiomics._shape import farthest_pair, principal_variances, row_ends
from sklidh.utils import kernel


def morphology_features(shape_roi, roi, values, spacing, *, spatial=True):
    """Compute the 25 morphological features for which IBSI has consensus values.

    Parameters
    ----------
    shape_roi : Roi
        Region of the morphological mask.
    roi : Roi
        Region of the intensity mask.
    values : ndarray of float64, shape (n_voxels,)
        Intensities of `roi`.
    spacing : sequence of float
        Voxel size along (z, y, x), mm.
    spatial : bool
        Whether to compute Moran's I and Geary's C, which cost more than all others combined.

    Returns
    -------
    dict of str to float
    """
    mask = np.pad(shape_roi.inside, 1)
    area, volume = surface(mask, spacing)
    vertices = surface_vertices(mask)
    is_end = np.ones(len(vertices), bool)
    for axes in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        row_ends(vertices, *axes, is_end)
    hull = ConvexHull(vertices[is_end] * (np.asarray(spacing) / 2))
    # IBSI divides a covariance by N - 1.
    n = shape_roi.n_voxels
    variances = principal_variances(shape_roi, spacing) * (n / max(n - 1, 1))
    least, minor, major = 2 * np.sqrt(variances)  # semi-axes
    depth, height, width = np.array(shape_roi.inside.shape) * spacing
    ball = (36 * math.pi * volume**2) ** (1 / 3)  # area of the sphere of equal volume
    moran, geary = autocorrelations(roi, values, spacing) if spatial else (np.nan, np.nan)
    # A region one voxel thick has no ellipsoid volume; one voxel wide, no ellipsoid area either.
    ellipsoid = 4 / 3 * math.pi * major * minor * least or np.nan
    return {
        "volume": volume,
        "vol_approx": n * math.prod(spacing),
        "area_mesh": area,
        "av": area / volume,
        "comp_1": volume / (math.sqrt(math.pi) * area**1.5),
        "comp_2": 36 * math.pi * volume**2 / area**3,
        "sph_dispr": area / ball,
        "sphericity": ball / area,
        "asphericity": area / ball - 1,
        "com": _shift_of_centre(shape_roi, roi, values, spacing),
        "diam": farthest_pair(hull.points[hull.vertices]),
        "pca_maj_axis": 2 * major,
        "pca_min_axis": 2 * minor,
        "pca_least_axis": 2 * least,
        "pca_elongation": minor / major,
        "pca_flatness": least / major,
        "vol_dens_aabb": volume / (depth * height * width),
        "area_dens_aabb": area / (2 * (depth * height + depth * width + height * width)),
        "vol_dens_aee": volume / ellipsoid,
        "area_dens_aee": area / (ellipsoid_area(major, minor, least) or np.nan),
        "vol_dens_conv_hull": volume / hull.volume,
        "area_dens_conv_hull": area / hull.area,
        "integ_int": values.mean() * volume,
        "moran_i": moran,
        "geary_c": geary,
    }


def ellipsoid_area(a, b, c):
    """Return the area of an ellipsoid with semi-axes a >= b >= c, approximated as in IBSI's manual.

    4 pi a b times the sum over n to 20 of (u v)^n P_n((u^2 + v^2) / (2 u v)) / (1 - 4 n^2), with
    P_n Legendre's polynomials, u^2 = 1 - b^2 / a^2 and v^2 = 1 - c^2 / a^2. It is below the true
    area (by 4 % for the digital phantom), but the consensus values use this series.
    """
    half, product = 1 - (b**2 + c**2) / (2 * a**2), (1 - b**2 / a**2) * (1 - c**2 / a**2)
    before, term, total = 0.0, 1.0, 1.0  # (u v)^n P_n, by recurrence: u v may be 0
    for n in range(20):
        before, term = term, ((2 * n + 1) * half * term - n * product * before) / (n + 1)
        total += term / (1 - 4 * (n + 1) ** 2)
    return 4 * math.pi * a * b * total


def _shift_of_centre(shape_roi, roi, values, spacing):
    box = np.zeros(roi.inside.shape)
    box[roi.inside] = values
    of_shape = _centre(shape_roi.inside, shape_roi.n_voxels) + _corner(shape_roi)
    of_intensity = _centre(box, values.sum() or np.nan) + _corner(roi)
    return float(np.linalg.norm((of_shape - of_intensity) * spacing))


def _centre(box, total):
    planes = box.sum((1, 2)), box.sum((0, 2)), box.sum((0, 1))
    return np.array([np.arange(along.size) @ along for along in planes]) / total


def _corner(roi):
    return np.array([side.start for side in roi.box])


def autocorrelations(roi, values, spacing):
    """Return Moran's I and Geary's C, with each pair of voxels weighted by 1 / distance.

    With weights w that depend on distance alone, a sum over all pairs of w f g equals a sum over
    frequencies of W F conj(G), so the cost is little more than a few Fourier transforms.

    Parameters
    ----------
    roi : Roi
    values : ndarray of float64, shape (n_voxels,)
    spacing : sequence of float

    Returns
    -------
    tuple of float
        NaN if the region has only one intensity.
    """
    deviation = values - values.mean()
    total = deviation @ deviation
    if total == 0:
        return np.nan, np.nan
    # Twice the box, so that voxels at opposite ends do not wrap around.
    half = [next_fast_len(n, real=True) for n in roi.inside.shape]
    z, y, x = (np.arange(n + 1) * step for n, step in zip(half, spacing, strict=True))
    distance = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
    distance[0, 0, 0] = np.inf  # no voxel is a pair with itself
    # Symmetric along each axis, as is its transform: only a quarter is stored.
    weights = dctn(1 / distance, type=1)
    weights[..., 1:-1] *= 2  # for frequencies that a real transform omits
    weights /= 8 * math.prod(half)

    def transform(of_voxels):
        box = np.zeros(roi.inside.shape)
        box[roi.inside] = of_voxels
        # Axis by axis, so that the zero padding of one axis is not transformed along another.
        return fft(fft(rfft(box, 2 * half[2], 2), 2 * half[1], 1), 2 * half[0], 0)

    sum_of_weights, products, squares = _sums_over_pairs(
        weights, *(transform(deviation**power) for power in range(3))
    )
    n, differences = values.size, 2 * (squares - products)
    return (
        n / sum_of_weights * products / total,
        (n - 1) / (2 * sum_of_weights) * differences / total,
    )


@kernel(fastmath={"reassoc", "nsz"})
def _sums_over_pairs(weights, ones, first, second):
    """Return the sums of weights, of products of deviations, and of one square per pair."""
    n_z, n_y, n_x = ones.shape
    sum_of_weights = products = squares = 0.0
    for z in range(n_z):
        for y in range(n_y):
            w = weights[min(z, n_z - z), min(y, n_y - y)]
            a, b, c = ones[z, y], first[z, y], second[z, y]
            for x in range(n_x):
                sum_of_weights += w[x] * (a[x].real * a[x].real + a[x].imag * a[x].imag)
                products += w[x] * (b[x].real * b[x].real + b[x].imag * b[x].imag)
                squares += w[x] * (c[x].real * a[x].real + c[x].imag * a[x].imag)
    return sum_of_weights, products, squares
