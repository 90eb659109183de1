"""Maximal correlation coefficient of the small co-occurrence matrices around a voxel."""

import numpy as np

from sklidh.radiomics._maximal_correlation import EPSILON, SMALL, _by_lanczos
from sklidh.utils import kernel

# Up to this number of levels, a full matrix is squared faster than its eigenvector is found.
FEW_LEVELS = 10
MOST_SQUARINGS = 26


@kernel(error_model="numpy")
def coefficient_of_pairs(
    a, b, weight, n, n_levels, symmetrical, number, root, counts, margins, squares
):
    """Return the maximal correlation coefficient of one matrix, given by its pairs of ranks.

    Levels whose pairs do not lead from one to the other have coefficient 1, and a single level has
    0: the matrix has zeros for the region's other levels.
    """
    for r in range(n_levels):
        number[r] = -1
    m = 0
    for e in range(n):
        for r in (a[e], b[e]):
            if number[r] < 0:
                number[r] = m
                m += 1
    if m == 1:
        return 0.0
    for i in range(m):
        margins[0, i] = margins[1, i] = 0
        root[i], root[m + i] = i, m + i
        for j in range(m):
            counts[i, j] = 0
    n_parts = 0
    for e in range(n):
        i, j, w = number[a[e]], number[b[e]], weight[e]
        for _ in range(1 + symmetrical):
            # Rows are nodes 0, 1, ..., columns follow; a pair joins a row and a column.
            n_parts += (margins[0, i] == 0) + (margins[1, j] == 0)
            counts[i, j] += w
            margins[0, i] += w
            margins[1, j] += w
            row, column = _root(root, i), _root(root, m + j)
            n_parts -= row != column
            root[row] = column
            i, j = j, i
    if n_parts > 1:
        return 1.0
    if m > FEW_LEVELS:
        return _by_lanczos(counts[:m, :m].copy(), False)
    return _by_squaring(counts, margins, m, squares)


@kernel(error_model="numpy")
def _by_squaring(counts, margins, m, squares):
    """Return the square root of the second eigenvalue of Q, for few levels.

    S(i, j) = p(i, j) / sqrt(px(i) py(j)) has the same eigenvalues in S S^T, and 1 belongs to
    sqrt(px), which is subtracted. Squared again and again, what is left becomes the projection on
    the eigenvector of its largest eigenvalue.
    """
    px, py = margins
    total = px[:m].sum()
    matrix, now, then = squares
    rarest_x = rarest_y = total
    for i in range(m):
        rarest_x = min(rarest_x, px[i]) if px[i] > 0 else rarest_x
        rarest_y = min(rarest_y, py[i]) if py[i] > 0 else rarest_y
    if rarest_x * rarest_y < EPSILON / SMALL * total * total:
        return -1.0
    trace = 0.0
    for i in range(m):
        for j in range(i + 1):
            matrix[i, j] = 0.0
            if px[i] > 0 and px[j] > 0:
                product = 0.0
                for k in range(m):
                    if py[k] > 0:
                        product += counts[i, k] * counts[j, k] / py[k]
                root = np.sqrt(px[i] * px[j])
                matrix[i, j] = product / root - root / total
            matrix[j, i] = matrix[i, j]
        trace += matrix[i, i]
    if trace < 1e-15:
        return 0.0
    for i in range(m):
        for j in range(m):
            now[i, j] = matrix[i, j] / trace
    for _ in range(MOST_SQUARINGS):
        square = 0.0
        for i in range(m):
            for j in range(i + 1):
                product = 0.0
                for k in range(m):
                    product += now[i, k] * now[j, k]
                then[i, j] = product
            square += then[i, i]
        for i in range(m):
            for j in range(i + 1):
                now[i, j] = now[j, i] = then[i, j] / square
        if square > 1 - 1e-12:
            break
    at = 0
    for i in range(m):
        at = i if now[i, i] > now[at, at] else at
    length = quotient = 0.0
    for i in range(m):
        length += now[i, at] * now[i, at]
        for j in range(m):
            quotient += now[i, at] * matrix[i, j] * now[j, at]
    return np.sqrt(max(quotient / length, 0.0))


@kernel(error_model="numpy")
def _root(root, at):
    while root[at] != at:
        at = root[at]
    return at
