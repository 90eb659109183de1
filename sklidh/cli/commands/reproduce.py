"""`sklidh reproduce`: the paper's tables on your patients."""

import shlex
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import typer
from rich.markup import escape
from rich.table import Table

from sklidh.cli import options
from sklidh.cli.command import EVALUATE, command, plain
from sklidh.cli.console import console, print_files, print_whole, verbosity
from sklidh.cli.patients import read_patients


@command(
    "sklidh reproduce cases.csv --tables I,III --jobs 4",
    "sklidh reproduce --features features.csv --where collection=LGG",
    helps={"jobs": "Splits processed at the same time; -1 for all cores."},
    panel=EVALUATE,
)
def reproduce(
    cases: options.OptionalCases = None,
    *,
    features: options.Features = None,
    out: Annotated[
        Path, typer.Option(help="Folder of tables and finished splits; the same one resumes.")
    ] = Path("sklidh-reproduce"),
    tables: options.TablesOption = "I,II,III,IV,V,others",
    protocol: Annotated[
        Literal["paper", "nested"],
        typer.Option(
            help="paper: one 3:1 split, nothing tuned. nested: cross-validation, in which all "
            "tuned values and thresholds are chosen on the training patients of each fold.",
            rich_help_panel=options.METHOD,
        ),
    ] = "nested",
    folds: options.Folds = 5,
    repeats: options.Repeats = 1,
    where: options.WhereOption = "",
    cohort: options.Cohort,
    method: options.Method,
    work: options.Work = options.Work(jobs=1),
):
    """Compare every system of the paper's tables on your own patients."""
    from sklidh.baselines import (
        MODEL_4,
        PAPER_TABLES,
        YARDSTICKS,
        differences_from_paper,
        mean_selected,
        paper_table,
        reproduce,
        selection_table,
    )
    from sklidh.evaluation import sample_size_notes
    from sklidh.reporting import printed_table, write_study

    started, given = time.perf_counter(), {"cases": cases, "features": features, "where": where}
    n_folds = folds if protocol == "nested" else None
    how = {"jobs": work.jobs, "folds": n_folds, "cohort": cohort, "method": method}
    X, y, recipe = read_patients(**given, **how)
    modalities, features_only = recipe.modalities, features is not None
    console.print(f"Tables: {', '.join(tables)}")
    # Splits are processed in parallel, not patients.
    within = replace(recipe, jobs=1)
    study = reproduce(
        X,
        y,
        out / "splits",
        within.builder(str(out / "steps"), verbose=0),
        tables=tables,
        protocol=protocol,
        deep=within.networks(verbose=0),
        features_only=features_only,
        n_folds=folds,
        n_repeats=repeats,
        random_state=method.seed,
        n_jobs=work.jobs,
        verbose=verbosity(),
    )
    prefixes = tuple(f"{modality}__" for modality in modalities)
    columns = sum(str(column).startswith(prefixes) for column in X.columns)
    notes = [
        *differences_from_paper(
            X,
            study,
            modalities=modalities,
            protocol=protocol,
            features_only=features_only,
            settings=asdict(recipe),
        ),
        *sample_size_notes(
            y,
            n_candidates=columns or (873 + 128) * len(modalities),
            n_selected=mean_selected(study),
        ),
    ]
    layouts = {name: paper_table(name, study) for name in tables}
    titles = {name: PAPER_TABLES[name].title for name in tables}
    if len(selected := selection_table(study)):
        layouts["selected"] = selected
        titles["selected"] = "Features selected per sequence (section II.D), mean over the splits"
    for name, layout in layouts.items():
        print_table(titles[name], layout)
    for note in notes:
        console.print(f"- {note}", highlight=False, soft_wrap=True)
    chosen = {"out": out, "tables": tables, "protocol": protocol, "folds": folds}
    groups = {**vars(cohort), **vars(method), **vars(work)}
    settings = plain({**given, **chosen, "repeats": repeats, **groups})
    run = {"command": command_line(settings), "settings": settings, "seed": method.seed}
    files = write_study(
        out, study, layouts, titles, reference=MODEL_4, beside=YARDSTICKS, notes=notes, run=run
    )
    console.print(f"\nFinished in {time.perf_counter() - started:.0f} s. Files written:")
    print_files(files)
    measured = {name: printed_table(layout)[0].to_dict("index") for name, layout in layouts.items()}
    return {"tables": measured, "notes": notes, "found": recipe.found, "files": files}


def command_line(settings: dict) -> str:
    """Return the command line that repeats the run, every option written out."""
    words = ["sklidh", "reproduce", *([settings["cases"]] if settings["cases"] else [])]
    for name, value in settings.items():
        if name != "cases" and value not in (None, ""):
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def print_table(title: str, layout: pd.DataFrame):
    """Print one table, with the paper's figures in grey below each row."""
    from sklidh.reporting import printed_table

    printed, reasons = printed_table(layout)
    ticked = layout["parts"].columns if "parts" in layout.columns else ()
    own = [name for name in printed if not name.startswith("paper: ") and name not in ticked]
    grid = Table(title=title, title_justify="left", title_style="bold")
    grid.add_column("Model", no_wrap=True)
    for heading in own:
        grid.add_column(heading, justify="right", no_wrap=True)
    for label, row in printed.iterrows():
        grid.add_row(label, *(escape(row[heading]) for heading in own))
        papers = [row.get(f"paper: {heading}") for heading in own]
        if any(papers):
            grid.add_row("  in the paper", *(cell or "" for cell in papers), style="dim")
    print_whole(grid)
    for label, reason in reasons.items():
        console.print(f"  {label}: {reason}", style="yellow", highlight=False, markup=False)
