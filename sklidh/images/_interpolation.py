"""Linear interpolation between the voxels of an image."""

from sklidh.utils import kernel


@kernel
def interpolate(moving, x, y, z):
    """Return the intensity at a position within the image, in voxels, and its three derivatives."""
    depth, height, width = moving.shape
    # The last voxel belongs to the cell before it, so that it has a neighbour.
    j, k, m = min(int(x), width - 2), min(int(y), height - 2), min(int(z), depth - 2)
    u, v, w = x - j, y - k, z - m
    near_low = moving[m, k, j] * (1 - u) + moving[m, k, j + 1] * u
    near_high = moving[m, k + 1, j] * (1 - u) + moving[m, k + 1, j + 1] * u
    far_low = moving[m + 1, k, j] * (1 - u) + moving[m + 1, k, j + 1] * u
    far_high = moving[m + 1, k + 1, j] * (1 - u) + moving[m + 1, k + 1, j + 1] * u
    near, far = near_low * (1 - v) + near_high * v, far_low * (1 - v) + far_high * v
    along_x = (
        (moving[m, k, j + 1] - moving[m, k, j]) * (1 - v)
        + (moving[m, k + 1, j + 1] - moving[m, k + 1, j]) * v
    ) * (1 - w) + (
        (moving[m + 1, k, j + 1] - moving[m + 1, k, j]) * (1 - v)
        + (moving[m + 1, k + 1, j + 1] - moving[m + 1, k + 1, j]) * v
    ) * w
    along_y = (near_high - near_low) * (1 - w) + (far_high - far_low) * w
    return near * (1 - w) + far * w, along_x, along_y, far - near


@kernel
def sample_affinely(voxels, matrix, shift, out):
    """Sample an image on another grid.

    Parameters
    ----------
    voxels : ndarray of float32 of shape (n_z, n_y, n_x)
        Two or more along every axis.
    matrix : ndarray of float64 of shape (3, 3)
    shift : ndarray of float64 of shape (3,)
        ``matrix @ index + shift`` is where a voxel of `out` lies in `voxels`, x first.
    out : ndarray of float32 of shape (m_z, m_y, m_x)
        Voxels that fall more than half a voxel outside keep their value; nearer ones take the
        border voxel's intensity.
    """
    depth, height, width = voxels.shape
    for k in range(out.shape[0]):
        for j in range(out.shape[1]):
            x0 = matrix[0, 1] * j + matrix[0, 2] * k + shift[0]
            y0 = matrix[1, 1] * j + matrix[1, 2] * k + shift[1]
            z0 = matrix[2, 1] * j + matrix[2, 2] * k + shift[2]
            for i in range(out.shape[2]):
                x, y, z = matrix[0, 0] * i + x0, matrix[1, 0] * i + y0, matrix[2, 0] * i + z0
                if not (
                    -0.5 <= x <= width - 0.5
                    and -0.5 <= y <= height - 0.5
                    and -0.5 <= z <= depth - 0.5
                ):
                    continue
                x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
                z = min(max(z, 0.0), depth - 1.0)
                a, b, c = min(int(x), width - 2), min(int(y), height - 2), min(int(z), depth - 2)
                u, v, w = x - a, y - b, z - c
                total = 0.0
                for dz in range(2):
                    for dy in range(2):
                        left, right = voxels[c + dz, b + dy, a], voxels[c + dz, b + dy, a + 1]
                        share = (v if dy else 1 - v) * (w if dz else 1 - w)
                        total += (left + (right - left) * u) * share
                out[k, j, i] = total
