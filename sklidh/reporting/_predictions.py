"""A page of predicted patients: probability of a mutation, explanation, and warnings."""

from pathlib import Path

import pandas as pd
from sklearn.pipeline import Pipeline

from sklidh.plotting import explain
from sklidh.plotting._explanation import features_of
from sklidh.reporting._figures import drawn
from sklidh.reporting._page import render_page, write_page
from sklidh.reporting._pictures import MOST_PICTURED, no_warnings, registered_slices, saliency_of
from sklidh.utils import IDH


def write_predictions(
    path,
    pipeline,
    X: pd.DataFrame,
    table: pd.DataFrame,
    modalities,
    *,
    training=None,
    target=IDH,
    verbose=0,
) -> Path:
    """Write a page of the patients that a model predicted.

    Parameters
    ----------
    path : str or path
        The HTML file.
    pipeline : fitted Pipeline
    X : DataFrame of shape (n_patients, n_columns)
    table : DataFrame of shape (n_patients, n_columns)
        ``probability``, ``threshold``, ``class``, ``model`` and ``warnings`` of the same patients,
        as `sklidh predict` writes them. The first 32 are pictured.
    modalities : sequence of str
    training : (DataFrame, Series), default=None
        The training patients and their classes. If given, the predictions of the pictured patients
        are explained; a model file does not contain its training patients.
    target : Target, default=IDH
        What the model predicts.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    Path
    """
    cases = X.loc[table.index[:MOST_PICTURED]]
    explained = {}
    if training is not None:
        with no_warnings():
            # Read the training images once instead of once per explained patient.
            own, reference = (features_of(pipeline, each) for each in (cases, training[0]))
            last = Pipeline([("features", "passthrough"), ("model", pipeline[-1])])
            for patient in cases.index:
                found = explain(last, own.loc[[patient]], reference, training[1])
                nearest = ", ".join(
                    f"{name} ({row['class']})" for name, row in found.nearest.iterrows()
                )
                picture = drawn(found.figure_, "png")
                explained[str(patient)] = {"found": found, "picture": picture, "nearest": nearest}
    page = render_page(
        "predictions.html",
        with_script=True,
        title=f"Predictions of {table['model'].iloc[0]}",
        target=target,
        table=table.set_axis(table.index.astype(str)),
        modalities=list(modalities),
        slices=registered_slices(pipeline, cases, modalities, verbose=verbose),
        attention=saliency_of(pipeline, cases),
        explained=explained,
    )
    return write_page(Path(path), page)
