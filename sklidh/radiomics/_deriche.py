"""Recursive Gaussian filtering of lines, to the last bit as ITK does it.

References
----------
.. [1] Deriche, "Recursively implementing the Gaussian and its derivatives", INRIA 1893, 1993.
.. [2] Farnebäck and Westin, "Improving Deriche-style recursive Gaussian filters", J. Math. Imaging
       Vis. 26, 2006.
"""

import math

import numpy as np

from sklidh.utils import kernel

# Lines are filtered interleaved, so that each step of the recursion fills vector registers: voxel i
# of line k stands at place (i + ROOM) * LINES + k, and the ROOM before holds copies of voxel 0.
LINES = 32
ROOM = 4
# One to four voxels back along interleaved lines. Unsigned, as an index is where speed matters: a
# signed one may count from the end, and the test for that keeps vector registers empty.
ONE, TWO, THREE, FOUR = (np.uint64(steps * LINES) for steps in range(1, 5))

# A Gaussian as a sum of two damped cosines (decay, frequency, cosine and sine amplitudes), and its
# second derivative likewise: [2]_, as ITK has the constants.
_DECAY = (-1.3932, -1.3732)
_FREQUENCY = (0.6681, 2.0787)
_GAUSSIAN = ((1.3530, 1.8151), (-0.3531, 0.0902))
_SECOND_DERIVATIVE = ((-1.3563, 5.2318), (0.3446, -2.2355))


def recursive_gaussian(sigma, step, *, derivative):
    """Coefficients of the recursive Gaussian filter or of its second derivative.

    Parameters
    ----------
    sigma : float
        Standard deviation, mm.
    step : float
        Voxel size along the line, mm.
    derivative : bool
        Second derivative, normalised by sigma^2, instead of the Gaussian itself.

    Returns
    -------
    ndarray of float64, shape (2, 3, 4)
        Of the causal and of the anticausal pass: the taps n0 to n3 or m1 to m4; d1 to d4; and what
        a constant line contributes before its start, for each of d1 to d4.
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
        # As much of the Gaussian as makes the response to a constant vanish ...
        mix = -(2 * second[4] - d_0 * second[0]) / (2 * gaussian[4] - d_0 * gaussian[0])
        *n, n_0, n_1, n_2 = second + mix * gaussian
        # ... and the scale that gives a parabola its curvature.
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
        The part of each line whose results are wanted.
    coefficients : ndarray of float64, shape (2, 3, 4)
        From `recursive_gaussian`.
    result : ndarray of float32, of the image's shape but for ``last - first`` along `axis`
    """
    n, kept = image.shape[axis], last - first
    # Lines along x lie one behind the other, all others side by side: those along y within a slice.
    n_groups = image.shape[0] if axis == 1 else 1
    together = image.size // (n * n_groups)
    step, apart, kept_apart = (1, n, kept) if axis == 2 else (together, 1, 1)
    voxels, values = image.reshape(-1), result.reshape(-1)
    up_to_last, down_to_first = (last + ROOM) * LINES, (n - first + ROOM) * LINES
    forwards, causal = np.zeros(up_to_last), np.zeros(up_to_last)
    backwards, anticausal = np.zeros(down_to_first), np.zeros(down_to_first)
    for group in range(n_groups):
        for at in range(0, together, LINES):
            many = min(LINES, together - at)
            # Of lines that are there no more, an earlier block's voxels are filtered once again.
            source = voxels[group * n * together + at * apart :]
            target = values[group * kept * together + at * kept_apart :]
            end = (n - 1) * step
            # The anticausal filter is a causal one along the turned line, one voxel behind.
            begin = _load(source, 0, step, apart, many, forwards)
            _recur(forwards, causal, coefficients[0], 0, begin)
            begin = _load(source, end, -step, apart, many, backwards)
            _recur(backwards, anticausal, coefficients[1], 1, begin)
            _store(causal[first * LINES :], anticausal, step, kept_apart, many, kept, target)


@kernel
def _load(source, start, step, apart, many, line):
    """Interleave as many voxels of each line as there is place for, from `start` on.

    Returns the number of voxels before the first at which some line is not zero; of those, only the
    ROOM that the recursion looks back on are written.
    """
    n = line.size // LINES - ROOM
    begin = _first_occupied(source, start, step, apart, many, n)
    # Side by side is said aloud: only for neighbours in memory can the compiler load vectors.
    for i in range(begin, n):
        place, voxel = np.uint64((i + ROOM) * LINES), np.uint64(start + i * step)
        if apart == 1:
            for k in range(np.uint64(many)):
                line[place + k] = source[voxel + k]
        else:
            for k in range(np.uint64(many)):
                line[place + k] = source[voxel + k * np.uint64(apart)]
    for i in range(begin, begin + ROOM):
        for k in range(LINES):
            line[i * LINES + k] = line[ROOM * LINES + k] if begin == 0 else 0.0
    return begin


@kernel
def _first_occupied(source, start, step, apart, many, n):
    """Number of voxels, at most `n`, before the first at which some line is not zero."""
    if apart == 1:
        for i in range(n):
            voxel = start + i * step
            if any_occupied(source[voxel : voxel + many]):
                return i
        return n
    for k in range(many):
        i = 0
        while i < n and source[start + i * step + k * apart] == 0:
            i += 1
        n = i
    return n


@kernel
def any_occupied(row):
    """Whether any value of a row of neighbours in memory is not zero."""
    found = False
    for v in range(row.size):  # to the end, not to the first: vector code
        found |= row[v] != 0
    return found


@kernel
def _recur(line, result, coefficients, behind, begin):
    """y(i) = sum of n_j x(i - j - behind) - sum of d_j y(i - j).

    Before the first value that is not zero, `begin`, everything is; where the line starts with such
    a value, it is continued backwards with it.
    """
    n0, n1, n2, n3 = coefficients[0]
    d1, d2, d3, d4 = coefficients[1]
    b1, b2, b3, b4 = coefficients[2]
    lag = np.uint64(behind * LINES)
    n = line.size // LINES - ROOM
    start = begin + ROOM
    result[: start * LINES] = 0
    if begin == 0:
        for i in range(min(n, ROOM)):
            for k in range(LINES):
                at = (ROOM + i) * LINES + k
                edge = line[ROOM * LINES + k]
                x0, x1 = line[at - behind * LINES], line[at - (behind + 1) * LINES]
                x2, x3 = line[at - (behind + 2) * LINES], line[at - (behind + 3) * LINES]
                x = ((x0 * n0 + x1 * n1) + x2 * n2) + x3 * n3
                p1 = result[at - LINES] * d1 if i > 0 else edge * b1
                p2 = result[at - 2 * LINES] * d2 if i > 1 else edge * b2
                p3 = result[at - 3 * LINES] * d3 if i > 2 else edge * b3
                result[at] = x - (((p1 + p2) + p3) + edge * b4)
        start = min(n, ROOM) + ROOM
    # One loop over every place of every line: the compiler sees that a result needs none of the
    # LINES before it.
    for at in range(np.uint64(start * LINES), np.uint64(line.size)):
        i1, i2, i3, i4 = at - ONE, at - TWO, at - THREE, at - FOUR
        x0, x1, x2, x3 = line[at - lag], line[i1 - lag], line[i2 - lag], line[i3 - lag]
        x = ((x0 * n0 + x1 * n1) + x2 * n2) + x3 * n3
        y = ((result[i1] * d1 + result[i2] * d2) + result[i3] * d3) + result[i4] * d4
        result[at] = x - y


@kernel
def _store(causal, anticausal, step, apart, many, n, target):
    """Add up the two passes, whose last row the anticausal one has first."""
    for i in range(n):
        forwards, backwards = (i + ROOM) * LINES, anticausal.size - (i + 1) * LINES
        there, back = causal[forwards : forwards + many], anticausal[backwards : backwards + many]
        if apart == 1:
            sums = target[i * step : i * step + many]
            for k in range(many):
                sums[k] = np.float32(there[k] + back[k])
        else:
            for k in range(many):
                target[i * step + k * apart] = np.float32(there[k] + back[k])
