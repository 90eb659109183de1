"""What every writer of results shares: complete files, safe tables, versions."""

import json
import platform
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from sklidh.utils import CONFIG, RUN, atomic_write

PACKAGES = ("sklidh", "scikit-learn", "torch", "skorch", "numpy", "scipy", "SimpleITK", "numba")
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
    folder: Path, contents: Mapping[str, tuple[str, str | bytes]], record: Mapping
) -> dict[str, Path]:
    """Write all files of a run together: on a full disk all files of an earlier run stay.

    All are written before the first is renamed. The mark of whole results is taken away before and
    comes back last, since a run killed while it renames leaves the files of two, which nobody must
    take for one's. The earlier run's report and options go with the mark.

    Parameters
    ----------
    folder : Path
        It is there.
    contents : mapping of str to (str, str or bytes)
        The file's name and content, by what it is.
    record : mapping
        What ``run.json`` is to hold.

    Returns
    -------
    dict of str to Path
        What was written, by what it is; ``run.json`` is ``"run"``.

    Raises
    ------
    OSError
        A file cannot be written, as on a full disk.
    """
    last = (RUN, json.dumps(record, indent=2) + "\n")
    with ExitStack() as renamed_in_reverse:
        for name, content in (last, *contents.values()):
            temporary = renamed_in_reverse.enter_context(atomic_write(folder / name))
            temporary.write_bytes(content if isinstance(content, bytes) else content.encode())
        # Without the mark of a run, files of these names are the user's own.
        for name in (REPORT, CONFIG, RUN) if (folder / RUN).exists() else ():
            (folder / name).unlink(missing_ok=True)
    return {what: folder / name for what, (name, _) in contents.items()} | {"run": folder / RUN}
