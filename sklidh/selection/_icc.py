"""The intraclass correlation of repeated measurements, with its confidence interval."""

import numpy as np
from scipy.stats import f


def intraclass_correlation(values, *, confidence_level=0.95) -> tuple[np.ndarray, ...]:
    """Compute ICC(1,1): the share of the variance that is between patients, for one measurement.

    A one-way analysis of variance with patients as random groups. Patients with fewer than two
    values of a column are left out. If all others have the same number of values, the interval is
    exact for normal values; otherwise their mean number, weighted as usual, takes its place.

    Parameters
    ----------
    values : array-like of shape (n_patients, n_measurements, n_features)
        NaN are ignored.
    confidence_level : float, default=0.95

    Returns
    -------
    estimate : ndarray of shape (n_features,)
        The coefficient; NaN if there are fewer than two patients with two values, or no differences
        at all.
    lower, upper : ndarray of shape (n_features,)
        The limits of its confidence interval.

    References
    ----------
    P. E. Shrout, J. L. Fleiss, "Intraclass correlations: uses in assessing rater reliability",
    Psychological Bulletin 86(2), 1979. K. O. McGraw, S. P. Wong, "Forming inferences about some
    intraclass correlation coefficients", Psychological Methods 1(1), 1996.

    Examples
    --------
    Six patients, four measurements of each (Shrout and Fleiss):

    >>> import numpy as np
    >>> from sklidh.selection import intraclass_correlation
    >>> values = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8],
    ...                    [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    >>> [round(each.item(), 2) for each in intraclass_correlation(values[:, :, None])]
    [0.17, -0.13, 0.72]
    """
    values = np.asarray(values, dtype=np.float64)
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    counts[counts < 2] = 0
    known &= counts[:, None] > 0
    n, total = (counts > 0).sum(axis=0), counts.sum(axis=0)
    # From its smallest value, a constant column has no differences, whatever the rounding.
    values = values - np.min(values, axis=(0, 1), where=known, initial=np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.sum(values, axis=1, where=known) / counts
        within = np.sum((values - means[:, None]) ** 2, axis=(0, 1), where=known)
        means[counts == 0] = 0
        grand = (counts * means).sum(axis=0) / total
        between = (counts * (means - grand) ** 2).sum(axis=0)
        ratio = (between / (n - 1)) / (within / (total - n))
        n_values = (total - (counts**2).sum(axis=0) / total) / (n - 1)
        tail = (1 - confidence_level) / 2
        low = ratio / f.isf(tail, n - 1, total - n)
        high = ratio * f.isf(tail, total - n, n - 1)
        return tuple(_from_ratio(each, n_values) for each in (ratio, low, high))


def _from_ratio(ratio, n_values):
    # An infinite ratio means that the values of every patient agree.
    return np.where(np.isinf(ratio), 1.0, (ratio - 1) / (ratio + n_values - 1))
