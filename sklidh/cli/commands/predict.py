"""`sklidh predict`: a model and patients to probabilities."""

import warnings
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.markup import escape
from rich.table import Table
from sklearn.compose import ColumnTransformer

from sklidh.cli import options, values
from sklidh.cli.columns import clinical_columns
from sklidh.cli.command import PREDICT, command
from sklidh.cli.console import console, errors, note, print_files, verbosity, warnings_once
from sklidh.cli.patients import image_problems, patients_in_words
from sklidh.cli.scheduler import time_limit
from sklidh.results import replaced

SHOWN = 20
"""Patients in the terminal's table, and warnings below it; the file has them all."""


@command(
    "sklidh predict idh.skops new-cases.csv --out predictions.csv",
    "sklidh predict idh.skops BraTS2021 --layout brats --jobs 4",
    helps={
        "cases": "Table of patients (a column 'patient', one column of image paths per modality, "
        "and 'mask'; paths relative to the table), or a folder of images.",
    },
    panel=PREDICT,
)
def predict(
    model: Annotated[
        Path,
        typer.Argument(help="A model's file, from sklidh train.", exists=True, dir_okay=False),
    ],
    cases: options.Cases,
    *,
    out: Annotated[
        Path, typer.Option(help="Table of predictions, CSV.", callback=values.parse_csv)
    ] = (Path("predictions.csv")),
    page: Annotated[
        Path | None, typer.Option(help="Also write a page with pictures of the patients (HTML).")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Threshold to use instead of the model's own."),
    ] = None,
    folder: options.Folder,
    work: options.Work,
):
    """Predict the IDH status of new patients and flag those unlike the training cohort.

    Warnings name patients from a new site, with different spacing or intensities, with missing
    sequences, or from the training cohort.
    """
    from sklidh.datasets import examine_cohort, not_found, outside_range
    from sklidh.persistence import ModelFileError, load_model, parts_of, read_about
    from sklidh.pipeline import CLINICAL
    from sklidh.reporting import predictions_as_csv, write_predictions
    from sklidh.utils import CohortError, mutant_index

    about = read_about(model)
    if not {"name", "threshold", "cohort"} <= about.keys():
        raise ModelFileError(
            f"{model}: lacks name, threshold and cohort; save it with sklidh train, or pass them "
            "to save_model(about=...)"
        )
    modalities = list(about["cohort"]["modalities"])
    examined = examine_cohort(
        cases,
        target=None,
        columns=folder.columns,
        missing="nan",
        layout=folder.layout,
        patients=folder.patients,
        cells=False,
    )
    for line in examined.notes:
        note(line)
    X, problems = examined.X, list(examined.problems)
    trained = f" (a sequence that {about['name']} was trained on)"
    problems += [
        f"{not_found(name, X.columns, of=trained)}; if no patient has it, add an empty column"
        for name in modalities
        if name not in X
    ]
    console.print(f"{patients_in_words(X, modalities)}: {escape(about['name'])}", highlight=False)
    fitted = load_model(model)
    # Patients are processed in parallel, not modalities, which would each start workers.
    parts = parts_of(fitted)
    branches = [part for part in parts if isinstance(part, ColumnTransformer)]
    own = [
        part
        for part in parts
        if type(part).__module__.startswith("sklidh.") and part not in branches
    ]
    for name, value in {
        "verbose": verbosity(),
        "n_jobs": work.jobs,
        "timeout": time_limit(),
    }.items():
        for part in own:
            if hasattr(part, name):
                setattr(part, name, value)
    inputs = (each for part in branches for each in part.transformers)
    clinical = next((columns for name, _, columns in inputs if name == CLINICAL), [])
    found, absent = clinical_columns(
        X, clinical, modalities, of=f" ({about['name']} was trained on it)"
    )
    X, problems = X.rename(columns={v: k for k, v in found.items()}), [*problems, *absent]
    labelled = [part for part in own if hasattr(part, "label")]
    for part in labelled if folder.label else []:
        part.label = list(folder.label)
    label = labelled[0].label if labelled else None
    reference = next((part.reference for part in own if hasattr(part, "reference")), None)
    images = {"label": label, "missing": "nan", "jobs": work.jobs}
    problems += image_problems(examined, modalities, reference, **images)
    if problems:
        raise CohortError(problems, cases)
    warned = outside_range(X, about["cohort"], n_jobs=work.jobs, verbose=verbosity())
    with warnings_once():
        # Each patient's warnings include them.
        warnings.filterwarnings("ignore", message="clinical columns")
        answers = fitted.predict_proba(X[[*modalities, "mask", *clinical]])
    probability = answers[:, mutant_index(fitted.classes_)]
    threshold = about["threshold"] if threshold is None else threshold
    table = pd.DataFrame(
        {
            "probability": probability,
            "threshold": threshold,
            "class": ["IDH mutant" if p >= threshold else "IDH wild type" for p in probability],
            "model": about["name"],
            "warnings": ["; ".join(each) for each in warned],
        },
        index=X.index.rename("patient"),
    )
    with replaced(out) as temporary:
        temporary.write_text(predictions_as_csv(table), encoding="utf-8")
    print_predictions(table, warned)
    print_warnings(warned)
    files = {"predictions": out}
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        files["page"] = write_predictions(page, fitted, X, table, modalities, verbose=verbosity())
    print_files(files)
    rows = table.reset_index().to_dict("records")
    return {"model": about["name"], "predictions": rows, "files": files}


def print_predictions(table: pd.DataFrame, warned: pd.Series):
    """Print the first patients in the order given, and how many warnings there are of each.

    The warnings follow the table: many patients share one, and it is printed once.

    Parameters
    ----------
    table : DataFrame of shape (n_patients, n_columns)
    warned : Series of list of str
        From `sklidh.datasets.outside_range`.
    """
    grid = Table()
    grid.add_column("patient", overflow="fold")
    grid.add_column("p(IDH mutant)", justify="right", no_wrap=True)
    grid.add_column("class", no_wrap=True)
    grid.add_column("warnings", justify="right")
    for patient, row in table.head(SHOWN).iterrows():
        count = str(len(warned[patient]) or "")
        grid.add_row(escape(str(patient)), f"{row['probability']:.2f}", str(row["class"]), count)
    console.print(grid)
    if len(table) > SHOWN:
        console.print(f"... and {len(table) - SHOWN} more in the file")


def print_warnings(warned: pd.Series):
    """Print each different warning once, with the patients whom it is about.

    Parameters
    ----------
    warned : Series of list of str
        From `sklidh.datasets.outside_range`.
    """
    from sklidh.utils import listed

    single = warned.explode().dropna()
    told = [*single.groupby(single, sort=False).groups.items()]
    lines = [
        f"patient{'s' * (len(patients) > 1)} {listed(patients, 5)}: {text}"
        for text, patients in told[:SHOWN]
    ]
    if len(told) > SHOWN:
        lines.append(f"{len(told) - SHOWN} other warnings are in the file")
    for line in lines:
        errors.print(f"[yellow]Warning:[/] {escape(line)}", highlight=False, soft_wrap=True)
