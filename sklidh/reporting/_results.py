"""Write what a run found: tables, plots, the report and what is needed to repeat it."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sklidh.evaluation import Comparison
from sklidh.plotting import CaseDisplay, LossCurveDisplay, ROCDisplay, SelectedFeaturesDisplay
from sklidh.reporting._folder import (
    RUN,
    package_versions,
    predictions_as_csv,
    write_report,
    write_text,
)
from sklidh.utils import atomic_write, is_missing


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
    features = _selected_features(pipeline)
    figures = _figures(comparison, X, pipeline, modalities)
    run = {
        "title": title,
        "settings": dict(settings),
        "versions": package_versions(),
        "notes": list(notes),
        "figures": {name: caption for name, (_, caption) in figures.items()},
    }
    evaluations = pd.concat(
        [e.predictions.assign(model=name) for name, e in comparison.evaluations.items()]
    )
    tables = {
        "table": comparison.table.to_csv(),
        "predictions": predictions_as_csv(comparison.predictions),
        "evaluations": predictions_as_csv(evaluations.rename_axis("patient")),
        "cohort": _cohort_table(X, y, modalities).to_csv(),
        "selected_features": features.to_csv(index=False),
    }
    files = {name: write_text(folder / f"{name}.csv", text) for name, text in tables.items()}
    for name, (figure, _) in figures.items():
        image = files[f"{name}, drawn"] = folder / f"{name}.png"
        with atomic_write(image) as temporary:
            figure.savefig(temporary, dpi=150)
    files["run"] = write_text(folder / RUN, json.dumps(run, indent=2) + "\n")
    return files | {"report": write_report(folder)}


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
    columns = ["modality", "kind", "feature"]
    if "intra" not in pipeline.named_steps:
        return pd.DataFrame(columns=columns)
    names = [name.split("__", 2) for name in pipeline[:-1].get_feature_names_out()]
    return pd.DataFrame(names, columns=columns)


def _figures(comparison, X, pipeline, modalities) -> dict:
    """Draw what the pipeline's steps allow."""
    steps = pipeline.named_steps
    registered = steps["register"].transform(X.iloc[[0]])
    figures = {
        "cases": (
            CaseDisplay.from_case(registered.iloc[0], modalities).figure_,
            "The first patient, as the features see him: the axial slice with the largest tumour "
            "area, the mask's outline in yellow.",
        ),
        "roc": (
            ROCDisplay.from_comparison(comparison).figure_,
            "Sensitivity against 1 - specificity on the patients left out of training.",
        ),
    }
    if "intra" in steps:
        figures["selected_features"] = (
            SelectedFeaturesDisplay.from_estimator(pipeline).figure_,
            "What Mann-Whitney, correlation and LASSO selection left of each modality.",
        )
    if hasattr(pipeline[-1], "loss_curve_"):
        figures["loss"] = (
            LossCurveDisplay.from_estimator(pipeline).figure_,
            "The terms of the fusion's loss (paper Eq. 3 to 6) while it was trained.",
        )
    return figures
