"""The documentation builds without warnings, its examples run, and its references exist."""

import re
import shutil
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.rst"))
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning_and_every_example_runs(tmp_path):
    # In a copy: the pages of the reference and the gallery are written beside their sources.
    for folder in ("docs", "examples", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("_build"))
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    pages = tmp_path / "html"
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", tmp_path / "docs", pages],
        capture_output=True,
        text=True,
        check=False,
    )
    # An example that fails has its traceback there.
    assert built.returncode == 0, built.stdout + built.stderr
    for page in pages.rglob("*.html"):
        text = page.read_text()
        loaded = re.findall(r'<(?:script|link|img)[^>]* (?:src|href)="(http[^"]*)', text)
        assert not loaded, f"{page.name} cannot be shown without a network: {loaded}"
    assert (pages / "generated" / "sklidh.pipeline.make_idh_pipeline.html").exists()
    for example in (ROOT / "examples").glob("*.py"):
        page = (pages / "gallery" / example.stem).with_suffix(".html").read_text()
        assert "sphx-glr-script-out" in page or "<table" in page or "sphx-glr-single-img" in page


def resolve(name):
    """Import what a dotted name leads to."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            item = import_module(".".join(parts[:n]))
        except ImportError:
            continue
        for part in parts[n:]:
            item = getattr(item, part)
        return item
    raise ImportError(name)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_the_code_of_a_page_defines_every_name_that_it_uses(page):
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    indented = re.findall(
        r"\.\. (?:code-block:: python|plot::)\n\n((?:\n|   .*\n)+)", page.read_text()
    )
    code = "\n".join([*blocks, *map(textwrap.dedent, indented)])
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--select=F821",
            "--output-format=concise",
            "-",
        ],
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_is_there(page):
    text = page.read_text()
    reference = (ROOT / "docs" / "api.rst").read_text().split()
    for role, name in re.findall(r":(class|func|meth|mod|attr):`~?(sklidh[\w.]*)`", text):
        resolve(name)
        in_reference = name in reference or name.rpartition(".")[0] in reference
        assert role == "mod" or in_reference, f"{page.name}: {name} has no page in api.rst"
    for path in re.findall(r"``((?:tests|benchmarks|examples|docs|sklidh)/[\w./]*)``", text):
        assert (ROOT / path).exists(), f"{page.name} names {path}"
    for test in re.findall(r"``(test_\w+)``", text):
        assert f"def {test}(" in TESTS, f"{page.name} names {test}"
