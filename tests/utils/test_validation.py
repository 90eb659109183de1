"""Invalid tables and targets are refused with the patient and the column."""

import pickle

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from sklidh.utils import (
    CohortError,
    Problem,
    check_cases,
    check_image_and_mask,
    check_target,
    grouped,
    is_missing,
    is_path,
)


@pytest.fixture
def cases(tmp_path):
    """Return three patients' files (the content does not matter here)."""
    X = pd.DataFrame(index=["P2", "P0", "P1"], columns=["T1", "T1CE", "mask"], dtype=object)
    for patient in X.index:
        for column in X.columns:
            file = tmp_path / f"{patient}_{column}.nii.gz"
            file.touch()
            X.loc[patient, column] = str(file)
    return X


@pytest.mark.parametrize("cell", [None, np.nan, pd.NA, pd.NaT, "", "  "])
def test_an_empty_cell_is_missing(cell):
    assert is_missing(cell)


def test_a_path_and_an_image_are_not_missing(tmp_path):
    image = sitk.Image(2, 2, 2, sitk.sitkUInt8)
    assert not is_missing("T1.nii.gz")
    assert not is_missing(tmp_path)
    assert not is_missing(image)
    assert is_path("T1.nii.gz")
    assert is_path(tmp_path)
    assert not is_path(image)


def test_a_valid_table_is_returned_with_the_requested_columns(cases):
    pd.testing.assert_frame_equal(check_cases(cases), cases)
    asked = check_cases(cases, ["mask", "T1"])
    pd.testing.assert_frame_equal(asked, cases[["mask", "T1"]])


def test_images_in_memory_are_accepted(cases):
    check_cases(cases.map(lambda _: sitk.Image(2, 2, 2, sitk.sitkUInt8)))


def test_the_mask_column_may_have_any_name(cases):
    outlines = cases[["T1", "mask"]].set_axis(["T1", "outline"], axis=1)
    pd.testing.assert_frame_equal(check_image_and_mask(outlines), cases[["T1", "mask"]])
    outlines.loc["P0", "outline"] = None
    with pytest.raises(CohortError, match=r"'P0', column 'mask': no mask"):
        check_image_and_mask(outlines, missing="nan")


@pytest.mark.parametrize("columns", [["T1"], ["T1", "T1CE", "mask"], ["mask", "T1"], ["T1", "T1"]])
def test_other_columns_than_image_and_mask_are_refused(cases, columns):
    with pytest.raises(CohortError, match="expected two columns, the image and then the mask"):
        check_image_and_mask(cases[columns])


def refused(X, **options) -> list[str]:
    with pytest.raises(CohortError) as caught:
        check_cases(X, **options)
    return caught.value.problems


def test_an_array_is_refused():
    with pytest.raises(TypeError, match=r"must be a pandas DataFrame .* got ndarray"):
        check_cases(np.ones((2, 2)))


def test_a_table_without_rows_is_refused(cases):
    assert refused(cases.iloc[:0]) == ["the table has no rows"]


def test_a_missing_column_is_reported_with_the_available_columns(cases):
    (problem,) = refused(cases, columns=["T1", "FLAIR"])
    assert problem == "column 'FLAIR' not found; available columns: 'T1', 'T1CE', 'mask'"


def test_a_repeated_column_is_reported(cases):
    (problem,) = refused(cases.set_axis(["T1", "T1", "mask"], axis=1))
    assert problem == "column 'T1' appears more than once"


@pytest.mark.parametrize("patient", ["P0", 7, np.nan])
def test_a_patient_with_two_rows_is_reported(cases, patient):
    (problem,) = refused(cases.set_axis(["P2", patient, patient]))
    assert problem == f"patient {patient!r} appears in 2 rows; each patient needs exactly one"


def test_a_missing_file_is_reported_with_patient_column_and_path(cases):
    cases.loc["P0", "T1CE"] = "nowhere/T1CE.nii.gz"
    (problem,) = refused(cases)
    assert problem == "patient 'P0', column 'T1CE': no such file: nowhere/T1CE.nii.gz"


def test_a_folder_may_hold_slices_but_not_be_empty(cases, tmp_path):
    cases.loc["P0", "T1CE"] = folder = tmp_path / "series"
    folder.mkdir()
    (problem,) = refused(cases)
    assert problem == f"patient 'P0', column 'T1CE': an empty folder: {folder}"
    (folder / "slice-1").touch()
    check_cases(cases)


def test_an_empty_cell_is_refused_unless_it_may_be_missing(cases):
    cases.loc["P1", "T1"] = None
    (problem,) = refused(cases)
    assert problem.startswith("patient 'P1', column 'T1': the cell is empty; ")
    check_cases(cases, missing="nan")


@pytest.mark.parametrize("missing", ["raise", "nan"])
def test_every_patient_needs_a_mask(cases, missing):
    cases.loc["P1", "mask"] = ""
    (problem,) = refused(cases, missing=missing)
    assert problem == "patient 'P1', column 'mask': no mask; every patient needs one"


def test_a_cell_that_is_neither_path_nor_image_is_shown(cases):
    cases.loc["P2", "T1"] = 3.5
    (problem,) = refused(cases)
    assert problem == (
        "patient 'P2', column 'T1': expected a path, or an image of SimpleITK or nibabel; got "
        "float: 3.5"
    )


def test_an_array_is_refused_in_one_short_line_that_tells_how_to_wrap_it(cases):
    cases["T1"] = pd.Series([np.zeros((40, 40, 30))] * 3, cases.index, dtype=object)
    first, *_ = refused(cases)
    assert first == (
        "patient 'P2', column 'T1': got an array (ndarray of shape (40, 40, 30)), which has "
        "neither voxel size nor orientation; wrap it: nibabel.Nifti1Image(array, affine)"
    )


def test_a_problem_knows_its_patient_wherever_it_is_carried(cases):
    cases.loc["P0", "T1"] = "nowhere.nii"
    with pytest.raises(CohortError) as refused:
        check_cases(cases)
    (problem,) = pickle.loads(pickle.dumps(refused.value)).problems
    assert problem == "patient 'P0', column 'T1': no such file: nowhere.nii"
    assert problem.patient == "P0"


def test_cells_are_not_checked_with_cells_false(cases):
    cases.loc["P2", "T1"] = "nowhere.nii"
    check_cases(cases, cells=False)
    assert refused(cases.set_axis(["P0", "P0", "P1"]), cells=False)


def test_columns_that_are_not_read_are_not_checked(cases):
    cases["site"] = ["A", "B", None]
    check_cases(cases, ["T1", "mask"])


def test_all_problems_are_listed_in_one_error(cases):
    cases.loc["P0", "T1"] = "nowhere.nii"
    cases.loc["P1", "mask"] = None
    cases.loc["P2", "T1CE"] = 1
    assert [problem[:12] for problem in refused(cases)] == [
        "patient 'P0'",
        "patient 'P2'",
        "patient 'P1'",
    ]


def test_a_long_list_of_problems_is_truncated_with_a_count():
    error = CohortError(f"patient {i}" for i in range(50))
    assert len(error.problems) == 50
    assert "patient 19" in str(error)
    assert "patient 20" not in str(error)
    assert str(error).endswith("... and 30 more")


def test_the_error_can_be_pickled():
    error = pickle.loads(pickle.dumps(CohortError(["patient 'P0'"])))
    assert error.problems == ["patient 'P0'"]
    assert str(error) == str(CohortError(["patient 'P0'"]))


def labels(values, index=("P2", "P0", "P1")):
    return pd.Series(list(values), index=list(index), name="idh")


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 1],
        [False, True, True],
        ["wildtype", "mutant", "mutant"],
        [0.0, 1.0, 1.0],
        [2, 0, 1],
    ],
)
@pytest.mark.parametrize("kind", [list, np.array, labels])
def test_labels_of_any_kind_are_returned_unchanged(cases, y, kind):
    for X in (cases, None):
        checked = check_target(kind(y), X)
        assert isinstance(checked, np.ndarray)
        assert checked.tolist() == y


def target_refused(y, X=None) -> str:
    with pytest.raises(CohortError) as caught:
        check_target(y, X)
    return "; ".join(caught.value.problems)


def test_too_few_labels_are_reported_with_both_numbers(cases):
    assert target_refused([0, 1], cases) == "y has 2 labels for 3 patients"
    assert target_refused(labels([0, 1], ["P2", "P0"]), cases) == "y has 2 labels for 3 patients"


def test_labels_in_another_order_are_refused(cases):
    message = target_refused(labels([0, 1, 1], ["P0", "P1", "P2"]), cases)
    assert message.startswith("y has another index than X")


@pytest.mark.parametrize("hole", [None, np.nan, pd.NA])
def test_a_missing_label_is_reported_with_patient_and_column(cases, hole):
    message = target_refused(labels([0, hole, 1]), cases)
    assert message.startswith("patient 'P0', column 'idh': the target is missing")


def test_a_missing_label_of_an_array_is_reported_with_its_position():
    assert target_refused(np.array([0, 1, np.nan])).startswith("patient 2: the target is missing")


def test_a_missing_target_is_an_error():
    assert target_refused(None).startswith("no target; pass y")


def test_a_single_class_is_reported(cases):
    message = target_refused(["mutant"] * 3, cases)
    assert message.startswith("the target has one class only, ['mutant'], in 3 patients")


def test_mixed_words_and_numbers_are_refused_with_one_example_each(cases):
    message = target_refused(labels([1, "mutant", 1]), cases)
    assert "mixes words and numbers: 'mutant' (patient 'P0') and 1 (patient 'P2')" in message


@pytest.mark.parametrize("number", [0.5, np.inf])
def test_real_numbers_are_not_accepted_as_labels(cases, number):
    message = target_refused(labels([1, 0, number]), cases)
    assert message.startswith("patient 'P1', column 'idh': the target must be a class label, got")
    assert message.endswith(str(number))


@given(
    st.lists(st.sampled_from(["fine", "gone", "empty", "number", "twice"]), min_size=1, max_size=12)
)
@settings(max_examples=60, deadline=None)
def test_every_problem_of_any_table_is_listed_and_nothing_else(kinds):
    cells = {
        "fine": __file__,
        "gone": "nowhere.nii",
        "empty": None,
        "number": 3.5,
        "twice": __file__,
    }
    ids = [f"P{i}" if kind != "twice" else "P" for i, kind in enumerate(kinds)]
    X = pd.DataFrame(
        {"T1": pd.Series([cells.get(kind, __file__) for kind in kinds], ids, dtype=object)}
    )
    n_twice = kinds.count("twice")
    # A table with duplicate patients is not checked further.
    n_problems = 1 if n_twice > 1 else sum(kind in ("gone", "empty", "number") for kind in kinds)
    assert len(problems_in(X)) == n_problems
    n_lenient = n_problems - (0 if n_twice > 1 else kinds.count("empty"))
    assert len(problems_in(X, missing="nan")) == n_lenient


def problems_in(X, **options):
    try:
        check_cases(X, **options)
    except CohortError as error:
        return error.problems
    return []


def test_a_problem_that_many_patients_share_is_one_line_with_their_number():
    def problems(n, label=7):
        lines = [f"patient 'P{i}', column 'mask', /d/P{i}.nii: no label {label}" for i in range(n)]
        return [Problem(f"line {i + 2}, {line}", f"P{i}") for i, line in enumerate(lines)]

    table = "column 'T1' not found: rename it"
    three = problems(3, label=5)
    shared = "6 patients ('P0', 'P1', 'P2' and 3 more), column 'mask': no label 7"
    assert grouped([table, *three, *problems(6)]) == [table, *three, shared]
    error = CohortError([*problems(300), table], "cases.csv")
    assert str(error).count("\n") == 2
    assert len(error.problems) == 301
