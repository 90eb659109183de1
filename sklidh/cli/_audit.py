"""The command `sklidh audit`: look for leaks in every system of the paper's tables."""

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from sklidh.cli._cohort import load, recipe
from sklidh.cli._output import console, verbosity, warnings_told_once


def run_audit(cases: Path | None, options: dict) -> dict:
    """Audit the systems of the tables asked for, print what was found and write it.

    Parameters
    ----------
    cases : Path or None
        Table of patients, or None where the features' table has it all.
    options : dict
        The command's options, by name.

    Returns
    -------
    dict
        ``table``, the systems with leaks as ``problems``, what ``cannot be built``, and ``files``.
    """
    X, y, modalities = load(cases, options)
    # Torch takes a second to load: not before the tables were read and found sound.
    from sklidh.baselines import PAPER_TABLES, paper_systems
    from sklidh.evaluation import audit

    build, deep = recipe(modalities, options)
    systems = paper_systems(
        build,
        deep=deep,
        features_only=bool(options["features"]),
        random_state=options["seed"],
    )
    asked = {row.system for name in options["tables"] for row in PAPER_TABLES[name].rows}
    models, impossible = {}, {}
    for name, system in systems.items():
        if name in asked:
            try:
                models[name] = system.make()
            except ValueError as error:
                impossible[name] = str(error)
    read = [c for c in X if c == "age" or str(c).split("__")[0] in (*modalities, "mask")]
    with warnings_told_once():
        table = audit(
            models,
            X[read],
            y,
            n_rounds=options["rounds"],
            random_state=options["seed"],
            verbose=verbosity(),
        )
    rounds = f"{options['rounds']} round{'s' * (options['rounds'] != 1)}"
    grid = Table(title=f"Audit, {len(X)} patients, {rounds}", title_style="bold")
    grid.add_column("System", no_wrap=True)
    for heading in ("AUC, permuted labels", "AUC, noise", "Verdict"):
        grid.add_column(heading)
    for name, row in table.iterrows():
        grid.add_row(name, _interval(row, "permuted"), _interval(row, "noise"), row["verdict"])
    console.print(grid)
    for name, reason in impossible.items():
        console.print(f"  {name}: {reason}", style="yellow", highlight=False, markup=False)
    options["out"].mkdir(parents=True, exist_ok=True)
    table.to_csv(options["out"] / "audit.csv")
    console.print(f"Written: {options['out'] / 'audit.csv'}", highlight=False)
    # Too few rounds clear nobody, but they are no leak.
    leaks = table["verdict"][table["verdict"].str.startswith(("LEAK", "failed"))]
    return {
        "table": table.to_dict("index"),
        "problems": [f"{name}: {verdict}" for name, verdict in leaks.items()],
        "cannot be built": impossible,
        "files": {"audit": options["out"] / "audit.csv"},
    }


def _interval(row, kind) -> str:
    if not row.get(kind, float("nan")) >= 0:
        return "-"
    return escape(f"{row[kind]:.2f} [{row[f'{kind} low']:.2f}, {row[f'{kind} high']:.2f}]")
