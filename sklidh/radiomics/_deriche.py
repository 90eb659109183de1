"""Recursive Gaussian filtering of lines, with the same bits as ITK.

References
----------
.. [1] Deriche, "Recursively implementing the Gaussian and its derivatives", INRIA 1893, 1993.
.. [2] Farnebäck and Westin, "Improving Deriche-style recursive Gaussian filters", J. Math. Imaging
       Vis. 26, 2006.
"""

import math

import numpy as np

from sklidh.utils import kernel

# Lines are filtered side by side, so that each step of the recursion fills vector registers:
# voxel i of line k is at place i * LINES + k.
LINES = 48
# One to four voxels further along such lines. Unsigned, like every index where speed matters:
# negative indices count from the end, and the test for them prevents vectorisation.
ONE, TWO, THREE, FOUR = (np.uint64(steps * LINES) for steps in range(1, 5))
# Steps of the recursion per iteration; the recursion looks back at the same number of voxels.
BLOCK = 4

# A Gaussian as a sum of two damped cosines (decay, frequency, cosine and sine amplitudes), and its
# second derivative in the same form: ITK's constants, from [2]_.
_DECAY = (-1.3932, -1.3732)
_FREQUENCY = (0.6681, 2.0787)
_GAUSSIAN = ((1.3530, 1.8151), (-0.3531, 0.0902))
_SECOND_DERIVATIVE = ((-1.3563, 5.2318), (0.3446, -2.2355))


def recursive_gaussian(sigma, step, *, derivative):
    """Return the coefficients of the recursive Gaussian filter or of its second derivative.

    Parameters
    ----------
    sigma : float
        Standard deviation, mm.
    step : float
        Voxel size along the line, mm.
    derivative : bool
        Whether to return the second derivative, normalised by sigma^2, instead of the Gaussian.

    Returns
    -------
    ndarray of float64, shape (2, 3, 4)
        For the causal and the anticausal pass: the taps n0 to n3 or m1 to m4; d1 to d4; and the
        contribution of a constant line before its start, for each of d1 to d4.
    """
    s = sigma / step
    decay1, decay2 = (math.exp(x / s) for x in _DECAY)
    sin1, sin2 = (math.sin(x / s) for x in _FREQUENCY)
    cos1, cos2 = (math.cos(x / s) for x in _FREQUENCY)

    d4 = decay1 * decay1 * decay2 * decay2
    d3 = -2 * cos1 * decay1 * decay2 * decay2
    d3 += -2 * cos2 * decay2 * decay1 * decay1
    d2 = 4 * cos2 * cos1 * decay1 * decay2
    d2 += decay1 * decay1 + decay2 * decay2
    d1 = -2 * (decay2 * cos2 + decay1 * cos1)
    d_0 = 1.0 + d1 + d2 + d3 + d4
    d_1 = d1 + 2 * d2 + 3 * d3 + 4 * d4
    d_2 = d1 + 4 * d2 + 9 * d3 + 16 * d4

    def numerator(cosines):
        (a1, b1), (a2, b2) = cosines
        n0 = a1 + a2
        n1 = decay2 * (b2 * sin2 - (a2 + 2 * a1) * cos2)
        n1 += decay1 * (b1 * sin1 - (a1 + 2 * a2) * cos1)
        n2 = (a1 + a2) * cos2 * cos1
        n2 -= b1 * cos2 * sin1 + b2 * cos1 * sin2
        n2 *= 2 * decay1 * decay2
        n2 += a2 * decay1 * decay1 + a1 * decay2 * decay2
        n3 = decay2 * decay1 * decay1 * (b2 * sin2 - a2 * cos2)
        n3 += decay1 * decay2 * decay2 * (b1 * sin1 - a1 * cos1)
        moments = n0 + n1 + n2 + n3, n1 + 2 * n2 + 3 * n3, n1 + 4 * n2 + 9 * n3
        return np.array([n0, n1, n2, n3, *moments])

    gaussian = numerator(_GAUSSIAN)
    if derivative:
        second = numerator(_SECOND_DERIVATIVE)
        # Add enough of the Gaussian to make the response to a constant vanish ...
        mix = -(2 * second[4] - d_0 * second[0]) / (2 * gaussian[4] - d_0 * gaussian[0])
        *n, n_0, n_1, n_2 = second + mix * gaussian
        # ... and scale so that a parabola keeps its curvature.
        response = n_2 * d_0 * d_0 - d_2 * n_0 * d_0 - 2 * n_1 * d_1 * d_0 + 2 * d_1 * d_1 * n_0
        scale = sigma * sigma / (response / (d_0 * d_0 * d_0))
    else:
        *n, n_0, _, _ = gaussian
        scale = 1.0 / (2 * n_0 / d_0 - n[0])

    n0, n1, n2, n3 = (scale * x for x in n)
    m1, m2, m3, m4 = n1 - d1 * n0, n2 - d2 * n0, n3 - d3 * n0, -d4 * n0
    d = np.array([d1, d2, d3, d4])
    passes = (n0, n1, n2, n3), (m1, m2, m3, m4)
    return np.array([(taps, d, d * sum(taps) / d_0) for taps in passes])


@kernel
def filter_lines(image, axis, first, last, coefficients, result):
    """Filter every line of an image along one axis.

    Parameters
    ----------
    image : ndarray of float32 or float64, shape (n_slices, n_rows, n_columns)
    axis : {0, 1, 2}
    first, last : int
        The part of each line for which results are needed.
    coefficients : ndarray of float64, shape (2, 3, 4)
        From `recursive_gaussian`.
    result : ndarray of float32, of the image's shape but for ``last - first`` along `axis`
    """
    n, kept = image.shape[axis], last - first
    # Lines along x are stored end to end; all others interleave, those along y within a slice.
    n_groups = image.shape[0] if axis == 1 else 1
    n_lines = image.size // (n * n_groups)
    step, distance, kept_distance = (1, n, kept) if axis == 2 else (n_lines, 1, 1)
    voxels, values = image.reshape(-1), result.reshape(-1)
    forwards, backwards = np.zeros(n * LINES), np.zeros(n * LINES)
    causal, anticausal = np.empty(last * LINES), np.empty((n - first) * LINES)
    for group in range(n_groups):
        for line in range(0, n_lines, LINES):
            n_filled = min(LINES, n_lines - line)
            source = voxels[group * n * n_lines + line * distance :]
            target = values[group * kept * n_lines + line * kept_distance :]
            if _occupied(source, n, step, distance, n_filled):
                _load(source, step, distance, n_filled, forwards, backwards)
                # The anticausal filter is a causal one along the reversed line, shifted by a voxel.
                _recur(forwards, last, coefficients[0], 0, causal)
                _recur(backwards, n - first, coefficients[1], 1, anticausal)
            else:
                causal[:] = 0
                anticausal[:] = 0
            _store(causal[first * LINES :], anticausal, step, kept_distance, n_filled, kept, target)


@kernel
def _occupied(voxels, n, step, distance, n_filled):
    """Return whether any voxel of some lines is not zero.

    The loop does not stop at the first one: reading all voxels fills the nearest cache with many
    reads in flight at once, whereas copying them one by one would wait for each.
    """
    if distance > 1:
        return any_occupied(voxels[: n_filled * n])
    found = False
    for i in range(n):
        found |= any_occupied(voxels[i * step : i * step + n_filled])
    return found


@kernel
def _load(voxels, step, distance, n_filled, forwards, backwards):
    """Interleave lines, once in order and once reversed.

    Unused lanes keep the previous block's voxels, which are filtered too but never stored.
    """
    n = forwards.size // LINES
    for i in range(n):
        place, turned = np.uint64(i * LINES), np.uint64((n - 1 - i) * LINES)
        voxel = np.uint64(i * step)
        if distance == 1:  # separate loop: only a known stride of 1 lets LLVM load vectors
            for k in range(np.uint64(n_filled)):
                forwards[place + k] = voxels[voxel + k]
        else:
            for k in range(np.uint64(n_filled)):
                forwards[place + k] = voxels[voxel + k * np.uint64(distance)]
        for k in range(np.uint64(LINES)):
            backwards[turned + k] = forwards[place + k]


@kernel
def any_occupied(row):
    """Return whether any value of a contiguous row is not zero."""
    found = False
    for v in range(row.size):  # no early exit, so that the loop vectorises
        found |= row[v] != 0
    return found


@kernel
def _recur(line, n, coefficients, behind, result):
    """Compute y(i) = sum of n_j x(i - j - behind) - sum of d_j y(i - j) for the first `n` voxels.

    Outputs before the first non-zero value are zero. A line that starts with a non-zero value is
    extended backwards with that value.
    """
    n0, n1, n2, n3 = coefficients[0]
    d1, d2, d3, d4 = coefficients[1]
    b1, b2, b3, b4 = coefficients[2]
    begin = 0
    while begin < n and not any_occupied(line[begin * LINES : (begin + 1) * LINES]):
        begin += 1
    begin -= (begin - n) % BLOCK  # whole blocks follow
    result[: max(begin, 0) * LINES] = 0
    if begin < BLOCK:
        begin = min(n, BLOCK + n % BLOCK)
        for i in range(begin):
            for k in range(LINES):
                at, edge = i * LINES + k, line[k]
                x0 = line[max(i - behind, 0) * LINES + k]
                x1 = line[max(i - behind - 1, 0) * LINES + k]
                x2 = line[max(i - behind - 2, 0) * LINES + k]
                x3 = line[max(i - behind - 3, 0) * LINES + k]
                x = ((x0 * n0 + x1 * n1) + x2 * n2) + x3 * n3
                p1 = result[at - LINES] * d1 if i > 0 else edge * b1
                p2 = result[at - 2 * LINES] * d2 if i > 1 else edge * b2
                p3 = result[at - 3 * LINES] * d3 if i > 2 else edge * b3
                p4 = result[at - 4 * LINES] * d4 if i > 3 else edge * b4
                result[at] = x - (((p1 + p2) + p3) + p4)
    for i in range(begin, n, BLOCK):
        first, place = np.uint64((i - behind) * LINES), np.uint64(i * LINES)
        for k in range(np.uint64(LINES)):
            x, y = first + k, place + k
            a, b, c = line[x - THREE], line[x - TWO], line[x - ONE]
            d, e, f, g = line[x], line[x + ONE], line[x + TWO], line[x + THREE]
            p, q, r, s = result[y - FOUR], result[y - THREE], result[y - TWO], result[y - ONE]
            p = (((d * n0 + c * n1) + b * n2) + a * n3) - (((s * d1 + r * d2) + q * d3) + p * d4)
            q = (((e * n0 + d * n1) + c * n2) + b * n3) - (((p * d1 + s * d2) + r * d3) + q * d4)
            r = (((f * n0 + e * n1) + d * n2) + c * n3) - (((q * d1 + p * d2) + s * d3) + r * d4)
            s = (((g * n0 + f * n1) + e * n2) + d * n3) - (((r * d1 + q * d2) + p * d3) + s * d4)
            result[y], result[y + ONE], result[y + TWO], result[y + THREE] = p, q, r, s


@kernel
def _store(causal, anticausal, step, apart, n_filled, n, target):
    """Add the two passes; the anticausal one is stored in reverse order."""
    for i in range(n):
        forwards, backwards = i * LINES, anticausal.size - (i + 1) * LINES
        there = causal[forwards : forwards + n_filled]
        back = anticausal[backwards : backwards + n_filled]
        if apart == 1:  # separate loop: only a known stride of 1 lets LLVM store vectors
            sums = target[i * step : i * step + n_filled]
            for k in range(n_filled):
                sums[k] = np.float32(there[k] + back[k])
        else:
            for k in range(n_filled):
                target[i * step + k * apart] = np.float32(there[k] + back[k])
