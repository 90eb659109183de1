"""Checks of a cohort's table before expensive work starts."""

import os
import reprlib
from collections.abc import Iterable

import pandas as pd

from sklidh.utils._errors import UserError
from sklidh.utils._listing import listed

SHOWN_PROBLEMS = 20

SHARED = 4
"""Number of patients from which a problem that they share is listed once for all of them."""


class Problem(str):
    """One problem of a table of patients, and the patient concerned.

    Parameters
    ----------
    text : str
    patient : object, default=None
        The patient's id; None if the problem concerns the whole table.
    """

    patient: object

    def __new__(cls, text, patient=None):
        problem = super().__new__(cls, text)
        problem.patient = patient
        return problem

    @classmethod
    def of(cls, patient, text: str, column=None) -> "Problem":
        """Prefix a text with the patient and the column.

        Parameters
        ----------
        patient : object
        text : str
        column : str, default=None

        Returns
        -------
        Problem
        """
        where = f"patient {patient!r}" + ("" if column is None else f", column {column!r}")
        return cls(f"{where}: {text}", patient)


def grouped(problems: Iterable[str]) -> list[str]:
    """List a problem that many patients share once, with their number.

    Parameters
    ----------
    problems : iterable of str or Problem

    Returns
    -------
    list of str
        In the order of their first patients; other problems are unchanged.

    Examples
    --------
    >>> from sklidh.utils import Problem
    >>> from sklidh.utils import grouped
    >>> grouped(Problem.of(f"P{n}", "no voxel has label 7", "mask") for n in range(5))
    ["5 patients ('P0', 'P1', 'P2' and 2 more), column 'mask': no voxel has label 7"]
    """
    groups = {}
    for problem in problems:
        patient = getattr(problem, "patient", None)
        # Behind the patient come the column and the file, and then the problem.
        place, _, what = problem.partition(f"patient {patient!r}")[2].partition(": ")
        column = place.split(", ")[1] if place.startswith(", column ") else ""
        key = (column, what) if patient is not None and what else problem
        groups.setdefault(key, []).append(problem)
    lines = []
    for key, same in groups.items():
        if len(same) < SHARED:
            lines += same
            continue
        column, what = key
        patients = listed((problem.patient for problem in same), 3)
        where = f", {column}" if column else ""
        lines.append(f"{len(same)} patients ({patients}){where}: {what}")
    return lines


class CohortError(UserError, ValueError):
    """A table of patients that cannot be used; the message lists every problem on its own line.

    Parameters
    ----------
    problems : iterable of str or Problem
        Each names the patient and column, if any.
    source : str or path, default="the table of patients"
        Source of the problems, such as a file name.

    Attributes
    ----------
    problems : list of str
        All of them; the message shows 20 lines, and a problem of many patients as one line.
    source : str
    """

    def __init__(self, problems: Iterable[str], source="the table of patients"):
        self.problems, self.source = list(problems), str(source)
        lines = [f"  - {line}" for line in grouped(self.problems)]
        if len(lines) > SHOWN_PROBLEMS:
            lines[SHOWN_PROBLEMS:] = [f"  ... and {len(lines) - SHOWN_PROBLEMS} more"]
        super().__init__("\n".join([f"{self.source} has problems:", *lines]))

    def __reduce__(self):
        # The default would pass the finished message to __init__ as the list of problems.
        return type(self), (self.problems, self.source)


def is_missing(cell) -> bool:
    """Return whether a cell contains no image: None, NaN, NA or an empty string.

    Parameters
    ----------
    cell : object
        Cell of a table of cases.

    Returns
    -------
    bool
    """
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or (pd.api.types.is_scalar(cell) and bool(pd.isna(cell)))


def category_text(cell) -> str:
    """Return the name of a category: "1" for 1 and for 1.0, empty for an empty cell.

    pandas stores a column of integers with an empty cell as floats, so that 1 becomes 1.0.

    Parameters
    ----------
    cell : object

    Returns
    -------
    str

    Examples
    --------
    >>> from sklidh.utils import category_text
    >>> category_text(1.0), category_text("1 "), category_text(None)
    ('1', '1', '')
    """
    if is_missing(cell):
        return ""
    is_whole = isinstance(cell, float) and cell.is_integer()
    return str(int(cell)) if is_whole else str(cell).strip()


def is_path(cell) -> bool:
    """Return whether a cell is a path (otherwise it is an image in memory).

    Parameters
    ----------
    cell : object
        Cell of a table of cases.

    Returns
    -------
    bool
    """
    return isinstance(cell, (str, os.PathLike))


def is_image(cell) -> bool:
    """Return whether a cell is a SimpleITK or nibabel image in memory.

    Parameters
    ----------
    cell : object
        Of a table of cases.

    Returns
    -------
    bool
    """
    # Checked by attributes, because importing both libraries takes longer than most checks.
    return hasattr(cell, "GetSpacing") or (hasattr(cell, "dataobj") and hasattr(cell, "affine"))


def check_cases(X, columns=None, *, missing="raise", cells=True) -> pd.DataFrame:
    """Check a table of cases: one row per patient, one column of images per modality.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
        Index: patient ids. Cells: paths, or images in memory (SimpleITK's or nibabel's).
    columns : sequence of str, default=None
        Columns that will be read; None means all. The column ``"mask"`` must never be empty.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty cell of a modality is an error.
    cells : bool, default=True
        Whether to check the cells too; False if a bad cell should only affect its own row.

    Returns
    -------
    DataFrame of shape (n_patients, len(columns))
        The checked columns, in the order of `columns`.

    Raises
    ------
    TypeError
        X is not a DataFrame.
    CohortError
        A patient has two rows or an id that cannot be printed, a column is missing, or a cell is
        empty or its file does not exist. All problems are listed in one error.
    """
    if not isinstance(X, pd.DataFrame):
        raise TypeError(
            f"X must be a pandas DataFrame with one row per patient and one column of image paths "
            f"per modality, got {type(X).__name__}; load_cohort('cases.csv') returns one"
        )
    columns = list(X.columns) if columns is None else list(columns)
    problems = []
    if len(X) == 0:
        problems.append("the table has no rows")
    problems += [
        f"column {column!r} not found; available columns: {listed(X.columns)}"
        for column in columns
        if column not in X.columns
    ]
    repeated_columns = X.columns[X.columns.duplicated()].unique()
    problems += [f"column {column!r} appears more than once" for column in repeated_columns]
    n_rows = X.index.value_counts(sort=False, dropna=False)
    problems += [
        Problem(f"patient {patient!r} appears in {n} rows; each patient needs exactly one", patient)
        for patient, n in n_rows[n_rows > 1].items()
    ]
    problems += [
        Problem.of(patient, "the id contains control characters; rename it")
        for patient in X.index
        if isinstance(patient, str) and not patient.isprintable()
    ]
    if cells and not problems:
        for column in columns:
            problems += _column_problems(X[column], missing)
    if problems:
        raise CohortError(problems)
    return X[columns]


def check_image_and_mask(X, *, missing="raise", cells=True) -> pd.DataFrame:
    """Check a table with an image and a mask column, and rename the second to ``"mask"``.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, 2)
    missing : {"raise", "nan"}, default="raise"
        As in `check_cases`; a mask must never be missing.
    cells : bool, default=True
        As in `check_cases`.

    Returns
    -------
    DataFrame of shape (n_patients, 2)

    Raises
    ------
    TypeError
        X is not a DataFrame.
    CohortError
        X does not have exactly an image and a mask column, in this order, or as `check_cases`.
    """
    if isinstance(X, pd.DataFrame):
        image, *others = X.columns if X.shape[1] else [None]
        if len(others) != 1 or image in ("mask", *others):
            raise CohortError(
                [
                    "expected two columns, the image and then the mask; got "
                    f"{X.shape[1]}: {list(X.columns)}; per_modality passes two to each modality"
                ]
            )
        X = X.set_axis([image, "mask"], axis=1)
    return check_cases(X, missing=missing, cells=cells)


def _column_problems(cells: pd.Series, missing: str) -> list[Problem]:
    found = {patient: _cell_problem(cell, cells.name, missing) for patient, cell in cells.items()}
    return [Problem.of(patient, text, cells.name) for patient, text in found.items() if text]


def _cell_problem(cell, column, missing: str) -> str:
    """Return the problem of a cell; empty if it names or holds an image."""
    if is_missing(cell):
        if column == "mask":
            return "no mask; every patient needs one"
        return "the cell is empty; drop the row or use missing='nan'" if missing == "raise" else ""
    if is_path(cell):
        # A folder may contain a DICOM series.
        if os.path.isdir(cell) and not os.listdir(cell):
            return f"an empty folder: {os.fspath(cell)}"
        return "" if os.path.exists(cell) else f"no such file: {os.fspath(cell)}"
    if is_image(cell):
        return ""
    kind = type(cell).__name__
    if hasattr(cell, "shape"):
        return (
            f"got an array ({kind} of shape {tuple(cell.shape)}), which has neither voxel size nor "
            "orientation; wrap it: nibabel.Nifti1Image(array, affine)"
        )
    return f"expected a path, or an image of SimpleITK or nibabel; got {kind}: {reprlib.repr(cell)}"
