"""`sklidh predict`: a model and patients to probabilities."""

import warnings
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from sklearn.compose import ColumnTransformer

from sklidh.cli import options, values
from sklidh.cli.columns import clinical_columns
from sklidh.cli.command import PREDICT, command
from sklidh.cli.console import print_table, say, verbosity, warn
from sklidh.cli.options import argument, option
from sklidh.cli.patients import examine_table, image_problems, patients_in_words
from sklidh.cli.scheduler import time_limit
from sklidh.results import replaced
from sklidh.utils import CohortError, listed, mutant_index

SHOWN = 20
"""Patients in the terminal's table, and warnings below it; the file has them all."""


@command(
    "sklidh predict idh.skops new-cases.csv --out predictions.csv",
    "sklidh predict idh.skops BraTS2021 --layout brats --jobs 4",
    "sklidh predict idh.skops new-cases.csv --report patients.html --training cases.csv",
    helps={
        "cases": "Table of patients (a column 'patient', one column of image paths per modality, "
        "and 'mask'; paths relative to the table), or a folder of images.",
        "target": "Column of the IDH status in --training.",
    },
    panel=PREDICT,
)
def predict(
    model: Annotated[Path, argument("A model's file, from sklidh train.", dir_okay=False)],
    cases: options.Cases,
    *,
    out: Annotated[Path, option("Table of predictions, CSV.", callback=values.parse_csv)] = Path(
        "predictions.csv"
    ),
    report: Annotated[
        Path | None, option("Also write a page with pictures of the patients (HTML).")
    ] = None,
    training: Annotated[
        Path | None,
        option(
            "Table or folder of the patients that the model was trained on: the page of --report "
            "then explains each prediction.",
            exists=True,
        ),
    ] = None,
    threshold: Annotated[
        float | None, option("Threshold to use instead of the model's own.", min=0, max=1)
    ] = None,
    target: options.Target = "idh",
    wildtype: options.Wildtype = "",
    folder: options.Folder,
    work: options.Work,
):
    """Predict the IDH status of new patients and flag those unlike the training cohort.

    Warnings name patients from a new site, with different spacing or intensities, with missing
    sequences, or from the training cohort.
    """
    from sklidh.datasets import outside_range
    from sklidh.persistence import ModelFileError, load_model, read_about
    from sklidh.reporting import predictions_as_csv, write_predictions

    if training is not None and report is None:
        raise typer.BadParameter("--training explains the page of --report; give both")
    about = read_about(model)
    if not {"name", "threshold", "cohort"} <= about.keys():
        raise ModelFileError(
            f"{model}: lacks name, threshold and cohort; save it with sklidh train, or pass them "
            "to save_model(about=...)"
        )
    fitted, modalities = load_model(model), list(about["cohort"]["modalities"])
    how = prepared(fitted, list(folder.label), work.jobs)
    clinical = how.pop("clinical")
    read = [*modalities, "mask", *clinical]

    def patients(path, target=None):
        examined = examine_table(path, folder, target=target, wildtype=wildtype)
        X, problems = with_columns(examined, about["name"], modalities, clinical)
        say(f"{patients_in_words(X, modalities)}: {about['name']}")
        problems += image_problems(examined, modalities, **how, missing="nan", jobs=work.jobs)
        if problems:
            raise CohortError(problems, path)
        return X, examined.y

    known = None if training is None else patients(training, target)
    X, _ = patients(cases)
    warned = outside_range(X, about["cohort"], n_jobs=work.jobs, verbose=verbosity())
    # Each patient's warnings include them.
    warnings.filterwarnings("ignore", message="clinical columns")
    probability = fitted.predict_proba(X[read])[:, mutant_index(fitted.classes_)]
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
    files = {"predictions": out}
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        known = known and (known[0][read], known[1])
        try:
            files["report"] = write_predictions(
                report, fitted, X, table, modalities, training=known, verbose=verbosity()
            )
        except ValueError as error:
            if training is None:
                raise
            raise typer.BadParameter(f"--training {training}: {error}") from error
    with replaced(out) as temporary:
        temporary.write_text(predictions_as_csv(table), encoding="utf-8")
    print_predictions(table, warned)
    print_warnings(warned)
    rows = table.reset_index().to_dict("records")
    return {"model": about["name"], "predictions": rows, "files": files}


def prepared(fitted, label: list, jobs: int) -> dict:
    """Let a model work as the options say; return its label, reference and clinical columns."""
    from sklidh.persistence import parts_of
    from sklidh.pipeline import CLINICAL

    # Patients are processed in parallel, not modalities, which would each start workers.
    parts = parts_of(fitted)
    branches = [part for part in parts if isinstance(part, ColumnTransformer)]
    ours = [part for part in parts if type(part).__module__.startswith("sklidh.")]
    wanted = {"verbose": verbosity(), "n_jobs": jobs, "timeout": time_limit()}
    own = [part for part in ours if part not in branches]
    for name, value in (wanted | ({"label": label} if label else {})).items():
        for part in own:
            if hasattr(part, name):
                setattr(part, name, value)
    inputs = (each for part in branches for each in part.transformers)
    clinical = next((columns for name, _, columns in inputs if name == CLINICAL), [])
    facts = {"clinical": clinical}
    for name in ("label", "reference"):
        facts[name] = next((getattr(part, name) for part in own if hasattr(part, name)), None)
    return facts


def with_columns(examined, model: str, modalities, clinical) -> tuple[pd.DataFrame, list]:
    """Return the table with the clinical columns as the model names them, and what is wrong."""
    from sklidh.datasets import not_found

    X, trained = examined.X, f" (a sequence that {model} was trained on)"
    problems = [
        f"{not_found(name, X.columns, of=trained)}; if no patient has it, add an empty column"
        for name in modalities
        if name not in X
    ]
    found, absent = clinical_columns(X, clinical, modalities, of=f" ({model} was trained on it)")
    X = X.rename(columns={column: name for name, column in found.items()})
    return X, [*examined.problems, *problems, *absent]


def print_predictions(table: pd.DataFrame, warned: pd.Series):
    """Print the first patients in the order given, and how many warnings there are of each."""
    # The warnings follow the table: many patients share one, and it is printed once.
    rows = [
        (patient, f"{row['probability']:.2f}", row["class"], len(warned[patient]) or "")
        for patient, row in table.head(SHOWN).iterrows()
    ]
    print_table(None, ("patient", "p(IDH mutant)", "class", "warnings"), rows)
    say(f"Predicted mutant from a probability of {table['threshold'].iloc[0]:.3g}")
    if len(table) > SHOWN:
        say(f"... and {len(table) - SHOWN} more in the file")


def print_warnings(warned: pd.Series):
    """Print each different warning once, with the patients whom it is about."""
    single = warned.explode().dropna()
    told = [*single.groupby(single, sort=False).groups.items()]
    lines = [
        f"patient{'s' * (len(patients) > 1)} {listed(patients, 5)}: {text}"
        for text, patients in told[:SHOWN]
    ]
    if len(told) > SHOWN:
        lines.append(f"{len(told) - SHOWN} other warnings are in the file")
    for line in lines:
        warn(line)
