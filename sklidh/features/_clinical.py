"""Encode clinical columns of a cohort, such as age and sex, as features."""

import warnings

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.utils import CohortError, DocumentedMixin, category_text, is_missing, listed, located

MOST_CATEGORIES = 20
"""Maximum number of different words per column: more suggest ids, dates or numbers as text."""


class ClinicalFeatures(DocumentedMixin, TransformerMixin, BaseEstimator):
    """Encode clinical columns as numbers of mean 0 and variance 1.

    Columns of numbers are scaled. Columns of words are categories: each word becomes a column that
    is 1 for patients with that word. Empty cells are replaced by the training patients' median or
    most frequent word, with a warning that names the patients.

    Attributes
    ----------
    numbers_ : list of str
        The columns of numbers.
    words_ : list of str
        The other columns.
    fills_ : dict of str to (float or str)
        The replacement for empty cells, by column.
    encoder_ : Pipeline
        Fitted OneHotEncoder and StandardScaler of scikit-learn.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    sklidh.make_idh_pipeline : ``clinical=["age", "sex"]`` adds the columns as a fusion block.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklidh.features import ClinicalFeatures
    >>> X = pd.DataFrame({"age": [40, 60], "sex": ["F", "M"]}, index=["P1", "P2"])
    >>> ClinicalFeatures().set_output(transform="pandas").fit_transform(X)
        age  sex_F  sex_M
    P1 -1.0    1.0   -1.0
    P2  1.0   -1.0    1.0
    """

    def fit(self, X, y=None):
        """Learn which columns are numbers, the replacements for empty cells, and the scales.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            Index: patient ids.
        y : array-like of shape (n_patients,), default=None
            Not used.

        Returns
        -------
        ClinicalFeatures
            This one.

        Raises
        ------
        TypeError
            X is not a DataFrame.
        CohortError
            A column is entirely empty, or contains more than 20 different words.
        """
        if not isinstance(X, pd.DataFrame):
            raise TypeError(f"X must be a DataFrame of clinical columns, got {type(X).__name__}")
        validate_data(self, X, skip_check_array=True)
        self.numbers_ = [name for name in X if pd.api.types.is_numeric_dtype(X[name])]
        self.words_ = [name for name in X if name not in self.numbers_]
        cells = self._cells(X)
        problems = [
            f"clinical column {name!r}: all cells are empty; leave the column out"
            for name in X.columns[cells.isna().all()]
        ]
        for name in self.words_:
            if (words := cells[name].dropna().unique()).size > MOST_CATEGORIES:
                problems.append(
                    f"clinical column {name!r}: {words.size} different words, such as "
                    f"{listed(words, 3)}; at most {MOST_CATEGORIES} are accepted, and a column of "
                    "numbers must contain numbers only: correct the cells, or leave the column out"
                )
        if problems:
            raise CohortError(problems)
        medians, modes = cells[self.numbers_].median(), cells[self.words_].mode()
        self.fills_ = {**medians, **(modes.iloc[0] if self.words_ else {})}
        columns = ColumnTransformer(
            [
                ("numbers", "passthrough", self.numbers_),
                ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), self.words_),
            ],
            verbose_feature_names_out=False,
        )
        self.encoder_ = make_pipeline(columns, StandardScaler()).fit(cells.fillna(self.fills_))
        return self

    def transform(self, X):
        """Encode patients.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            The same columns as in `fit`.

        Returns
        -------
        ndarray or DataFrame of shape (n_patients, n_features)

        Raises
        ------
        CohortError
            A cell of a column of numbers is not a number.

        Warns
        -----
        UserWarning
            There are empty cells, or words of no training patient, which become 0 in all columns.
        """
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        cells = self._cells(X)
        lines = []
        for name, fill in self.fills_.items():
            empty = X.index[cells[name].isna()]
            if len(empty):
                typical = f"median, {fill:g}," if name in self.numbers_ else f"usual {fill!r}"
                lines.append(
                    f"{name!r} is empty for {len(empty)} of {len(X)} patients ({listed(empty, 5)}"
                    f"): the training patients' {typical} is used"
                )
        encoder = self.encoder_[0].named_transformers_["words"]
        for name, known in zip(
            self.words_, encoder.categories_ if self.words_ else (), strict=True
        ):
            texts = cells[name].dropna()
            new = texts[~texts.isin(known)]
            for word, patients in new.groupby(new).groups.items():
                lines.append(
                    f"{name!r} is {word!r} ({listed(patients, 5)}), which no training patient "
                    f"has ({listed(known)}): it counts as none of these"
                )
        if lines:
            warnings.warn(located(f"clinical columns: {'; '.join(lines)}"), stacklevel=2)
        return np.asarray(self.encoder_.transform(cells.fillna(self.fills_)))

    def get_feature_names_out(self, input_features=None):
        """Return the columns' names: ``age``, ``sex_F``, ``sex_M``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Not used.

        Returns
        -------
        ndarray of shape (n_features,), dtype object
        """
        check_is_fitted(self)
        return self.encoder_.get_feature_names_out()

    def _cells(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return numbers as float and words as text, with NaN for empty cells."""
        cells, problems = {}, []
        for name in X:
            if name in self.words_:
                texts = X[name].map(category_text).astype(object)
                cells[name] = texts.mask(texts == "", np.nan)
                continue
            cells[name] = pd.to_numeric(X[name], errors="coerce").astype(float)
            odd = ~np.isfinite(cells[name]) & ~X[name].map(is_missing)
            problems += [
                f"patient {patient!r}, clinical column {name!r}: {cell!r} is not a number; correct "
                "the cell, or leave it empty"
                for patient, cell in X.loc[odd, name].items()
            ]
        if problems:
            raise CohortError(problems)
        return pd.DataFrame(cells, index=X.index)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags
