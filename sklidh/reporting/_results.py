"""Write what a run found: tables, plots, the report and what is needed to repeat it."""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from sklidh.evaluation import Comparison
from sklidh.plotting import CaseDisplay, LossCurveDisplay, ROCDisplay, SelectedFeaturesDisplay
from sklidh.reporting._report import render_report
from sklidh.utils import atomic_write, is_missing

PACKAGES = ("sklidh", "scikit-learn", "torch", "skorch", "numpy", "scipy", "SimpleITK", "numba")


def write_results(
    folder,
    title: str,
    comparison: Comparison,
    X: pd.DataFrame,
    y: pd.Series,
    *,
    pipeline,
    modalities,
    settings: Mapping,
    notes=(),
) -> dict[str, Path]:
    """Write the tables, plots and report of one run into a folder.

    Parameters
    ----------
    folder : str or path
        Made if need be; files of an earlier run are replaced.
    title : str
    comparison : Comparison
        The evaluated models.
    X : DataFrame of shape (n_patients, n_columns)
        The cases; the first is drawn.
    y : Series of shape (n_patients,)
    pipeline : fitted Pipeline
        The model whose selected features and training are shown: steps ``register``, ``intra``,
        ``fusion``.
    modalities : sequence of str
    settings : mapping of str to what JSON can hold
        Options and seeds of the run.
    notes : sequence of str, default=()
        What a reader must know before believing the figures.

    Returns
    -------
    dict of str to Path
        What was written, by what it is.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    versions = package_versions()
    features = _selected_features(pipeline)
    figures = _figures(comparison, X, pipeline, modalities)
    facts = {name: _in_words(value) for name, value in settings.items()} | versions
    page = render_report(
        title, comparison, _cohort_table(X, y, modalities), figures, features, facts, list(notes)
    )
    run = {"settings": dict(settings), "versions": versions}
    files = {
        "table": write_text(folder / "table.csv", comparison.table.to_csv()),
        "predictions": write_text(
            folder / "predictions.csv", predictions_as_csv(comparison.predictions)
        ),
        "features": write_text(folder / "selected_features.csv", features.to_csv(index=False)),
        "settings": write_text(folder / "run.json", json.dumps(run, indent=2) + "\n"),
        "report": write_text(folder / "report.html", page),
    }
    for name, (figure, _) in figures.items():
        files[name] = folder / f"{name}.png"
        with atomic_write(files[name]) as temporary:
            figure.savefig(temporary, dpi=150)
    return files


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
    safe = [f"'{id_}" if str(id_)[:1] in tuple("=+-@\t\r") else id_ for id_ in predictions.index]
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
    return ", ".join("+".join(part) if isinstance(part, tuple) else str(part) for part in value)


def _cohort_table(X, y, modalities) -> pd.DataFrame:
    missing = X[list(modalities)].map(is_missing)
    rows = {
        str(label): {"patients": len(group)}
        | {f"without {name}": int(n) for name, n in missing.loc[group.index].sum().items() if n}
        for label, group in y.groupby(y)
    }
    table = pd.DataFrame.from_dict(rows, orient="index").fillna(0).astype(int)
    table.loc["all"] = table.sum()
    return table.rename_axis(str(y.name))


def _selected_features(pipeline) -> pd.DataFrame:
    names = [name.split("__", 2) for name in pipeline[:-1].get_feature_names_out()]
    return pd.DataFrame(names, columns=["modality", "kind", "feature"])


def _figures(comparison, X, pipeline, modalities) -> dict:
    registered = pipeline.named_steps["register"].transform(X.iloc[[0]])
    return {
        "cases": (
            CaseDisplay.from_case(registered.iloc[0], modalities).figure_,
            "The first patient after registration: the axial slice with the largest tumour "
            "area, the mask's outline in yellow.",
        ),
        "roc": (
            ROCDisplay.from_comparison(comparison).figure_,
            "Sensitivity against 1 - specificity on the patients left out of training.",
        ),
        "selected_features": (
            SelectedFeaturesDisplay.from_estimator(pipeline).figure_,
            "What Mann-Whitney, correlation and LASSO selection left of each modality.",
        ),
        "loss": (
            LossCurveDisplay.from_estimator(pipeline).figure_,
            "The terms of the fusion's loss (paper Eq. 3 to 6) while it was trained.",
        ),
    }
