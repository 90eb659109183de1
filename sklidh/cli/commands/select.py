"""`sklidh select`: what the paper's selection keeps of a table of features."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.markup import escape
from rich.table import Table

from sklidh.cli import options, values
from sklidh.cli.command import EVALUATE, command
from sklidh.cli.console import console, print_files, print_whole, warnings_once
from sklidh.cli.patients import read_feature_columns
from sklidh.results import replaced


@command(
    "sklidh select features.csv --out selection.csv",
    "sklidh select features.csv --alpha 0.01 --correlation 0.8",
    panel=EVALUATE,
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
        Path,
        typer.Option(
            help="Table of all features and the step that dropped each, CSV.",
            callback=values.parse_csv,
        ),
    ] = Path("selection.csv"),
    target: options.Target = "idh",
    wildtype: options.Wildtype = "",
    groups: options.GroupsOption = "",
    columns: options.ColumnsOption = "",
    alpha: Annotated[
        float, typer.Option(min=0, max=1, help="Largest p of the Mann-Whitney test.")
    ] = 0.05,
    correlation: Annotated[
        float, typer.Option(min=0, max=1, help="Largest correlation of two features kept.")
    ] = 0.9,
    folds: Annotated[int, typer.Option(min=2, help="Folds that choose the LASSO's penalty.")] = 10,
    seed: options.Seed = 0,
):
    """Select each modality's features on all patients, for exploration only.

    To evaluate a model, select inside the folds, as sklidh evaluate does.
    """
    from sklidh.pipeline import make_idh_pipeline
    from sklidh.reporting import counts_left, fate_of

    X, y, modalities = read_feature_columns(
        features, target=target, wildtype=wildtype, groups=groups, columns=columns
    )
    built = make_idh_pipeline(modalities, preset="paper", reference=None, random_state=seed)
    fates = []
    with warnings_once():
        for modality, branch, _ in built["intra"].transformers:
            columns = [name for name in X.columns if name.startswith(f"{modality}__")]
            selection = branch[1:].set_params(
                mannwhitneyselector__alpha=alpha,
                correlationpruner__threshold=correlation,
                lassocvselector__cv=folds,
            )
            steps = [step for _, step in selection.fit(X[columns], y).steps]
            fates.append(fate_of(steps, modality, columns))
    table = pd.concat(fates, ignore_index=True)
    with replaced(out) as temporary:
        table.to_csv(temporary, index=False)
    counts = {name: counts_left(rows) for name, rows in table.groupby("modality", sort=False)}
    print_selection(table, counts)
    files = {"selection": out}
    print_files(files)
    selected = table.loc[table["dropped by"] == "", "feature"].tolist()
    return {"selected": selected, "counts": counts, "files": files}


def print_selection(table: pd.DataFrame, counts: dict):
    """Print how many features are left after each stage, and the selected ones."""
    grid = Table(title="Features left", title_justify="left", title_style="bold")
    for heading in ("Modality", *next(iter(counts.values()))):
        grid.add_column(heading, justify="left" if heading == "Modality" else "right")
    for modality, left in counts.items():
        grid.add_row(escape(modality), *map(str, left.values()))
    print_whole(grid)
    chosen = Table(title="Selected", title_justify="left", title_style="bold")
    chosen.add_column("Feature", overflow="fold")
    for heading in ("p", "coefficient"):
        chosen.add_column(heading, justify="right", no_wrap=True)
    for _, row in table[table["dropped by"] == ""].iterrows():
        chosen.add_row(escape(row["feature"]), f"{row['p']:.2g}", f"{row['coefficient']:+.3f}")
    console.print(chosen)
