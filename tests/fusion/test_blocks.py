"""Blocks from column names, dicts or groups; invalid input is refused."""

import numpy as np
import pytest

from sklidh.fusion._blocks import block_presence, find_blocks, refuse_empty_columns

NAMES = ["T1__a", "T1CE__deep__san0", "T1__b", "T2__a", "FLAIR__wavelet-LH_x__y"]


def blocks(*args, **settings):
    return {name: list(columns) for name, columns in find_blocks(*args, **settings).items()}


def test_modality_is_the_name_before_the_first_two_underscores():
    assert blocks(5, NAMES) == {"T1": [0, 2], "T1CE": [1], "T2": [3], "FLAIR": [4]}


def test_columns_without_names_or_prefixes_are_one_modality():
    assert blocks(3) == {"all": [0, 1, 2]}
    assert blocks(3, ["a", "b", "c_d"]) == {"all": [0, 1, 2]}


def test_list_of_modalities_sets_the_order():
    assert blocks(5, NAMES, modalities=["T2", "T1"]) == {"T2": [3], "T1": [0, 2]}


def test_dict_gives_columns_by_name_or_by_position():
    assert blocks(5, NAMES, modalities={"x": ["T2__a", "T1__a"]}) == {"x": [3, 0]}
    assert blocks(5, modalities={"x": [0, 4], "y": range(1, 3)}) == {"x": [0, 4], "y": [1, 2]}


def test_modalities_may_share_a_column():
    assert blocks(3, modalities={"x": [0, 2], "y": [1, 2]}) == {"x": [0, 2], "y": [1, 2]}


def test_groups_join_modalities_and_leave_the_others_out():
    found = blocks(5, NAMES, groups=[("T1", "T1CE"), "FLAIR"])
    assert found == {"T1+T1CE": [0, 2, 1], "FLAIR": [4]}


def test_the_three_input_methods_of_the_paper():
    method_1 = blocks(5, NAMES, groups=[("T1CE",), ("FLAIR",)])
    method_3 = blocks(5, NAMES, groups=[("T1", "T1CE"), ("T2", "FLAIR")])
    assert list(method_1) == ["T1CE", "FLAIR"]
    assert list(blocks(5, NAMES)) == ["T1", "T1CE", "T2", "FLAIR"]
    assert list(method_3) == ["T1+T1CE", "T2+FLAIR"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"modalities": ["T1", "DWI"]}, "modalities contains 'DWI', which has no column in X"),
        ({"groups": [("T1", "DWI")]}, "groups contains 'DWI', which has no column in X"),
        ({"modalities": ["T1", "T1"]}, "modalities contains 'T1' more than once"),
        ({"groups": [("T1",), ("T1", "T2")]}, "groups contains 'T1' more than once"),
        ({"modalities": ["T1"], "groups": [("T2",)]}, "groups contains 'T2', which modalities="),
        ({"modalities": {"x": ["T1__z"]}}, r"modalities\['x'\] lists 1 column.*'T1__z'"),
        ({"modalities": {"x": [7]}}, r"X \(5 columns\) lacks: 7"),
        ({"modalities": {"x": "T1__a"}}, r"must be a list of column names or positions"),
        ({"modalities": {"x": []}}, "modalities contains 'x', which has no column"),
    ],
)
def test_invalid_modalities_and_groups_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        find_blocks(5, NAMES, **settings)


def test_error_on_a_dropped_block_explains_how_to_keep_it():
    with pytest.raises(ValueError, match=r"min_features_to_select.*missing='ignore'"):
        find_blocks(5, NAMES, modalities=["DWI"])


def test_groups_of_an_array_without_names_explain_how_to_get_names():
    with pytest.raises(ValueError, match=r"set_output\(transform='pandas'\)"):
        find_blocks(5, groups=[("T1",)], missing="ignore")
    with pytest.raises(ValueError, match=r"X \(5 columns without names\) lacks: 'T1__a'"):
        find_blocks(5, modalities={"T1": ["T1__a"]}, missing="ignore")


def test_column_without_a_modality_among_others_is_an_error_unless_modalities_leaves_it_out():
    with pytest.raises(ValueError, match="column 'age' lacks the prefix '<modality>__'"):
        find_blocks(6, [*NAMES, "age"])
    assert blocks(6, [*NAMES, "age"], modalities=["T2"]) == {"T2": [3]}


def test_ignore_leaves_out_missing_modalities_and_empty_groups():
    assert blocks(5, NAMES, modalities=["T1", "DWI"], missing="ignore") == {"T1": [0, 2]}
    groups = [("T1", "DWI"), ("DWI2",)]
    assert blocks(5, NAMES, groups=groups, missing="ignore") == {"T1": [0, 2]}
    by_name = {"x": ["T1__a", "gone"], "y": ["gone"]}
    assert blocks(5, NAMES, modalities=by_name, missing="ignore") == {"x": [0]}


def test_ignore_still_needs_one_block():
    with pytest.raises(ValueError, match=r"no block is left.*'T1__a'"):
        find_blocks(5, NAMES, modalities=["DWI"], missing="ignore")


TWO = {"T1": np.array([0, 1]), "T2": np.array([2])}
nan = np.nan


def test_nan_names_the_patient_the_block_and_the_column():
    X = np.array([[1, 2, 3.0], [1, nan, 3]])
    with pytest.raises(ValueError, match=r"patient 'B', block 'T1'.*NaN \(column 1; 1 patient"):
        block_presence(X, TWO, missing="raise", patients=["A", "B"])


def test_nan_outside_the_blocks_has_no_effect():
    X = np.array([[1, 2, nan], [1, 2, 3]])
    present = block_presence(X, {"T1": np.array([0, 1])}, missing="raise")
    assert present.all()


def test_a_block_with_only_nan_is_missing():
    X = np.array([[1, nan, 3], [nan, nan, 3], [1, 2, nan]])
    present = block_presence(X, TWO, missing="ignore")
    assert present.tolist() == [[True, True], [False, True], [True, False]]


def test_a_patient_without_any_block_is_an_error():
    X = np.array([[1, 2, 3], [nan, nan, nan]])
    said = "patient 'B': every column of .* is NaN; drop these rows from X and y"
    with pytest.raises(ValueError, match=said):
        block_presence(X, TWO, missing="ignore", patients=["A", "B"])


def test_a_column_that_is_nan_in_every_patient_is_an_error():
    with pytest.raises(ValueError, match="block 'T1': column 1 of X is NaN in every patient"):
        refuse_empty_columns(np.array([[1, nan, 3], [1, nan, 3]]), TWO)
