"""A cohort after reading: its table, its target, and all their problems."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pandas as pd

from sklidh.datasets._columns import other_columns
from sklidh.datasets._headings import matches, not_found
from sklidh.datasets._tables import warn_of
from sklidh.utils import (
    CohortError,
    Problem,
    Target,
    category_text,
    check_target,
    listed,
)

MOST_SITES = 20
"""Maximum number of different values of a numeric column of sites: ages have more."""

PER_SITE = 3
"""Minimum number of patients per site, on average."""


@dataclass(frozen=True)
class ExaminedCohort:
    """A cohort's table after reading, and its problems.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
        Index: ids; "line 5" where the table has none. Paths are absolute.
    y : Series of shape (n_patients,) or None
        The unchecked target as text. None: the table has none, or it was not found.
    modalities : list of str
        The columns that hold images, or the requested ones.
    problems : list of str
        Problems to correct, one line each.
    notes : list of str
        What was recognised or skipped.
    lines : list of int
        Line of each patient in the file; empty for a folder.
    """

    X: pd.DataFrame
    y: pd.Series | None
    modalities: list[str]
    problems: list[str]
    notes: list[str]
    lines: list[int]

    def located(self, problems: Iterable[str]) -> list[str]:
        """Prefix problems of single patients with the line of the file.

        Parameters
        ----------
        problems : iterable of str or Problem

        Returns
        -------
        list of str or Problem
        """
        lines = dict(zip(self.X.index, self.lines, strict=bool(self.lines)))
        asked = ((problem, getattr(problem, "patient", None)) for problem in problems)
        return [
            Problem(f"line {lines[patient]}, {problem}", patient) if patient in lines else problem
            for problem, patient in asked
        ]

    def with_problems(self, problems: Iterable[str]) -> "ExaminedCohort":
        """Return the cohort with more problems; those of single patients get their lines.

        Parameters
        ----------
        problems : iterable of str or Problem

        Returns
        -------
        ExaminedCohort
        """
        return replace(self, problems=[*self.problems, *self.located(problems)])

    def with_classes(self, wildtype=None, positive=None) -> "ExaminedCohort":
        """Return the cohort with a target of 1 for mutants and 0 for wild types, or of other words.

        Parameters
        ----------
        wildtype, positive : str or number, default=None
            As in `sklidh.utils.Target.read`.

        Returns
        -------
        ExaminedCohort
            With additional problems if the target is not understood; it then stays as it is, but
            for the patients whose status is known where only others lack theirs.
        """
        if self.y is None:
            return self
        try:
            codes = in_classes(self.y, wildtype, positive)
            check_target(codes, self.X)
        except CohortError as error:
            examined = self.with_problems(error.problems)
            lacking = [getattr(problem, "patient", None) for problem in error.problems]
            if None in lacking:
                return examined
            known = ~self.y.index.isin(lacking)
            values = self.y.to_numpy(object, copy=True)
            values[known] = in_classes(self.y[known], wildtype, positive)
            return replace(examined, y=pd.Series(values, self.y.index, name=self.y.name))
        return replace(self, y=codes)

    def rows(self, kept) -> "ExaminedCohort":
        """Return some of the patients; problems of the others are kept.

        Parameters
        ----------
        kept : ndarray of bool, shape (n_patients,)

        Returns
        -------
        ExaminedCohort
        """
        lines = [line for line, is_kept in zip(self.lines, kept, strict=False) if is_kept]
        y = None if self.y is None else self.y[kept]
        return replace(self, X=self.X[kept], y=y, lines=lines)

    def where(self, column: str, value: str) -> "ExaminedCohort":
        """Return the patients with one value in a column; problems of the others are kept.

        Parameters
        ----------
        column : str
            Its case does not matter.
        value : str
            As `category_text` writes it: "1" for 1.0.

        Returns
        -------
        ExaminedCohort

        Raises
        ------
        ValueError
            There is no such column, or no patient with this value.
        """
        others = other_columns(self.X, self.modalities)
        found = next(iter(matches(column, others)), None)
        if found is None:
            raise ValueError(
                f"no column is called {column!r}; available columns: {listed(others) or 'none'}"
            )
        texts = self.X[found].map(category_text)
        kept = (texts == value).to_numpy()
        if not kept.any():
            values = listed(sorted(texts.unique()), 20)
            raise ValueError(f"no patient has this value; {found!r} holds {values}")
        return self.rows(kept)

    def categories(self, column: str, *, of: str = "", sites: bool = False) -> pd.Series:
        """Return a column as text, without empty cells.

        Parameters
        ----------
        column : str
            Its case does not matter.
        of : str, default=""
            What the column is for, added to the messages.
        sites : bool, default=False
            Whether it must be a column of sites, each of which can be left out in turn.

        Returns
        -------
        Series of str
            Index: that of `X`.

        Raises
        ------
        CohortError
            There is no such column, a cell is empty, or the values are too many to be sites.
        """
        others = other_columns(self.X, self.modalities)
        found = next(iter(matches(column, others)), None)
        if found is None and self.y is not None and column.casefold() == self.y.name.casefold():
            is_target = f"column {column!r}{of} is the target; available columns: "
            raise CohortError([f"{is_target}{listed(others) or 'none'}"])
        if found is None:
            raise CohortError([not_found(column, others, of=of)])
        texts = self.X[found].map(category_text)
        if (empty := texts.index[texts == ""]).size:
            problems = [Problem.of(each, "the cell is empty", found) for each in empty]
            raise CohortError(self.located(problems))
        n, is_numeric = texts.nunique(), pd.api.types.is_numeric_dtype(self.X[found])
        if sites and (n * PER_SITE > len(texts) or (is_numeric and n > MOST_SITES)):
            raise CohortError(
                [
                    f"column {found!r}{of} has {n} different values in {len(texts)} patients; a "
                    f"column of sites needs {PER_SITE} patients per value on average"
                    + f", and at most {MOST_SITES} values if they are numbers" * is_numeric
                    + ". Name a column such as site, or add one with a few groups"
                ]
            )
        return texts

    def accepted(self, path) -> tuple[pd.DataFrame, pd.Series | None]:
        """Return the table and the target if they have no problems.

        Parameters
        ----------
        path : str or path
            Named in messages.

        Returns
        -------
        X : DataFrame of shape (n_patients, n_columns)
        y : Series of shape (n_patients,) or None

        Raises
        ------
        CohortError
            All problems.

        Warns
        -----
        UserWarning
            Each note.
        """
        if self.problems:
            raise CohortError(self.problems, path)
        # Points at the user's line that loads the cohort.
        warn_of(path, self.notes, stacklevel=4)
        return self.X, self.y


def in_classes(y: pd.Series, wildtype=None, positive=None) -> pd.Series:
    """Return the IDH status as 0 and 1, and other words as ordered categories."""
    target, codes = Target.read(y, wildtype=wildtype, positive=positive)
    settled = target.is_binary and Target.read(codes)[0] == target
    return codes if settled else target.as_words(codes)
