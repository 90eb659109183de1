"""`sklidh select`: what the paper's selection keeps of a table of features."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from sklidh.cli import options, values
from sklidh.cli.command import EVALUATE, command
from sklidh.cli.console import print_table
from sklidh.cli.options import argument, option
from sklidh.cli.patients import read_patients
from sklidh.results import replaced

ICC = 0.75
"""Default of --icc; another value has no effect without --perturbed and is refused."""


@command(
    "sklidh select features.csv --out selection.csv",
    "sklidh select features.csv --alpha 0.01 --correlation 0.8",
    "sklidh select features.csv --perturbed features.perturbed.csv --icc 0.9",
    panel=EVALUATE,
)
def select(
    features: Annotated[
        Path, argument("Table of features MOD__name, from sklidh extract.", dir_okay=False)
    ],
    *,
    out: Annotated[
        Path,
        option(
            "Table of all features and the step that dropped each, CSV.", callback=values.parse_csv
        ),
    ] = Path("selection.csv"),
    target: options.Target = "idh",
    wildtype: options.Wildtype = "",
    positive: options.Positive = "",
    groups: options.GroupsOption = "",
    columns: options.ColumnsOption = "",
    perturbed: Annotated[
        Path | None,
        option(
            "Features of perturbed images, from sklidh extract --perturbations, or of other "
            "readers' masks; those that differ are dropped first.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    icc: Annotated[
        float,
        option("Smallest ICC, by the lower limit of its interval (--perturbed).", min=0, max=1),
    ] = ICC,
    alpha: Annotated[float, option("Largest p of the Mann-Whitney test.", min=0, max=1)] = 0.05,
    correlation: Annotated[
        float, option("Largest correlation of two features kept.", min=0, max=1)
    ] = 0.9,
    folds: Annotated[int, option("Folds that choose the LASSO's penalty.", min=2)] = 10,
    seed: options.Seed = 0,
):
    """Select each modality's features on all patients, for exploration only.

    To evaluate a model, select inside the folds, as sklidh evaluate does.
    """
    if perturbed is None and icc != ICC:
        raise typer.BadParameter("--icc compares perturbed features; give --perturbed too")
    if alpha == 0:
        raise typer.BadParameter("--alpha 0 would keep no feature; give a number above 0, up to 1")
    from sklidh.baselines import join_perturbed
    from sklidh.fusion import BRNNClassifier
    from sklidh.pipeline import make_idh_pipeline
    from sklidh.reporting import stage_counts, trace_selection
    from sklidh.selection import RobustnessSelector

    asked = {"target": target, "wildtype": wildtype, "positive": positive}
    cohort = options.Cohort(**asked, groups=groups, columns=columns)
    X, y, recipe, _ = read_patients(
        None, cohort, options.Extraction(), options.Work(), features=features
    )
    X = X if perturbed is None else join_perturbed(X, perturbed)
    # Only the selection is used; without networks torch stays unloaded.
    parts = {"reference": None, "deep": None, "classifier": BRNNClassifier()}
    built = make_idh_pipeline(recipe.modalities, preset="paper", **parts, random_state=seed)
    traces = []
    for modality, branch, _ in built["intra"].transformers:
        names = [name for name in X.columns if name.startswith(f"{modality}__")]
        selection = branch[1:].set_params(
            mannwhitneyselector__alpha=alpha,
            correlationpruner__threshold=correlation,
            lassocvselector__cv=folds,
        )
        if perturbed is not None:
            selection.steps.insert(0, ("robustnessselector", RobustnessSelector(icc)))
        # With their names, so that the warnings of later steps name columns.
        selection.set_output(transform="pandas")
        steps = [step for _, step in selection.fit(X[names], y).steps]
        traces.append(trace_selection(steps, modality, names))
    table = pd.concat(traces, ignore_index=True)
    with replaced(out) as temporary:
        table.to_csv(temporary, index=False)
    counts = {name: stage_counts(rows) for name, rows in table.groupby("modality", sort=False)}
    left = [(modality, *each.values()) for modality, each in counts.items()]
    print_table("Features left", ("Modality", *next(iter(counts.values()))), left)
    kept = table[table["dropped by"] == ""]
    rows = zip(kept["feature"], kept["p"], kept["coefficient"], strict=True)
    rows = [(name, f"{p:.2g}", f"{coefficient:+.3f}") for name, p, coefficient in rows]
    print_table("Selected", ("Feature", "p", "coefficient"), rows)
    return {"selected": kept["feature"].tolist(), "counts": counts, "files": {"selection": out}}
