"""Maximal correlation coefficient of a co-occurrence matrix, without computing all eigenvalues."""

import numpy as np

from sklidh.utils import kernel

EPSILON = np.spacing(1.0)
# Residual of the eigenvector; the eigenvalue's error is its square.
SETTLED = 1e-7
# Largest fraction of epsilon in a denominator of Q for which a first-order correction suffices.
SMALL = 1e-3


@kernel
def list_pairs(counts, symmetrical):
    """Return the pairs of levels that occur: a co-occurrence matrix without its zeros.

    Parameters
    ----------
    counts : ndarray, shape (n_levels, n_levels)
    symmetrical : bool
        Whether each pair is counted in both orders.

    Returns
    -------
    start : ndarray of int64, shape (n_levels + 1,)
        Pairs of level i with levels from i up are at start[i] to start[i + 1].
    column : ndarray of uint32, shape (n_pairs,)
        The other level, j.
    upper, lower : ndarray of float64, shape (n_pairs,)
        p(i, j) and p(j, i), the latter 0 on the diagonal; together they sum to 1.
    """
    n = counts.shape[0]
    start = np.zeros(n + 1, np.int64)
    column = np.empty(n * (n + 1) // 2, np.uint32)
    upper, lower = np.empty(column.size), np.empty(column.size)
    found = 0
    total = 0 * counts[0, 0]
    for i in range(np.uint64(n)):
        for j in range(i, np.uint64(n)):
            # Always written, and overwritten by the next pair if zero, which avoids a branch.
            above, below = counts[i, j], counts[j, i] * (j > i)
            column[found], upper[found], lower[found] = j, above, below
            found += np.int64(above + below > 0)
            total += above + below
        start[i + 1] = found
    column, upper, lower = column[:found], upper[:found], lower[:found]
    for i in range(n):
        for e in range(start[i], start[i + 1]):
            if symmetrical and column[e] > i:
                upper[e] = lower[e] = (upper[e] + lower[e]) / 2
            upper[e] /= total
            lower[e] /= total
    return start, column, upper, lower


def maximal_correlation(counts, symmetrical=False):
    """Return the square root of the second largest eigenvalue of Q (Haralick's 14th feature).

    Q(i, j) = sum over k of p(i, k) p(j, k) / (px(i) py(k) + epsilon), as in PyRadiomics.

    Parameters
    ----------
    counts : ndarray, shape (n_levels, n_levels)
        Pairs, not all 0.
    symmetrical : bool, default=False
        Whether each pair is counted in both orders.

    Returns
    -------
    float
        1 for a single grey level.
    """
    if len(counts) < 2:
        return 1.0
    found = _by_lanczos(counts, symmetrical)
    return _by_definition(counts + counts.T if symmetrical else counts) if found < 0 else found


def _by_definition(counts):
    """Compute all eigenvalues of Q, for levels so rare (due to weights) that epsilon matters."""
    p = counts / counts.sum()
    px, py = p.sum(1), p.sum(0)
    q = np.zeros_like(p)
    for k in range(len(p)):
        q += np.outer(p[:, k], p[:, k]) / (px * py[k] + EPSILON)[:, None]
    return np.sqrt(max(np.sort(np.linalg.eigvals(q).real)[-2], 0.0))


@kernel
def margins(start, column, upper, lower):
    """Return the row and column sums of a listed matrix."""
    px, py = np.zeros(start.size - 1), np.zeros(start.size - 1)
    for i in range(px.size):
        for e in range(start[i], start[i + 1]):
            px[i] += upper[e]
            py[column[e]] += upper[e]
            px[column[e]] += lower[e]
            py[i] += lower[e]
    return px, py


@kernel
def _by_lanczos(counts, symmetrical):
    """Find the second eigenvalue only; return -1 if levels are so rare that epsilon matters.

    Except for epsilon, Q is similar to S S^T with S(i, j) = p(i, j) / sqrt(px(i) py(j)), which is
    symmetric with largest eigenvalue 1 and eigenvector sqrt(px). To first order, epsilon changes an
    eigenvalue by the change of Q projected on the left and right eigenvectors.
    """
    n = counts.shape[0]
    start, column, upper, lower = list_pairs(counts, symmetrical)
    px, py = margins(start, column, upper, lower)
    rarest_x = rarest_y = 1.0
    for i in range(n):
        rarest_x = min(rarest_x, px[i]) if px[i] > 0 else rarest_x
        rarest_y = min(rarest_y, py[i]) if py[i] > 0 else rarest_y
    if rarest_x * rarest_y * SMALL < EPSILON:
        return -1.0
    root_x = np.sqrt(px)
    over_x, over_y = _inverse(root_x), _inverse(np.sqrt(py))
    above, below = np.empty(upper.size), np.empty(upper.size)
    for i in range(n):
        for e in range(start[i], start[i + 1]):
            above[e] = upper[e] * over_x[i] * over_y[column[e]]
            below[e] = lower[e] * over_x[column[e]] * over_y[i]
    vector = _second_eigenvector(start, column, above, below, root_x)
    right, left = np.zeros(n), np.zeros(n)
    for i in range(n):
        for e in range(start[i], start[i + 1]):
            j = column[e]
            right[j] += vector[i] * over_x[i] * upper[e]
            left[j] += vector[i] * root_x[i] * (upper[e] / (px[i] * py[j] + EPSILON))
            right[i] += vector[j] * over_x[j] * lower[e]
            left[i] += vector[j] * root_x[j] * (lower[e] / (px[j] * py[i] + EPSILON))
    return np.sqrt(max(_dot(left, right), 0.0))


@kernel
def _inverse(x):
    result = np.zeros(x.size)
    for i in range(x.size):
        if x[i] > 0:
            result[i] = 1 / x[i]
    return result


@kernel
def _second_eigenvector(start, column, above, below, first):
    """Return the eigenvector of the largest eigenvalue of S S^T orthogonal to `first`.

    Lanczos: in the space that S S^T spans from a start vector it is a tridiagonal matrix, whose
    largest eigenvalue converges after a few steps. Each basis vector is made orthogonal to the
    previous ones and to `first`; after n - 1 steps the space is complete.
    """
    n = first.size
    basis = np.empty((n - 1, n))
    diagonal, beside = np.zeros(n - 1), np.zeros(n - 1)
    new = np.empty(n)
    for i in range(n):  # fixed start, not orthogonal to any eigenvector
        new[i] = np.sin((i + 1.0) ** 2)
    steps = 0
    while steps < n - 1:
        for _ in range(2):  # twice, to remove rounding errors
            _remove(first, new)
            for earlier in range(steps):
                _remove(basis[earlier], new)
        length = np.sqrt(_dot(new, new))
        if length < 1e-13:
            break
        if steps > 0:
            beside[steps - 1] = length
            if steps % 4 == 0 and length * abs(_top(diagonal[:steps], beside)[-1]) < SETTLED:
                break
        for i in range(n):
            basis[steps, i] = new[i] / length
        half = _transposed(start, column, above, below, basis[steps])
        new = _transposed(start, column, below, above, half)
        diagonal[steps] = _dot(basis[steps], new)
        steps += 1
    vector = np.zeros(n)
    if steps > 0:
        weights = _top(diagonal[:steps], beside)
        for step in range(steps):
            for i in range(n):
                vector[i] += weights[step] * basis[step, i]
    return vector


@kernel(fastmath={"reassoc"})
def _dot(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@kernel(fastmath={"reassoc"})
def _transposed(start, column, above, below, x):
    """Return S^T x for a listed matrix S, or S x if its triangles are swapped."""
    result = np.zeros(x.size)
    for i in range(x.size):
        total = 0.0
        for e in range(np.uint64(start[i]), np.uint64(start[i + 1])):
            result[column[e]] += above[e] * x[i]
            total += below[e] * x[column[e]]
        result[i] += total
    return result


@kernel
def _remove(direction, vector):
    part = _dot(direction, vector)
    for i in range(vector.size):
        vector[i] -= part * direction[i]


@kernel(error_model="numpy")
def _top(diagonal, beside):
    """Return the unit eigenvector of the largest eigenvalue of a symmetric tridiagonal matrix T.

    Newton's method on the characteristic polynomial descends to its largest root x from any upper
    bound: the pivots q(i) of T - x I are negative there, and p'/p is the sum of q'/q. Inverse
    iteration with the same pivots gives the eigenvector.
    """
    n = diagonal.size
    x = 0.0
    for i in range(n):
        left = beside[i - 1] if i > 0 else 0.0
        right = beside[i] if i < n - 1 else 0.0
        x = max(x, diagonal[i] + left + right)
    vector = np.ones(n)
    if x < 1e-15:
        return vector / np.sqrt(n)  # T is zero, so every vector is an eigenvector
    q = np.empty(n)
    settled = False
    while True:
        slope = 0.0
        change = 0.0
        for i in range(n):
            q[i] = diagonal[i] - x
            step = -1.0
            if i > 0:
                coupling = beside[i - 1] * beside[i - 1] / q[i - 1]
                q[i] -= coupling
                step += coupling * change
            change = step / q[i]
            slope += change
        if settled:
            break
        lower = x - 1 / slope
        settled = not lower < x * (1 - 1e-14)
        # Stop just above the root, where the pivots are not zero.
        x = x * (1 + 1e-14) if settled else lower
    for _ in range(3):
        for i in range(1, n):
            vector[i] -= beside[i - 1] / q[i - 1] * vector[i - 1]
        vector[n - 1] /= q[n - 1]
        for i in range(n - 2, -1, -1):
            vector[i] = (vector[i] - beside[i] * vector[i + 1]) / q[i]
        length = np.sqrt(_dot(vector, vector))
        for i in range(n):
            vector[i] /= length
    return vector
