"""Shared base of the transformers that take and return a table of images."""

import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.utils import DocumentedMixin, check_target


class TableTransformer(DocumentedMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Take a table of images and return one with the same rows and columns.

    A subclass defines `_check_cells`, which refuses a table before any image is read.
    """

    def _check_fit(self, X, y):
        """Check the table and, if given, the target; store the column names."""
        self._check_cells(X)
        if y is not None:
            check_target(y, X)
        validate_data(self, X, skip_check_array=True)

    def _check_transform(self, X) -> pd.DataFrame:
        """Check that the transformer is fitted, and return its columns of the table in order.

        The columns that are read are required. Other missing columns are left empty; columns that
        `fit` did not see are dropped.
        """
        check_is_fitted(self)
        self._check_cells(X)
        if hasattr(self, "feature_names_in_"):
            X = X.reindex(columns=self.feature_names_in_)
        validate_data(self, X, reset=False, skip_check_array=True)
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def with_cells(X, cells) -> pd.DataFrame:
    """Return a copy of a table with images replaced in some columns.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    cells : dict of str to list
        By column; one path or SimpleITK image per patient.

    Returns
    -------
    DataFrame of shape (n_patients, n_columns)
    """
    changed = X.copy()
    for column, images in cells.items():
        # Keep pandas from treating an image as a sequence of numbers.
        changed[column] = pd.Series(images, X.index, dtype=object).infer_objects()
    return changed
