"""The report of a folder of results, made from the files in it, today or in a year."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from sklidh.evaluation import Comparison, Evaluation
from sklidh.reporting._report import render_report
from sklidh.utils import atomic_write

PACKAGES = ("sklidh", "scikit-learn", "torch", "skorch", "numpy", "scipy", "SimpleITK", "numba")
RUN = "run.json"
FORMULA = tuple("=+-@\t\r")
"""Beginnings of a cell that a spreadsheet runs."""


class ResultsError(ValueError):
    """A folder whose files are not the results of a run."""


def write_report(folder) -> Path:
    """Render the report of a folder of results once more, without computing anything.

    Parameters
    ----------
    folder : str or path
        Written by `write_results`: ``run.json``, ``evaluations.csv``, ``cohort.csv``,
        ``selected_features.csv`` and figures.

    Returns
    -------
    Path
        ``report.html`` in the folder.

    Raises
    ------
    ResultsError
        A file is absent, or is not what `write_results` wrote.
    """
    folder = Path(folder)
    try:
        run = json.loads((folder / RUN).read_text(encoding="utf-8"))
        page = render_report(
            run["title"],
            read_comparison(folder / "evaluations.csv"),
            pd.read_csv(folder / "cohort.csv", index_col=0),
            {
                name: ((folder / f"{name}.png").read_bytes(), caption)
                for name, caption in run["figures"].items()
            },
            pd.read_csv(folder / "selected_features.csv", dtype=str, keep_default_na=False),
            {name: _in_words(value) for name, value in run["settings"].items()} | run["versions"],
            run["notes"],
        )
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ResultsError(
            f"{folder}: these are no whole results of sklidh run or evaluate "
            f"({type(error).__name__}: {error}); run it again"
        ) from error
    return write_text(folder / "report.html", page)


def read_comparison(path: Path) -> Comparison:
    """Read the predictions of every model that `write_results` wrote."""
    table = pd.read_csv(path, dtype={"patient": str}, keep_default_na=False)
    table["patient"] = [
        patient[1:] if patient[:1] == "'" and patient[1:2] in FORMULA else patient
        for patient in table["patient"]
    ]
    models = table.set_index("patient").groupby("model", sort=False)
    return Comparison({name: Evaluation(rows.drop(columns="model")) for name, rows in models})


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


def _in_words(value) -> str:
    """Write a setting as a person would: groups as ``T1+T1CE, FLAIR``."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        return "none" if value is None else str(value)
    parts = ("+".join(part) if isinstance(part, (list, tuple)) else str(part) for part in value)
    return ", ".join(parts)
