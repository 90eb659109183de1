"""Saved networks are restored bit for bit, and bad files are refused with a reason."""

import copy
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from sklidh import load_model, save_model
from sklidh.features import SANetClassifier, SANetFeaturizer
from sklidh.features._sanet_files import read_model, write_model
from sklidh.utils import ModelFileError

QUICK = {"n_features": 6, "size": 16, "max_epochs": 1, "random_state": 0}
LABELS = np.array(["mutant", "wild type"] * 3)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Return a table of paths with one numeric column."""
    folder, rows = tmp_path_factory.mktemp("images"), []
    tumour = np.zeros((3, 24, 24), np.uint8)
    tumour[1, 6:14, 8:16] = 1
    for seed in range(6):
        T1 = np.random.default_rng(seed).normal(100, 10, tumour.shape)
        paths = [str(folder / f"{seed}-{name}.nii.gz") for name in ("T1", "mask")]
        for array, path in zip((T1, tumour), paths, strict=True):
            sitk.WriteImage(sitk.GetImageFromArray(array), path)
        rows.append([*paths, 40.0 + seed])
    return pd.DataFrame(rows, columns=["T1", "mask", "age"], index=list("ABCDEF"))


@pytest.fixture(scope="module")
def featurizer(table):
    featurizer = SANetFeaturizer(**QUICK, train_features="out_of_fold", cv=2)
    featurizer.fit_transform(table[["T1", "mask"]], LABELS)
    return featurizer


@pytest.fixture
def saved(featurizer, tmp_path):
    featurizer.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.slow
def test_predictions_in_a_new_process_are_bit_identical(featurizer, table, saved):
    table.to_csv(saved / "cases.csv")
    script = (
        "import sys, numpy as np, pandas as pd; from sklidh.features import SANetFeaturizer; "
        "folder = sys.argv[1]; X = pd.read_csv(folder + '/cases.csv', index_col=0); "
        "loaded = SANetFeaturizer.load(folder); "
        "np.save(folder + '/found.npy', loaded.transform(X[['T1', 'mask']]))"
    )
    subprocess.run([sys.executable, "-c", script, str(saved)], check=True)
    expected = featurizer.transform(table[["T1", "mask"]])
    np.testing.assert_array_equal(np.load(saved / "found.npy"), expected)


def test_the_output_format_is_restored(featurizer, table, tmp_path):
    chosen = copy.deepcopy(featurizer).set_output(transform="pandas")
    chosen.save(tmp_path)
    X = table[["T1", "mask"]]
    pd.testing.assert_frame_equal(
        SANetFeaturizer.load(tmp_path).transform(X), chosen.transform(X), check_exact=True
    )


def test_a_folder_and_a_model_file_are_bit_identical(featurizer, table, saved, tmp_path):
    save_model(featurizer, tmp_path / "model.skops")
    X = table[["T1", "mask"]]
    loaded = SANetFeaturizer.load(saved), load_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(*(each.transform(X) for each in loaded))


def test_a_classifier_is_restored_with_all_fitted_attributes(table, tmp_path):
    classifier = SANetClassifier(
        **QUICK, fusion="channels", channel_attention=True, radiomics=["age"],
        class_weight={"mutant": 2.0, "wild type": 1.0},
    ).fit(table, LABELS)  # fmt: skip
    classifier.save(tmp_path)
    loaded = SANetClassifier.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(table), classifier.predict_proba(table))
    assert loaded.predict(table).tolist() == classifier.predict(table).tolist()
    assert loaded.get_params() | {"planes": ("axial",)} == classifier.get_params()


def test_the_folder_contains_json_and_safetensors_but_no_code(saved):
    # The networks of the folds are not kept.
    assert sorted(file.name for file in saved.iterdir()) == ["model.json", "weights0.safetensors"]
    assert json.loads((saved / "model.json").read_text())["kind"] == "SANetFeaturizer"


def test_a_loaded_network_can_be_refitted(table, saved, featurizer):
    X = table[["T1", "mask"]]
    again = SANetFeaturizer.load(saved).fit(X, LABELS)
    pd.testing.assert_frame_equal(again.transform(X), featurizer.transform(X), check_exact=True)


def halve(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def rewrite(old, new):
    return lambda file: file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("model.json", lambda file: file.unlink(), "model.json: cannot be read"),
        ("model.json", halve, "not the configuration of a saved model"),
        ("model.json", lambda file: file.write_bytes(b"\xff\x00"), "not the configuration"),
        ("model.json", lambda file: file.write_text("[1]"), "not the configuration"),
        ("model.json", rewrite("SANetFeaturizer", "SANetClassifier"), "contains a SANetClassifier"),
        ("model.json", rewrite('"format": 2', '"format": 1'), "of format 1"),
        ("model.json", rewrite('"san10"', '"san15"'), "model.json: does not match"),
        ("weights0.safetensors", lambda file: file.unlink(), "safetensors: cannot be read"),
        ("weights0.safetensors", halve, "weights0.safetensors: does not match"),
        (
            "weights0.safetensors",
            flip_a_bit,
            "weights0.safetensors: does not match",
        ),
    ],
)
def test_a_bad_file_is_an_error_that_names_it(saved, name, damage, message):
    damage(saved / name)
    with pytest.raises(ModelFileError, match=message):
        SANetFeaturizer.load(saved)


def test_a_state_of_another_class_is_an_error(tmp_path):
    write_model(tmp_path, "SANetFeaturizer", {"nets_": 3})
    with pytest.raises(ModelFileError, match="not a saved SANetFeaturizer"):
        SANetFeaturizer.load(tmp_path)


def test_values_are_restored_with_their_types(tmp_path):
    state = {1: [None, 0.1, "x", True, b"bytes"], "a": {"b": np.array([1, 2], np.int8)}}
    write_model(tmp_path, "Kind", state)
    back = read_model(tmp_path, "Kind")
    assert back[1] == state[1]
    assert back["a"]["b"].dtype == np.int8
    with pytest.raises(TypeError, match=r"cannot be saved in model\.json"):
        write_model(tmp_path, "Kind", {"code": print})
