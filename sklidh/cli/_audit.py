"""The command `sklidh audit`: look for leaks in every system of the paper's tables."""

from pathlib import Path

import pandas as pd
from rich.markup import escape
from rich.table import Table

from sklidh.cli._output import console, print_whole, verbosity, warnings_told_once
from sklidh.cli._place import replaced
from sklidh.cli._recipe import Recipe
from sklidh.utils import CONFIG


def run_audit(
    X: pd.DataFrame,
    y: pd.Series,
    recipe: Recipe,
    tables: tuple[str, ...],
    out: Path,
    *,
    rounds: int,
    features_only: bool,
) -> dict:
    """Audit the systems of the tables asked for, print what was found and write it.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
        Cases, or features with `features_only`.
    y : Series of shape (n_patients,)
    recipe : Recipe
    tables : tuple of str
        Of the paper.
    out : Path
        Folder of the result.
    rounds : int
        Permutations.
    features_only : bool

    Returns
    -------
    dict
        ``table``, the systems with leaks as ``problems``, what ``cannot be built``, ``found`` and
        ``files``.
    """
    # Torch takes a second to load: not before the tables were read and found sound.
    from sklidh.baselines import PAPER_TABLES, paper_systems
    from sklidh.evaluation import audit

    systems = paper_systems(
        recipe.builder(str(out / "steps"), verbose=0),
        deep=recipe.networks(verbose=0),
        features_only=features_only,
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
    with warnings_told_once():
        table = audit(
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
    for heading in ("AUC, permuted labels", "AUC, noise", "Verdict"):
        grid.add_column(heading)
    for name, row in table.iterrows():
        grid.add_row(name, _interval(row, "permuted"), _interval(row, "noise"), row["verdict"])
    print_whole(grid)
    for name, reason in impossible.items():
        console.print(f"  {name}: {reason}", style="yellow", highlight=False, markup=False)
    with replaced(out / "audit.csv", out / CONFIG) as temporary:
        table.to_csv(temporary)
    console.print(f"Written: {out / 'audit.csv'}", highlight=False)
    # Too few rounds clear nobody, but they are no leak.
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
