"""Progress of long loops: bars on a terminal, lines in a log."""

import io

import pytest
from rich.console import Console

from sklidh.utils import _progress, part, progress
from sklidh.utils._progress import no_progress


@pytest.fixture
def clock(monkeypatch):
    """Return a function that advances the clock by seconds."""
    now = [0.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])

    def pass_by(seconds):
        now[0] += seconds

    return pass_by


def run(clock, *, seconds, n=3, name="radiomics T1"):
    for _ in progress(range(n), name, verbose=1):
        clock(seconds)


def test_a_log_has_one_line_per_minute_and_one_at_the_end(clock, capsys):
    run(clock, seconds=20)
    assert capsys.readouterr().err == "radiomics T1: 3 in 60 s\n"
    run(clock, seconds=70)
    assert capsys.readouterr().err.splitlines() == [
        "radiomics T1: 1 of 3",
        "radiomics T1: 2 of 3, 70 s left",
        "radiomics T1: 3 in 4 min",
    ]


def test_progress_contains_the_unit(clock, capsys, monkeypatch):
    for _ in progress(range(3), "SA-Net T1", unit="epoch", verbose=1):
        clock(70)
    assert capsys.readouterr().err.splitlines() == [
        "SA-Net T1: epoch 1 of 3",
        "SA-Net T1: epoch 2 of 3, 70 s left",
        "SA-Net T1: 3 epochs in 4 min",
    ]
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr("rich.console.Console", lambda **_: screen)
    bars = (
        _progress._bars[0].tasks[0].description
        for _ in progress(range(2), "SA-Net T1", unit="epoch", verbose=1)
    )
    assert list(bars) == ["SA-Net T1: epoch 1 of 2", "SA-Net T1: epoch 2 of 2"]


def test_the_first_item_is_left_out_of_the_time_left(clock, capsys):
    for item in progress(range(4), "patients", verbose=1):
        clock(60 if item else 500)
    assert capsys.readouterr().err.splitlines() == [
        "patients: 1 of 4",
        "patients: 2 of 4, 2 min left",
        "patients: 3 of 4, 60 s left",
        "patients: 4 in 11 min",
    ]


def test_a_bar_shows_the_time_left_for_slow_items(monkeypatch):
    now = [0.0]
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, get_time=lambda: now[0])
    monkeypatch.setattr("rich.console.Console", lambda **_: screen)
    left = []
    for item in progress(range(4), "folds", verbose=1):
        left.append(_progress._bars[0].tasks[0].time_remaining)
        now[0] += 60 if item else 500
    assert left == [None, None, 120, 60]


def test_short_and_empty_loops_are_not_logged(clock, capsys):
    run(clock, seconds=1)
    run(clock, seconds=20, n=0)
    assert capsys.readouterr().err == ""


def test_progress_contains_the_location(clock, capsys):
    with part("repeat 2"), part("fold 3 of 5"):
        run(clock, seconds=4)
    run(clock, seconds=4)
    assert capsys.readouterr().err.splitlines() == [
        "repeat 2, fold 3 of 5, radiomics T1: 3 in 12 s",
        "radiomics T1: 3 in 12 s",
    ]


def test_a_process_that_does_not_own_the_terminal_shows_nothing(clock, capsys):
    with no_progress():
        run(clock, seconds=20)
    assert capsys.readouterr().err == ""


def test_nested_loops_share_one_display(monkeypatch):
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr("rich.console.Console", lambda **_: screen)
    for _ in progress(range(2), "folds", verbose=1):
        for _ in progress(range(2), "epochs", verbose=1):
            (display,) = _progress._bars
            assert [task.description for task in display.tasks] == ["folds", "epochs"]
        assert [task.description for task in display.tasks] == ["folds"]
    assert not _progress._bars
    assert not display.live.is_started
