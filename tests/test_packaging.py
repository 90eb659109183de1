"""Wheel and source distribution build without a network and hold what a user needs, no more."""

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import sklidh

ROOT = Path(__file__).parents[1]
BUILD = """
from setuptools.build_meta import build_sdist, build_wheel
build_sdist({0!r})
build_wheel({0!r})
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build both from a copy, since setuptools writes beside the sources; return their names."""
    folder = tmp_path_factory.mktemp("packaging")
    source, out = folder / "source", folder / "dist"
    compiled = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "sklidh", source / "sklidh", ignore=compiled)
    for name in ("tests", "docs", "examples", "benchmarks"):
        (source / name).mkdir()
        (source / name / "module.py").touch()
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-c", BUILD.format(str(out))],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


def needed():
    """Every file of the package in this checkout."""
    files = (path for path in (ROOT / "sklidh").rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}


def test_the_wheel_is_for_any_platform_and_holds_the_package_alone(built):
    wheel, _ = built
    assert wheel.name.endswith("-py3-none-any.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert needed() <= names
    assert "sklidh/reporting/templates/report.html" in names
    assert {name.split("/")[0] for name in names} == {
        "sklidh",
        f"sklidh-{sklidh.__version__}.dist-info",
    }


def test_the_installed_command_is_what_python_runs_as_a_module(built):
    wheel, _ = built
    scripts = f"sklidh-{sklidh.__version__}.dist-info/entry_points.txt"
    told = zipfile.ZipFile(wheel).read(scripts).decode()
    assert "sklidh = sklidh.__main__:main" in told


def test_the_source_distribution_builds_the_same_package(built):
    _, sdist = built
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert needed() | {"pyproject.toml", "README.md", "LICENSE"} <= names


def test_the_conda_recipe_needs_what_the_package_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    recipe = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text())
    in_conda = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
    needed = {"python" + project["requires-python"]}
    for requirement in project["dependencies"]:
        name, minimum = requirement.lower().split(">=")
        needed.add(f"{in_conda.get(name, name)}>={minimum}")
    assert {each.replace(" ", "") for each in recipe["requirements"]["run"]} == needed
    assert recipe["context"]["version"] == project["version"]
