"""A command line in the test's own process, and a small model trained by it."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from sklidh.cli import app

QUICK = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean", "Range"]}}


@pytest.fixture(scope="session")
def cases(phantoms):
    """Return the table of the phantoms."""
    X, _ = phantoms
    return next(path for path in Path(X["T1"].iloc[0]).parents if (path / "cases.csv").exists()) / (
        "cases.csv"
    )


@pytest.fixture(scope="session")
def parameters(tmp_path_factory):
    """Return a PyRadiomics parameter file that asks for two features."""
    path = tmp_path_factory.mktemp("parameters") / "params.yaml"
    path.write_text(yaml.safe_dump(QUICK))
    return path


@pytest.fixture(scope="session")
def sklidh():
    """Return a function that runs a command and returns its result."""

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


@pytest.fixture(scope="session")
def model(sklidh, cases, parameters, tmp_path_factory):
    """Return the file of a model of two sequences."""
    path = tmp_path_factory.mktemp("model") / "small.skops"
    words = ("--model", "model-2", "--radiomics", parameters, "--groups", "T1,FLAIR")
    result = sklidh("train", cases, "--out", path, *words, "--reference", "none", "--jobs", 1)
    assert result.exit_code == 0, result.output
    return path
