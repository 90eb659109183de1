"""Find every problem in a cohort's table or folder, without raising errors."""

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sklidh.datasets._examined import ExaminedCohort
from sklidh.datasets._headings import not_found, quoted
from sklidh.datasets._layouts import find_cases, match_patients
from sklidh.datasets._tables import Table, scan_table
from sklidh.images import image_columns
from sklidh.utils import PAPER_MODALITIES, CohortError, Problem, check_cases, is_missing

NAMES = ("patient", "mask", *PAPER_MODALITIES, "age", "sex", "site")
"""Columns that are recognised under other headings."""


def read_folder(folder: Path, layout: str, patients, names, options) -> Table:
    """Build the table of a folder of images and its patients' data.

    `layout`, `patients` and errors are as in `load_cohort`, `names` and `options` as in
    `scan_table`, for the patients' table.
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
    """Return an image's path relative to `folder`; empty cells are returned unchanged.

    Paths in quotation marks, paths that begin with ~, and paths with another system's backslashes
    are accepted.
    """
    if is_missing(cell):
        return cell
    text = str(cell).strip().strip("\"'").strip()
    path = os.path.abspath(folder / Path(text).expanduser())
    turned = os.path.abspath(folder / Path(text.replace("\\", "/")).expanduser())
    return turned if os.path.exists(turned) and not os.path.exists(path) else path


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
    """Read a cohort's table and find every problem in it, without raising errors.

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
        Whether to check image cells too; False if the images are read next.

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
    found = image_columns(X.select_dtypes(exclude="number").map(resolve, folder=folder))
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
    try:
        check_cases(once, checked, missing=missing, cells=cells)
    except CohortError as error:
        return examined.with_problems(error.problems)
    return examined


def check_ids(ids: pd.Series, *, has_lines: bool = True) -> list[str]:
    """Return the problems of a column of ids: empty and duplicate ones.

    Parameters
    ----------
    ids : Series of str
        Index: lines of the file.
    has_lines : bool, default=True
        Whether the index holds lines of the file.

    Returns
    -------
    list of str
    """
    problems = [f"line {line}: the patient has no id" for line in ids.index[ids == ""]]
    for patient, rows in ids.index.groupby(ids).items():
        if patient and len(rows) > 1:
            where = f"lines {', '.join(map(str, rows))}" if has_lines else f"{len(rows)} rows"
            text = f"patient {patient!r} appears in {where}; each patient needs exactly one row"
            problems.append(Problem(text, patient))
    return problems


def unusable(modalities, found, columns, renamed) -> list[str]:
    """Return the problems with the names of the requested sequences, `modalities`.

    `found` are the columns that hold images, and `renamed` maps recognised headings to columns.
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
