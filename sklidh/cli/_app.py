"""The command line: parse, call, write."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sklidh.cli._output import clear_errors, console

app = typer.Typer(
    help="Predict a glioma's IDH mutation from four MR sequences (Shi et al. 2023).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _jobs(number: int) -> int:
    if number == 0:
        raise typer.BadParameter("0 jobs do no work; 1 or more, or -1 for all cores")
    return number


Jobs = Annotated[
    int,
    typer.Option(callback=_jobs, help="Patients processed at the same time; -1: all cores."),
]
Seed = Annotated[int, typer.Option(help="Seed of the split and of every step that draws.")]
Engine = Annotated[Literal["native", "pyradiomics"], typer.Option(help="Radiomics engine.")]
Epochs = Annotated[int, typer.Option(min=1, help="Epochs of each self-attention network.")]
SliceSize = Annotated[
    int, typer.Option(min=16, help="Side of the tumour slices in pixels; the paper has 72.")
]
TestSize = Annotated[
    float, typer.Option(min=0.05, max=0.9, help="Fraction of patients that is only predicted.")
]
TrainFeatures = Annotated[
    Literal["in_sample", "out_of_fold"],
    typer.Option(
        help="Deep features of the training patients: by the network that was trained on them "
        "(the paper), or by one that was not."
    ),
]


def _version(asked: bool):
    if asked:
        from sklidh import __version__

        console.print(f"sklidh {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
):
    """Predict a glioma's IDH mutation from four MR sequences (Shi et al. 2023)."""


@app.command(epilog="Example: [bold]sklidh demo --patients 80 --out ~/sklidh-demo[/]")
def demo(
    out: Annotated[Path, typer.Option(help="Folder of images and results.")] = Path("sklidh-demo"),
    patients: Annotated[int, typer.Option(min=16, help="Number of synthetic patients.")] = 60,
    effect: Annotated[
        float, typer.Option(min=0, help="How much mutants differ from wild types; 0: not at all.")
    ] = 1.0,
    epochs: Epochs = 8,
    slice_size: SliceSize = 32,
    train_features: TrainFeatures = "in_sample",
    engine: Engine = "native",
    jobs: Jobs = 2,
    seed: Seed = 0,
):
    """Write synthetic patients to disk and run the paper's four models on them."""
    from sklidh.cli._workflow import Options, run_models
    from sklidh.datasets import make_glioma_phantoms

    with clear_errors():
        console.print(f"Writing {patients} synthetic patients to {out / 'cohort'} ...")
        X, y = make_glioma_phantoms(out / "cohort", patients, effect=effect, random_state=seed)
        options = Options(
            modalities=("T1", "T1CE", "T2", "FLAIR"),
            groups=(("T1", "T1CE"), ("T2", "FLAIR")),
            reference="T2",
            test_size=0.25,
            engine=engine,
            slice_size=slice_size,
            epochs=epochs,
            train_features=train_features,
            missing="raise",
            jobs=jobs,
            seed=seed,
        )
        run_models(X, y, out / "results", options, title="sklidh demo: synthetic patients")


@app.command(epilog="Example: [bold]sklidh run cases.csv --groups T1+T1CE,T2+FLAIR --jobs 4[/]")
def run(
    cases: Annotated[
        Path,
        typer.Argument(
            help="Table of patients: a column 'patient', one column of image paths a modality "
            "(relative to the table), 'mask' and the target."
        ),
    ],
    groups: Annotated[
        str,
        typer.Option(
            help="Modalities, comma-separated; those joined by + enter the fusion as one. "
            "Default: T1+T1CE,T2+FLAIR if the table has them, else each column for itself."
        ),
    ] = "",
    target: Annotated[str, typer.Option(help="Column of the IDH status.")] = "idh",
    reference: Annotated[
        str,
        typer.Option(
            help="Modality that the others are registered to; 'none' for images that lie on one "
            "another already. Default: T2 where the table has it, else none."
        ),
    ] = "",
    missing: Annotated[
        Literal["nan", "raise"],
        typer.Option(help="Empty cells: predict from the other sequences (nan), or stop (raise)."),
    ] = "nan",
    test_size: TestSize = 0.25,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("sklidh-run"),
    epochs: Epochs = 20,
    slice_size: SliceSize = 72,
    train_features: TrainFeatures = "in_sample",
    engine: Engine = "native",
    jobs: Jobs = 2,
    seed: Seed = 0,
):
    """Run the paper's four models on your own patients."""
    from sklidh.cli._workflow import Options, run_models
    from sklidh.datasets import load_cohort

    with clear_errors():
        chosen = _parse_groups(groups)
        named = [modality for group in chosen for modality in group] or None
        X, y = load_cohort(cases, target=target, modalities=named, missing=missing)
        modalities = tuple(named or [c for c in ("T1", "T1CE", "T2", "FLAIR") if c in X.columns])
        if not chosen and len(modalities) == 4:
            chosen = (("T1", "T1CE"), ("T2", "FLAIR"))
        console.print(f"{len(X)} patients, {', '.join(modalities)}")
        options = Options(
            modalities=modalities,
            groups=chosen or None,
            reference=_parse_reference(reference, modalities),
            test_size=test_size,
            engine=engine,
            slice_size=slice_size,
            epochs=epochs,
            train_features=train_features,
            missing=missing,
            jobs=jobs,
            seed=seed,
        )
        run_models(X, y, out, options, title=f"sklidh run: {cases.name}")


@app.command(epilog="Example: [bold]sklidh check cases.csv --jobs 4[/]")
def check(
    cases: Annotated[Path, typer.Argument(help="Table of patients, as for sklidh run.")],
    out: Annotated[Path, typer.Option(help="Page of thumbnails to write.")] = Path(
        "sklidh-check.html"
    ),
    modalities: Annotated[
        str, typer.Option(help="Columns of images, comma-separated. Default: all that hold some.")
    ] = "",
    target: Annotated[str, typer.Option(help="Column of the IDH status; 'none': no target.")] = (
        "idh"
    ),
    reference: Annotated[
        str,
        typer.Option(
            help="Modality on which the masks were drawn, where the others are still to be "
            "registered to it; 'none': all lie in the mask's grid. Default: T2 where there is one."
        ),
    ] = "",
    label: Annotated[
        int, typer.Option(min=0, help="Label of the tumour in the masks; 0: every label above 0.")
    ] = 0,
    missing: Annotated[
        Literal["nan", "raise"], typer.Option(help="Whether empty cells are problems (raise).")
    ] = "nan",
    jobs: Jobs = 2,
):
    """Read every case, list everything that is wrong, and write a page of thumbnails.

    The exit status is 1 if there is any problem.
    """
    from sklidh.cli._check import check_cohort

    with clear_errors():
        n_problems = check_cohort(
            cases,
            out,
            target=None if target.lower() == "none" else target,
            modalities=[name.strip() for name in modalities.split(",")] if modalities else None,
            label=label or None,
            reference=lambda there: _parse_reference(reference, tuple(there)),
            missing=missing,
            jobs=jobs,
        )
    if n_problems:
        raise typer.Exit(1)


@app.command(
    epilog="Example: [bold]sklidh reproduce cases.csv --tables I,III --protocol nested --jobs 4[/]"
)
def reproduce(
    cases: Annotated[
        Path | None, typer.Argument(help="Table of patients, as for `run`; optional with features.")
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(help="Table of features MOD__name to start from, patients in column 1."),
    ] = None,
    tables: Annotated[
        str, typer.Option(help="The paper's tables, and what it does not compare with.")
    ] = "I,II,III,IV,V,others",
    protocol: Annotated[
        Literal["paper", "nested"],
        typer.Option(
            help="One 3:1 split with nothing tuned, or cross-validation whose training rows choose "
            "all tuned values and thresholds."
        ),
    ] = "nested",
    folds: Annotated[int, typer.Option(min=2, help="Outer folds (nested).")] = 5,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats of the folds (nested).")] = 1,
    where: Annotated[str, typer.Option(help="Keep the patients with COLUMN=VALUE only.")] = "",
    target: Annotated[str, typer.Option(help="Column of the IDH status.")] = "idh",
    reference: Annotated[
        str, typer.Option(help="As for `run`. Default: T2 where the table has it, else none.")
    ] = "",
    missing: Annotated[
        Literal["nan", "raise"], typer.Option(help="Empty cells: do without, or stop.")
    ] = "nan",
    out: Annotated[
        Path, typer.Option(help="Folder of tables and finished splits; the same one resumes.")
    ] = Path("sklidh-reproduce"),
    epochs: Epochs = 20,
    slice_size: SliceSize = 72,
    train_features: TrainFeatures = "in_sample",
    engine: Engine = "native",
    jobs: Annotated[int, typer.Option(help="Splits evaluated at the same time.")] = 1,
    seed: Seed = 0,
):
    """Compare every system of the paper's tables on your own patients."""
    from sklidh.cli._cohort import parse_tables
    from sklidh.cli._reproduce import run_reproduction

    with clear_errors():
        options = {
            "features": features,
            "tables": parse_tables(tables),
            "protocol": protocol,
            "folds": folds,
            "repeats": repeats,
            "where": where,
            "target": target,
            "reference": reference,
            "missing": missing,
            "out": out,
            "epochs": epochs,
            "slice_size": slice_size,
            "train_features": train_features,
            "engine": engine,
            "jobs": jobs,
            "seed": seed,
        }
        run_reproduction(cases, options)


@app.command(epilog="Example: [bold]sklidh audit --features table.csv --tables I,III[/]")
def audit(
    cases: Annotated[
        Path | None, typer.Argument(help="Table of patients, as for `run`; optional with features.")
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="Table of features, as for `reproduce`.")
    ] = None,
    tables: Annotated[
        str, typer.Option(help="Audit the systems of these of the paper's tables.")
    ] = "I,II,III,V,others",
    rounds: Annotated[
        int, typer.Option(min=1, help="Permutations; more of them narrow the intervals.")
    ] = 10,
    where: Annotated[str, typer.Option(help="Keep the patients with COLUMN=VALUE only.")] = "",
    target: Annotated[str, typer.Option(help="Column of the IDH status.")] = "idh",
    reference: Annotated[
        str, typer.Option(help="As for `run`. Default: T2 where the table has it, else none.")
    ] = "",
    missing: Annotated[
        Literal["nan", "raise"], typer.Option(help="Empty cells: do without, or stop.")
    ] = "nan",
    out: Annotated[Path, typer.Option(help="Folder of the result.")] = Path("sklidh-audit"),
    epochs: Epochs = 1,
    slice_size: SliceSize = 16,
    train_features: TrainFeatures = "in_sample",
    engine: Engine = "native",
    seed: Seed = 0,
):
    """Look for leaks: permuted labels, noise, and who sees test patients; status 1 if there are."""
    from sklidh.cli._audit import run_audit
    from sklidh.cli._cohort import parse_tables

    with clear_errors():
        options = {
            "features": features,
            "tables": parse_tables(tables),
            "rounds": rounds,
            "where": where,
            "target": target,
            "reference": reference,
            "missing": missing,
            "out": out,
            "epochs": epochs,
            "slice_size": slice_size,
            "train_features": train_features,
            "engine": engine,
            "seed": seed,
        }
        if not run_audit(cases, options):
            raise typer.Exit(1)


def _parse_groups(text: str) -> tuple[tuple[str, ...], ...]:
    """Read "T1+T1CE,FLAIR" as (("T1", "T1CE"), ("FLAIR",))."""
    groups = tuple(
        tuple(name.strip() for name in group.split("+")) for group in text.split(",") if text
    )
    names = [name for group in groups for name in group]
    if "" in names or len(set(names)) < len(names):
        raise typer.BadParameter(
            f"--groups {text!r}: expected different modalities, joined by + inside a group and "
            "separated by commas, such as T1+T1CE,T2+FLAIR"
        )
    return groups


def _parse_reference(text: str, modalities: tuple[str, ...]) -> str | None:
    if text.lower() == "none" or (not text and "T2" not in modalities):
        return None
    reference = text or "T2"
    if reference not in modalities:
        raise typer.BadParameter(
            f"--reference {reference!r} is not among the modalities {', '.join(modalities)}; name "
            "one of them, or none"
        )
    return reference
