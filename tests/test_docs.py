"""The documentation builds without a warning."""

from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning(tmp_path):
    sphinx = pytest.importorskip("sphinx.cmd.build", reason="sphinx comes with the extra 'docs'")
    docs = Path(__file__).parents[1] / "docs"
    assert (
        sphinx.main(
            ["-q", "-W", "-b", "html", "-d", str(tmp_path / "d"), str(docs), str(tmp_path / "html")]
        )
        == 0
    )
    assert (tmp_path / "html" / "index.html").exists()
