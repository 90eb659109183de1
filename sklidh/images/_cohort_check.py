"""Check a cohort's table and pass it on: the first step in pipelines without registration."""

from sklearn.base import _fit_context
from sklearn.utils._param_validation import StrOptions

from sklidh.images._errors import without_image
from sklidh.images._table import TableTransformer
from sklidh.utils import CohortError, check_cases, is_missing


class CohortCheck(TableTransformer):
    """Check a whole table of patients before the first image is read.

    Without this step, a missing file of the second modality would be found only after the first
    modality had been processed for hours. `RigidRegistration` makes the same checks.

    Parameters
    ----------
    modalities : sequence of str
        The columns of images that later steps read.
    mask : str, default="mask"
        The column of masks.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty modality cell is an error. Each patient needs at least one image anyway.

    Attributes
    ----------
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : ndarray of shape (n_features,)
        The columns' names.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklidh.images import CohortCheck
    >>> X = pd.DataFrame({"T1": ["nowhere.nii"], "mask": ["nowhere.nii"]}, index=["P1"])
    >>> CohortCheck(["T1"]).fit(X)
    Traceback (most recent call last):
    sklidh.utils._validation.CohortError: the table of patients has problems:
      - patient 'P1', column 'T1': no such file: nowhere.nii
      - patient 'P1', column 'mask': no such file: nowhere.nii
    """

    _parameter_constraints: dict = {
        "modalities": ["array-like"],
        "mask": [str],
        "missing": [StrOptions({"raise", "nan"})],
    }

    def __init__(self, modalities, *, mask="mask", missing="raise"):
        self.modalities = modalities
        self.mask = mask
        self.missing = missing

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the table and the target.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            Index: patient ids.
        y : array-like of shape (n_patients,), default=None
            Checked if given.

        Returns
        -------
        CohortCheck
            This one.

        Raises
        ------
        CohortError
            All problems found, reported together.
        """
        self._check_fit(X, y)
        return self

    def transform(self, X):
        """Check the table, and return it with the columns that `fit` saw.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)

        Returns
        -------
        DataFrame of shape (n_patients, n_columns)
        """
        return self._check_transform(X)

    def _check_cells(self, X):
        check_cases(X, [*self.modalities, self.mask], missing=self.missing)
        empty = X.index[X[list(self.modalities)].map(is_missing).all(axis=1)]
        if len(empty):
            raise CohortError(without_image(patient, self.modalities) for patient in empty)
