"""Clinical columns: numbers and words side by side, nothing filled in or passed over in silence."""

import numpy as np
import pandas as pd
import pytest

from sklidh.features import ClinicalFeatures
from sklidh.utils import CohortError


@pytest.fixture
def patients():
    """Return four patients' ages, sexes and whether they had seizures."""
    return pd.DataFrame(
        {
            "age": [40.0, 50.0, 60.0, 70.0],
            "sex": ["F", "M", "F", "F"],
            "seizures": [True] * 3 + [False],
        },
        index=["P1", "P2", "P3", "P4"],
    )


def test_numbers_and_words_become_columns_of_mean_0_and_variance_1(patients):
    encoded = ClinicalFeatures().set_output(transform="pandas").fit_transform(patients)
    assert list(encoded) == ["age", "seizures", "sex_F", "sex_M"]
    assert encoded.index.equals(patients.index)
    np.testing.assert_allclose(encoded.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(encoded.std(ddof=0), 1)
    assert encoded["age"].is_monotonic_increasing


def test_one_kind_of_column_alone_will_do(patients):
    for names, width in (["age"], 1), (["sex"], 2):
        assert ClinicalFeatures().fit_transform(patients[names]).shape == (4, width)


@pytest.mark.parametrize("empty", [None, np.nan, "", " "])
def test_an_empty_cell_counts_as_the_training_patients_typical_value_and_is_told(patients, empty):
    fitted = ClinicalFeatures().fit(patients)
    new = patients.astype(object)
    new.loc["P2", ["age", "sex"]] = empty
    filled = patients.assign(age=[40, 55, 60, 70], sex=["F"] * 4)
    with pytest.warns(UserWarning, match="clinical column") as told:
        encoded = fitted.transform(new)
    np.testing.assert_array_equal(encoded, fitted.transform(filled))
    (warning,) = told
    assert str(warning.message) == (
        "clinical columns: 'age' is empty for 1 of 4 patients ('P2'): the training patients' "
        "median, 55, is used; 'sex' is empty for 1 of 4 patients ('P2'): the training patients' "
        "usual 'F' is used"
    )


def test_a_word_that_no_training_patient_has_is_told_and_is_none_of_theirs(patients):
    fitted = ClinicalFeatures().set_output(transform="pandas").fit(patients)
    with pytest.warns(
        UserWarning, match=r"'sex' is 'f' \('P1'\), which no training patient has \('F', 'M'\)"
    ):
        encoded = fitted.transform(patients.iloc[:1].assign(sex="f"))
    known = fitted.transform(patients)
    assert encoded.loc["P1", "sex_F"] == known["sex_F"].min()
    assert encoded.loc["P1", "sex_M"] == known["sex_M"].min()


def test_what_is_no_clinical_column_is_refused_by_name(patients):
    dates = [f"3,{day}" for day in range(21)]
    many = pd.DataFrame({"age": dates, "grade": [None] * 21})
    with pytest.raises(CohortError) as refused:
        ClinicalFeatures().fit(many)
    first, second = refused.value.problems
    assert first == "clinical column 'grade': all cells are empty; leave the column out"
    assert second.startswith("clinical column 'age': 21 different words, such as '3,0', ")
    with pytest.raises(TypeError, match="DataFrame of clinical columns, got ndarray"):
        ClinicalFeatures().fit(patients.to_numpy())


def test_a_word_among_numbers_is_refused_with_its_patient(patients):
    fitted = ClinicalFeatures().fit(patients)
    said = "patient 'P3', clinical column 'age': '54 y' is not a number"
    with pytest.raises(CohortError, match=said):
        fitted.transform(patients.assign(age=[1, 2, "54 y", 4]))
    with pytest.raises(CohortError, match="'P1', clinical column 'age': inf is not a number"):
        fitted.transform(patients.assign(age=[np.inf, 2, 3, 4]))
