"""`sklidh train`: a cohort to one model's file."""

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from sklidh.cli import options
from sklidh.cli.command import PREDICT, command
from sklidh.cli.console import say, verbosity
from sklidh.cli.options import option
from sklidh.cli.patients import read_patients, rule_in_words, threshold_for
from sklidh.results import replaced


@command(
    "sklidh train cases.csv --out idh.skops --clinical age,sex",
    "sklidh train cases.csv --model model-2 --threshold youden --jobs 4",
    "sklidh train cases.csv --out idh.skops --evaluated sklidh-evaluate",
    helps={
        "patient_column": "Column of the patients where rows are scans: all scans of a patient "
        "stay on the same side when the threshold is chosen."
    },
    panel=PREDICT,
)
def train(
    cases: options.Cases,
    *,
    out: Annotated[Path, option("The model's file.")] = Path("idh.skops"),
    name: Annotated[str, option("Name of the model. Default: based on the file name.")] = "",
    cohort: options.Cohort,
    clinical: options.Clinical = "",
    model: options.Model = "recommended",
    threshold: options.Threshold = "0.5",
    patient_column: options.PatientColumn = "",
    evaluated: Annotated[
        Path | None,
        option(
            "Results of sklidh evaluate with the same options, for the model card.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    method: options.Method,
    work: options.Work,
):
    """Train one model on all patients of a cohort and save it, for sklidh predict."""
    from sklidh.datasets import cohort_range
    from sklidh.evaluation import choose_threshold
    from sklidh.persistence import save_model
    from sklidh.radiomics import read_settings
    from sklidh.reporting import card_of_training, read_run
    from sklidh.utils import Target, atomic_write

    run = None if evaluated is None else read_run(evaluated)
    how = {"clinical": clinical, "patient_column": patient_column}
    X, y, recipe, people = read_patients(cases, cohort, method, work, **how)
    params = {} if people is None else {"groups": people}
    threshold = threshold_for(y, threshold)
    title, system = recipe.system(model)
    scaled = model == "model-1" or read_settings(recipe.radiomics).setting["normalize"]
    covered = cohort_range(
        X,
        y,
        modalities=recipe.modalities,
        clinical=recipe.clinical,
        intensities=not scaled,
        n_jobs=work.jobs,
        verbose=verbosity(),
    )
    X = X[recipe.columns]
    # Models are fitted on codes, in the order of the target's words.
    target, codes = Target.read(y)
    fitted, chosen = system.make().fit(X, codes), threshold
    if isinstance(chosen, str):
        say("Choosing the threshold in inner folds of the training patients ...")
        chosen = choose_threshold(fitted, X, codes, chosen, params=params, random_state=recipe.seed)
    name = name or f"{out.stem}: {title}, {len(X)} patients"
    settings = asdict(recipe) | {"model": title, "threshold": threshold}
    card = card_of_training(
        name, fitted, covered, chosen, settings=settings, evaluated=run, target=target
    )
    files = {"model": out, "model card": out.with_suffix(".model_card.md")}
    with atomic_write(files["model card"]) as card_file, replaced(out) as model_file:
        about = {"name": name, "threshold": chosen, "cohort": covered}
        about["target"] = asdict(target)
        save_model(fitted, model_file, about=about)
        card_file.write_text(card.markdown(), encoding="utf-8")
    say(f"\n{name}, trained with sklidh {version('sklidh')}")
    say(rule_in_words(target, chosen))
    # Only sklidh predict needs the hundreds of digests.
    shown = {key: value for key, value in covered.items() if key not in ("fingerprints", "ids")}
    trained = {"model": name, "threshold": chosen, "cohort": shown}
    return {**trained, "found": recipe.found, "files": files}
