"""The commands that judge: what was selected, how good a model is, and what it runs on."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sklidh.cli import _options as options
from sklidh.cli._app import app
from sklidh.cli._command import command


@command(
    app,
    "sklidh select features.csv --out selection.csv",
    "sklidh select features.csv --alpha 0.01 --correlation 0.8",
)
def select(
    features: Annotated[
        Path, typer.Argument(help="Table of features MOD__name, from sklidh extract.")
    ],
    out: Annotated[Path, typer.Option(help="Table of what became of each feature, CSV.")] = Path(
        "selection.csv"
    ),
    target: options.Target = "idh",
    alpha: Annotated[
        float, typer.Option(min=0, max=1, help="Largest p of the Mann-Whitney test.")
    ] = 0.05,
    correlation: Annotated[
        float, typer.Option(min=0, max=1, help="Largest correlation of two features kept.")
    ] = 0.9,
    folds: Annotated[int, typer.Option(min=2, help="Folds that choose the LASSO's penalty.")] = 10,
    seed: options.Seed = 0,
):
    """Select each modality's features on all patients: to look at, not to evaluate with.

    A model that is evaluated on these patients must select inside its folds; sklidh evaluate does.
    """
    settings = locals()
    from sklidh.cli._select import select_features

    return select_features(features, out, settings)


@command(
    app,
    "sklidh evaluate cases.csv --folds 5 --repeats 3",
    "sklidh evaluate cases.csv --model radiomics --threshold youden",
)
def evaluate(
    cases: options.Cases,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("sklidh-evaluate"),
    target: options.Target = "idh",
    groups: options.Groups = "",
    reference: options.Reference = "",
    missing: options.Missing = "nan",
    layout: options.Layout = "auto",
    patients: options.Patients = None,
    model: options.Model = "constraints",
    tune: options.Tune = False,
    threshold: options.Threshold = "0.5",
    folds: options.Folds = 5,
    repeats: options.Repeats = 1,
    radiomics: options.RadiomicsSettings = "paper",
    engine: options.Engine = "native",
    epochs: options.Epochs = 20,
    slice_size: options.SliceSize = 72,
    train_features: options.TrainFeatures = "in_sample",
    jobs: options.Jobs = 2,
    seed: options.Seed = 0,
):
    """Cross-validate one model: every choice is made on the training patients of each fold."""
    settings = locals()
    from sklidh.cli._evaluate import evaluate_model

    return evaluate_model(cases, out, settings)


@command(app, "sklidh report sklidh-run")
def report(
    results: Annotated[Path, typer.Argument(help="Folder of sklidh run or evaluate.")],
):
    """Write the report of a folder of results again, from the files in it."""
    from sklidh.cli._output import print_files
    from sklidh.reporting import ResultsError, write_report

    try:
        files = {"report": write_report(results)}
    except ResultsError as error:
        raise typer.BadParameter(str(error)) from error
    print_files(files)
    return {"files": files}


@command(
    app,
    "sklidh reproduce cases.csv --tables I,III --jobs 4",
    "sklidh reproduce --features features.csv --where collection=LGG",
)
def reproduce(
    cases: options.OptionalCases = None,
    features: options.Features = None,
    out: Annotated[
        Path, typer.Option(help="Folder of tables and finished splits; the same one resumes.")
    ] = Path("sklidh-reproduce"),
    tables: Annotated[
        str, typer.Option(help="The paper's tables, and what it does not compare with.")
    ] = "I,II,III,IV,V,others",
    protocol: Annotated[
        Literal["paper", "nested"],
        typer.Option(
            help="One 3:1 split with nothing tuned, or cross-validation whose training rows choose "
            "all tuned values and thresholds."
        ),
    ] = "nested",
    folds: options.Folds = 5,
    repeats: options.Repeats = 1,
    where: options.Where = "",
    target: options.Target = "idh",
    reference: options.Reference = "",
    missing: options.Missing = "nan",
    layout: options.Layout = "auto",
    patients: options.Patients = None,
    engine: options.Engine = "native",
    epochs: options.Epochs = 20,
    slice_size: options.SliceSize = 72,
    train_features: options.TrainFeatures = "in_sample",
    jobs: Annotated[int, typer.Option(help="Splits evaluated at the same time.")] = 1,
    seed: options.Seed = 0,
):
    """Compare every system of the paper's tables on your own patients."""
    settings = locals()
    from sklidh.cli._cohort import parse_tables
    from sklidh.cli._reproduce import run_reproduction

    settings["tables"] = parse_tables(tables)
    return run_reproduction(settings.pop("cases"), settings)


@command(app, "sklidh audit --features features.csv --tables I,III")
def audit(
    cases: options.OptionalCases = None,
    features: options.Features = None,
    out: Annotated[Path, typer.Option(help="Folder of the result.")] = Path("sklidh-audit"),
    tables: Annotated[
        str, typer.Option(help="Audit the systems of these of the paper's tables.")
    ] = "I,II,III,V,others",
    rounds: Annotated[
        int, typer.Option(min=1, help="Permutations; more of them narrow the intervals.")
    ] = 10,
    where: options.Where = "",
    target: options.Target = "idh",
    reference: options.Reference = "",
    missing: options.Missing = "nan",
    layout: options.Layout = "auto",
    patients: options.Patients = None,
    engine: options.Engine = "native",
    epochs: options.Epochs = 1,
    slice_size: options.SliceSize = 16,
    train_features: options.TrainFeatures = "in_sample",
    seed: options.Seed = 0,
):
    """Look for leaks: permuted labels, noise, and who sees test patients; status 1 if there are."""
    settings = locals()
    from sklidh.cli._audit import run_audit
    from sklidh.cli._cohort import parse_tables

    settings["tables"] = parse_tables(tables)
    return run_audit(settings.pop("cases"), settings)


@command(app, "sklidh info --json")
def info():
    """Show versions, cores, GPU, radiomics engines and the cache."""
    from sklidh.cli._info import tell_info

    return tell_info()
