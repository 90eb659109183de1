"""The command `sklidh predict`: a model and cases in, a table of probabilities out."""

from pathlib import Path

import pandas as pd
from rich.markup import escape
from rich.table import Table
from sklearn.compose import ColumnTransformer

from sklidh.cli._examination import image_problems, patients_in_words, print_notes
from sklidh.cli._options import Folder
from sklidh.cli._output import console, errors, print_files, verbosity, warnings_told_once
from sklidh.cli._parsing import as_columns
from sklidh.cli._place import replaced
from sklidh.cli._scheduler import time_limit

SHOWN = 20
"""Patients in the terminal's table, and warnings below it; the file has them all."""


def predict_cases(
    model: Path, cases: Path, out: Path, folder: Folder, *, threshold: float | None, jobs: int
) -> dict:
    """Predict every patient, and tell who is unlike those the model was trained on, or one of them.

    Parameters
    ----------
    model : Path
        From `sklidh train`.
    cases : Path
        Table or folder.
    out : Path
        The table of predictions.
    folder : Folder
    threshold : float or None
        None takes the model's own.
    jobs : int
        Patients worked on at the same time.

    Returns
    -------
    dict
        ``model``, ``predictions`` (one dict a patient) and ``files``.
    """
    from sklidh.datasets import examine_cohort, not_found, outside_range
    from sklidh.persistence import ModelFileError, load_model, parts_of, read_about
    from sklidh.reporting import predictions_as_csv
    from sklidh.utils import CohortError, mutant_index

    about = read_about(model)
    if not {"name", "threshold", "cohort"} <= about.keys():
        raise ModelFileError(
            f"{model}: it does not tell its name, threshold and training cohort; save it by sklidh "
            "train, or give them to save_model(about=...): sklidh.load_model reads it as it is"
        )
    modalities = list(about["cohort"]["modalities"])
    examined = examine_cohort(
        cases,
        target=None,
        columns=as_columns(folder.columns),
        missing="nan",
        layout=folder.layout,
        patients=folder.patients,
        cells=False,
    )
    print_notes(examined.notes)
    X, problems = examined.X, list(examined.problems)
    trained = f" (a sequence that {about['name']} was trained on)"
    problems += [
        f"{not_found(name, X.columns, of=trained)}; if no patient has it, add an empty column"
        for name in modalities
        if name not in X
    ]
    console.print(f"{patients_in_words(X, modalities)}: {escape(about['name'])}", highlight=False)
    fitted = load_model(model)
    # Patients are spread, not modalities: each extractor would start workers of its own.
    own = [
        part
        for part in parts_of(fitted)
        if type(part).__module__.startswith("sklidh.") and not isinstance(part, ColumnTransformer)
    ]
    for name, value in {"verbose": verbosity(), "n_jobs": jobs, "timeout": time_limit()}.items():
        for part in own:
            if hasattr(part, name):
                setattr(part, name, value)
    labelled = [part for part in own if hasattr(part, "label")]
    for part in labelled if folder.labels else []:
        part.label = folder.labels
    label = labelled[0].label if labelled else None
    reference = getattr(fitted[0], "reference", None)
    images = {"label": label, "missing": "nan", "jobs": jobs}
    problems += image_problems(examined, modalities, reference, **images)
    if problems:
        raise CohortError(problems, cases)
    warned = outside_range(X, about["cohort"], n_jobs=jobs, verbose=verbosity())
    with warnings_told_once():
        answers = fitted.predict_proba(X[[*modalities, "mask"]])
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
    print_files(files)
    rows = table.reset_index().to_dict("records")
    return {"model": about["name"], "predictions": rows, "files": files}


def print_predictions(table: pd.DataFrame, warned: pd.Series):
    """Print the patients of the highest probabilities, and how many warnings there are of each.

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
    for patient, row in table.nlargest(SHOWN, "probability").iterrows():
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
        f"{'patient' if len(patients) == 1 else f'{len(patients)} patients,'} {listed(patients)}: "
        f"{text}"
        for text, patients in told[:SHOWN]
    ]
    if len(told) > SHOWN:
        lines.append(f"{len(told) - SHOWN} more of the kind are in the file")
    for line in lines:
        errors.print(f"[yellow]Warning:[/] {escape(line)}", highlight=False, soft_wrap=True)
