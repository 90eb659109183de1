"""Shared base of the selectors: scikit-learn interface and minimum number of columns."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.utils import DocumentedMixin, check_target, located


class BaseSelector(DocumentedMixin, SelectorMixin, BaseEstimator):
    """A selector with the parameter `min_features_to_select` and the attribute `support_`.

    X may hold NaN and y is required, unless the selector's tags differ.
    """

    def _fit_classes(self, X, y, *, ensure_all_finite="allow-nan"):
        """Check X and y, and set `classes_`.

        Returns
        -------
        X : ndarray of shape (n_patients, n_features), float64
        codes : ndarray of shape (n_patients,), dtype=int
            Indices of the labels in `classes_`.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite=ensure_all_finite)
        self.classes_, codes = np.unique(check_target(y), return_inverse=True)
        return X, codes

    def _keep(self, support, preference, reason):
        """Return `support`, with the most preferred columns added if too few passed.

        An empty block of columns would remove its modality from the fusion, so every selector calls
        this last.

        Parameters
        ----------
        support : ndarray of shape (n_features,), dtype=bool
            The columns that passed.
        preference : ndarray of shape (n_features,)
            Columns with larger values are added first; ties in column order.
        reason : str
            Why the columns failed, for the warning.

        Returns
        -------
        ndarray of shape (n_features,), dtype=bool
            At least `min_features_to_select` columns, or all if there are fewer.
        """
        n_features = support.size
        n_lacking = min(self.min_features_to_select, n_features) - np.count_nonzero(support)
        if n_lacking <= 0:
            return support
        order = np.argsort(-preference, kind="stable")
        added = order[~support[order]][:n_lacking]
        names = getattr(self, "feature_names_in_", np.arange(n_features))
        shown = [*map(str, names[added[:10]]), *(["..."] if added.size > 10 else [])]
        warnings.warn(
            located(
                f"{type(self).__name__}: of {n_features} columns, {np.count_nonzero(support)} "
                f"{reason}; min_features_to_select={self.min_features_to_select} still keeps the "
                f"best of the others: {', '.join(shown)}"
            ),
            UserWarning,
            stacklevel=2,
        )
        support = support.copy()
        support[added] = True
        return support

    def _get_support_mask(self):
        check_is_fitted(self)
        return self.support_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = True
        return tags
