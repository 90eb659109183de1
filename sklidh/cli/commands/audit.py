"""`sklidh audit`: leaks in the systems of the paper's tables."""

from pathlib import Path
from typing import Annotated

from sklidh.cli import options
from sklidh.cli.command import EVALUATE, command
from sklidh.cli.console import print_table, say, verbosity
from sklidh.cli.options import in_method, option
from sklidh.cli.patients import read_patients
from sklidh.results import RUN, replaced


@command("sklidh audit --features features.csv --tables I,III", panel=EVALUATE)
def audit(
    cases: options.OptionalCases = None,
    *,
    features: options.Features = None,
    out: Annotated[Path, option("Folder of the result.")] = Path("sklidh-audit"),
    tables: options.TablesOption = "I,II,III,V,others",
    rounds: Annotated[
        int, in_method("Number of permutations; more give narrower intervals.", min=1)
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
    from sklidh.baselines import PAPER_TABLES

    how = {"features": features, "where": where}
    X, y, recipe, _ = read_patients(cases, cohort, method, work, **how)
    parts = {"verbose": 0, "features_only": features is not None}
    systems = recipe.systems(str(out / "steps"), **parts)
    asked = {row.system for name in tables for row in PAPER_TABLES[name].rows}
    models, impossible = {}, {}
    for name, system in systems.items():
        if name in asked:
            try:
                models[name] = system.make()
            except ValueError as error:
                impossible[name] = str(error)
    read = [c for c in X if c == "age" or str(c).split("__")[0] in (*recipe.modalities, "mask")]
    how = {"n_rounds": rounds, "random_state": recipe.seed, "verbose": verbosity()}
    table = evaluation.audit(models, X[read], y, **how)
    rows = [
        (name, interval(row, "permuted"), interval(row, "noise"), row["result"])
        for name, row in table.iterrows()
    ]
    title = f"Audit, {len(X)} patients, {rounds} round{'s' * (rounds != 1)}"
    print_table(title, ("System", "AUC, permuted labels", "AUC, noise", "Result"), rows, text=4)
    for name, reason in impossible.items():
        say(f"  {name}: {reason}", "yellow")
    with replaced(out / "audit.csv", out / RUN) as temporary:
        table.to_csv(temporary)
    # Too few rounds are inconclusive, but not a leak.
    leaks = table["result"][table["result"].str.startswith(("LEAK", "failed"))]
    return {
        "table": table.to_dict("index"),
        "problems": [f"{name}: {result}" for name, result in leaks.items()],
        "cannot be built": impossible,
        "found": recipe.found,
        "files": {"audit": out / "audit.csv"},
    }


def interval(row, kind: str) -> str:
    """Return an AUC with its interval, or a dash where there is none."""
    if not row.get(kind, float("nan")) >= 0:
        return "-"
    return f"{row[kind]:.2f} [{row[f'{kind} low']:.2f}, {row[f'{kind} high']:.2f}]"
