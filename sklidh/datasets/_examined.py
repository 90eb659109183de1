"""A cohort after reading: its table, its target, and all their problems."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pandas as pd

from sklidh.datasets._tables import warn_of
from sklidh.utils import CohortError, Problem, Target, check_target


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
            With additional problems and an unchanged target if the target is not understood.
        """
        if self.y is None:
            return self
        try:
            target, codes = Target.read(self.y, wildtype=wildtype, positive=positive)
            check_target(codes, self.X)
        except CohortError as error:
            return self.with_problems(error.problems)
        # Of the IDH status the codes say it all; other words are kept with them.
        settled = target.is_binary and Target.read(codes)[0] == target
        return replace(self, y=codes if settled else target.as_words(codes))

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
