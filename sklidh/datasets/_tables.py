"""Convert a spreadsheet to a DataFrame: headings, patients, and numeric columns."""

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sklidh.datasets._headings import understood, words_of
from sklidh.datasets._sheets import Sheet, read_sheet
from sklidh.utils import CohortError, listed

EMPTY = frozenset("na n/a n.a. nan null none #n/a <na> - -- —".split())
"""Cell contents, in any case, that mean an empty cell."""

SPREADSHEET_ERRORS = frozenset("#REF! #VALUE! #NAME? #DIV/0! #NUM! #NULL! #SPILL!".split())

PLAIN_NUMBER = re.compile(r"[+-]?(0|[1-9]\d{0,14})(\.\d*)?([eE][+-]?\d{1,3})?")
"""A number with a decimal point, or none; not a code, such as 007 or one of 16 digits."""

CATEGORIES = frozenset(
    "site sites centre center centres centers hospital clinic institution institute sex gender "
    "zentrum klinik geschlecht "
    "scanner vendor manufacturer model protocol cohort collection dataset database group batch "
    "fold split grade histology subtype type class code id country".split()
)
"""Heading words of text columns, even if every cell is a number: a site called 1 must not become
1.0 because another cell is empty."""


@dataclass(frozen=True)
class Table:
    """A table of patients after reading.

    Parameters
    ----------
    path : Path
    frame : DataFrame of shape (n_rows, n_columns)
        Index: the line of the file in which each row begins. Without blank rows and columns.
    notes, problems : list of str
        Information for the user, and problems to correct.
    renamed : dict of str to str
        Heading -> column, for headings that were recognised or mapped.
    """

    path: Path
    frame: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)


def scan_table(
    path: Path,
    names: Iterable[str] = ("patient",),
    *,
    columns: Mapping[str, str] | None = None,
    text: Iterable[str] = (),
    ids_first: bool = False,
) -> Table:
    """Read a table of patients and find every problem in it, without raising errors.

    Parameters
    ----------
    path : Path
        As in `read_sheet`.
    names : iterable of str, default=("patient",)
        Columns to recognise under other headings.
    columns : dict of str to str, default=None
        The user's headings, by column, which override recognised ones.
    text : iterable of str, default=()
        Columns that stay text, such as ids and categories.
    ids_first : bool, default=False
        Whether the first column holds the ids if no heading means ids.

    Returns
    -------
    Table

    Raises
    ------
    CohortError
        The file cannot be read, or has no row below the headings.
    """
    sheet = read_sheet(path)
    notes, problems = list(sheet.notes), list(sheet.problems)
    frame = under_headings(sheet, path, notes, problems)
    renamed, recognised, contradictions = understood([*filter(None, frame)], names, columns)
    problems += contradictions
    if ids_first and "patient" not in (*frame, *renamed.values()):
        frame = frame.set_axis(["patient", *frame.columns[1:]], axis=1)
    frame = named_once(frame, notes, problems).rename(columns=renamed)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    as_text = {"patient", *text}
    wrong = frame.isin(SPREADSHEET_ERRORS).to_numpy()
    problems += [
        f"line {frame.index[row]}, column {frame.columns[place]!r}: {frame.iat[row, place]!r} is a "
        "spreadsheet error; correct the formula"
        for place, row in zip(*np.nonzero(wrong.T), strict=True)
    ]
    frame = with_empty_cells(frame, as_text, notes)
    frame = with_numbers(frame, as_text, sheet.separator, notes)
    return Table(path, frame, [*notes, *recognised], problems, renamed)


def under_headings(sheet: Sheet, path: Path, notes: list, problems: list) -> pd.DataFrame:
    """Return the non-blank rows below the headings as text; findings go to notes and problems.

    The index holds the lines of the file. Columns without a heading are named "". Raises a
    CohortError if there is no row below the headings.
    """
    filled = {line: row for line, row in zip(sheet.lines, sheet.rows, strict=True) if any(row)}
    if not filled:
        raise CohortError([f"{path}: the table is empty"])
    # A title above the table is a single cell in a table with several columns.
    widths = {line: sum(map(bool, row)) for line, row in filled.items()}
    top = next(line for line, width in widths.items() if width > 1 or max(widths.values()) < 3)
    if above := [line for line in filled if line < top]:
        notes.append(f"ignored the text above the headings ({_lines(above)})")
    if not (below := [line for line in filled if line > top]):
        raise CohortError([f"{path}: there is no patient below the line of headings"])
    blank = [
        line
        for line, row in zip(sheet.lines, sheet.rows, strict=True)
        if line > top and not any(row) and (row or line < below[-1])
    ]
    if blank:
        notes.append(f"ignored {len(blank)} blank row{'s' * (len(blank) > 1)} ({_lines(blank)})")
    headings = [" ".join(heading.split()) for heading in filled[top]]
    width = max((place for place, heading in enumerate(headings) if heading), default=0) + 1
    for line in below:
        if any(filled[line][width:]):
            n_cells = max(place for place, cell in enumerate(filled[line]) if cell) + 1
            remedy = (
                "; put a cell that holds a comma into quotation marks"
                if sheet.separator == ","
                else ""
            )
            problems.append(f"line {line}: {n_cells} cells below {width} headings{remedy}")
    rows = [(filled[line] + [""] * width)[:width] for line in below]
    frame = pd.DataFrame(rows, index=pd.Index(below, name="line"), dtype=object)
    return frame.set_axis(headings[:width], axis=1)


def named_once(frame: pd.DataFrame, notes: list, problems: list) -> pd.DataFrame:
    """Return the columns with a heading, each once; parameters as in `under_headings`."""
    headings = list(frame.columns)
    for place in (place for place, heading in enumerate(headings) if not heading):
        cells = frame.iloc[:, place]
        if (cells != "").any():
            line = cells.index[cells != ""][0]
            notes.append(
                f"ignored column {_letter(place)}, which has no heading (line {line} holds "
                f"{cells[line]!r})"
            )
    for heading, n in Counter(filter(None, headings)).items():
        if n > 1:
            places = (_letter(place) for place, each in enumerate(headings) if each == heading)
            problems.append(
                f"the heading {heading!r} appears {n} times (columns {' and '.join(places)}); "
                "rename or delete all but one"
            )
    return frame.loc[:, (frame.columns != "") & ~frame.columns.duplicated()]


def with_empty_cells(frame: pd.DataFrame, as_text: set, notes: list) -> pd.DataFrame:
    """Replace cells that mean empty by NaN, except such words in columns `as_text`.

    "NA" could be an id there.
    """
    seen, cells = Counter(), {}
    for column, texts in zip(frame, frame.to_numpy(object).T, strict=True):
        words = [] if column in as_text else [text for text in texts if text.casefold() in EMPTY]
        seen.update((column, word) for word in words)
        empty = {"", *words}
        cells[column] = [np.nan if text in empty else text for text in texts]
    if seen:
        counts = (f"{word!r} in {column!r} ({n})" for (column, word), n in seen.items())
        notes.append(f"read as empty cells: {_some(counts)}")
    return pd.DataFrame(cells, index=frame.index, dtype=object)


def with_numbers(frame: pd.DataFrame, as_text: set, separator: str, notes: list) -> pd.DataFrame:
    """Convert columns in which every cell is a number; the others, and `as_text`, stay text.

    Cells separated by semicolons or tabs may have decimal commas.
    """
    cells, commas = {}, []
    for column, values in zip(frame, frame.to_numpy(object).T, strict=True):
        is_text = column in as_text or is_category(column)
        # A table of features has thousands of columns, and the checks below take their time.
        if not is_text and all(map(PLAIN_NUMBER.fullmatch, values[values == values])):
            cells[column] = pd.to_numeric(values)
            continue
        cells[column] = frame[column].infer_objects()
        texts = frame[column].dropna()
        if is_text or texts.empty:
            continue
        has_comma = texts.str.contains(",", regex=False)
        points = texts.str.replace(",", ".", regex=False) if has_comma.any() else texts
        numbers = pd.to_numeric(points, errors="coerce")
        # A leading zero is part of a code, and more digits than a float holds would be lost.
        codes = texts.str.fullmatch(r"[+-]?0\d+") | texts.str.fullmatch(r"[+-]?\d{16,}")
        odd = numbers.isna() | texts.str.count(",").gt(1) | texts.str.contains(r",.*\.|\..*,")
        mixed = has_comma.any() and texts.str.contains(".", regex=False).any()
        # In a comma-separated file "1,234" may be a thousand.
        thousands = has_comma & texts.str.fullmatch(r"[+-]?\d{1,3}(,\d{3})+")
        doubtful = has_comma.any() and separator not in (";", "\t") and thousands[has_comma].all()
        if codes.any() or odd.all():
            continue
        if not odd.any() and not mixed and not doubtful:
            cells[column] = numbers.reindex(frame.index)
            commas += [column] * int(has_comma.any())
        elif odd.mean() < 0.5:
            line = (texts.index[odd] if odd.any() else texts.index[has_comma])[0]
            why = "is not a number" if odd.any() else "may be a decimal comma or one of thousands"
            why = "has a decimal comma where other cells have points" if mixed else why
            notes.append(
                f"column {column!r} is read as text, not numbers: {texts[line]!r} in line {line} "
                f"{why}; correct it, or leave the cell empty"
            )
    if commas:
        notes.append(f"decimal commas read as points: {listed(commas)}")
    return pd.DataFrame(cells, index=frame.index)


def is_category(column: str) -> bool:
    """Return whether a column's heading means that its cells are names, not quantities."""
    return "__" not in column and not CATEGORIES.isdisjoint(words_of(column))


def _letter(place: int) -> str:
    """Return the spreadsheet name of a column: A for 0, AA for 26."""
    letters = ""
    while place >= 0:
        letters = chr(ord("A") + place % 26) + letters
        place = place // 26 - 1
    return letters


def _lines(numbers: list[int]) -> str:
    return f"line{'s' * (len(numbers) > 1)} {_some(map(str, numbers))}"


def _some(texts: Iterable[str], most: int = 6) -> str:
    texts = list(texts)
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def read_table(
    path, *, columns: Mapping[str, str] | None = None, ids_first: bool = False
) -> pd.DataFrame:
    """Read a table of patients in any of the formats that spreadsheets write.

    Commas, semicolons or tabs may separate cells, with decimal points or commas; blank rows and
    columns, blanks around cells and a title above the headings are skipped. Warnings list what was
    skipped or recognised.

    Parameters
    ----------
    path : str or path
        A ``.csv``, ``.tsv`` or ``.txt`` file in UTF-8, UTF-16 or Windows-1252, or an ``.xlsx``
        workbook (with ``pip install 'sklidh[excel]'``).
    columns : dict of str to str, default=None
        The heading of each column with another name, such as ``{"T1CE": "t1_gd"}``.
    ids_first : bool, default=False
        Whether the first column holds the ids if none is named "patient", "ID" or the like.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)
        Index: the line of the file in which each row begins. Ids, in the column ``patient``, and
        categories such as site and sex are text; numeric columns contain only numbers.

    Raises
    ------
    CohortError
        All problems of the table, listed at once.
    """
    table = scan_table(Path(path), columns=columns, ids_first=ids_first)
    if table.problems:
        raise CohortError(table.problems, path)
    warn_of(path, table.notes)
    return table.frame


def warn_of(path, notes: Iterable[str], *, stacklevel: int = 3) -> None:
    """Issue the notes on a table as warnings."""
    for note in notes:
        warnings.warn(f"{path}: {note}", stacklevel=stacklevel)
