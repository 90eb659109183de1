"""A terminal shows what matters: every kind of warning once, and nothing of it is lost."""

import inspect
import subprocess
import sys
import threading
import warnings

import pandas as pd
import pytest
from joblib import memory
from joblib.externals.loky import process_executor

from sklidh.cli import console as printing
from sklidh.cli.console import print_models, warning_lines, warnings_once
from sklidh.images import ImageWarning
from sklidh.utils._spread import JOBLIB_SAYS


def warn_of(text, category=UserWarning):
    warnings.warn(text, category, stacklevel=1)


def test_a_kind_of_warning_is_told_once_without_its_line_of_code_and_counted(capsys):
    with warnings_once() as told:
        for fold in (1, 2, 3):
            warn_of(f"fold {fold}: raise [max_iter]")
        warnings.warn("lower lr", stacklevel=1)
    assert capsys.readouterr().err == (
        "Warning: fold 1: raise [max_iter]\n"
        "Warning: lower lr\n"
        'Warning: 2 more like "fold 1: raise [max_iter] ..."\n'
    )
    assert warning_lines(told) == ["fold 1: raise [max_iter] (2 more like this)", "lower lr"]


def test_of_an_image_every_warning_is_told_but_each_once(capsys):
    with warnings_once() as told:
        for patient in ("P1", "P2", "P1"):
            warn_of(f"patient {patient}", ImageWarning)
    assert capsys.readouterr().err == "Warning: patient P1\nWarning: patient P2\n"
    assert warning_lines(told) == ["patient P1 (1 more like this)", "patient P2"]


def test_outside_the_block_warnings_are_python_s_again():
    before = warnings.showwarning
    with warnings_once():
        assert warnings.showwarning is not before
    assert warnings.showwarning is before


@pytest.mark.parametrize(
    ("beginning", "module"), list(zip(JOBLIB_SAYS, (process_executor, memory), strict=True))
)
def test_what_joblib_says_of_its_own_affairs_is_not_the_user_s_business(beginning, module, capsys):
    assert beginning in inspect.getsource(module)
    with warnings_once() as told:  # joblib warns in a thread of its own
        message = f"{beginning}. This can be caused by a memory leak."
        thread = threading.Thread(target=warnings.warn, args=(message,))
        thread.start()
        thread.join()
    assert not told
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("width", [30, 80, 120])
def test_no_figure_is_cut_off_however_narrow_the_terminal(width, monkeypatch, capsys):
    monkeypatch.setattr(printing.console, "_width", width)
    figures = {"AUC": 0.81, "AUC low": 0.62, "AUC high": 0.93, "Accuracy": 0.84}
    figures |= {"Precision": 0.85, "Recall": 0.86, "F1": 0.87}
    print_models(pd.DataFrame(figures, ["Model 4 (proposed)"]), title="Four models")
    row = next(line for line in capsys.readouterr().out.splitlines() if "Model 4" in line)
    assert row.strip("│ ").split(" │ ") == (
        ["Model 4 (proposed)", "0.81", "0.62-0.93", "0.84", "0.85", "0.86", "0.87"]
    )


READERLESS = """
import sys, pathlib
sys.stdin.readline()
from sklidh.cli.console import console, print_json
console.print("one")
console.print("two")
print_json({"three": 3})
pathlib.Path(sys.argv[1]).touch()
"""


def test_a_reader_that_goes_away_stops_the_printing_and_not_the_work(tmp_path):
    words = [sys.executable, "-c", READERLESS, tmp_path / "done"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(words, **pipes) as process:
        process.stdout.close()
        process.stdin.close()
        said = process.stderr.read().decode()
    assert process.returncode == 0, said
    assert said == ""
    assert (tmp_path / "done").exists()
