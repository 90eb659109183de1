"""`sklidh predict`: a model and patients to probabilities."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from sklidh.cli import options, values
from sklidh.cli.command import PREDICT, command
from sklidh.cli.console import print_table, say, verbosity, warn
from sklidh.cli.options import argument, option
from sklidh.cli.patients import examine_table, image_problems, patients_in_words, rule_in_words
from sklidh.results import check_out, replaced
from sklidh.utils import IDH, CohortError, Problem, Target, grouped

SHOWN = 20
"""Maximum number of patients, and of warnings, that are printed; the file has all."""


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
    from sklidh.persistence import load_trained
    from sklidh.reporting import predictions_as_csv, write_predictions

    if training is not None and report is None:
        raise typer.BadParameter("--training explains the page of --report; give both")
    if report is not None:
        check_out(report, is_file=True, option="--report")
    how = {"n_jobs": work.jobs, "verbose": verbosity()}
    trained = load_trained(model, label=list(folder.label) or None, timeout=work.timeout, **how)
    if threshold is not None and not trained.target.is_binary:
        raise typer.BadParameter(
            f"--threshold {threshold} decides between two classes, and {trained.name} predicts "
            f"{len(trained.target.classes)}; omit it: the most probable class is predicted"
        )
    modalities = trained.modalities
    read = {"label": trained.label, "missing": "nan", "n_jobs": work.jobs}

    def patients(path, target=None):
        # A model of another target knows its words.
        known = wildtype if trained.target == IDH else None
        examined = examine_table(path, folder, target=target, wildtype=known)
        X, problems = trained.matched(examined.X)
        say(f"{patients_in_words(X, modalities)}: {trained.name}")
        of_images = image_problems(examined, modalities, trained.reference, **read)
        if problems := [*examined.problems, *problems, *of_images]:
            raise CohortError(problems, path)
        if target is None or trained.target == IDH:
            return X, examined.y
        return X, trained.target.as_words(trained.target.codes(examined.y))

    known = None if training is None else patients(training, target)
    X, _ = patients(cases)
    table = trained.predict(X, threshold=threshold, **how)
    warned, table["warnings"] = table["warnings"], table["warnings"].map("; ".join)
    files = {"predictions": out}
    if report is not None:
        known = known and (known[0][trained.columns], known[1])
        how = {"training": known, "target": trained.target, "verbose": verbosity()}
        try:
            files["report"] = write_predictions(
                report, trained.pipeline, X, table, modalities, **how
            )
        except ValueError as error:
            if training is None:
                raise
            raise typer.BadParameter(f"--training {training}: {error}") from error
    with replaced(out) as temporary:
        temporary.write_text(predictions_as_csv(table), encoding="utf-8")
    print_predictions(table, warned, trained.target)
    rows = table.reset_index().to_dict("records")
    return {"model": trained.name, "predictions": rows, "files": files}


def print_predictions(table: pd.DataFrame, warned: pd.Series, target: Target):
    """Print the first patients in the order given, and below them the warnings."""
    sets = ["prediction set"] * ("prediction set" in table)
    rows = [
        (
            patient,
            f"{row['probability']:.2f}",
            *row[["class", *sets]],
            len(warned[patient]) or "",
        )
        for patient, row in table.head(SHOWN).iterrows()
    ]
    shown = f"p({target.full[1]})" if target.is_binary else "probability"
    print_table(None, ("patient", shown, "class", *sets, "warnings"), rows)
    say(rule_in_words(target, table["threshold"].iloc[0] if target.is_binary else None))
    if sets:
        covered = f"about {100 * table['coverage'].iloc[0]:.3g}%"
        say(f"Prediction sets contain the class of {covered} of patients like those in training")
    if len(table) > SHOWN:
        say(f"... and {len(table) - SHOWN} more in the file")
    each = (Problem.of(patient, text) for patient, texts in warned.items() for text in texts)
    lines = grouped(each)
    for line in lines[:SHOWN]:
        warn(line)
    if len(lines) > SHOWN:
        warn(f"{len(lines) - SHOWN} other warnings are in the file")
