"""A real browser shows the report without a complaint, and prints it."""

import shutil
import subprocess

import pytest
from matplotlib.image import imread

from sklidh.reporting import render_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser(run, tmp_path_factory):
    """Return a function that opens the report in a browser without network."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is on this machine")
    folder = tmp_path_factory.mktemp("browser")
    (folder / "report.html").write_text(render_report(run), encoding="utf-8")
    alone = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    alone += [f"--user-data-dir={folder / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"]

    def opened(*options):
        words = [found, *alone, *options, (folder / "report.html").as_uri()]
        return subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)

    return opened


def test_it_shows_without_an_error_on_the_console(browser, tmp_path):
    picture = tmp_path / "page.png"
    shown = browser("--window-size=1280,2400", "--hide-scrollbars", f"--screenshot={picture}")
    assert "CONSOLE" not in shown.stderr
    pixels = imread(picture)[..., :3]
    assert pixels.shape == (2400, 1280, 3)
    rows_with_ink = (pixels.min(axis=(1, 2)) < 0.5).mean()
    assert rows_with_ink > 0.3
    white = (pixels > 0.99).all(axis=-1).mean()
    assert white > 0.5, "dark on light"


def test_it_prints_to_pdf(browser, tmp_path):
    pdf = tmp_path / "page.pdf"
    browser("--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") >= 2
