"""What the selectors share: columns brought to one scale, and the fewest that may be kept."""

import warnings

import numpy as np


def standardise(X):
    """Bring every column to mean 0 and standard deviation 1 over the values it has.

    Parameters
    ----------
    X : ndarray of shape (n_patients, n_features)
        May hold NaN.

    Returns
    -------
    ndarray of shape (n_patients, n_features)
        NaN where X has it; constant columns become 0.
    """
    present = ~np.isnan(X)
    n_present = np.maximum(present.sum(axis=0), 1)
    # In units of the largest magnitude no square overflows, and rounding is of the order of eps.
    largest = np.max(np.abs(X), axis=0, where=present, initial=0)
    Z = X / np.where(largest > 0, largest, 1)
    Z -= np.sum(Z, axis=0, where=present) / n_present
    scale = np.sqrt(np.sum(Z**2, axis=0, where=present) / n_present)
    # The mean of a constant column is off by rounding: what is left of it is not a signal.
    constant = scale <= 10 * np.finfo(float).eps
    Z /= np.where(constant, 1, scale)
    Z[:, constant] *= 0
    return Z


def keep_at_least(fewest, support, preference, *, selector, reason):
    """Add the most preferred columns to a selection that is too small, and warn.

    A block of columns that vanishes would take its modality out of the fusion, so every selector
    ends here.

    Parameters
    ----------
    fewest : int
        The selection has this many columns afterwards, or all where there are not as many.
    support : ndarray of shape (n_features,), dtype=bool
        The columns that passed.
    preference : ndarray of shape (n_features,)
        The larger, the sooner a column is added; the first of equals.
    selector : estimator
        Named in the warning, and names the columns.
    reason : str
        What the columns failed, for the warning.

    Returns
    -------
    ndarray of shape (n_features,), dtype=bool
    """
    n_features = support.size
    n_lacking = min(fewest, n_features) - np.count_nonzero(support)
    if n_lacking <= 0:
        return support
    order = np.argsort(-preference, kind="stable")
    added = order[~support[order]][:n_lacking]
    names = getattr(selector, "feature_names_in_", np.arange(n_features))
    warnings.warn(
        f"{type(selector).__name__}: of {n_features} columns, {np.count_nonzero(support)} "
        f"{reason}; min_features_to_select={fewest} keeps the best of the others all the same: "
        f"{', '.join(str(name) for name in names[added[:10]])}"
        f"{', ...' if added.size > 10 else ''}",
        UserWarning,
        stacklevel=2,
    )
    support = support.copy()
    support[added] = True
    return support
