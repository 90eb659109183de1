"""A real browser shows the report without a complaint, on a narrow screen too, and prints it."""

import json
import re
import shutil
import subprocess

import pytest
from matplotlib.image import imread

from sklidh.reporting import render_report

MEASURE = """<script>
const light = c => { c = c / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
function behind(element) {
  for (; element; element = element.parentElement) {
    const colour = numbers(getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
}
const texts = [...document.body.querySelectorAll("*")].filter(
  e => e.tagName !== "SCRIPT" && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
const ratios = texts.map(e => {
  const both = [numbers(getComputedStyle(e).color), behind(e)].map(luminance).sort((a, b) => b - a);
  return (both[0] + 0.05) / (both[1] + 0.05);
});
document.title = JSON.stringify({
  width: document.documentElement.scrollWidth, window: innerWidth, contrast: Math.min(...ratios),
  texts: texts.length, images: document.images.length,
  broken: [...document.images].filter(i => i.loading !== "lazy" && !i.naturalWidth).length});
</script>"""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser(run, tmp_path_factory):
    """Return a function that opens the report in a browser without network."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is on this machine")
    folder = tmp_path_factory.mktemp("browser")
    page = render_report(run)
    (folder / "report.html").write_text(page, encoding="utf-8")
    measured = page.replace("</body>", MEASURE + "</body>")
    (folder / "measured.html").write_text(measured, encoding="utf-8")
    alone = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    alone += [f"--user-data-dir={folder / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"]

    def opened(*options, page="report.html"):
        words = [found, *alone, *options, (folder / page).as_uri()]
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


def test_a_narrow_screen_shows_all_of_it_in_letters_that_can_be_read(browser):
    dom = browser("--window-size=400,900", "--dump-dom", page="measured.html").stdout
    seen = json.loads(re.search("<title>(.*?)</title>", dom)[1])
    assert seen["window"] <= 500
    assert seen["width"] <= seen["window"], "tables scroll, and not the page"
    assert seen["texts"] > 200
    assert seen["contrast"] >= 4.5, "as WCAG 2.2, 1.4.3 asks"
    assert seen["images"] == 5
    assert seen["broken"] == 0


def test_it_prints_to_pdf(browser, tmp_path):
    pdf = tmp_path / "page.pdf"
    browser("--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") >= 2
