"""Tables of spreadsheets and hospitals are read as they are meant, or refused by line."""

import codecs
import csv
import math
import warnings

import pandas as pd
import pytest

from sklidh.baselines import load_feature_table
from sklidh.datasets import examine_cohort, load_cohort, matches, near_misses, read_table
from sklidh.datasets._sheets import read_sheet
from sklidh.utils import CohortError

openpyxl = pytest.importorskip("openpyxl")

HEADINGS = ["patient", "T1", "T1CE", "mask", "idh", "age", "site"]


@pytest.fixture
def rows(tmp_path):
    """Return the rows of a good table, whose files are there."""
    for patient in "abcd":
        (tmp_path / patient).mkdir()
        for name in ("T1", "T1CE", "mask"):
            (tmp_path / patient / f"{name}.nii.gz").touch()
    return [
        [p, f"{p}/T1.nii.gz", f"{p}/T1CE.nii.gz", f"{p}/mask.nii.gz", str(i % 2), str(40 + i), "1"]
        for i, p in enumerate("abcd")
    ]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes rows below headings, and gives the path."""

    def written(rows, headings=HEADINGS, sep=",", above="", encoding="utf-8"):
        lines = [sep.join(cells) for cells in [headings, *rows]]
        path = tmp_path / "cases.csv"
        path.write_bytes((above + "\n".join(lines) + "\n").encode(encoding))
        return path

    return written


def problems_of(path, **options):
    with pytest.raises(CohortError) as caught:
        load_cohort(path, **options)
    return caught.value.problems


def notes_of(path, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read = load_cohort(path, **options)
    return read, "\n".join(str(each.message) for each in caught)


BLANK = [""] * len(HEADINGS)


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_the_marks_of_unicode_files_are_no_part_of_the_first_heading(rows, write, mark):
    plain = load_cohort(write(rows))[0]
    names = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le"}
    path = write(rows, encoding=names.get(mark, "utf-16-be"))
    path.write_bytes(mark + path.read_bytes())
    pd.testing.assert_frame_equal(load_cohort(path)[0], plain)


def test_a_windows_code_page_is_read_with_a_note_that_names_the_line(rows, write):
    rows[2][6] = "Köln"
    (X, _), notes = notes_of(write(rows, encoding="cp1252"))
    assert X["site"].iloc[2] == "Köln"
    assert "read as Windows-1252: check the accented letters (line 4)" in notes


def test_a_workbook_gives_what_its_csv_gives(rows, write, tmp_path):
    plain = load_cohort(write(rows))[0]
    book = openpyxl.Workbook()
    book.active.append(HEADINGS)
    for row in rows:
        book.active.append([*row[:4], int(row[4]), float(row[5]), int(row[6])])
    book.save(tmp_path / "cases.xlsx")
    pd.testing.assert_frame_equal(load_cohort(tmp_path / "cases.xlsx")[0], plain)


def test_of_a_workbook_the_first_filled_sheet_is_read_and_unsaved_formulas_are_named(
    rows, tmp_path
):
    book = openpyxl.Workbook()
    book.active.title = "Empty"
    sheet, other = book.create_sheet("Patients"), book.create_sheet("Notes")
    other["A1"] = "x"
    for row in [HEADINGS, *rows]:
        sheet.append(row)
    book.save(tmp_path / "cases.xlsx")
    _, notes = notes_of(tmp_path / "cases.xlsx")
    assert "has 2 sheets; 'Patients', the first, was read" in notes
    sheet["F3"] = "=40+1"
    book.save(tmp_path / "cases.xlsx")
    assert "line 3, column F: the formula '=40+1' has no saved result" in "\n".join(
        problems_of(tmp_path / "cases.xlsx")
    )


def test_lines_in_messages_are_those_of_the_file(rows, write):
    """Below sep=, a title, a blank line, blank rows, and a cell of two lines."""
    rows[0][6] = '"two\nlines"'
    rows[3][1] = "nowhere.nii"
    rows = [rows[0], BLANK, rows[1], rows[2], rows[3], BLANK, BLANK]
    (problem,) = problems_of(write(rows, above="sep=,\nPatients of 2021,,,,,,\n\n"))
    # 1 sep, 2 title, 3 blank, 4 headings, 5-6 a, 7 blank, 8 b, 9 c, 10 d
    assert problem.startswith("line 10, patient 'd', column 'T1': no such file: ")


def test_blank_rows_and_columns_and_a_title_are_passed_over_with_a_note(rows, write):
    rows = [[*row, "", ""] for row in [rows[0], BLANK, *rows[1:], BLANK]]
    (X, _), notes = notes_of(write(rows, above="Our patients,,,,\n"))
    assert list(X.index) == list("abcd")
    assert list(X.columns) == ["T1", "T1CE", "mask", "age", "site"]
    assert "ignored 2 blank rows (lines 4, 8)" in notes
    assert "ignored the text above the headings (line 1)" in notes


def test_a_column_without_heading_is_named_where_it_holds_something(rows, write):
    rows[1].append("see mail")
    rows[1].append("x")
    (problem,) = problems_of(write(rows))
    assert problem.startswith("line 3: 9 cells below 7 headings")
    _, notes = notes_of(
        write(
            [[row[0], "", *row[1:7]] for row in rows[:1]]
            + [[row[0], "x", *row[1:7]] for row in rows[1:]],
            headings=["patient", "", *HEADINGS[1:]],
        )
    )
    assert "ignored column B, which has no heading (line 3 holds 'x')" in notes


def test_padded_headings_and_cells_are_trimmed_and_repeated_headings_refused(rows, write):
    plain = load_cohort(write(rows))[0]
    padded = [[f" {cell} " for cell in row] for row in rows]
    X, _ = load_cohort(write(padded, headings=[" patient", "T1 ", *HEADINGS[2:]]))
    pd.testing.assert_frame_equal(X, plain)
    (problem,) = problems_of(write(rows, headings=["patient", "T1", "T1 ", *HEADINGS[3:]]))
    assert "the heading 'T1' appears 2 times (columns B and C)" in problem


@pytest.mark.parametrize("sep", [";", "\t"])
def test_decimal_commas_are_numbers_with_a_note(rows, write, sep):
    for row, age in zip(rows, ["46,1", "40", "55,5", ""], strict=True):
        row[5] = age
    (X, _), notes = notes_of(write(rows, sep=sep))
    assert X["age"].tolist()[:3] == [46.1, 40.0, 55.5]
    assert math.isnan(X["age"].iloc[3])
    assert "decimal commas read as points: 'age'" in notes


@pytest.mark.parametrize(
    ("ages", "why"),
    [
        (["46,1", "40.5", "55,5", "41"], "decimal comma where other cells have points"),
        (["46", "40", "about 50", "41"], "'about 50' in line 4 is not a number"),
        (["1,234", "2,345", "3,456", "4,567"], "may be a decimal comma or one of thousands"),
    ],
)
def test_cells_that_are_not_surely_numbers_stay_text_with_a_note(rows, write, ages, why):
    for row, age in zip(rows, ages, strict=True):
        row[5] = f'"{age}"'
    (X, _), notes = notes_of(write(rows))
    assert X["age"].tolist() == ages
    assert why in notes


@pytest.mark.parametrize("column", ["site", "Centre no", "sex", "scanner_id", "WHO grade"])
def test_categories_are_text_whether_or_not_a_cell_is_empty(rows, write, column):
    for row, site in zip(rows, ["1", "2", "", "2"], strict=True):
        row[6] = site
    table = read_table(write(rows, headings=[*HEADINGS[:6], column]))
    assert table[column].dropna().tolist() == ["1", "2", "2"]


def test_codes_with_leading_zeros_or_many_digits_stay_text(rows, write):
    for row, code in zip(rows, ["007", "010", "1", "2"], strict=True):
        row[5] = code
    assert read_table(write(rows))["age"].tolist() == ["007", "010", "1", "2"]


def test_words_for_empty_cells_are_counted_in_a_note(rows, write):
    rows[0][5], rows[1][5], rows[0][2] = "n/a", "N/A", "-"
    (X, _), notes = notes_of(write(rows), missing="nan")
    assert X["age"].isna().tolist() == [True, True, False, False]
    assert X["T1CE"].isna().tolist() == [True, False, False, False]
    assert "'-' in 'T1CE' (1)" in notes


def test_a_broken_formula_is_a_problem_of_its_line(rows, write):
    rows[2][5] = "#REF!"
    (problem,) = problems_of(write(rows))
    assert problem.startswith("line 4, column 'age': '#REF!' is a spreadsheet error")


def test_paths_with_backslashes_quotes_and_a_tilde(rows, write, tmp_path, monkeypatch):
    plain = load_cohort(write(rows))[0]
    monkeypatch.setenv("HOME", str(tmp_path))
    rows[0][1], rows[1][1], rows[2][1] = "a\\T1.nii.gz", '"""b/T1.nii.gz"""', "~/c/T1.nii.gz"
    pd.testing.assert_frame_equal(load_cohort(write(rows))[0], plain)


HOSPITAL = ["Patient ID", "T1 path", "t1_Gd", "Tumour seg", "IDH status", "Age (years)", "Centre"]


def test_usual_headings_are_recognised_and_shown(rows, write):
    plain = load_cohort(write(rows))
    (X, y), notes = notes_of(write(rows, headings=HOSPITAL))
    pd.testing.assert_frame_equal(X, plain[0])
    pd.testing.assert_series_equal(y, plain[1])
    pairs = {f"{heading!r} as {name!r}" for heading, name in zip(HOSPITAL, HEADINGS, strict=True)}
    note = next(each for each in notes.splitlines() if "headings" in each)
    assert set(note.partition("headings recognised: ")[2].split(", ")) == pairs


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("T1CE", each)
        for each in ("t1ce", "T1 Gd", "T1-Gd", "T1+C", "T1c", "t1_post", "ceT1", "T1 KM")
    ]
    + [("T1", each) for each in ("t1", "T1w", "T1 native", "T1_pre", "T1n", "T1 image")]
    + [("FLAIR", each) for each in ("flair", "T2-FLAIR", "t2f", "T2 FLAIR path")]
    + [("mask", each) for each in ("seg", "Segmentation", "ROI", "tumor_mask", "Mask file")]
    + [("patient", each) for each in ("ID", "PatientID", "subject", "participant_id", "Case ID")]
    + [("idh", each) for each in ("IDH", "IDH-status", "IDH mutation", "IDH1/2 status")],
)  # fmt: skip
def test_synonyms(name, heading):
    others = {"T1", "T1CE", "T2", "FLAIR", "mask", "patient", "idh", "age"} - {name}
    assert matches(name, ["notes", heading]) == [heading]
    assert not [other for other in others if matches(other, [heading])]


@pytest.mark.parametrize("heading", ["T1 notes", "T2*", "T1rho", "IDH wildtype", "seg date", "KPS"])
def test_other_headings_are_not_taken_for_a_column(heading):
    names = ("T1", "T1CE", "T2", "FLAIR", "mask", "patient", "idh", "age")
    assert not [name for name in names if matches(name, [heading])]


def test_near_misses_are_suggested_and_never_taken(rows, write):
    assert near_misses("FLAIR", ["FLIAR", "T2"]) == ["FLIAR"]
    (problem,) = problems_of(write(rows, headings=[*HEADINGS[:3], "maks", *HEADINGS[4:]]))
    assert "column 'mask' not found; did you mean 'maks'?" in problem
    assert "--columns mask=maks" in problem


def test_two_headings_for_one_column_are_refused_until_one_is_chosen(rows, write):
    path = write(rows, headings=["patient", "T1 Gd", "T1 post", *HEADINGS[3:]])
    (problem,) = problems_of(path)
    assert problem.startswith("'T1 Gd' and 'T1 post' may both be 'T1CE'; choose one")
    X, _ = load_cohort(path, columns={"T1CE": "T1 post"})
    assert list(X.columns[:2]) == ["T1 Gd", "T1CE"]


def test_columns_map_any_heading_and_a_wrong_one_is_named(rows, write):
    path = write(rows, headings=["patient", "x1", "x2", *HEADINGS[3:]])
    X, _ = load_cohort(path, columns={"T1": "x1", "T1CE": "X2"})
    assert list(X.columns[:2]) == ["T1", "T1CE"]
    problems = problems_of(path, columns={"T1": "x12", "mask": "x1", "T1CE": "x1"})
    assert (
        "--columns T1=x12: the table has no such heading; did you mean 'x2' or 'x1'?" in problems[0]
    )
    assert any("'x1' is named for two columns" in each for each in problems)


@pytest.mark.parametrize(("name", "sign"), [("T1__CE", "__"), ("X+C", "+"), ("T1+C", "+")])
def test_names_that_mean_something_else_are_refused_by_name(rows, write, name, sign):
    path = write(rows, headings=["patient", "T1", name, *HEADINGS[3:]])
    asked = ["T1", *(name.split("+") if sign == "+" else [name])]
    problems = problems_of(path, modalities=asked)
    assert any(name in each and sign in each and "rename it" in each for each in problems)


def test_every_problem_of_headings_cells_and_labels_comes_at_once(rows, write):
    rows[0][4], rows[1][1], rows[2][0], rows[3][6] = "maybe", "none.nii", "a", "#REF!"
    path = write(rows, headings=["patient", "T1", "T1CE", "roi 2", "idh", "age", "site"])
    problems = "\n".join(problems_of(path))
    for said in ("column 'mask' not found", "'maybe'", "no such file", "lines 2, 4", "#REF!"):
        assert said in problems


def test_without_ids_the_lines_name_the_rows(rows, write):
    rows[1][1] = "none.nii"
    path = write(rows, headings=["who", *HEADINGS[1:]])
    problems = problems_of(path)
    assert "column 'patient' (ids) not found" in problems[0]
    assert any("'line 3', column 'T1': no such file" in each for each in problems)


def test_examined_cohorts_know_their_lines(rows, write):
    assert examine_cohort(write([BLANK, *rows])).lines == [3, 4, 5, 6]


@pytest.mark.parametrize("sep", [";", "\t"])
def test_a_table_of_features_with_decimal_commas(tmp_path, sep):
    path = tmp_path / "f.csv"
    table = pd.DataFrame({"Case": list("abcd"), "T1__x": ["1,5", "2,5", "3,5", "1e-3"]})
    table.assign(IDH=[0, 1, 0, 1]).to_csv(path, sep=sep, index=False)
    with pytest.warns(UserWarning, match="decimal commas"):
        X, y = load_feature_table(path)
    assert X["T1__x"].tolist() == [1.5, 2.5, 3.5, 0.001]
    assert y.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_headings_longer_than_the_longest_cell_of_the_csv_module(tmp_path, sep):
    path, names = tmp_path / "f.csv", [f"T1__radiomics__wavelet-HHH_glcm_{i}" for i in range(4_000)]
    path.write_text(sep.join(names) + "\n" + sep.join(["1"] * 4_000) + "\n")
    assert len(sep.join(names)) > csv.field_size_limit()
    sheet = read_sheet(path)
    assert sheet.separator == sep
    assert [len(row) for row in sheet.rows] == [4_000, 4_000]
