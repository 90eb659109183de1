"""Read a table of patients as spreadsheets write it."""

from pathlib import Path

import pandas as pd

from sklidh.utils import CohortError

SUFFIXES = (".csv", ".tsv")

ID_COLUMNS = ("patient", "patient_id", "participant_id", "ID")
"""What the column of ids may be called; the first that is there counts."""


def read_table(path: Path, *, ids_first: bool = False) -> pd.DataFrame:
    """Read a table of text separated by commas, semicolons or tabs, every cell as it is written.

    Parameters
    ----------
    path : Path
    ids_first : bool, default=False
        Whether the first column holds the ids where none is called as `ID_COLUMNS`.

    Returns
    -------
    DataFrame
        The ids, where there are some, are text in the column ``patient``.

    Raises
    ------
    CohortError
        The file is not there, is no such table, or has no row.
    """
    if not path.is_file():
        raise CohortError(
            [f"{path}: there is no such file; name the table of your patients, or their folder"]
        )
    if path.suffix.lower() not in SUFFIXES:
        raise CohortError(
            [
                f"{path}: a cohort's table is one of {', '.join(SUFFIXES)}, got {path.suffix!r}; "
                "save the sheet as comma-separated text"
            ]
        )
    try:
        with open(path, encoding="utf-8") as file:
            header = file.readline()
        # Spreadsheets write semicolons where the decimal sign is a comma.
        separator = max("\t,;", key=header.count)
        table = pd.read_csv(path, sep=separator)
        first = table.columns[0] if ids_first else None
        ids = next((column for column in ID_COLUMNS if column in table), first)
        if ids is not None:
            # Read for themselves, as text: "007" and "NA" stay as they are written.
            texts = pd.read_csv(
                path, sep=separator, usecols=[ids], dtype=str, keep_default_na=False
            )
            table[ids] = texts[ids].str.strip()
            table = table.rename(columns={ids: "patient"})
    except UnicodeDecodeError as error:
        raise CohortError(
            [
                f"{path}: this is no table of text in UTF-8 (byte "
                f"{error.object[error.start]:#x}); save the sheet as CSV UTF-8"
            ]
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        seen = " ".join(str(error).split())
        raise CohortError(
            [f"{path}: this is no table of text ({seen}); save the sheet as comma-separated text"]
        ) from error
    if table.empty:
        raise CohortError([f"{path}: there is no patient below the line of headings"])
    return table
