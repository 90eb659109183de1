"""What all that writes results shares: files written whole, safe tables, versions."""

import platform
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from sklidh.utils import atomic_write

PACKAGES = ("sklidh", "scikit-learn", "torch", "skorch", "numpy", "scipy", "SimpleITK", "numba")
FORMULA = tuple("=+-@\t\r")
"""Beginnings of a cell that a spreadsheet runs."""

RUN = "run.json"
"""Written last, and taken away first: a folder that has it holds the whole of one run."""

REPORT = "report.html"


def predictions_as_csv(predictions: pd.DataFrame) -> str:
    """Write predictions as CSV; an id that a spreadsheet would run as a formula gets a quote.

    Parameters
    ----------
    predictions : DataFrame of shape (n_patients, n_columns)
        Index: patients.

    Returns
    -------
    str
    """
    safe = [f"'{id_}" if str(id_)[:1] in FORMULA else id_ for id_ in predictions.index]
    return predictions.set_axis(pd.Index(safe, name=predictions.index.name)).to_csv()


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of every package that decides a figure."""
    return {"Python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def write_text(path: Path, text: str) -> Path:
    """Write a file whole or not at all, and return where."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def begin(folder: Path):
    """Take away what makes a folder's results whole, before the first of others is written.

    A run that is killed while it writes leaves the files of two: nobody must take them for one's.
    """
    for name in (RUN, REPORT):
        (folder / name).unlink(missing_ok=True)
