"""Perturbed features and regions, from the command line to the tables."""

import numpy as np
import pandas as pd
import pytest
import yaml

from sklidh.baselines import join_perturbed, split_perturbed
from sklidh.cli.values import parse_regions
from sklidh.persistence import load_model
from sklidh.utils import CohortError

pytestmark = pytest.mark.filterwarnings("ignore:MannWhitneySelector", "ignore:LassoCVSelector")


@pytest.fixture(scope="module")
def tables(sklidh, cases, parameters, tmp_path_factory):
    """Return the tables of features and of perturbed features."""
    out = tmp_path_factory.mktemp("robust") / "features.csv"
    words = ("--radiomics", parameters, "--groups", "T1,FLAIR", "--reference", "none")
    result = sklidh("extract", cases, "--out", out, *words, "--perturbations", 3, "--jobs", 1)
    assert result.exit_code == 0, result.output
    return out, out.with_suffix(".perturbed.csv")


def test_perturbed_features_are_a_second_table(tables):
    features = pd.read_csv(tables[0], index_col="patient")
    perturbed = pd.read_csv(tables[1], index_col="patient")
    names = [name for name in features if "__" in name]
    assert len(names) == 4
    assert perturbed.columns.tolist() == ["perturbation", *names]
    assert perturbed.index.tolist() == list(np.repeat(features.index, 3))
    assert perturbed["perturbation"].tolist() == [1, 2, 3] * len(features)
    assert perturbed[names].notna().all(axis=None)


def test_a_table_is_split_and_joined_without_loss(tables, tmp_path):
    features = pd.read_csv(tables[0], index_col="patient")
    features = features[[name for name in features if "__" in name]]
    joined = join_perturbed(features, tables[1])
    plain, perturbed = split_perturbed(joined)
    pd.testing.assert_frame_equal(plain, features)
    perturbed.rename_axis("patient").to_csv(tmp_path / "again.csv")
    pd.testing.assert_frame_equal(join_perturbed(features, tmp_path / "again.csv"), joined)


def test_selection_drops_what_is_not_robust_first(sklidh, tables, tmp_path):
    out = tmp_path / "selection.csv"
    words = ("--perturbed", tables[1], "--icc", 0.9, "--groups", "T1,FLAIR", "--folds", 2)
    result = sklidh("select", tables[0], "--out", out, *words)
    assert result.exit_code == 0, result.output
    assert "robustness" in result.output
    table = pd.read_csv(out)
    assert table["feature"].tolist() == [
        f"{name}__original_firstorder_{feature}"
        for name in ("T1", "FLAIR")
        for feature in ("Mean", "Range")
    ]
    dropped = table["dropped by"] == "robustness"
    means = table["feature"].str.endswith("_Mean")
    assert table["icc"].between(-1, 1).all()
    # The range of intensities depends on two voxels, the mean on all.
    assert (table.loc[means, "icc"].to_numpy() > table.loc[~means, "icc"].to_numpy()).all()
    assert dropped.tolist() == [False, True] * 2


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda table: table.drop(columns="perturbation"), "column 'perturbation' not found"),
        (lambda table: pd.concat([table, table.iloc[:1]]), "has two rows with perturbation '1'"),
        (
            lambda table: table.assign(patient="nobody").iloc[:1],
            r"none of its patients \('nobody'\) is in the table of features, whose patients are "
            "'phantom-000'",
        ),
        (lambda table: table[["patient", "perturbation"]], "none of the 4 features"),
        (
            lambda table: table.assign(T1__original_firstorder_Mean="much"),
            "'T1__original_firstorder_Mean' holds a value that is not a number",
        ),
    ],
)
def test_a_bad_table_of_perturbed_features_is_named(tables, tmp_path, spoil, said):
    spoil(pd.read_csv(tables[1])).to_csv(tmp_path / "bad.csv", index=False)
    features = pd.read_csv(tables[0], index_col="patient")
    with pytest.raises(CohortError, match=said):
        join_perturbed(features, tmp_path / "bad.csv")


def test_patients_and_features_without_perturbed_values_are_named(tables, tmp_path):
    table = pd.read_csv(tables[1]).iloc[3:].drop(columns="T1__original_firstorder_Range")
    table = pd.concat([table, table.iloc[:1].assign(patient="nobody")])
    table.to_csv(tmp_path / "less.csv", index=False)
    features = pd.read_csv(tables[0], index_col="patient")
    with pytest.warns(UserWarning, match="not used|no perturbed values") as caught:
        joined = join_perturbed(features, tmp_path / "less.csv")
    said = [str(each.message) for each in caught]
    assert any("of 1 patients: 'phantom-000'" in text for text in said)
    assert any("of 1 features: 'T1__original_firstorder_Range'" in text for text in said)
    assert any("1 patients are not in the table of features" in text for text in said)
    assert any(text.endswith("not used: 'nobody'") for text in said)
    assert joined.index.equals(features.index)
    assert joined.filter(like="perturbed").loc["phantom-000"].isna().all()


def test_a_model_is_trained_on_robust_features_of_regions(sklidh, cases, parameters, tmp_path):
    out = tmp_path / "robust.skops"
    words = ("--model", "model-2", "--radiomics", parameters, "--groups", "T1,FLAIR")
    words += ("--perturbations", 2, "--regions", "whole=1,again=1", "--reference", "none")
    result = sklidh("train", cases, "--out", out, *words, "--jobs", 1)
    assert result.exit_code == 0, result.output
    branch = load_model(out).named_steps["intra"].named_transformers_["T1"]
    assert [*branch.named_steps][1] == "robustnessselector"
    names = branch["featureunion"].get_feature_names_out()
    assert names[0] == "radiomics__whole__original_firstorder_Mean"
    assert names[-1] == "radiomics__again__original_firstorder_Range__perturbed-2"
    config = yaml.safe_load(next(tmp_path.glob("*run.yaml")).read_text())
    assert (config["regions"], config["perturbations"]) == ("whole=1,again=1", 2)


def test_regions_are_read_as_they_are_written():
    regions = parse_regions("core=1+4,oedema=2,ring=GTV")
    assert regions == {"core": [1, 4], "oedema": [2], "ring": ["GTV"]}
    assert parse_regions(str(regions)) == regions
    assert parse_regions("") == {}


@pytest.mark.parametrize("text", ["core", "=1", "core=", "core=1,core=2", "a__b=1", "core=0"])
def test_bad_regions_are_refused_by_the_command_line(sklidh, cases, text):
    result = sklidh("extract", cases, "--regions", text)
    assert result.exit_code == 2
    assert "core=1+4,oedema=2" in result.output or "0 is the background" in result.output


def test_a_label_beside_regions_is_refused(sklidh, cases):
    result = sklidh("extract", cases, "--regions", "core=1", "--label", "2")
    assert result.exit_code == 2
    assert "--label and --regions" in " ".join(result.output.split())


def test_warnings_of_selection_name_columns_after_robustness(sklidh, tables, tmp_path):
    words = ("--perturbed", tables[1], "--groups", "T1,FLAIR", "--folds", 2, "--alpha", 1e-9)
    result = sklidh("select", tables[0], "--out", tmp_path / "selection.csv", *words)
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "still keeps the best of the others: T1__original_firstorder_" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("select", "--icc", 0.9), "--icc compares perturbed features; give --perturbed too"),
        (("select", "--alpha", 0), "--alpha 0 would keep no feature"),
        (("extract", "--kernel-radius", 2), "--kernel-radius is that of maps; give --maps too"),
        (
            ("extract", "--maps", "T1__original_firstorder_Mean", "--regions", "core=1"),
            "--maps and --regions: a map shows one region",
        ),
        (
            ("extract", "--maps", "T1__core__original_firstorder_Mean"),
            "'T1__core__original_firstorder_Mean': 'core' is not radiomics of the whole mask",
        ),
    ],
)
def test_options_that_have_no_use_are_refused(
    sklidh, tables, cases, parameters, tmp_path, words, said
):
    command, *options = words
    out = ("--out", tmp_path / "out.csv")
    how = ("--radiomics", parameters, "--groups", "T1,FLAIR", "--reference", "none")
    files = (tables[0],) if command == "select" else (cases, *how, "--jobs", 1)
    result = sklidh(command, *files, *out, *options)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
