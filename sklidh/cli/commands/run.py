"""`sklidh run`, `demo` and `report`: the models with one split, and the report."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from sklidh.cli import options
from sklidh.cli.command import EVALUATE, START, command
from sklidh.cli.console import console, print_models, say, verbosity, warning_lines
from sklidh.cli.options import argument, in_method, option
from sklidh.cli.patients import Patients, read_patients, threshold_for
from sklidh.cli.settings import Recipe
from sklidh.results import RUN
from sklidh.utils import PAPER_MODALITIES, is_missing

SYNTHETIC = (
    "Synthetic patients show that every step runs and finds a planted signal; they cannot show "
    "which model is better on real patients, whose signals nobody planted."
)


@command("sklidh demo --number 80 --out ~/sklidh-demo", panel=START)
def demo(
    *,
    out: Annotated[Path, option("Folder of images and results.")] = Path("sklidh-demo"),
    number: Annotated[int, option("Number of synthetic patients.", min=16)] = 100,
    effect: Annotated[
        float, option("Size of the difference between mutants and wild types; 0 for none.", min=0)
    ] = 1.0,
    # A result in two minutes.
    method: options.Method = options.Method(slice_size=32),
    work: options.Work,
):
    """Write synthetic patients to disk and run the paper's four models and the recommended one."""
    from sklidh.datasets import make_glioma_phantoms

    say(f"Writing {number} synthetic patients to {out / 'cohort'} ...")
    X, y = make_glioma_phantoms(out / "cohort", number, effect=effect, random_state=method.seed)
    recipe = Recipe.of((), PAPER_MODALITIES, options.Cohort(missing="raise"), method, work)
    how = {"command": "demo", "cohort": "synthetic patients", "notes": [SYNTHETIC]}
    return run_models(Patients(X, y, recipe), test_size=0.5, out=out, **how)


@command(
    "sklidh run cases.csv --groups T1+T1CE,T2+FLAIR --jobs 4",
    "sklidh run UCSF-PDGM-v5 --patients metadata.csv --target IDH --wildtype wildtype",
    panel=EVALUATE,
)
def run(
    cases: options.Cases,
    *,
    out: options.ResultsFolder = Path("sklidh-run"),
    cohort: options.Cohort,
    clinical: options.Clinical = "",
    test_size: Annotated[
        float, in_method("Fraction of patients held out for testing.", min=0.05, max=0.9)
    ] = 0.25,
    method: options.Method,
    work: options.Work,
):
    """Run the paper's four models and the recommended one on your patients, one split."""
    patients = read_patients(cases, cohort, method, work, clinical=clinical)
    how = {"command": "run", "cohort": cases.name}
    return run_models(patients, test_size=test_size, out=out, **how)


def run_models(patients: Patients, *, test_size: float, notes=(), **report) -> dict:
    """Fit Models 1 to 4 and the recommended one, score them on held-out patients, write it all."""
    from sklidh.evaluation import compare, holdout

    X, y, recipe, _ = patients
    how = {"test_size": test_size, "threshold": threshold_for(y, 0.5), "random_state": recipe.seed}
    with TemporaryDirectory(prefix="sklidh-") as memory:
        # Models 3 and 4 share all but the last step: `memory` fits the rest once.
        comparison = compare(
            recipe.models(memory),
            X,
            y,
            partial(holdout, **how),
            on_model=lambda name: console.rule(f"[bold]{name}", align="left"),
        )
        *_, shown = comparison.evaluations.values()
        n_test = len(comparison.predictions)
        return write_models(
            comparison,
            patients,
            shown.estimators[0],
            heading=f"{len(X) - n_test} patients for training, {n_test} for testing",
            settings={"test_size": test_size},
            notes=[*notes, *notes_on_split(X, comparison, recipe)],
            **report,
        )


def write_models(
    comparison, patients: Patients, pipeline, *, heading, settings, notes, out, command, cohort
) -> dict:
    """Write the results and report of evaluated models, print them, and return them for --json.

    The report shows the `patients` and the parts of the `pipeline`. `heading` is the title of the
    printed table, and `cohort` a name.
    """
    from sklidh.reporting import write_results

    X, y, recipe, _ = patients
    files = write_results(
        out,
        f"sklidh {command}: {cohort}",
        comparison,
        X,
        y,
        pipeline=pipeline,
        modalities=recipe.modalities,
        settings=asdict(recipe) | settings,
        notes=notes,
        warnings=warning_lines(console.warned),
        command=f"sklidh {command} --config {RUN}",
        verbose=verbosity(),
    )
    console.print()
    print_models(comparison.table, title=heading)
    for note in notes:
        say(f"- {note}")
    table = comparison.table.to_dict("index")
    return {"table": table, "notes": notes, "found": recipe.found, "files": files}


def notes_on_split(X, comparison, recipe: Recipe) -> list[str]:
    """Return what a reader of the figures of one split must know."""
    from sklidh.baselines import IN_SAMPLE

    n_test, target = len(comparison.predictions), comparison.target
    counts = target.count(comparison.predictions["true"])
    counts = counts.split(",")[0] if target.is_binary else counts
    missing = {name: sum(map(is_missing, X[name])) for name in recipe.modalities}
    lacking = ", ".join(f"{name} of {n}" for name, n in missing.items() if n)
    notes = {
        f"One random split: {len(X) - n_test} patients for training, {n_test} for testing "
        f"({counts}). With so few the figures are imprecise: rely on the intervals, not on "
        "the second decimal.": True,
        "Images were not registered; they were assumed to be aligned.": recipe.reference is None,
        f"Sequences that some patients lack: {lacking} of {len(X)} patients. No values were "
        "imputed: selection used the patients who have the sequence, and these patients were "
        "predicted from their other sequences.": lacking,
        f"{', '.join(recipe.clinical)} entered every model beside the images, except Model 1, "
        "which sees images alone.": recipe.clinical,
        IN_SAMPLE: recipe.train_features == "in_sample",
    }
    return [note for note, applies in notes.items() if applies]


@command("sklidh report sklidh-run", panel=EVALUATE)
def report(
    results: Annotated[Path, argument("Folder of sklidh run or evaluate.", file_okay=False)],
):
    """Rewrite the report of a folder of results from its files."""
    from sklidh.reporting import write_report

    return {"files": {"report": write_report(results)}}
