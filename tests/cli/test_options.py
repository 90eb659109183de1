"""Options are read before any work starts, and refused in one line."""

import os
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from sklidh.cli import app, options, values
from sklidh.cli.options import Cohort, Method, Work
from sklidh.cli.settings import Recipe, reference_among
from sklidh.datasets import paper_modalities
from sklidh.results import PlaceError, check_out
from sklidh.utils import CohortError

runner = CliRunner()


def test_groups_are_joined_by_plus_and_separated_by_commas():
    assert values.parse_groups("T1+T1CE, FLAIR") == (("T1", "T1CE"), ("FLAIR",))
    assert values.parse_groups("") == ()


@pytest.mark.parametrize("text", ["T1+", "T1,,T2", "T1+T1CE,T1"])
def test_groups_with_holes_or_repetitions_are_refused(text):
    with pytest.raises(typer.BadParameter, match="expected different modalities"):
        values.parse_groups(text)


def test_the_reference_is_t2_where_there_is_one():
    assert reference_among("", ("T1", "T2")) == "T2"
    assert reference_among("", ("T1", "FLAIR")) is None
    assert reference_among("none", ("T1", "T2")) is None
    assert reference_among("FLAIR", ("T1", "FLAIR")) == "FLAIR"
    with pytest.raises(typer.BadParameter, match="'T9' is not among the modalities T1, T2"):
        reference_among("T9", ("T1", "T2"))


def test_no_jobs_are_refused_before_anything_is_written(tmp_path):
    result = runner.invoke(app, ["demo", "--jobs", "0", "--out", str(tmp_path / "demo")])
    assert result.exit_code == 2
    assert "0 is not accepted; give 1 or more, or -1" in result.output
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("model", "parts", "classifier"),
    [
        ("model-4", ["radiomics", "deep"], "InvariantSpecificFusionClassifier"),
        ("model-3", ["radiomics", "deep"], "LateFusionClassifier"),
        ("model-2", ["radiomics"], "LateFusionClassifier"),
        ("model-4-radiomics", ["radiomics"], "InvariantSpecificFusionClassifier"),
        ("model-1", [], "SANetClassifier"),
    ],
)
def test_a_model_s_name_says_its_features_and_its_classifier(model, parts, classifier):
    recipe = Recipe.of((), ("T1", "FLAIR"), Cohort(), Method(), Work())
    title, system = recipe.system(model)
    pipeline = system.make()
    assert title.startswith(f"Model {model[6]}")
    assert type(pipeline[-1]).__name__ == classifier
    if parts:
        branch = pipeline["intra"].transformers[0][1]
        assert [name for name, _ in branch["featureunion"].transformer_list] == parts
    assert model in get_args(get_args(options.Model)[0])


def test_no_step_of_a_command_s_models_draws_without_a_seed():
    recipe = Recipe.of((), ("T1", "T1CE", "T2", "FLAIR"), Cohort(), Method(), Work())
    asked = {name: recipe.system(name)[1].make() for name in get_args(get_args(options.Model)[0])}
    for name, model in {**recipe.models(), **asked}.items():
        seeds = {key: v for key, v in model.get_params().items() if key.endswith("random_state")}
        assert seeds
        assert [key for key, seed in seeds.items() if seed is None] == [], name


def test_what_was_found_is_told_as_the_options_name_it():
    paper = Recipe.of((), ("T1", "T1CE", "T2", "FLAIR"), Cohort(), Method(), Work())
    assert paper.found == {"groups": "T1+T1CE,T2+FLAIR", "reference": "T2"}
    cohort = Cohort(groups=paper.found["groups"], reference=paper.found["reference"])
    assert Recipe.of(cohort.groups, (), cohort, Method(), Work()) == paper


COMMANDS = [command.callback.__name__ for command in app.registered_commands]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_in_80_columns(command):
    result = runner.invoke(app, [command, "--help"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"sklidh {command}" in result.output
    for option in ("--config", "--quiet", "--json"):
        assert option in result.output
    assert max(map(len, result.output.splitlines())) <= 80


def test_the_help_breaks_its_lines_where_the_terminal_ends_alone():
    wide = runner.invoke(app, ["predict", "--help"], env={"COLUMNS": "200"}).output
    assert "intensities, with missing sequences, or from the training cohort." in wide


def help_of(command):
    shown = runner.invoke(app, [command, "--help"], env={"COLUMNS": "80"}).output
    return " ".join(shown.replace("│", " ").split())


def test_the_help_of_a_command_says_what_holds_for_it_and_nothing_of_others():
    for command in COMMANDS:
        said = help_of(command)
        assert ("'none' if it is not known" in said) == (command in ("check", "extract"))
        assert ("Splits processed" in said) == (command == "reproduce")
        assert "reproduce: splits" not in said
        assert ("and the target" in said) == (
            command in ("check", "extract", "train", "run", "evaluate")
        ), command
        assert "slice-size: 72" not in said, "not every command has slices"
    assert "enter the fusion as one" not in help_of("check") + help_of("extract")
    assert "enter the fusion as one" in help_of("train")
    assert "the split" not in help_of("train")


def test_the_version_is_the_package_s():
    from sklidh import __version__

    assert runner.invoke(app, ["--version"]).output == f"sklidh {__version__}\n"


def test_a_place_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").touch()
    table = str(tmp_path / "file")
    for arguments, said in (
        (["demo", "--out", str(tmp_path / "file")], "is a file; name a folder"),
        (["demo", "--out", str(tmp_path / "file" / "demo")], "name a place that can be written"),
        (["train", table, "--out", str(tmp_path)], "is a folder; name a"),
    ):
        result = runner.invoke(app, arguments)
        assert result.exit_code == 2
        assert said in result.output.replace("\n", " ")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("is_file", [True, False])
def test_a_place_is_proved_by_writing_there_not_by_its_permissions(tmp_path, is_file):
    sealed = Path("/proc/self")
    with pytest.raises(PlaceError, match=r"--out .*name a place that can be written"):
        check_out(sealed / "out", is_file=is_file)
    check_out(tmp_path / "deep" / "out", is_file=is_file)
    made = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert made == (["deep"] if is_file else ["deep", "deep/out"]), "nothing else is left there"


def test_a_pipe_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PlaceError, match="is a device or a pipe; name a file"):
        check_out(tmp_path / "pipe", is_file=True)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(
    "words", [["evaluate"], ["reproduce"], ["reproduce", "--where", "site=A"]], ids=" ".join
)
def test_more_folds_than_patients_of_a_class_are_refused_before_an_image_is_read(words, tmp_path):
    n = 12 if "--where" in words else 6
    rows = [f"P{i},a.nii,m.nii,{i % 2},{'AB'[i // 6]}" for i in range(n)]
    (tmp_path / "cases.csv").write_text("\n".join(["patient,T1,mask,idh,site", *rows]))
    words = [*words, str(tmp_path / "cases.csv"), "--out", str(tmp_path / "out")]
    result = runner.invoke(app, [*words, "--folds", "4"])
    assert result.exit_code == 2
    said = " ".join(result.output.replace("│", " ").split())
    assert (
        "--folds 4: a class of idh has 3 patients, and each fold needs one; give at most 3" in said
    )
    assert "a.nii" not in said


def test_a_column_of_images_that_is_not_used_is_named_and_a_near_miss_refused():
    X = pd.DataFrame({"T1": ["a.nii.gz"], "ADC": ["b.nii.gz"], "mask": ["c.nii.gz"]}, ["P1"])
    with pytest.warns(UserWarning, match="columns of images that are not used: 'ADC'. .* are T1;"):
        assert paper_modalities(X) == ("T1",)
    with pytest.raises(CohortError, match="no column is called T1, T1CE, T2, FLAIR; rename 'ADC'"):
        paper_modalities(X[["ADC", "mask"]])
    with pytest.raises(CohortError, match="'FLIAR' holds images; did you mean FLAIR"):
        paper_modalities(X.rename(columns={"ADC": "FLIAR"}))


TYPED = {
    "groups": ("T1+T1CE, FLAIR", (("T1", "T1CE"), ("FLAIR",)), "T1+T1CE,FLAIR"),
    "columns": ("T1CE=t1 gd,mask='a, b'", {"T1CE": "t1 gd", "mask": "a, b"}, None),
    "labels": ("1, GTV", (1, "GTV"), "1,GTV"),
    "names": ("age, sex,age", ("age", "sex"), "age,sex"),
    "tables": ("I,III,I", ("I", "III"), "I,III"),
    "where": ("site = A", ("site", "A"), "site=A"),
}


@pytest.mark.parametrize("name", TYPED)
def test_a_typed_option_is_written_as_it_is_read(name):
    text, value, written = TYPED[name]
    parse = getattr(values, f"parse_{name}")
    assert parse(text) == value
    assert written is None or str(parse(text)) == written
    assert parse(str(parse(text))) == value
    assert parse(parse(text)) == value


def test_every_usage_error_looks_the_same():
    for words in (["train", "--bogus"], ["bogus"], ["run", "nowhere.csv"], ["demo", "--jobs", "0"]):
        result = runner.invoke(app, words)
        assert result.exit_code == 2
        first, *_, last = result.output.strip().splitlines()
        assert first.startswith("Error: ")
        assert last.startswith("Try: ")
        assert last.endswith(" --help")
