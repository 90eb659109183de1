"""`sklidh audit`: leaks in the systems of the paper's tables."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from sklidh.cli import options
from sklidh.cli.command import EVALUATE, command
from sklidh.cli.console import console, print_whole, verbosity, warnings_once
from sklidh.cli.patients import read_patients
from sklidh.results import replaced
from sklidh.utils import CONFIG


@command(
    "sklidh audit --features features.csv --tables I,III",
    panel=EVALUATE,
)
def audit(
    cases: options.OptionalCases = None,
    *,
    features: options.Features = None,
    out: Annotated[Path, typer.Option(help="Folder of the result.")] = Path("sklidh-audit"),
    tables: options.TablesOption = "I,II,III,V,others",
    rounds: Annotated[
        int,
        typer.Option(
            min=1,
            help="Number of permutations; more give narrower intervals.",
            rich_help_panel=options.METHOD,
        ),
    ] = 10,
    where: options.WhereOption = "",
    cohort: options.Cohort,
    # A leak also shows in a network that has learned little.
    method: options.Method = options.Method(epochs=1, slice_size=16),
    work: options.Work,
):
    """Look for leaks: permuted labels, noise, and test patients seen in training.

    Exits with status 1 if any leak is found.
    """
    from sklidh import evaluation
    from sklidh.baselines import PAPER_TABLES, paper_systems

    given = {"cases": cases, "features": features, "where": where}
    X, y, recipe = read_patients(**given, cohort=cohort, method=method, jobs=work.jobs)
    systems = paper_systems(
        recipe.builder(str(out / "steps"), verbose=0),
        deep=recipe.networks(verbose=0),
        features_only=features is not None,
        random_state=recipe.seed,
    )
    asked = {row.system for name in tables for row in PAPER_TABLES[name].rows}
    models, impossible = {}, {}
    for name, system in systems.items():
        if name in asked:
            try:
                models[name] = system.make()
            except ValueError as error:
                impossible[name] = str(error)
    read = [c for c in X if c == "age" or str(c).split("__")[0] in (*recipe.modalities, "mask")]
    with warnings_once():
        table = evaluation.audit(
            models,
            X[read],
            y,
            n_rounds=rounds,
            random_state=recipe.seed,
            verbose=verbosity(),
        )
    counted = f"{rounds} round{'s' * (rounds != 1)}"
    grid = Table(title=f"Audit, {len(X)} patients, {counted}", title_style="bold")
    grid.add_column("System", no_wrap=True)
    for heading in ("AUC, permuted labels", "AUC, noise", "Result"):
        grid.add_column(heading)
    for name, row in table.iterrows():
        grid.add_row(name, _interval(row, "permuted"), _interval(row, "noise"), row["verdict"])
    print_whole(grid)
    for name, reason in impossible.items():
        console.print(f"  {name}: {reason}", style="yellow", highlight=False, markup=False)
    with replaced(out / "audit.csv", out / CONFIG) as temporary:
        table.to_csv(temporary)
    console.print(f"Written: {out / 'audit.csv'}", highlight=False)
    # Too few rounds are inconclusive, but not a leak.
    leaks = table["verdict"][table["verdict"].str.startswith(("LEAK", "failed"))]
    return {
        "table": table.to_dict("index"),
        "problems": [f"{name}: {verdict}" for name, verdict in leaks.items()],
        "cannot be built": impossible,
        "found": recipe.found,
        "files": {"audit": out / "audit.csv"},
    }


def _interval(row, kind) -> str:
    if not row.get(kind, float("nan")) >= 0:
        return "-"
    return escape(f"{row[kind]:.2f} [{row[f'{kind} low']:.2f}, {row[f'{kind} high']:.2f}]")
