"""What a person sees of a report in a real browser, on wide and narrow screens, and on paper."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.image import imread

from sklidh.reporting import render_check, render_report
from sklidh.reporting._check_page import CheckedCase
from sklidh.reporting._runs import render_runs
from sklidh.reporting._study import render_study

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDE, NARROW = (1280, 900), (400, 900)


@pytest.fixture(scope="module")
def browser(run, tmp_path_factory):
    """Return a function that opens a page in a browser without network."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is on this machine")
    folder = tmp_path_factory.mktemp("browser")
    alone = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    alone += [f"--user-data-dir={folder / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"]
    alone += ["--allow-file-access-from-files"]  # a page may look into its frames

    def opened(page, *options, around=""):
        (folder / "report.html").write_text(page, encoding="utf-8")
        (folder / "page.html").write_text(around or page, encoding="utf-8")
        words = [found, *alone, *options, (folder / "page.html").as_uri()]
        return subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)

    return opened


@pytest.fixture(scope="module")
def page(run):
    return render_report(run)


@pytest.fixture
def seen(browser, page):
    """Return a function that makes a check of browser.js on the report in a window of a size."""
    script = Path(__file__).with_name("browser.js").read_text(encoding="utf-8")

    def measured(check, size, *options, page=page):
        # A browser's window is never narrower than 500 pixels; a frame is as narrow as it is asked.
        style = f"border:0; width:{size[0]}px; height:{size[1]}px"
        around = f'<iframe style="{style}" data-check="{check}" src="report.html"></iframe>'
        around += f"<script>{script}</script>"
        options = ("--virtual-time-budget=60000", "--dump-dom", *options)
        shown = browser(page, *options, around=around)
        assert "CONSOLE" not in shown.stderr, "nothing to complain of"
        found = json.loads(html.unescape(re.search("<title>(.*?)</title>", shown.stdout)[1]))
        assert "error" not in found, found
        return found

    return measured


def nothing_is_wrong(found, size, smallest=10):
    assert found["width"] == size[0]
    assert found["scroll"] <= size[0], "the page does not scroll sideways"
    assert found["outside"] == []
    assert found["clipped"] == [], "no box hides a part of its content"
    assert found["overlapping"] == []
    assert found["contrast"][0] >= 4.5, f"as WCAG 2.2, 1.4.3 asks: {found['contrast']}"
    assert found["small"] >= smallest, "pixels"
    assert found["broken"] == 0


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_headline_is_in_the_first_screen_and_the_page_is_short(seen, size):
    found = seen("folded", size)
    nothing_is_wrong(found, size)
    assert found["headline"] < size[1]
    if size == WIDE:
        assert found["table"] < size[1]
        assert found["roc"] < size[1]
    assert found["height"] < 3 * size[1]


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_with_every_section_open_nothing_is_clipped_overlapping_or_off_the_screen(seen, size):
    found = seen("open", size)
    nothing_is_wrong(found, size)
    assert found["texts"] > 400


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_pages_of_checks_studies_and_several_runs_are_laid_out_as_well(seen, run, size):
    text = "a text of several words, and_one_word_that_is_longer_than_a_narrow_column_of_a_table_is"
    columns = ("AUC", "Acc", "Pre", "Rec", "F1", *(f"paper: {name}" for name in ("AUC", "Acc")))
    table = pd.DataFrame("0.81 [0.70, 0.90]", ["Model 1 (SA-Net)", "Class frequencies"], columns)
    record = {"headline": text, "command": f"sklidh {text}", "notes": [text], "versions": {}}
    record |= {"versions": {"sklidh": "0.1.0"}, "failures": {"Model 2": text}}
    record |= {"settings": {"where": text}, "warnings": {"Model 1": {text: 3, "5 folds": 1}}}
    forest, _ = run.figures["roc"]
    study = render_study(record, [(text, table, {"T1": text})], table, forest, reference="Model 1")
    picture = run.slices["P0"]["T1"]
    pictures = {"T1": (picture, ""), "FLAIR": ("", "not acquired")}
    cases = [CheckedCase("P0", [text], [text], pictures, {}), CheckedCase("P1", [], [], {}, {})]
    checked = render_check(text, [text], [text], ["T1", "FLAIR"], cases)
    others = {name: replace(run, settings={"seed": 3}) for name in ("other", "third")}
    runs = render_runs(text, {text: run, **others}, {text: text})
    for page in (study, checked, runs):
        nothing_is_wrong(seen("open", size, page=page), size)


def test_in_dark_mode_every_text_can_be_read(seen):
    dark = "--blink-settings=preferredColorScheme=0"
    assert seen("folded", WIDE, dark)["dark"]
    nothing_is_wrong(seen("open", WIDE, dark), WIDE)


def test_every_section_opens_and_closes(seen):
    states = seen("folds", WIDE)
    assert len(states) >= 8
    assert states == [[False, True, False]] * len(states)


def test_every_link_leads_to_what_can_be_seen(seen):
    reached = seen("links", WIDE)
    assert {"#notes", "#predictions", "#repeat"} <= reached.keys()
    assert all(reached.values()), reached


def test_predictions_are_searched_by_words(seen):
    found = seen("search", WIDE)
    assert found["box"]
    assert len(found["all"]) == 10
    assert found["found"] == ["P3"]
    assert found["told"] == "1 of 10"


def test_two_runs_of_several_are_chosen_and_the_settings_in_which_they_differ(seen, run):
    runs = {
        "one": run,
        "two": replace(run, settings=run.settings | {"epochs": 40}),
        "three": replace(run, settings=run.settings | {"seed": 8}),
    }
    found = seen("runs", WIDE, page=render_runs("Runs", runs, {}))
    before, after = ({row[0]: row[1:] for row in found[key] if row} for key in ("before", "after"))
    assert before[""] == ["one", "two"]
    assert before["epochs"] == ["20", "40"]
    assert "seed" not in before
    assert after[""] == ["one", "three"]
    assert after["seed"] == ["7", "8"]
    assert "epochs" not in after
    assert len(after["AUC"]) == 2


def test_a_click_enlarges_a_picture_to_the_window_and_escape_ends_it(seen):
    found = seen("enlarge", WIDE)
    assert found["large"] == found["window"]
    assert found["after"] == found["small"] < found["window"][0] / 2


def test_a_script_that_came_into_the_page_would_not_run(browser, page):
    spoilt = page.replace("</main>", "<script>document.title = 'it ran'</script></main>")
    assert spoilt != page
    shown = browser(spoilt, "--dump-dom")
    assert "<title>it ran" not in shown.stdout
    assert "Content Security Policy" in shown.stderr


def test_it_prints_with_every_section_open(browser, page, tmp_path):
    opened = page.replace('<details class="fold">', '<details class="fold" open>')
    assert opened != page

    def n_pages(page, name):
        browser(page, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / name}")
        content = (tmp_path / name).read_bytes()
        assert content.startswith(b"%PDF")
        return len(re.findall(rb"/Type /Page\b", content))

    assert n_pages(page, "folded.pdf") == n_pages(opened, "opened.pdf") > 3


def test_on_paper_nothing_is_clipped_or_overlapping(seen, page):
    paper = page.replace("@media print", "@media all").replace("@media screen", "@media speech")
    assert paper != page
    size = (688, 900)  # A4 between its margins
    nothing_is_wrong(seen("open", size, page=paper), size, smallest=9)


def test_dark_letters_on_light_paper_are_what_is_painted(browser, page, tmp_path):
    browser(
        page, "--window-size=1280,900", "--hide-scrollbars", f"--screenshot={tmp_path / 'a.png'}"
    )
    pixels = imread(tmp_path / "a.png")[..., :3]
    assert pixels.shape == (900, 1280, 3)
    assert (pixels.min(axis=(1, 2)) < 0.5).mean() > 0.3, "rows with ink"
    assert (pixels > 0.99).all(axis=-1).mean() > 0.5
