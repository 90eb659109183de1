"""The documentation builds without a warning."""

import shutil
from pathlib import Path

import pytest
from sphinx.cmd.build import main


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning(tmp_path):
    # In a copy: the pages of the reference are written beside their sources.
    for folder in ("docs", "examples"):
        shutil.copytree(Path(__file__).parents[1] / folder, tmp_path / folder)
    assert main(["-q", "-W", "-b", "html", str(tmp_path / "docs"), str(tmp_path / "html")]) == 0
    assert (tmp_path / "html" / "generated" / "sklidh.pipeline.make_idh_pipeline.html").exists()
