"""Read the cells of a spreadsheet as text: .xlsx, or CSV as spreadsheets write it."""

import codecs
import csv
import re
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from sklidh.utils import CohortError

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT_SUFFIXES, ".xlsx", ".xlsm")
SEPARATORS = ",;\t"

BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Marks at the beginning of a file, and their encodings."""

CODE_PAGE = "cp1252"
"""Encoding of Excel's "CSV" (without "UTF-8") in Western Europe and America."""

LONGEST_CELL = 1_000_000
"""Maximum number of characters per cell."""


@dataclass(frozen=True)
class Sheet:
    """The rows of a table as text.

    Attributes
    ----------
    rows : list of list of str
        Without blanks around cells; rows may differ in length.
    lines : list of int
        Line of the file in which each row begins, counted from 1.
    separator : str
        The cell separator; empty for a workbook.
    notes, problems : list of str
        Information for the user, and problems to correct.
    """

    rows: list[list[str]]
    lines: list[int]
    separator: str = ""
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_sheet(path: Path) -> Sheet:
    """Read all cells of a table.

    A ``.csv``, ``.tsv`` or ``.txt`` file is separated by commas, semicolons or tabs, in UTF-8,
    UTF-16 (with a byte order mark) or Windows-1252; from an ``.xlsx`` file the first visible
    non-empty sheet is read. Raises a CohortError if the file does not exist, has another format or
    cannot be read, and an ImportError if .xlsx needs openpyxl, which is not installed.
    """
    if not path.is_file():
        raise CohortError(
            [f"{path}: no such file; name the table of your patients, or their folder"]
        )
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CohortError(
            [
                f"{path}: a table ends in one of {', '.join(SUFFIXES)}, got {suffix or 'no ending'}"
                "; save the sheet as .xlsx or as CSV"
            ]
        )
    return read_text(path) if suffix in TEXT_SUFFIXES else read_workbook(path)


def read_text(path: Path) -> Sheet:
    """Read a table of separated text; parameters and errors as in `read_sheet`."""
    content = path.read_bytes()
    if content.startswith(b"PK\x03\x04"):
        raise CohortError(
            [f"{path}: this is not text but a workbook (or a ZIP file); let its name end in .xlsx"]
        )
    text, notes = decoded(content, path)
    first = text.split("\n", 1)[0].strip()
    named = first[4:] if first.casefold().startswith("sep=") and len(first) == 5 else None
    separator = named or separator_of(text)
    rows, lines, begin = [], [], 1
    before = csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            if not (begin == 1 and named):
                rows.append([stripped(cell) for cell in cells])
                lines.append(begin)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise CohortError(
            [
                f"{path}, line {begin}: the line cannot be divided into cells ({error}); look for "
                'a quotation mark " without its partner'
            ]
        ) from error
    finally:
        csv.field_size_limit(before)
    return Sheet(rows, lines, separator, notes)


def decoded(content: bytes, path: Path) -> tuple[str, list[str]]:
    """Return a file's text, and a note if its encoding had to be assumed."""
    encoding = next((name for mark, name in BOMS.items() if content.startswith(mark)), "utf-8")
    notes = []
    try:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            if encoding != "utf-8":
                raise
            text = content.decode(CODE_PAGE)
            line = 1 + content.decode(CODE_PAGE).split("\n").index(
                next(each for each in text.split("\n") if not each.isascii())
            )
            notes.append(
                f"not in UTF-8, so it was read as Windows-1252: check the accented letters (line "
                f"{line}), or save the sheet as CSV UTF-8"
            )
    except UnicodeDecodeError as error:
        raise CohortError(
            [
                f"{path}: this is not a table of text (byte {error.object[error.start]:#x} at "
                f"{error.start}); save the sheet as CSV UTF-8 or .xlsx"
            ]
        ) from error
    if odd := re.search(r"[\x00-\x08\x0e-\x1f]", text):
        raise CohortError(
            [
                f"{path}: this is not a table of text (it holds the control character {odd[0]!r}); "
                "save the sheet as CSV UTF-8 or .xlsx"
            ]
        )
    return text, notes


def separator_of(text: str) -> str:
    """Return the cell separator: the one that splits the line of headings into most cells."""
    heading = next((line for line in text.splitlines() if line.strip(SEPARATORS + " ")), "")
    # Any separator but the right one leaves the headings of a feature table as one long cell.
    heading = heading[: csv.field_size_limit()]
    return max(SEPARATORS, key=lambda each: len(next(csv.reader([heading], delimiter=each), [])))


def stripped(cell: str) -> str:
    """Return a cell's text without surrounding blanks; line breaks become blanks."""
    return " ".join(cell.split()) if "\n" in cell or "\r" in cell else cell.strip()


def read_workbook(path: Path) -> Sheet:
    """Read the first visible sheet of a workbook; parameters and errors as in `read_sheet`."""
    try:
        import openpyxl
    except ImportError as error:
        raise ImportError(
            f"{path}: reading .xlsx needs openpyxl, which is not installed: pip install "
            "'sklidh[excel]'; or save the sheet as CSV"
        ) from error
    try:
        values, formulas = (openpyxl.load_workbook(path, data_only=only) for only in (True, False))
    # openpyxl passes on errors of the ZIP file and of XML, besides its own.
    except Exception as error:
        raise CohortError(
            [f"{path}: this workbook cannot be read ({error}); save it as .xlsx again, or as CSV"]
        ) from error
    filled = [
        sheet
        for sheet in values.worksheets
        if sheet.sheet_state == "visible" and any(map(any, sheet.iter_rows(values_only=True)))
    ]
    if not filled:
        return Sheet([], [])
    sheet, *others = filled
    notes = [
        f"the workbook has {len(filled)} sheets; {sheet.title!r}, the first, was read"
    ] if others else []  # fmt: skip
    rows = [[text_of(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    problems = [
        f"line {cell.row}, column {cell.column_letter}: the formula {cell.value!r} has no saved "
        "result; open the workbook in a spreadsheet and save it"
        for row in formulas[sheet.title].iter_rows()
        for cell in row
        if cell.data_type == "f" and sheet[cell.coordinate].value is None
    ]
    return Sheet(rows, list(range(1, len(rows) + 1)), "", notes, problems)


def text_of(cell) -> str:
    """Return a workbook's cell as it would be written in a CSV file."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if hasattr(cell, "isoformat"):
        return cell.isoformat().removesuffix("T00:00:00")
    return stripped(str(cell))
