"""What every writer of results shares: complete files, safe tables, versions."""

import platform
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from sklidh.results._record import RUN, record_text
from sklidh.utils import atomic_write

PACKAGES = ("sklidh", "scikit-learn", "torch", "skorch", "numpy", "scipy", "SimpleITK", "numba")
"""Packages on which results depend."""

FORMULA = tuple("=+-@\t\r")
"""Beginnings of a cell that a spreadsheet runs."""

REPORT = "report.html"

MEASURES = "measures.csv"
"""What results of a study have, and those of a run have not."""


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


def write_run(
    folder: Path, contents: Mapping[str, tuple[str, str | bytes]], report: Mapping
) -> dict[str, Path]:
    """Write all files of a run together: on a full disk all files of an earlier run stay.

    All are written before the first is renamed. The record is deleted before and written last: a
    run killed while renaming leaves files of two runs, which must not pass for the results of one.
    The report of the earlier run is deleted with its record.

    `contents` holds the file's name and content, by what it is; `report` is the part of the record
    that the report needs, to which `claimed` adds the options. Returns the paths; that of the
    record is ``"run"``.
    """
    last = (RUN, record_text({"report": report}, RUN))
    with ExitStack() as renamed_in_reverse:
        for name, content in (last, *contents.values()):
            temporary = renamed_in_reverse.enter_context(atomic_write(folder / name))
            temporary.write_bytes(content if isinstance(content, bytes) else content.encode())
        # Without a record, a file of this name is the user's own.
        for name in (REPORT, RUN) if (folder / RUN).exists() else ():
            (folder / name).unlink(missing_ok=True)
    return {what: folder / name for what, (name, _) in contents.items()} | {"run": folder / RUN}
