"""`sklidh check` reads every case, lists every problem, and shows them on one page."""

import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from sklidh.cli import app
from sklidh.cli.patients import image_problems
from sklidh.datasets import ExaminedCohort, check_images, load_cohort, make_glioma_phantoms
from sklidh.plotting import thumbnail

runner = CliRunner()


@pytest.fixture
def cohort(phantoms, tmp_path):
    """Return a folder with four patients' files and their table, relative to it."""
    X, y = phantoms
    X = X.iloc[:4].copy()
    for patient, row in X.iterrows():
        for column in ("T1", "T2", "mask"):
            name = f"{patient}-{column}.nii.gz"
            shutil.copy(row[column], tmp_path / name)
            X.loc[patient, column] = name
    X["idh"] = y
    X.drop(columns=["T1CE", "FLAIR"]).to_csv(tmp_path / "cases.csv", index_label="patient")
    return tmp_path


def check(folder, *options):
    page = folder / "out" / "check.html"
    arguments = ["check", str(folder / "cases.csv"), "--out", str(page), "--jobs", "1", *options]
    result = runner.invoke(app, arguments)
    assert "Traceback" not in result.output, result.output
    return result, page.read_text() if page.exists() else ""


def test_a_sound_cohort_has_status_0_and_a_picture_of_every_image(cohort):
    result, page = check(cohort)
    assert result.exit_code == 0, result.output
    assert "4 patients, T1, T2: no problem" in result.output
    assert page.count("data:image/jpeg;base64,") == 8
    assert "All images can be used" in page
    X, _ = load_cohort(cohort / "cases.csv")
    masks = [sitk.GetArrayFromImage(sitk.ReadImage(path)) for path in X["mask"]]
    volumes = [f"Tumour: {(mask > 0).sum() * 8 / 1000:.3g} ml (all labels)" for mask in masks]
    assert re.findall(r"Tumour: .*(?=</p>)", page) == volumes
    assert page.replace("\N{NO-BREAK SPACE}", " ").count("<figcaption>T1, 2 × 2 × 2 mm<") == 4


def test_the_table_as_it_was_understood_may_lie_in_another_folder(cohort):
    result, _ = check(cohort, "--fix", str(cohort / "clean.csv"))
    assert result.exit_code == 0, result.output
    assert load_cohort(cohort / "clean.csv")[0].equals(load_cohort(cohort / "cases.csv")[0])


def test_a_patient_listed_twice_is_a_warning_in_the_terminal_and_on_the_page(cohort):
    table = pd.read_csv(cohort / "cases.csv", dtype={"patient": str})
    table = pd.concat([table, table.iloc[:1].assign(patient="again")])
    table.to_csv(cohort / "cases.csv", index=False)
    result, page = check(cohort)
    assert result.exit_code == 0, result.output
    twins = f"patients '{table['patient'].iloc[0]}', 'again' have identical voxels in T1, T2, mask"
    assert f"Warning: {twins}" in result.output
    assert "have identical voxels in T1, T2, mask" in page


def test_every_problem_of_every_patient_is_on_a_line_of_its_own(cohort):
    table = pd.read_csv(cohort / "cases.csv", dtype={"patient": str})
    first, second, third, _ = table["patient"]
    (cohort / f"{first}-T1.nii.gz").write_bytes(b"text")
    (cohort / f"{first}-T2.nii.gz").unlink()
    mask = sitk.ReadImage(cohort / f"{second}-mask.nii.gz")
    sitk.WriteImage(mask * 0, cohort / f"{second}-mask.nii.gz")
    table.loc[2, "T2"] = None
    table.loc[3, "patient"] = "<script>alert(1)</script>"
    table.to_csv(cohort / "cases.csv", index=False)
    result, page = check(cohort, "--missing", "raise")
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if line.startswith("Error:")]
    for line, expected in zip(
        lines,
        [
            f"'{first}', column 'T1'.*is not a gzip file",
            f"'{first}', column 'T2'.*No such file",
            f"'{second}', column 'mask'.*every voxel is 0",
            f"'{third}', column 'T2': the cell is empty",
        ],
        strict=True,
    ):
        assert re.search(expected, line), line
    assert "4 problems" in result.output
    assert page.count("cannot be read</div>") == 2
    assert page.count("not acquired</div>") == 1
    assert page.count("data:image/jpeg;base64,") == 5
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert page.index(f"<h3>{first}") < page.index(f"<h3>{third}")


def test_the_tables_own_problems_are_listed_with_those_of_the_images(cohort):
    table = pd.read_csv(cohort / "cases.csv", dtype={"patient": str})
    table.loc[3, "patient"] = table.loc[2, "patient"]
    table["idh"] = 1
    table.to_csv(cohort / "cases.csv", index=False)
    (cohort / f"{table.loc[0, 'patient']}-T1.nii.gz").write_bytes(b"")
    result, page = check(cohort)
    assert result.exit_code == 1
    for said in ("appears in lines", "one class only", "column 'T1'"):
        assert said in result.output
        assert said in page.replace("&#39;", "'")


def test_a_target_of_three_values_is_a_problem_here_as_it_is_to_train(cohort):
    table = pd.read_csv(cohort / "cases.csv", dtype={"patient": str})
    table["idh"] = [0, 1, 2, 1]
    table.to_csv(cohort / "cases.csv", index=False)
    result, _ = check(cohort)
    assert result.exit_code == 1
    odd = f"'2' may be a mutant or a wild type (patient '{table['patient'].iloc[2]}')"
    assert f"{odd}; its values are '1' (2)" in result.output
    assert "(--wildtype on the command line); all other values are then mutant" in result.output
    assert check(cohort, "--wildtype", "0")[0].exit_code == 0
    assert check(cohort, "--target", "none")[0].exit_code == 0


@pytest.mark.parametrize("command", ["check", "train", "extract"])
def test_a_patient_without_any_image_is_named_before_any_work(cohort, sklidh, command):
    table = pd.read_csv(cohort / "cases.csv", dtype={"patient": str})
    table.loc[1, ["T1", "T2"]] = None
    table.loc[2, "T1"] = None
    table.to_csv(cohort / "cases.csv", index=False)
    words = ("--out", cohort / "out.csv", "--missing", "nan", "--jobs", 1)
    result = sklidh(command, cohort / "cases.csv", *words)
    assert result.exit_code == 1
    said = f"patient {table.loc[1, 'patient']!r}: no image, all cells of 'T1', 'T2' are empty"
    assert f"{said}; add an image or drop the row" in result.output
    assert result.output.count("no image, all cells") == 1


@pytest.mark.parametrize("command", ["check", "train"])
def test_a_patient_without_the_reference_is_named_before_any_work(cohort, sklidh, command):
    table = pd.read_csv(cohort / "cases.csv", dtype={"patient": str})
    table.loc[1, "T2"] = None
    table.to_csv(cohort / "cases.csv", index=False)
    words = (command, cohort / "cases.csv", "--out", cohort / "out.csv", "--jobs", 1)
    result = sklidh(*words, "--reference", "T2")
    assert result.exit_code == 1
    assert f"{table.loc[1, 'patient']!r}, column 'T2': the cell is empty, but it is the ref" in (
        result.output
    )


@pytest.mark.parametrize("command", ["check", "extract"])
def test_usual_headings_are_recognised_and_shown_by_every_command(cohort, sklidh, command):
    table = pd.read_csv(cohort / "cases.csv", dtype={"patient": str})
    table = table.rename(columns={"T1": "t1", "T2": "T2w", "mask": "Tumor seg"})
    table.to_csv(cohort / "cases.csv", index=False)
    options = ("--radiomics", small_radiomics(cohort)) if command == "extract" else ()
    words = (command, cohort / "cases.csv", "--out", cohort / "out.csv", "--jobs", 1)
    result = sklidh(*words, *options)
    assert result.exit_code == 0, result.output
    for heading, name in (("t1", "T1"), ("T2w", "T2"), ("Tumor seg", "mask")):
        assert re.search(f"Note: headings recognised: .*'{heading}' as '{name}'", result.output)


def small_radiomics(folder):
    (folder / "r.yaml").write_text("featureClass: {shape: [VoxelVolume]}\n")
    return folder / "r.yaml"


def test_a_heading_that_is_nearly_a_sequence_is_a_problem_and_columns_mends_it(cohort, sklidh):
    table = pd.read_csv(cohort / "cases.csv", dtype={"patient": str})
    table.rename(columns={"T1": "FLIAR"}).to_csv(cohort / "cases.csv", index=False)
    result, _ = check(cohort)
    assert result.exit_code == 1
    assert "column 'FLIAR' holds images; did you mean FLAIR? Rename it, give --columns" in (
        result.output
    )
    assert check(cohort, "--columns", "FLAIR=FLIAR")[0].exit_code == 0
    assert check(cohort, "--groups", "FLIAR,T2")[0].exit_code == 0
    result, _ = check(cohort, "--columns", "FLAIR")
    assert result.exit_code == 2
    assert "expected NAME=HEADING" in " ".join(result.output.replace("│", "").split())


def test_fix_writes_the_table_as_it_was_understood(cohort, sklidh):
    table = pd.read_csv(cohort / "cases.csv", dtype={"patient": str})
    good = load_cohort(cohort / "cases.csv")
    table["idh"] = ["WT", "IDH1 p.R132H", "wild type", "Mutant"]
    table["age"] = ["40,5", "41", "42", "n/a"]
    table = table.rename(columns={"T1": " t1 path", "mask": "Tumor seg", "patient": "Patient ID"})
    table.to_csv(cohort / "messy.csv", index=False, sep=";")
    words = ("check", cohort / "messy.csv", "--out", cohort / "page.html", "--jobs", 1)
    result = sklidh(*words, "--fix", cohort / "clean.csv")
    assert result.exit_code == 0, result.output
    clean = pd.read_csv(cohort / "clean.csv", dtype=str)
    assert clean["idh"].tolist() == ["wildtype", "mutant", "wildtype", "mutant"]
    assert clean["T1"].tolist() == table[" t1 path"].tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X, y = load_cohort(cohort / "clean.csv")
    assert X["age"].tolist()[:3] == [40.5, 41.0, 42.0]
    for column in ("T1", "T2", "mask"):
        assert X[column].tolist() == good[0][column].tolist()
    assert y.tolist() == [0, 1, 0, 1]
    assert sklidh(*words, "--fix", cohort / "clean.csv").exit_code == 2
    table["idh"] = ["typ A", "n/a", "typ B", "typ B"]
    table.to_csv(cohort / "messy.csv", index=False, sep=";")
    words = (*words, "--fix", cohort / "partly.csv", "--wildtype", "typ A")
    assert sklidh(*words).exit_code == 1
    partly = pd.read_csv(cohort / "partly.csv", dtype=str, keep_default_na=False)
    assert partly["idh"].tolist() == ["wildtype", "n/a", "mutant", "mutant"]


def test_the_fixed_table_belongs_to_the_user_and_is_never_deleted(cohort, sklidh):
    words = ("--out", cohort / "page.html", "--jobs", 1)
    fixed = cohort / "clean.csv"
    assert sklidh("check", cohort / "cases.csv", *words, "--fix", fixed).exit_code == 0
    before = fixed.read_bytes()
    assert sklidh("check", fixed, *words).exit_code == 0
    assert sklidh("check", cohort / "cases.csv", *words).exit_code == 0
    assert fixed.read_bytes() == before


def test_a_sequence_that_no_column_has_is_told_once_and_not_of_every_patient(cohort):
    result, _ = check(cohort, "--groups", "T9")
    assert result.exit_code == 1
    assert "column 'T9' (a sequence) not found" in result.output
    assert "no image, all cells" not in result.output


def test_patients_who_lack_a_sequence_are_counted(cohort):
    table = pd.read_csv(cohort / "cases.csv", dtype={"patient": str})
    table.loc[1, "T2"] = None
    table.to_csv(cohort / "cases.csv", index=False)
    result, _ = check(cohort, "--reference", "none")
    assert "4 patients, T1, T2; 1 without T2: no problems and no warnings. Open " in result.output


def test_only_the_images_asked_for_are_read(cohort):
    patient = pd.read_csv(cohort / "cases.csv")["patient"][0]
    (cohort / f"{patient}-T1.nii.gz").write_bytes(b"")
    assert check(cohort, "--groups", "T2")[0].exit_code == 0
    result, _ = check(cohort, "--groups", "T1+T2")
    assert result.exit_code == 1


def test_images_in_other_grids_are_problems_unless_they_are_still_to_be_registered(cohort):
    patient = pd.read_csv(cohort / "cases.csv")["patient"][0]
    image = sitk.ReadImage(cohort / f"{patient}-T1.nii.gz")
    sitk.WriteImage(image[:, :, 2:], cohort / f"{patient}-T1.nii.gz")
    assert check(cohort)[0].exit_code == 0
    result, _ = check(cohort, "--reference", "none")
    assert result.exit_code == 1
    assert "different grids" in result.output
    assert "set --reference to the sequence on which the mask was drawn" in result.output


def test_a_table_that_is_none_is_one_line_and_status_1(tmp_path):
    (tmp_path / "cases.csv").write_text("id,T1\n1,a.nii\n")
    result, page = check(tmp_path)
    assert result.exit_code == 1
    for said in ("column 'mask' not found", "column 'idh' (the target) not found", "a.nii"):
        assert said in result.output
        assert said in page.replace("&#39;", "'")


def test_a_thumbnail_shows_the_slice_with_most_tumour_and_its_outline(tmp_path):
    from matplotlib.image import imread

    X, _ = make_glioma_phantoms(tmp_path, 2, size=32, spacing=2.0)
    image, mask = (sitk.ReadImage(X[column].iloc[0]) for column in ("T2", "mask"))
    for name, drawn in (("with", mask), ("without", None), ("elsewhere", mask * 0)):
        (tmp_path / f"{name}.jpg").write_bytes(thumbnail(image, drawn))
    coloured = {
        name: np.ptp(imread(tmp_path / f"{name}.jpg").astype(int), axis=-1) > 60
        for name in ("with", "without", "elsewhere")
    }
    assert coloured["with"].shape == (176, 176)
    assert 20 < coloured["with"].sum() < 2000
    assert not coloured["without"].any()
    assert not coloured["elsewhere"].any()


def test_every_command_that_reads_images_tells_of_a_patient_listed_twice(phantoms, capsys):
    X = phantoms[0].iloc[:2]
    X = pd.concat([X, X.iloc[:1].set_axis(["again"])])
    examined = ExaminedCohort(X, None, ["T1"], [], [], [2, 3, 4])
    assert image_problems(examined, ["T1"], None, label=None, missing="nan", n_jobs=1) == []
    said = capsys.readouterr().err
    assert f"patients '{X.index[0]}', 'again' have identical voxels in T1, mask" in said


def test_images_found_sound_are_not_read_again(phantoms, tmp_path, monkeypatch):
    X = phantoms[0].iloc[:2]
    monkeypatch.setenv("SKLIDH_CACHE", str(tmp_path))
    assert check_images(X, ["T1"], missing="nan") == ([], [])
    with monkeypatch.context() as patch:
        read = "sklidh.datasets._image_check.inspect_case"
        patch.setattr(read, lambda *_, **__: pytest.fail("read again"))
        assert check_images(X, ["T1"], missing="nan") == ([], [])
    damaged = X.copy()
    damaged.loc[X.index[0], "T1"] = str(tmp_path / "damaged.nii.gz")
    (tmp_path / "damaged.nii.gz").write_bytes(Path(X["T1"].iloc[0]).read_bytes()[:-9])
    for _ in range(2):
        (problem,), _ = check_images(damaged, ["T1"], missing="nan")
        assert "damaged or cut off" in problem


def test_the_tumours_label_is_the_same_in_every_step(cohort):
    """A label on the command line, or in the parameter file, is looked for before the work."""
    table = pd.read_csv(cohort / "cases.csv", dtype={"patient": str})
    path = cohort / table["mask"].iloc[1]
    sitk.WriteImage(sitk.ReadImage(path) * 4, path)
    result, _ = check(cohort, "--label", "1")
    assert result.exit_code == 1
    assert f"patient '{table['patient'].iloc[1]}', column 'mask'" in result.output
    assert "no voxel has label [1]; labels present: [4]" in result.output
    assert check(cohort, "--label", "1,4")[0].exit_code == 0
    assert "0 is the background" in check(cohort, "--label", "0")[0].output
    assert "no structure is named 'GTV'" in check(cohort, "--label", "GTV")[0].output
    (cohort / "r.yaml").write_text("featureClass: {shape: [VoxelVolume]}\nsetting: {label: 4}\n")
    options = ["--radiomics", str(cohort / "r.yaml"), "--out", str(cohort / "f.csv"), "--jobs", "1"]
    result = runner.invoke(app, ["extract", str(cohort / "cases.csv"), *options])
    assert result.exit_code == 1
    assert result.output.count("no voxel has label 4; labels present: [1]") == 3
    result = runner.invoke(app, ["extract", str(cohort / "cases.csv"), *options, "--label", "1,4"])
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(cohort / "f.csv")) == 4
