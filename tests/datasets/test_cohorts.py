"""A table of patients becomes (X, y), or one error that lists all that is wrong with it."""

from pathlib import Path

import pandas as pd
import pytest

from sklidh.datasets import load_cohort
from sklidh.utils import CohortError

REAL = Path(__file__).parents[3] / "shared" / "data"
needs_real_data = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real data beside the repository are not there"
)


@pytest.fixture
def table(tmp_path):
    """Return a good table as a dict of rows, with its files in place."""
    for patient in ("007", "NA", "c"):
        (tmp_path / patient).mkdir()
        for name in ("T1", "T2", "mask"):
            (tmp_path / patient / f"{name}.nii.gz").touch()
    return pd.DataFrame(
        {
            "patient": ["007", "NA", "c"],
            "T1": ["007/T1.nii.gz", "NA/T1.nii.gz", "c/T1.nii.gz"],
            "T2": ["007/T2.nii.gz", "NA/T2.nii.gz", "c/T2.nii.gz"],
            "mask": ["007/mask.nii.gz", "NA/mask.nii.gz", "c/mask.nii.gz"],
            "idh": [1, 0, 1],
            "age": [40.5, 61.0, None],
        }
    )


def written(table, tmp_path, name="cases.csv", sep=","):
    table.to_csv(tmp_path / name, index=False, sep=sep)
    return tmp_path / name


def problems_of(path, **options):
    with pytest.raises(CohortError) as caught:
        load_cohort(path, **options)
    return caught.value.problems


def test_paths_are_relative_to_the_table(table, tmp_path, monkeypatch):
    path = written(table, tmp_path)
    X, y = load_cohort(path)
    assert X.loc["c", "T2"] == str(tmp_path / "c" / "T2.nii.gz")
    assert y.name == "idh"
    assert y.to_list() == [1, 0, 1]
    assert list(X.columns) == ["T1", "T2", "mask", "age"]
    monkeypatch.chdir(tmp_path)
    pd.testing.assert_frame_equal(load_cohort("cases.csv")[0], X)


def test_ids_stay_as_they_are_written(table, tmp_path):
    X, y = load_cohort(written(table, tmp_path))
    assert X.index.to_list() == y.index.to_list() == ["007", "NA", "c"]


def test_absolute_paths_stay(table, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for column in ("T1", "T2", "mask"):
        table[column] = [str(tmp_path / cell) for cell in table[column]]
    X, _ = load_cohort(written(table, elsewhere))
    assert X.loc["007", "mask"] == str(tmp_path / "007" / "mask.nii.gz")


def test_tabs_separate_as_well(table, tmp_path):
    of_commas = load_cohort(written(table, tmp_path))[0]
    of_tabs = load_cohort(written(table, tmp_path, "cases.tsv", "\t"))[0]
    pd.testing.assert_frame_equal(of_commas, of_tabs)


def test_a_table_with_semicolons_as_spreadsheets_write_them(table, tmp_path):
    of_commas = load_cohort(written(table, tmp_path))[0]
    path = written(table, tmp_path, "cases.csv", ";")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    pd.testing.assert_frame_equal(of_commas, load_cohort(path)[0])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cases.xlsx", b"PK", "this workbook cannot be read"),
        ("cases.ods", b"PK", "save the sheet as .xlsx or as CSV"),
        ("cases.csv", b"PK\x03\x04\xff\xfe", "let its name end in .xlsx"),
        ("cases.csv", b"a,b\n1,\0\n", "control character"),
        ("cases.csv", b"", "the table is empty"),
        ("cases.csv", b"patient,T1\n", "there is no patient below the line of headings"),
        ("cases.csv", b'patient,T1\n1,"a\n2,b\n', "line 2: the line cannot be divided into cells"),
        ("cases.csv", None, "no such file"),
        ("UCSF-PDGM-v5", None, "or their folder"),
    ],
)
def test_what_is_not_a_table_is_refused_with_the_remedy(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (problem,) = problems_of(tmp_path / name)
    assert str(tmp_path / name) in problem
    assert message in problem


def test_of_thousands_of_columns_an_error_shows_a_few(table, tmp_path):
    many = pd.DataFrame(0, index=table.index, columns=[f"T1__{i}" for i in range(3000)])
    path = written(pd.concat([table.drop(columns="mask"), many], axis=1), tmp_path)
    (problem,) = problems_of(path)
    assert len(problem) < 500
    assert "2993 more" in problem  # of 3005


def test_a_table_without_target_gives_no_y(table, tmp_path):
    X, y = load_cohort(written(table.drop(columns="idh"), tmp_path), target=None)
    assert y is None
    assert len(X) == 3


def test_everything_wrong_is_listed_at_once(table, tmp_path):
    table.loc[0, "T1"] = "007/none.nii.gz"
    table.loc[1, "T2"] = None
    table.loc[2, "mask"] = None
    table["idh"] = [1, None, 0]
    problems = "\n".join(problems_of(written(table, tmp_path)))
    for named in (
        "line 2, patient '007', column 'T1': no such file",
        "line 3, patient 'NA', column 'T2': the cell is empty",
        "line 4, patient 'c', column 'mask': no mask",
        "line 3, patient 'NA', column 'idh': the target is missing",
    ):
        assert named in problems


def test_a_patient_listed_twice_or_without_id_is_refused(table, tmp_path):
    table["patient"] = ["007", "007", " "]
    problems = "\n".join(problems_of(written(table, tmp_path)))
    assert "patient '007' appears in lines 2, 3; each patient needs exactly one row" in problems
    assert "line 4: the patient has no id" in problems


@pytest.mark.parametrize("column", ["patient", "mask", "idh"])
def test_an_absent_column_is_named_with_those_that_are_there(table, tmp_path, column):
    (problem,) = problems_of(written(table.drop(columns=column), tmp_path))
    assert f"column {column!r}" in problem
    assert "not found; available columns: " in problem
    assert "'T1'" in problem
    assert f"--columns {column}=HEADING" in problem


def test_a_modality_asked_for_must_be_there(table, tmp_path):
    (problem,) = problems_of(written(table, tmp_path), modalities=["T1", "FLAIR"])
    assert "column 'FLAIR' (a sequence) not found" in problem


def test_a_table_without_images_is_refused(table, tmp_path):
    problems = problems_of(written(table.drop(columns=["T1", "T2"]), tmp_path))
    assert "no column holds image files" in problems[0]


def test_one_class_is_refused(table, tmp_path):
    (problem,) = problems_of(written(table.assign(idh=1), tmp_path))
    assert "one class only" in problem


def test_an_empty_cell_stays_empty_on_request(table, tmp_path):
    table.loc[1, "T1"] = None
    X, _ = load_cohort(written(table, tmp_path), missing="nan")
    assert X["T1"].isna().to_list() == [False, True, False]


@needs_real_data
def test_real_patients_with_missing_sequences():
    X, y = load_cohort(REAL / "lgg-mri" / "cases.csv", missing="nan")
    assert list(X.columns) == ["T1", "T1CE", "FLAIR", "mask", "age", "site"]
    assert len(X) == 24
    assert y.sum() == 16
    assert X["T1CE"].isna().any()
    assert ", patient 'TCGA-" in problems_of(REAL / "lgg-mri" / "cases.csv")[0]


@needs_real_data
def test_real_patients_with_all_sequences_but_one_class():
    path = REAL / "brats-4mod" / "cases.csv"
    assert "one class only" in problems_of(path)[0]
    X, _ = load_cohort(path, target=None)
    assert X.shape == (2, 6)
