"""The commands that judge: what was selected, how good a model is, and what it runs on."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sklidh.cli import _options as options
from sklidh.cli._app import app
from sklidh.cli._command import command
from sklidh.cli._parsing import parse_csv, parse_tables


@command(
    app,
    "sklidh select features.csv --out selection.csv",
    "sklidh select features.csv --alpha 0.01 --correlation 0.8",
)
def select(
    features: Annotated[
        Path,
        typer.Argument(
            help="Table of features MOD__name, from sklidh extract.", exists=True, dir_okay=False
        ),
    ],
    *,
    out: Annotated[
        Path, typer.Option(help="Table of what became of each feature, CSV.", callback=parse_csv)
    ] = Path("selection.csv"),
    target: options.Target = "idh",
    wildtype: options.Wildtype = "",
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
    from sklidh.cli._select import select_features

    settings = {"alpha": alpha, "correlation": correlation, "folds": folds, "seed": seed}
    return select_features(features, out, target=target, wildtype=wildtype, **settings)


@command(
    app,
    "sklidh evaluate cases.csv --folds 5 --repeats 3",
    "sklidh evaluate cases.csv --model model-2 --threshold precision>=0.9",
)
def evaluate(
    cases: options.Cases,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("sklidh-evaluate"),
    cohort: options.Cohort,
    model: options.Model = "recommended",
    tune: options.Tune = False,
    threshold: options.Threshold = "0.5",
    folds: options.Folds = 5,
    repeats: options.Repeats = 1,
    method: options.Method,
    work: options.Work,
):
    """Cross-validate one model: every choice is made on the training patients of each fold."""
    from sklidh.cli._evaluate import evaluate_model

    protocol = {"folds": folds, "repeats": repeats, "threshold": threshold, "tune": tune}
    return evaluate_model(cases, out, cohort, method, work, model=model, **protocol)


@command(app, "sklidh report sklidh-run")
def report(
    results: Annotated[
        Path,
        typer.Argument(help="Folder of sklidh run or evaluate.", exists=True, file_okay=False),
    ],
):
    """Write the report of a folder of results again, from the files in it."""
    from sklidh.cli._output import print_files
    from sklidh.reporting import write_report

    files = {"report": write_report(results)}
    print_files(files)
    return {"files": files}


@command(
    app,
    "sklidh reproduce cases.csv --tables I,III --jobs 4",
    "sklidh reproduce --features features.csv --where collection=LGG",
    helps={"jobs": "Splits worked on at the same time; -1: all cores."},
)
def reproduce(
    cases: options.OptionalCases = None,
    *,
    features: options.Features = None,
    out: Annotated[
        Path, typer.Option(help="Folder of tables and finished splits; the same one resumes.")
    ] = Path("sklidh-reproduce"),
    tables: options.Tables = "I,II,III,IV,V,others",
    protocol: Annotated[
        Literal["paper", "nested"],
        typer.Option(
            help="One 3:1 split with nothing tuned, or cross-validation whose training rows choose "
            "all tuned values and thresholds.",
            rich_help_panel=options.METHOD,
        ),
    ] = "nested",
    folds: options.Folds = 5,
    repeats: options.Repeats = 1,
    where: options.Where = "",
    cohort: options.Cohort,
    method: options.Method,
    work: options.Work = options.ONE_JOB,
):
    """Compare every system of the paper's tables on your own patients."""
    from sklidh.cli._cohort import read_patients
    from sklidh.cli._reproduce import run_reproduction

    names = parse_tables(tables)
    given = {"cases": cases, "features": features, "where": where}
    how = {"jobs": work.jobs, "folds": folds if protocol == "nested" else None}
    X, y, recipe = read_patients(**given, cohort=cohort, method=method, **how)
    chosen = {"tables": tables, "protocol": protocol, "folds": folds, "repeats": repeats}
    settings = {**given, "out": out, **chosen, **vars(cohort), **vars(method), **vars(work)}
    return run_reproduction(X, y, recipe, names, settings)


@command(app, "sklidh audit --features features.csv --tables I,III")
def audit(
    cases: options.OptionalCases = None,
    *,
    features: options.Features = None,
    out: Annotated[Path, typer.Option(help="Folder of the result.")] = Path("sklidh-audit"),
    tables: options.Tables = "I,II,III,V,others",
    rounds: Annotated[
        int,
        typer.Option(
            min=1,
            help="Permutations; more of them narrow the intervals.",
            rich_help_panel=options.METHOD,
        ),
    ] = 10,
    where: options.Where = "",
    cohort: options.Cohort,
    method: options.Method = options.SMALLEST,
    work: options.Work,
):
    """Look for leaks: permuted labels, noise, and who sees test patients; status 1 if there are."""
    from sklidh.cli._audit import run_audit
    from sklidh.cli._cohort import read_patients

    names = parse_tables(tables)
    given = {"cases": cases, "features": features, "where": where}
    X, y, recipe = read_patients(**given, cohort=cohort, method=method, jobs=work.jobs)
    return run_audit(X, y, recipe, names, out, rounds=rounds, features_only=features is not None)


@command(app, "sklidh info --json")
def info():
    """Show versions, cores, GPU, radiomics engines and the cache."""
    from sklidh.cli._info import tell_info

    return tell_info()
