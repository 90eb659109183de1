"""Load a cohort: from a table of patients and paths, or from a folder of a known layout."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from sklearn.utils._param_validation import StrOptions, validate_params

from sklidh.datasets._headings import not_found, quoted
from sklidh.datasets._layouts import LAYOUTS, find_cases, match_patients
from sklidh.datasets._tables import Table, scan_table, warn_of
from sklidh.images import image_columns
from sklidh.utils import (
    PAPER_MODALITIES,
    CohortError,
    atomic_write,
    binary_target,
    check_cases,
    check_target,
    is_missing,
)

NAMES = ("patient", "mask", *PAPER_MODALITIES, "age", "sex", "site")
"""Columns that are recognised under other headings."""


@dataclass(frozen=True)
class ExaminedCohort:
    """A cohort's table as it was understood, and what is wrong with it.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
        Index: ids; "line 5" where the table has none. Paths are absolute.
    y : Series of shape (n_patients,) or None
        The target as text, not checked. None: the table has none, or it was not found.
    modalities : list of str
        The columns that hold images, or those asked for.
    problems : list of str
        What must be mended, one line each.
    notes : list of str
        What was recognised or passed over.
    lines : list of int
        Where each patient stands in the file; empty for a folder.
    """

    X: pd.DataFrame
    y: pd.Series | None
    modalities: list[str]
    problems: list[str]
    notes: list[str]
    lines: list[int]

    def located(self, problems: Iterable[str]) -> list[str]:
        """Return messages about patients with the line of the file in front.

        Parameters
        ----------
        problems : iterable of str
            Those that begin with "patient 'P1'" get its line; the others stay as they are.

        Returns
        -------
        list of str
        """
        lines = {
            repr(each): n for each, n in zip(self.X.index, self.lines, strict=bool(self.lines))
        }
        begins = ((text, re.match(r"patient ('[^']*'|\"[^\"]*\")", text)) for text in problems)
        return [
            f"line {lines[match[1]]}, {text}" if match and match[1] in lines else text
            for text, match in begins
        ]


def read_folder(folder: Path, layout: str, patients, names, options) -> Table:
    """Make the table of a folder of images, and of what is known of its patients.

    Parameters
    ----------
    folder : Path
    layout, patients
        As in `load_cohort`.
    names : sequence of str
    options : dict
        Both as `scan_table` takes them, of the patients' table.

    Returns
    -------
    Table

    Raises
    ------
    CohortError
        As `load_cohort`.
    """
    cases = find_cases(folder, layout)
    if patients is None and (folder / "participants.tsv").is_file():
        patients = folder / "participants.tsv"
    if patients is None:
        return Table(folder, cases.rename_axis("patient").reset_index())
    found = scan_table(Path(patients), names, **options)
    if "patient" not in found.frame:
        raise CohortError(
            [*found.problems, not_found("patient", found.frame.columns, of=" (ids)")], patients
        )
    frame = match_patients(cases, found.frame.set_index("patient"))
    return replace(found, frame=frame.rename_axis("patient").reset_index())


def resolve(cell, folder: Path):
    """Return an image's path as seen from `folder`; an empty cell stays what it is.

    A path copied in quotation marks, one that begins with ~, and one with the backslashes of
    another system are understood.
    """
    if is_missing(cell):
        return cell
    text = str(cell).strip().strip("\"'").strip()
    path = os.path.abspath(folder / Path(text).expanduser())
    turned = os.path.abspath(folder / Path(text.replace("\\", "/")).expanduser())
    return turned if os.path.exists(turned) and not os.path.exists(path) else path


def problems_of(check, *arguments, **options):
    """Return what a check finds wrong, instead of raising it."""
    try:
        check(*arguments, **options)
    except CohortError as error:
        return error.problems
    return []


def examine_cohort(
    path,
    *,
    target="idh",
    modalities=None,
    columns=None,
    missing="raise",
    layout="auto",
    patients=None,
    cells=True,
) -> ExaminedCohort:
    """Read a cohort's table and find everything that is wrong with it, without raising.

    Parameters
    ----------
    path : str or path
    target : str or None, default="idh"
    modalities : sequence of str, default=None
    columns : dict of str to str, default=None
    missing : {"raise", "nan"}, default="raise"
    layout : {"auto", "brats", "tcga", "ucsf-pdgm", "bids"}, default="auto"
    patients : str or path, default=None
        All as in `load_cohort`.
    cells : bool, default=True
        Whether the cells of images are looked at too; False where the images are read next.

    Returns
    -------
    ExaminedCohort

    Raises
    ------
    CohortError
        The file cannot be read, or the folder has no known layout.
    """
    path = Path(path)
    wanted = [*NAMES, *(modalities or ())] + ([] if target is None else [target])
    names = list(dict.fromkeys(wanted))
    options = {"columns": columns, "text": [] if target is None else [target]}
    is_folder = path.is_dir()
    table = (
        read_folder(path, layout, patients, names, options)
        if is_folder
        else scan_table(path, names, **options)
    )
    frame, problems = table.frame, list(table.problems)
    for name, of in (("patient", " (ids)"), ("mask", "")):
        if name not in frame:
            problems.append(not_found(name, frame.columns, of=of))
    if target is not None and target not in frame:
        problems.append(
            f"{path}: a folder of images does not contain {target!r}; give patients= (on the "
            f"command line --patients), a table with the columns 'patient' and {target!r}, or "
            "target=None (--target none)"
            if is_folder and table.path == path
            else not_found(target, frame.columns, of=" (the target)")
        )
    lines = [] if is_folder else list(frame.index)
    if "patient" not in frame:
        frame = frame.assign(patient=[f"line {line}" for line in frame.index])
    ids = frame["patient"].fillna("")
    problems += check_ids(ids, has_lines=not is_folder)
    X = frame.assign(patient=ids).set_index("patient")
    y = X.pop(target) if target in X else None
    folder = table.path if is_folder else path.parent
    found = image_columns(X.map(resolve, folder=folder))
    chosen = found if modalities is None else list(modalities)
    if not chosen:
        problems.append(
            "no column holds image files; name the columns that do by modalities=, or --groups on "
            "the command line"
        )
    problems += unusable(chosen, found, X.columns, table.renamed)
    there = [modality for modality in chosen if modality in X.columns]
    for column in X.columns.intersection([*there, "mask"]):
        X[column] = [resolve(cell, folder) for cell in X[column]]
    examined = ExaminedCohort(X, y, chosen, problems, table.notes, lines)
    checked = [*there, *(["mask"] if "mask" in X else [])]
    once = X[~X.index.duplicated()]
    wrong = problems_of(check_cases, once, checked, missing=missing, cells=cells)
    problems += examined.located(wrong)
    return examined


def check_ids(ids: pd.Series, *, has_lines: bool = True) -> list[str]:
    """Return the problems of a column of ids: empty ones, and those that several rows have.

    Parameters
    ----------
    ids : Series of str
        Index: lines of the file.
    has_lines : bool, default=True
        Whether it is.

    Returns
    -------
    list of str
    """
    problems = [f"line {line}: the patient has no id" for line in ids.index[ids == ""]]
    for patient, rows in ids.index.groupby(ids).items():
        if patient and len(rows) > 1:
            where = f"lines {', '.join(map(str, rows))}" if has_lines else f"{len(rows)} rows"
            problems.append(
                f"patient {patient!r} appears in {where}; each patient needs exactly one row"
            )
    return problems


def unusable(modalities, found, columns, renamed) -> list[str]:
    """Return what is wrong with the names of sequences.

    Parameters
    ----------
    modalities : sequence of str
        Those asked for.
    found : sequence of str
        The columns that hold images.
    columns : sequence of str
        All of the table.
    renamed : dict of str to str
        Heading -> column, of those that were recognised.

    Returns
    -------
    list of str
    """
    problems = []
    joined = "+".join(modalities)
    for name in (each for each in found if "+" in each and each in joined):
        problems.append(
            f"column {name!r} cannot be the name of a sequence: + joins sequences in --groups; "
            f"rename it, or give --columns NAME={quoted(name)}"
        )
    for heading, name in renamed.items():
        if "+" in heading and heading in joined:
            problems.append(
                f"--groups: + joins sequences, so {heading!r} cannot be named there; the column is "
                f"read as {name!r}: write that, or rename it"
            )
    odd = [name for name in (*found, *renamed) if "+" in name and name in joined]
    parts = {part for name in odd for part in name.split("+")}
    for name in modalities:
        if name in columns:
            if sign := next((sign for sign in ("__", "+", ",") if sign in name), None):
                problems.append(
                    f"column {name!r} cannot be the name of a sequence: {sign} separates or joins "
                    "names of features and sequences; rename it, or give --columns "
                    f"NAME={quoted(name)}"
                )
        elif name not in parts:
            problems.append(not_found(name, found or columns, of=" (a sequence)"))
    return problems


@validate_params(
    {
        "path": [str, os.PathLike],
        "target": [str, None],
        "wildtype": [object],
        "modalities": ["array-like", None],
        "columns": [dict, None],
        "missing": [StrOptions({"raise", "nan"})],
        "layout": [StrOptions({"auto", *LAYOUTS})],
        "patients": [str, os.PathLike, None],
    },
    prefer_skip_nested_validation=True,
)
def load_cohort(
    path,
    *,
    target="idh",
    wildtype=None,
    modalities=None,
    columns=None,
    missing="raise",
    layout="auto",
    patients=None,
) -> tuple[pd.DataFrame, pd.Series]:
    """Load a cohort from its table, or from a folder of images.

    Parameters
    ----------
    path : str or path
        A table or a folder. The table is a file as `read_table` takes it (CSV or .xlsx), with a
        column ``patient`` (ids, read as text), a column of image paths per modality, a column
        ``mask`` and the target. Usual other headings ("Patient ID", "T1 Gd", "seg", "IDH status")
        are recognised, with a warning that names them. Other columns, such as age and site, are
        kept. Paths are relative to the table's folder, or absolute. In a folder the images are
        found by their names, as `layout` says.
    target : str or None, default="idh"
        The column of the IDH status. None: the table has none, and `y` is None.
    wildtype : str or number, default=None
        The target's value of wild types; every other value is a mutant. None takes the known words
        and 0 and 1, as `binary_target` does.
    modalities : sequence of str, default=None
        The columns that hold images. None: every column, but for the mask, in which a cell names
        an image file (``.nii``, ``.nii.gz``, ``.mha``, ``.nrrd`` and the like) or a folder of
        DICOM files.
    columns : dict of str to str, default=None
        The heading of each column that is called otherwise: ``{"T1CE": "t1_gd", "mask": "roi2"}``.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty cell of a modality is an error or stays empty (NaN). A mask may never be
        empty.
    layout : {"auto", "brats", "tcga", "ucsf-pdgm", "bids"}, default="auto"
        How a folder names its images: as the BraTS challenges; as BraTS-TCGA-GBM and -LGG, or
        UCSF-PDGM, on The Cancer Imaging Archive; or as a BIDS dataset, whose tumour masks have
        "tumor" or "lesion" in their names. "auto" takes the one under which most images are found.
    patients : str or path, default=None
        For a folder: a table with the patients' ids, the target and whatever else is known. Who is
        not in it is left out. None takes ``participants.tsv`` where the folder has one.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
        Index: the patients' ids. The table's columns without the target, paths made absolute.
    y : Series of shape (n_patients,) or None
        1 for mutants and 0 for wild types, with the index of `X` and the target's name.

    Raises
    ------
    CohortError
        There is no such table. Or everything that is wrong with it, at once, with the lines of the
        file: a patient without an id or listed twice, a column that is not found or appears twice,
        an empty cell, a file that does not exist, a target that is missing, has one class only or
        values that `binary_target` refuses; in a folder, names of no known layout, two files that
        claim to be the same image, a patient without images.

    Warns
    -----
    UserWarning
        What was recognised under another heading or passed over: blank rows, a title, decimal
        commas, an encoding.

    See Also
    --------
    binary_target : Convert the IDH status of a table that you read yourself.
    make_glioma_phantoms : Write a cohort of synthetic patients.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklidh.datasets import load_cohort, make_glioma_phantoms
    >>> with TemporaryDirectory() as folder:
    ...     _ = make_glioma_phantoms(folder, 5, size=16)
    ...     X, y = load_cohort(f"{folder}/cases.csv")
    >>> list(X.columns)
    ['T1', 'T1CE', 'T2', 'FLAIR', 'mask', 'age', 'site']
    >>> y.to_list()
    [0, 1, 0, 1, 0]
    """
    cohort = examine_cohort(
        path,
        target=target,
        modalities=modalities,
        columns=columns,
        missing=missing,
        layout=layout,
        patients=patients,
    )
    X, y, problems = cohort.X, cohort.y, cohort.problems
    try:
        if y is not None:
            y = binary_target(y, wildtype=wildtype)
            check_target(y, X)
    except CohortError as error:
        problems += cohort.located(error.problems)
    if problems:
        raise CohortError(problems, path)
    warn_of(path, cohort.notes)
    return X, y


def write_cohort(path, X: pd.DataFrame, y: pd.Series | None = None) -> Path:
    """Write a cohort as a table that `load_cohort` reads without a note.

    Parameters
    ----------
    path : str or path
        A ``.csv`` file.
    X : DataFrame of shape (n_patients, n_columns)
        As from `load_cohort`. Paths below the table's folder are written relative to it.
    y : Series of shape (n_patients,), default=None
        1 is written as "mutant" and 0 as "wildtype"; words stay.

    Returns
    -------
    Path
        The same.
    """
    path = Path(path)
    folder = os.path.abspath(path.parent) + os.sep
    images = [*image_columns(X), *(["mask"] if "mask" in X else [])]
    cells = X.assign(**{name: [_relative(cell, folder) for cell in X[name]] for name in images})
    if y is not None:
        words = y.map({0: "wildtype", 1: "mutant"})
        cells = cells.assign(**{str(y.name): words.where(words.notna(), y)})
    with atomic_write(path) as temporary:
        cells.rename_axis("patient").to_csv(temporary)
    return path


def _relative(cell, folder: str):
    return cell if is_missing(cell) else os.fspath(cell).removeprefix(folder)
