"""The command `sklidh select`: a table of features in, what the paper's selection makes of it."""

from pathlib import Path

import pandas as pd
from rich.markup import escape
from rich.table import Table

from sklidh.cli._cohort import read_feature_columns
from sklidh.cli._output import console, print_files, print_whole, warnings_told_once
from sklidh.cli._place import replaced
from sklidh.cli._recipe import PAPER_MODALITIES


def select_features(
    features: Path,
    out: Path,
    *,
    target: str,
    wildtype: str,
    alpha: float,
    correlation: float,
    folds: int,
    seed: int,
) -> dict:
    """Select each modality's features on all patients, and write what became of each.

    Parameters
    ----------
    features : Path
        Table of features ``MOD__name``, as `sklidh extract` writes it.
    out : Path
        Table of all features.
    target, wildtype : str
        Its column, and as `mutations` takes it.
    alpha : float
        Largest p of the Mann-Whitney test.
    correlation : float
        Largest correlation of two features kept.
    folds : int
        Of the cross-validation that chooses the LASSO's penalty.
    seed : int

    Returns
    -------
    dict
        ``selected`` (names), ``counts`` (left after each stage, by modality) and ``files``.
    """
    from sklidh.pipeline import make_idh_pipeline
    from sklidh.reporting import counts_left, fate_of

    X, y, modalities = read_feature_columns(
        features, target=target, wildtype=wildtype, modalities=PAPER_MODALITIES
    )
    built = make_idh_pipeline(modalities, reference=None, random_state=seed)
    fates = []
    with warnings_told_once():
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
