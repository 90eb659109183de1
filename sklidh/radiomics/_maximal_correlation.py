"""Maximal correlation coefficient of a co-occurrence matrix, without all its eigenvalues."""

import numpy as np

from sklidh.utils import kernel

EPSILON = np.spacing(1.0)
# Residual of the eigenvector; the eigenvalue's error goes with its square.
SETTLED = 1e-7
# Largest share of epsilon in a denominator of Q for which its effect is of first order.
SMALL = 1e-3


def maximal_correlation(p):
    """Square root of the second largest eigenvalue of Q (Haralick's 14th feature).

    Q(i, j) = sum over k of p(i, k) p(j, k) / (px(i) py(k) + epsilon), as PyRadiomics has it.

    Parameters
    ----------
    p : ndarray of float64, shape (n_levels, n_levels)
        Joint probabilities; sums to 1.

    Returns
    -------
    float
        1 for a single grey level.
    """
    if len(p) < 2:
        return 1.0
    px, py = p.sum(1), p.sum(0)
    rarest = px.min(where=px > 0, initial=1) * py.min(where=py > 0, initial=1)
    if rarest * SMALL < EPSILON:
        return _by_definition(p, px, py)
    return _by_lanczos(p)


def _by_definition(p, px, py):
    """Compute all eigenvalues of Q: where weights make levels so rare that epsilon decides."""
    q = np.zeros_like(p)
    for k in range(len(p)):
        q += np.outer(p[:, k], p[:, k]) / (px * py[k] + EPSILON)[:, None]
    return np.sqrt(max(np.sort(np.linalg.eigvals(q).real)[-2], 0.0))


@kernel
def _by_lanczos(p):
    """Find the second eigenvalue alone.

    But for epsilon, Q is similar to S S^T with S(i, j) = p(i, j) / sqrt(px(i) py(j)): symmetric,
    its largest eigenvalue 1 with the vector sqrt(px). To first order, the effect of epsilon on an
    eigenvalue is that of the change of Q seen through the left and right eigenvectors.
    """
    n = len(p)
    px, py = np.zeros(n), np.zeros(n)
    for i in range(n):
        for j in range(n):
            px[i] += p[i, j]
            py[j] += p[i, j]
    root_x = np.sqrt(px)
    over_x, over_y = _inverse(root_x), _inverse(np.sqrt(py))
    s = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            s[i, j] = p[i, j] * over_x[i] * over_y[j]
    vector = second_eigenvector(s, root_x)
    right, left = np.zeros(n), np.zeros(n)
    for i in range(n):
        for j in range(n):
            right[j] += vector[i] * over_x[i] * p[i, j]
            left[j] += vector[i] * root_x[i] * (p[i, j] / (px[i] * py[j] + EPSILON))
    return np.sqrt(max(_dot(left, right), 0.0))


@kernel
def _inverse(x):
    result = np.zeros(x.size)
    for i in range(x.size):
        if x[i] > 0:
            result[i] = 1 / x[i]
    return result


@kernel
def second_eigenvector(s, first):
    """Eigenvector of the largest eigenvalue of S S^T among those orthogonal to `first`.

    Lanczos: in the space that S S^T spans from a start vector it is a tridiagonal matrix, whose
    largest eigenvalue settles after a few steps. The basis is kept orthogonal to all before it and
    to `first`; after n - 1 steps the space is complete.
    """
    n = first.size
    basis = np.zeros((n - 1, n))
    diagonal, beside = np.zeros(n - 1), np.zeros(n - 1)
    new = np.empty(n)
    for i in range(n):  # a start that no eigenvector is orthogonal to, the same every time
        new[i] = np.sin((i + 1.0) ** 2)
    steps = 0
    while steps < n - 1:
        for _ in range(2):  # once more, for what rounding left
            _remove(first, new)
            for earlier in range(steps):
                _remove(basis[earlier], new)
        length = np.sqrt(_dot(new, new))
        if length < 1e-13:
            break
        if steps > 0:
            beside[steps - 1] = length
            if steps % 8 == 0 and length * abs(_top(diagonal[:steps], beside)[-1]) < SETTLED:
                break
        for i in range(n):
            basis[steps, i] = new[i] / length
        _multiply(s, basis[steps], new)
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


@kernel
def _multiply(s, x, result):
    """Put S S^T x into `result`."""
    half = np.zeros(x.size)
    for i in range(x.size):
        for j in range(x.size):
            half[j] += s[i, j] * x[i]
    for i in range(x.size):
        result[i] = _dot(s[i], half)


@kernel
def _remove(direction, vector):
    part = _dot(direction, vector)
    for i in range(vector.size):
        vector[i] -= part * direction[i]


@kernel(error_model="numpy")
def _top(diagonal, beside):
    """Unit eigenvector of the largest eigenvalue of a symmetric tridiagonal matrix T.

    Newton's method on the characteristic polynomial comes down to its largest root x from any bound
    above it: the pivots q(i) of T - x I are negative there, and p'/p is the sum of q'/q. Inverse
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
        return vector / np.sqrt(n)  # T is zero, and every vector belongs to its eigenvalue
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
