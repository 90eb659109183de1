"""The command line: the options of each command; what it does is in a file of its own."""

from pathlib import Path
from typing import Annotated

import typer

from sklidh.cli import _options as options
from sklidh.cli._command import command
from sklidh.cli._output import console
from sklidh.cli._parsing import parse_csv

app = typer.Typer(
    help="Predict a glioma's IDH mutation from four MR sequences (Shi et al. 2023).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool):
    if asked:
        from sklidh import __version__

        console.print(f"sklidh {__version__}", highlight=False)
        raise typer.Exit


EXAMPLES = (
    "sklidh demo",
    "sklidh check cases.csv",
    "sklidh run cases.csv --groups T1+T1CE,T2+FLAIR",
    "sklidh train cases.csv --out idh.skops",
    "sklidh predict idh.skops new-cases.csv",
)


@app.callback(epilog="Examples:\n\n" + "\n\n".join(f"[bold]{line}[/]" for line in EXAMPLES))
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
):
    """Predict a glioma's IDH mutation from four MR sequences (Shi et al. 2023).

    Exit status: 0 done, 1 an error or a problem found, 2 wrong options, 130 interrupted.
    """


@command(app, "sklidh demo --number 80 --out ~/sklidh-demo")
def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder of images and results.")] = Path("sklidh-demo"),
    number: Annotated[int, typer.Option(min=16, help="Number of synthetic patients.")] = 120,
    effect: Annotated[
        float, typer.Option(min=0, help="How much mutants differ from wild types; 0: not at all.")
    ] = 1.0,
    method: options.Method = options.QUICK,
    work: options.Work,
):
    """Write synthetic patients to disk and run the paper's four models and the recommended one."""
    from sklidh.cli._recipe import PAPER_MODALITIES, Recipe
    from sklidh.cli._workflow import run_models
    from sklidh.datasets import make_glioma_phantoms

    console.print(f"Writing {number} synthetic patients to {out / 'cohort'} ...")
    X, y = make_glioma_phantoms(out / "cohort", number, effect=effect, random_state=method.seed)
    cohort = options.Cohort(missing="raise")
    recipe = Recipe.of((), PAPER_MODALITIES, cohort, method, work.jobs)
    title = "sklidh demo: synthetic patients"
    return run_models(X, y, out / "results", recipe, test_size=0.5, title=title, synthetic=True)


@command(
    app,
    "sklidh run cases.csv --groups T1+T1CE,T2+FLAIR --jobs 4",
    "sklidh run UCSF-PDGM-v5 --patients metadata.csv --target IDH --wildtype wildtype",
)
def run(
    cases: options.Cases,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("sklidh-run"),
    cohort: options.Cohort,
    test_size: options.TestSize = 0.25,
    method: options.Method,
    work: options.Work,
):
    """Run the paper's four models and the recommended one on your patients, one split."""
    from sklidh.cli._cohort import read_cohort
    from sklidh.cli._workflow import run_models

    X, y, recipe = read_cohort(cases, cohort, method, jobs=work.jobs)
    return run_models(X, y, out, recipe, test_size=test_size, title=f"sklidh run: {cases.name}")


@command(
    app,
    "sklidh check cases.csv --jobs 4",
    "sklidh check BraTS2021 --layout brats --target none",
    helps={
        "target": options.TARGET_OR_NONE,
        "groups": "Modalities to look at, comma-separated. Default: every column of images.",
    },
)
def check(
    cases: options.Cases,
    *,
    out: Annotated[Path, typer.Option(help="Page of thumbnails to write.")] = Path(
        "sklidh-check.html"
    ),
    cohort: options.Cohort,
    work: options.Work,
):
    """Read every case, list everything that is wrong, and write a page of thumbnails.

    The exit status is 1 if there is any problem.
    """
    from sklidh.cli._check import check_cohort

    return check_cohort(cases, out, cohort, jobs=work.jobs)


@command(
    app,
    "sklidh extract cases.csv --out features.csv --radiomics params.yaml",
    "sklidh extract cases.csv --reference none --groups T1,FLAIR",
    helps={
        "target": options.TARGET_OR_NONE,
        "wildtype": "Target value that means wild type; all other values are mutant. Default: the "
        "target is written as it is.",
        "groups": "Modalities to extract from, comma-separated. Default: those of T1, T1CE, T2 and "
        "FLAIR that the table has.",
    },
)
def extract(
    cases: options.Cases,
    *,
    out: Annotated[Path, typer.Option(help="Table of features, CSV.", callback=parse_csv)] = Path(
        "features.csv"
    ),
    cohort: options.Cohort,
    extraction: options.Extraction,
    work: options.Work,
):
    """Register every patient and write the radiomics features of every modality as a table.

    Its columns are named MOD__name, as in T1CE__wavelet-LH_glcm_Idm.
    """
    from sklidh.cli._extract import extract_features

    return extract_features(cases, out, cohort, extraction, jobs=work.jobs)


@command(
    app,
    "sklidh train cases.csv --out idh.skops",
    "sklidh train cases.csv --model model-2 --threshold youden --jobs 4",
    "sklidh train cases.csv --out idh.skops --evaluated sklidh-evaluate",
)
def train(
    cases: options.Cases,
    *,
    out: Annotated[Path, typer.Option(help="The model's file.")] = Path("idh.skops"),
    name: Annotated[str, typer.Option(help="What to call the model. Default: the file's.")] = "",
    cohort: options.Cohort,
    model: options.Model = "recommended",
    threshold: options.Threshold = "0.5",
    evaluated: Annotated[
        Path | None,
        typer.Option(
            help="Folder of sklidh evaluate with the same options: its figures go on the card.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    method: options.Method,
    work: options.Work,
):
    """Train one model on all patients of a cohort and save it, for sklidh predict."""
    from sklidh.cli._train import train_model

    settings = {"name": name, "model": model, "threshold": threshold, "evaluated": evaluated}
    return train_model(cases, out, cohort, method, jobs=work.jobs, **settings)


@command(
    app,
    "sklidh predict idh.skops new-cases.csv --out predictions.csv",
    "sklidh predict idh.skops BraTS2021 --layout brats --jobs 4",
    helps={
        "cases": "Table of patients (a column 'patient', one column of image paths a modality, and "
        "'mask'; paths relative to the table), or a folder of images.",
    },
)
def predict(
    model: Annotated[
        Path,
        typer.Argument(help="A model's file, from sklidh train.", exists=True, dir_okay=False),
    ],
    cases: options.Cases,
    *,
    out: Annotated[Path, typer.Option(help="Table of predictions, CSV.", callback=parse_csv)] = (
        Path("predictions.csv")
    ),
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Another threshold than the model's own."),
    ] = None,
    folder: options.Folder,
    work: options.Work,
):
    """Predict patients: probability, threshold, class, and who is unlike the training cohort.

    Warned of is a patient from another site, with another spacing or other intensities, without a
    sequence, or whom the model was trained on.
    """
    from sklidh.cli._predict import predict_cases

    return predict_cases(model, cases, out, folder, threshold=threshold, jobs=work.jobs)
