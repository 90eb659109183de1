"""`sklidh reproduce`: the paper's tables on your patients."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from rich.text import Text

from sklidh.cli import options
from sklidh.cli.command import EVALUATE, command
from sklidh.cli.console import print_table, say, verbosity
from sklidh.cli.options import in_method, option
from sklidh.cli.patients import read_patients
from sklidh.results import RUN


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
        Path, option("Folder of tables and finished splits; the same one resumes.")
    ] = Path("sklidh-reproduce"),
    tables: options.TablesOption = "I,II,III,IV,V,others",
    protocol: Annotated[
        Literal["paper", "nested"],
        in_method(
            "paper: one 3:1 split, nothing tuned. nested: cross-validation, in which all tuned "
            "values and thresholds are chosen on the training patients of each fold."
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
    from sklidh import baselines
    from sklidh.evaluation import sample_size_notes
    from sklidh.reporting import printed_table, write_study

    given = {"features": features, "where": where}
    given["folds"] = folds if protocol == "nested" else None
    X, y, recipe, _ = read_patients(cases, cohort, method, work, **given)
    modalities, features_only = recipe.modalities, features is not None
    say(f"Tables: {', '.join(tables)}")
    # Splits are processed in parallel, not patients.
    within = replace(recipe, jobs=1)
    study = baselines.reproduce(
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
    how = {"protocol": protocol, "features_only": features_only, "settings": asdict(recipe)}
    notes = [
        *baselines.differences_from_paper(X, study, modalities=modalities, **how),
        *sample_size_notes(
            y,
            n_candidates=columns or (873 + 128) * len(modalities),
            n_selected=baselines.mean_selected(study),
        ),
    ]
    layouts = {name: baselines.paper_table(name, study) for name in tables}
    titles = {name: baselines.PAPER_TABLES[name].title for name in tables}
    if len(selected := baselines.selection_table(study)):
        layouts["selected"] = selected
        titles["selected"] = "Features selected per sequence (section II.D), mean over the splits"
    for name, layout in layouts.items():
        print_layout(titles[name], layout)
    for note in notes:
        say(f"- {note}")
    chosen = {"cases": str(features or cases), "where": str(where), "tables": str(tables)}
    settings = asdict(recipe) | chosen | {"protocol": protocol, "folds": folds, "repeats": repeats}
    run = {"command": f"sklidh reproduce --config {RUN}", "settings": settings, "seed": method.seed}
    compared = {"reference": baselines.MODEL_4, "beside": baselines.YARDSTICKS}
    files = write_study(out, study, layouts, titles, **compared, notes=notes, run=run)
    measured = {name: printed_table(layout)[0].to_dict("index") for name, layout in layouts.items()}
    return {"tables": measured, "notes": notes, "found": recipe.found, "files": files}


def print_layout(title: str, layout: pd.DataFrame):
    """Print one table, with the paper's figures in grey below each row."""
    from sklidh.reporting import printed_table

    printed, reasons = printed_table(layout)
    ticked = layout["parts"].columns if "parts" in layout.columns else ()
    own = [name for name in printed if not name.startswith("paper: ") and name not in ticked]
    rows = []
    for label, row in printed.iterrows():
        rows.append([label, *row[own]])
        papers = [row.get(f"paper: {heading}") for heading in own]
        if any(papers):
            rows.append([Text(cell or "", "dim") for cell in ("  in the paper", *papers)])
    print_table(title, ["Model", *own], rows)
    for label, reason in reasons.items():
        say(f"  {label}: {reason}", "yellow")
