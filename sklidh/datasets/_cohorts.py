"""Load a cohort: from a table of patients and paths, or from a folder of a known layout."""

import os
from pathlib import Path

import pandas as pd
from sklearn.utils._param_validation import StrOptions, validate_params

from sklidh.datasets._layouts import LAYOUTS, find_cases, match_patients
from sklidh.datasets._tables import ID_COLUMNS, read_table
from sklidh.images import image_columns
from sklidh.utils import (
    CohortError,
    binary_target,
    check_cases,
    check_target,
    is_missing,
    listed,
)


def read_folder(folder: Path, layout: str, patients, target) -> pd.DataFrame:
    """Make the table of a folder of images, and of what is known of its patients.

    Parameters
    ----------
    folder : Path
    layout, patients, target
        As in `load_cohort`.

    Returns
    -------
    DataFrame
        As from `read_table`.

    Raises
    ------
    CohortError
        As `load_cohort`.
    """
    cases = find_cases(folder, layout)
    if patients is None and (folder / "participants.tsv").is_file():
        patients = folder / "participants.tsv"
    if patients is not None:
        known = read_table(Path(patients))
        if "patient" not in known:
            raise CohortError(
                [f"{patients}: no column of ids, one of {listed(ID_COLUMNS)}, is there"]
            )
        cases = match_patients(cases, known.set_index("patient"))
    elif target is not None:
        raise CohortError(
            [
                f"{folder}: a folder of images does not tell {target!r}; give patients= (on the "
                f"command line --patients), a table with the columns 'patient' and {target!r}, or "
                "target=None (--target none)"
            ]
        )
    return cases.rename_axis("patient").reset_index()


def resolve(cell, folder: Path):
    """Return an image's path as seen from `folder`; an empty cell stays what it is."""
    return cell if is_missing(cell) else os.path.abspath(folder / str(cell).strip())


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
    missing="raise",
    layout="auto",
    patients=None,
    cells=True,
) -> tuple[pd.DataFrame, pd.Series | None, list[str], list[str]]:
    """Read a cohort's table and find everything that is wrong with its images, without raising.

    Parameters
    ----------
    path : str or path
    target : str or None, default="idh"
    modalities : sequence of str, default=None
    missing : {"raise", "nan"}, default="raise"
    layout : {"auto", "brats", "tcga", "ucsf-pdgm", "bids"}, default="auto"
    patients : str or path, default=None
        All as in `load_cohort`.
    cells : bool, default=True
        Whether the cells of images are looked at too; False where the images are read next.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,) or None
        The target as the table has it, which was not checked.
    modalities : list of str
        The columns that hold images.
    problems : list of str

    Raises
    ------
    CohortError
        There is no such table, or none of the columns that it must have.
    """
    path = Path(path)
    table = read_folder(path, layout, patients, target) if path.is_dir() else read_table(path)
    absent = {"patient", "mask"} | ({target} if target is not None else set())
    absent -= set(table.columns)
    if absent:
        raise CohortError(
            f"{path}: column {column!r} is absent; the table has {listed(table.columns)}"
            for column in sorted(absent)
        )
    problems = [
        f"{path}, line {line}: the patient has no id"
        for line, patient in enumerate(table["patient"], start=2)
        if not patient
    ]
    X = table.set_index("patient")
    y = X.pop(target) if target is not None else None
    found = image_columns(X.map(resolve, folder=path.parent))
    modalities = found if modalities is None else list(modalities)
    if not modalities:
        problems.append(
            f"{path}: no column holds image files; name the columns that do by modalities=, or "
            "--groups on the command line"
        )
    problems += [
        f"{path}: column {modality!r} is absent; the columns of images are {listed(found)}"
        for modality in modalities
        if modality not in X.columns
    ]
    for column in X.columns.intersection([*modalities, "mask"]):
        X[column] = [resolve(cell, path.parent) for cell in X[column]]
    there = [modality for modality in modalities if modality in X.columns]
    problems += problems_of(check_cases, X, [*there, "mask"], missing=missing, cells=cells)
    return X, y, modalities, problems


@validate_params(
    {
        "path": [str, os.PathLike],
        "target": [str, None],
        "wildtype": [object],
        "modalities": ["array-like", None],
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
    missing="raise",
    layout="auto",
    patients=None,
) -> tuple[pd.DataFrame, pd.Series]:
    """Load a cohort from its table, or from a folder of images.

    Parameters
    ----------
    path : str or path
        A table or a folder. The table is a ``.csv`` or ``.tsv`` file, separated by commas,
        semicolons or tabs, with a column ``patient`` (ids, read as text), a column of image paths
        per modality, a column ``mask`` and the target. Other columns, such as age and site, are
        kept as they are. Paths are relative to the table's folder, or absolute. In a folder the
        images are found by their names, as `layout` says.
    target : str or None, default="idh"
        The column of the IDH status. None: the table has none, and `y` is None.
    wildtype : str or number, default=None
        The target's value of wild types; every other value is a mutant. None takes the known words
        and 0 and 1, as `binary_target` does.
    modalities : sequence of str, default=None
        The columns that hold images. None: every column, but for the mask, in which a cell names
        an image file (``.nii``, ``.nii.gz``, ``.mha``, ``.nrrd`` and the like) or a folder of
        DICOM files.
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
        There is no such table. Or everything that is wrong with it, at once: a patient without
        an id or listed twice, an absent column, an empty cell, a file that does not exist, a
        target that is missing, has one class only or values that `binary_target` refuses; in a
        folder, names of no known layout, two
        files that claim to be the same image, a patient without images.

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
    X, y, _, problems = examine_cohort(
        path,
        target=target,
        modalities=modalities,
        missing=missing,
        layout=layout,
        patients=patients,
    )
    try:
        if y is not None:
            y = binary_target(y, wildtype=wildtype)
            check_target(y, X)
    except CohortError as error:
        problems += error.problems
    if problems:
        raise CohortError(problems)
    return X, y
