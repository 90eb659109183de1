"""The command `sklidh reproduce`: the paper's tables on a cohort of one's own."""

import shlex
import time
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
from rich.markup import escape
from rich.table import Table

from sklidh.cli._output import console, print_files, print_whole, verbosity
from sklidh.cli._recipe import Recipe


def run_reproduction(
    X: pd.DataFrame, y: pd.Series, recipe: Recipe, tables: tuple[str, ...], options: dict
) -> dict:
    """Evaluate every row of the tables asked for, print them and write them.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
        Cases, or features where the options name a table of these.
    y : Series of shape (n_patients,)
    recipe : Recipe
    tables : tuple of str
    options : dict
        The command's options, by name.

    Returns
    -------
    dict
        ``tables``, ``notes``, ``found`` and ``files``.
    """
    # Torch takes a second to load: not before the tables were read and found sound.
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

    started, out, features_only = time.perf_counter(), options["out"], bool(options["features"])
    modalities = recipe.modalities
    console.print(f"Tables: {', '.join(tables)}")
    # Splits are worked on at the same time, not patients.
    within = replace(recipe, jobs=1)
    study = reproduce(
        X,
        y,
        out / "splits",
        within.builder(str(out / "steps"), verbose=0),
        tables=tables,
        protocol=options["protocol"],
        deep=within.networks(verbose=0),
        features_only=features_only,
        n_folds=options["folds"],
        n_repeats=options["repeats"],
        random_state=options["seed"],
        n_jobs=options["jobs"],
        verbose=verbosity(),
    )
    prefixes = tuple(f"{modality}__" for modality in modalities)
    columns = sum(str(column).startswith(prefixes) for column in X.columns)
    notes = [
        *differences_from_paper(
            X,
            study,
            modalities=modalities,
            protocol=options["protocol"],
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
    settings = {name: _plain(value) for name, value in options.items()}
    run = {"command": command(settings), "settings": settings, "seed": options["seed"]}
    files = write_study(
        out, study, layouts, titles, reference=MODEL_4, beside=YARDSTICKS, notes=notes, run=run
    )
    console.print(f"\nWritten after {time.perf_counter() - started:.0f} s:")
    print_files(files)
    measured = {name: printed_table(layout)[0].to_dict("index") for name, layout in layouts.items()}
    return {"tables": measured, "notes": notes, "found": recipe.found, "files": files}


def command(settings: dict) -> str:
    """Return the command line that repeats the run, every option written out."""
    words = ["sklidh", "reproduce", *([settings["cases"]] if settings["cases"] else [])]
    for name, value in settings.items():
        if name != "cases" and value not in (None, ""):
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def print_table(title: str, layout: pd.DataFrame):
    """Print one table, under each of our rows the paper's in grey."""
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


def _plain(value):
    return str(value.resolve()) if isinstance(value, Path) else value
