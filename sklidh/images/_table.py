"""What the transformers that take a table of images and give a table have in common."""

import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.utils import DocumentedMixin, check_target


class TableTransformer(DocumentedMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Take a table of images and give one of the same rows and columns.

    A subclass has `_check_cells`, which refuses a table before any image is read.
    """

    def _check_fit(self, X, y):
        """Check the table and, where there is one, the target; learn the columns' names."""
        self._check_cells(X)
        if y is not None:
            check_target(y, X)
        validate_data(self, X, skip_check_array=True)

    def _check_transform(self, X) -> pd.DataFrame:
        """Check that there was a fit, and return the table with the columns that it saw, in order.

        New patients need the columns that are read. Of the others those that are absent are empty,
        and those that were not there to be learned from are left out.
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
    """Return a copy of a table with other images in some columns.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    cells : dict of str to list
        By column; a path or a SimpleITK image for each patient.

    Returns
    -------
    DataFrame of shape (n_patients, n_columns)
    """
    changed = X.copy()
    for column, images in cells.items():
        # pandas must not look into an image for numbers.
        changed[column] = pd.Series(images, X.index, dtype=object).infer_objects()
    return changed
