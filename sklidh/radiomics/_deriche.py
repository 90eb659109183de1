"""Recursive Gaussian filtering of lines, to the last bit as ITK does it.

References
----------
.. [1] Deriche, "Recursively implementing the Gaussian and its derivatives", INRIA 1893, 1993.
.. [2] Farnebäck and Westin, "Improving Deriche-style recursive Gaussian filters", J. Math. Imaging
       Vis. 26, 2006.
"""

import math

import numpy as np

from sklidh.radiomics._kernels import kernel

# Lines are filtered side by side, so that each step of the recursion fills vector registers.
LINES = 32
# Places before and after a line, for the values that stand for what lies beyond its ends.
ROOM = 4

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
    ndarray of float64, shape (5, 4)
        n0 to n3 of the causal pass, m1 to m4 of the anticausal one, d1 to d4 of both recursions,
        and what a constant line contributes before each end, per d1 to d4: causal, anticausal.
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
    before = d * (n0 + n1 + n2 + n3) / d_0
    after = d * (m1 + m2 + m3 + m4) / d_0
    return np.array([(n0, n1, n2, n3), (m1, m2, m3, m4), d, before, after])


@kernel
def filter_lines(image, axis, first, last, coefficients, result):
    """Filter every line of an image along one axis.

    Parameters
    ----------
    image : ndarray of float32 or float64, shape (n_slices, n_rows, n_columns)
    axis : {0, 1, 2}
    first, last : int
        The part of each line whose results are wanted.
    coefficients : ndarray of float64, shape (5, 4)
        From `recursive_gaussian`.
    result : ndarray of float32, of the image's shape but for ``last - first`` along `axis`
    """
    n = image.shape[axis]
    # Lines lie side by side along x, or along y where they run along x.
    beside = 1 if axis == 2 else 2
    n_lines = image.shape[beside]
    outside = 1 if axis == 0 else 0
    line = np.zeros((n + 2 * ROOM, LINES))
    causal = np.zeros((n + 2 * ROOM, LINES))
    anticausal = np.zeros((n + 2 * ROOM, LINES))
    for outer in range(image.shape[outside]):
        for at in range(0, n_lines, LINES):
            lines = slice(at, min(at + LINES, n_lines))
            if axis == 0:
                block, into = image[:, outer, lines], result[:, outer, lines]
            elif axis == 1:
                block, into = image[outer, :, lines], result[outer, :, lines]
            else:
                block, into = image[outer, lines].T, result[outer, lines].T
            begin, end = _load(block, line)
            _run_forwards(line, causal, begin, first, last, coefficients)
            _run_backwards(line, anticausal, end, first, last, coefficients)
            for i in range(last - first):
                for k in range(into.shape[1]):
                    place = first + ROOM + i
                    into[i, k] = np.float32(causal[place, k] + anticausal[place, k])


@kernel
def _load(block, line):
    """Copy lines side by side; return the part of them outside which all are zero."""
    n, many = block.shape
    begin, end = n, 0
    for i in range(n):
        row = line[i + ROOM]
        occupied = False
        for k in range(many):
            value = float(block[i, k])
            row[k] = value
            occupied |= value != 0
        if occupied:
            begin = min(begin, i)
            end = i + 1
    for k in range(LINES):
        for i in range(ROOM):
            line[i, k] = line[ROOM, k]
            line[n + ROOM + i, k] = line[n + ROOM - 1, k]
    return begin, end


@kernel
def _run_forwards(line, result, begin, first, last, coefficients):
    """y(i) = sum of n_j x(i - j) - sum of d_j y(i - j), from the start of the line.

    Before the first value that is not zero, everything is; where the line starts with such a value,
    it is continued backwards with it.
    """
    n0, n1, n2, n3 = coefficients[0]
    d1, d2, d3, d4 = coefficients[2]
    b1, b2, b3, b4 = coefficients[3]
    start = begin + ROOM
    result[min(first + ROOM, start - ROOM) : start] = 0
    if begin == 0:
        for k in range(LINES):
            edge = line[4, k]
            x = ((edge * n0 + edge * n1) + edge * n2) + edge * n3
            y4 = x - (((edge * b1 + edge * b2) + edge * b3) + edge * b4)
            x = ((line[5, k] * n0 + edge * n1) + edge * n2) + edge * n3
            y5 = x - (((y4 * d1 + edge * b2) + edge * b3) + edge * b4)
            x = ((line[6, k] * n0 + line[5, k] * n1) + edge * n2) + edge * n3
            y6 = x - (((y5 * d1 + y4 * d2) + edge * b3) + edge * b4)
            x = ((line[7, k] * n0 + line[6, k] * n1) + line[5, k] * n2) + edge * n3
            y7 = x - (((y6 * d1 + y5 * d2) + y4 * d3) + edge * b4)
            result[4, k], result[5, k], result[6, k], result[7, k] = y4, y5, y6, y7
        start = 8
    for i in range(start, last + ROOM):
        x0, x1, x2, x3 = line[i], line[i - 1], line[i - 2], line[i - 3]
        y0, y1, y2, y3, y4 = result[i], result[i - 1], result[i - 2], result[i - 3], result[i - 4]
        for k in range(LINES):
            x = ((x0[k] * n0 + x1[k] * n1) + x2[k] * n2) + x3[k] * n3
            y0[k] = x - (((y1[k] * d1 + y2[k] * d2) + y3[k] * d3) + y4[k] * d4)


@kernel
def _run_backwards(line, result, end, first, last, coefficients):
    """y(i) = sum of m_j x(i + j) - sum of d_j y(i + j), from the end of the line."""
    m1, m2, m3, m4 = coefficients[1]
    d1, d2, d3, d4 = coefficients[2]
    b1, b2, b3, b4 = coefficients[4]
    n = line.shape[0] - 2 * ROOM
    start = end + ROOM - 1
    result[start + 1 : max(last + ROOM, start + 1 + ROOM)] = 0
    if end == n:
        for k in range(LINES):
            e = n + 3
            edge = line[e, k]
            x = ((edge * m1 + edge * m2) + edge * m3) + edge * m4
            y1 = x - (((edge * b1 + edge * b2) + edge * b3) + edge * b4)
            y2 = x - (((y1 * d1 + edge * b2) + edge * b3) + edge * b4)
            x = ((line[e - 1, k] * m1 + edge * m2) + edge * m3) + edge * m4
            y3 = x - (((y2 * d1 + y1 * d2) + edge * b3) + edge * b4)
            x = ((line[e - 2, k] * m1 + line[e - 1, k] * m2) + edge * m3) + edge * m4
            y4 = x - (((y3 * d1 + y2 * d2) + y1 * d3) + edge * b4)
            result[e, k], result[e - 1, k], result[e - 2, k], result[e - 3, k] = y1, y2, y3, y4
        start = n - 1
    for i in range(start, first + ROOM - 1, -1):
        x1, x2, x3, x4 = line[i + 1], line[i + 2], line[i + 3], line[i + 4]
        y0, y1, y2, y3, y4 = result[i], result[i + 1], result[i + 2], result[i + 3], result[i + 4]
        for k in range(LINES):
            x = ((x1[k] * m1 + x2[k] * m2) + x3[k] * m3) + x4[k] * m4
            y0[k] = x - (((y1[k] * d1 + y2[k] * d2) + y3[k] * d3) + y4[k] * d4)
