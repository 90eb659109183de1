"""The command `sklidh evaluate`: one model, cross-validated, with everything chosen inside."""

import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from sklidh.cli._options import parse_threshold
from sklidh.cli._output import (
    console,
    counted,
    print_files,
    print_models,
    verbosity,
    warnings_told_once,
)
from sklidh.cli._recipe import read_cohort

STRENGTHS = {f"fusion__{weight}": [0.3, 0.5, 0.7, 0.9] for weight in ("alpha", "beta", "gamma")}
"""What --tune searches: the strengths of the fusion's three constraints (paper III.B)."""

INNER_FOLDS = 3


def evaluate_model(cases: Path, out: Path, options: dict) -> dict:
    """Cross-validate one model on a cohort, and leave tables and report in a folder.

    Parameters
    ----------
    cases : Path
        Table or folder.
    out : Path
        Folder of the results.
    options : dict
        The command's other options, by name.

    Returns
    -------
    dict
        ``table`` and ``files``.
    """
    threshold = parse_threshold(options["threshold"])
    X, y, recipe = read_cohort(cases, options, target=options["target"])
    # Torch takes a second to load: not before the table was read and found sound.
    from sklearn.model_selection import GridSearchCV

    from sklidh.evaluation import Comparison, cross_validate
    from sklidh.reporting import write_results

    started = time.perf_counter()
    with TemporaryDirectory(prefix="sklidh-") as memory, warnings_told_once() as warned:
        # The candidates of a search differ in the last step: `memory` fits the others once a fold.
        model = recipe.model(options["model"], memory)
        if options["tune"] and options["model"] == "constraints":
            model = GridSearchCV(model, STRENGTHS, cv=INNER_FOLDS, scoring="roc_auc")
        evaluation = cross_validate(
            model,
            X,
            y,
            cv=options["folds"],
            n_repeats=options["repeats"],
            threshold=threshold,
            random_state=recipe.seed,
            verbose=verbosity(),
        )
        comparison = Comparison({options["model"]: evaluation})
        first = evaluation.estimators[0]
        chosen = {name: options[name] for name in ("folds", "repeats", "threshold", "tune")}
        notes = [
            f"{options['folds']}-fold cross-validation, {options['repeats']} times: every patient "
            "was predicted by a model that was trained, and whose choices were made, on others.",
            "Selected features and loss are those of the first fold.",
        ]
        files = write_results(
            out,
            f"sklidh evaluate: {cases.name}",
            comparison,
            X,
            y,
            pipeline=getattr(first, "best_estimator_", first),
            modalities=recipe.modalities,
            settings=asdict(recipe) | chosen,
            notes=notes,
            warnings=counted(warned),
            verbose=verbosity(),
        )
    console.print()
    title = f"{len(X)} patients, {options['folds']}-fold cross-validation"
    print_models(comparison.table, title=title)
    console.print(f"\nWritten in {time.perf_counter() - started:.0f} s:")
    print_files(files)
    return {"table": comparison.table.to_dict("index"), "files": files}
