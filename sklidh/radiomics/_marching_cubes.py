"""The surface of a mask as triangles: marching cubes with vertices at the middle of edges."""

from functools import lru_cache

import numpy as np

from sklidh.utils import kernel

# Corners (z, y, x) of a cube, in the order of the bits of its configuration.
CORNERS = np.array(
    [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0)]
)
# The edges between corners; a surface cuts an edge at its middle.
EDGES = [
    (0, 1),
    (1, 2),
    (2, 3),
    (3, 0),
    (4, 5),
    (5, 6),
    (6, 7),
    (7, 4),
    (0, 4),
    (1, 5),
    (2, 6),
    (3, 7),
]

# For each configuration of corners 0 to 6 inside the mask, its triangles as triples of edges (in
# hexadecimal). The surface area depends on how polygons are split into triangles, which Lorensen
# and Cline 1987 leave open; the split here is that of PyRadiomics 3.0.1. Configurations with corner
# 7 inside are the complement with the normals reversed.
TRIANGLES = (
    "- 083 190 183198 12a 08312a 92a029 2832a8a98 "
    "b23 b2008b 190b23 b2119b98b 3a1ba3 a1008a8ba 9033b9ba9 98aba8 "
    "478 043473 190478 194147173 12a478 34730412a 92a902478 2a9297273479 "
    "478b23 b47b24204 190478b23 47b94bb29192 3a1ba3478 ba114b10447b 4789033b9ba9 47b4b99ba "
    "954 954083 054015 854835315 12a954 08312a954 2a5542240 2a5325354834 "
    "954b23 b2008b954 054015b23 215258b28548 3a1ba3954 549a1008a8ba 54050ba5bb03 548a58ba8 "
    "789579 309539357 780017715 157173 78957912a 12a309395357 0288258572a5 2a5253357 "
    "579789b23 579972209b27 b23018178157 21b17b157 7895793a1ba3 5705097b0a10ba0 ba003ba50078570 "
    "ba557b "
    "65a 08365a 19065a 18319865a 165126 165126083 965906026 598582526832 "
    "b2365a b2008b65a 190b2365a b2119b98b65a 63b653513 08b0b50515b6 63b036065059 65969bb98 "
    "47865a 04347365a 19047865a 19414717365a 478165126 043473165126 478965906026 739479329596269 "
    "b2347865a b47b2420465a 190b2347865a 47b94bb2919265a 47863b653513 51b5b610b47b04b "
    "47863b036065059 65969b4797b9 "
    "a4964a a4964a083 01aa60640 18316886461a 149124264 149124264083 024426 832824426 "
    "b23a4964a b2008ba4964a b2301aa60640 64161a148b2118b 964369139b63 18b081b61149641 63b036640 "
    "86468b "
    "67a78a89a 67a0a709a073 67a1a7178018 67a1a7173 126168189678 269129679309739 078706602 273267 "
    "b2367a78a89a 207b2709767a9a7 67a1a7178018b23 b2117ba61167 896678169b63136 09167b "
    "07870603bb60 67b"
).split()


def surface(mask, spacing):
    """Return the area of the surface and the volume it encloses.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_columns)
        With one voxel of background on every side.
    spacing : sequence of float
        Voxel size along (z, y, x), mm.

    Returns
    -------
    area : float
        mm2.
    volume : float
        mm3.
    """
    area_of, volume_of, shift_of = _configurations(tuple(spacing))
    count, place = _tally(mask.view(np.uint8))
    # Gauss: six times the volume is the sum over triangles of det(a, b, c), from any origin. Moving
    # a cube's triangles to its position adds the position times a sum stored in the table.
    volume = count @ volume_of + (place * shift_of).sum(0) @ spacing
    return count @ area_of, abs(volume) / 6


@kernel
def _tally(mask):
    """Return how often each configuration occurs, and the sum of its positions (z, y, x)."""
    count, place = np.zeros(256), np.zeros((256, 3))
    for z in range(np.uint64(mask.shape[0] - 1)):
        for y in range(np.uint64(mask.shape[1] - 1)):
            # The four lines of a row of cubes, with corners in the order of `CORNERS`.
            a, b = mask[z, y], mask[z, y + np.uint64(1)]
            c, d = mask[z + np.uint64(1), y], mask[z + np.uint64(1), y + np.uint64(1)]
            left = a[0] | b[0] << 3 | c[0] << 4 | d[0] << 7
            for x in range(np.uint64(a.size - 1)):
                n = x + np.uint64(1)
                right = a[n] | b[n] << 3 | c[n] << 4 | d[n] << 7
                # The right face of one cube is the left face of the next, in other bits.
                cube = left | (a[n] << 1 | b[n] << 2 | c[n] << 5 | d[n] << 6)
                left = right
                if 0 < cube < 255:
                    count[cube] += 1
                    place[cube, 0] += z
                    place[cube, 1] += y
                    place[cube, 2] += x
    return count, place


@lru_cache(maxsize=64)
def _configurations(spacing):
    """Return area, determinant sum and its change with position for each of 256 configurations."""
    middle = np.array([(CORNERS[a] + CORNERS[b]) / 2 for a, b in EDGES]) * np.asarray(spacing)
    edges = np.array([int(edge, 16) for edge in "".join(TRIANGLES[1:])]).reshape(-1, 3)
    owner = np.repeat(np.arange(1, 128), [len(edges) // 3 for edges in TRIANGLES[1:]])
    a, b, c = middle[edges[:, 0]], middle[edges[:, 1]], middle[edges[:, 2]]
    area, volume, shift = np.zeros(256), np.zeros(256), np.zeros((256, 3))
    np.add.at(area, owner, np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)
    np.add.at(volume, owner, (np.cross(a, b) * c).sum(1))
    np.add.at(shift, owner, np.cross(a, b) + np.cross(b, c) + np.cross(c, a))
    # The complement has the same triangles with reversed orientation.
    return area + area[::-1], volume - volume[::-1], shift - shift[::-1]


def surface_vertices(mask):
    """Return where the surface cuts the edges of the grid, in half voxels.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_columns)
        With one voxel of background on every side.

    Returns
    -------
    ndarray of int64, shape (n_vertices, 3)
        Twice the index along (z, y, x): exactly one of the three is odd.
    """
    # No voxel has more than six faces; memory that is never written costs nothing.
    vertices = np.empty((6 * np.count_nonzero(mask), 3), np.int64)
    return vertices[: _list_crossings(mask, vertices)]


@kernel
def _list_crossings(mask, vertices):
    found = 0
    for z in range(mask.shape[0] - 1):
        for y in range(mask.shape[1] - 1):
            for x in range(mask.shape[2] - 1):
                here = mask[z, y, x]
                # Assigned one number at a time: assigning a row takes numba two seconds to compile.
                for axis, beyond in enumerate(
                    (mask[z + 1, y, x], mask[z, y + 1, x], mask[z, y, x + 1])
                ):
                    if beyond == here:
                        continue
                    vertices[found, 0] = 2 * z
                    vertices[found, 1] = 2 * y
                    vertices[found, 2] = 2 * x
                    vertices[found, axis] += 1
                    found += 1
    return found
