"""Read a table of patients as spreadsheets write it."""

from pathlib import Path

import pandas as pd

from sklidh.utils import CohortError

SUFFIXES = (".csv", ".tsv")

ID_COLUMNS = ("patient", "patient_id", "participant_id", "ID")
"""What the column of ids may be called; the first that is there counts."""


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of text separated by commas, semicolons or tabs, every cell as it is written.

    Parameters
    ----------
    path : Path

    Returns
    -------
    DataFrame
        The ids, where there are some, are text in the column ``patient``.

    Raises
    ------
    CohortError
        The file is not there, or is no such table.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise CohortError(
            [
                f"{path}: a cohort's table is one of {', '.join(SUFFIXES)}, got {path.suffix!r}; "
                "save the sheet as comma-separated text"
            ]
        )
    if not path.is_file():
        raise CohortError([f"{path}: there is no such file; name the table of your patients"])
    try:
        with open(path, encoding="utf-8") as file:
            header = file.readline()
        # Spreadsheets write semicolons where the decimal sign is a comma.
        separator = max("\t,;", key=header.count)
        table = pd.read_csv(path, sep=separator)
        ids = next((column for column in ID_COLUMNS if column in table), None)
        if ids is not None:
            # Read for themselves, as text: "007" and "NA" stay as they are written.
            texts = pd.read_csv(
                path, sep=separator, usecols=[ids], dtype=str, keep_default_na=False
            )
            table[ids] = texts[ids].str.strip()
            table = table.rename(columns={ids: "patient"})
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise CohortError(
            [f"{path}: this is no table of text ({error}); save the sheet as comma-separated text"]
        ) from error
    return table
