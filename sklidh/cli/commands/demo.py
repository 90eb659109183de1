"""`sklidh demo`: the models on synthetic patients."""

from pathlib import Path
from typing import Annotated

import typer

from sklidh.cli import options
from sklidh.cli.command import START, command
from sklidh.cli.commands.run import run_models
from sklidh.cli.console import console
from sklidh.cli.settings import Recipe
from sklidh.utils import PAPER_MODALITIES


@command("sklidh demo --number 80 --out ~/sklidh-demo", panel=START)
def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder of images and results.")] = Path("sklidh-demo"),
    number: Annotated[int, typer.Option(min=16, help="Number of synthetic patients.")] = 100,
    effect: Annotated[
        float,
        typer.Option(
            min=0, help="Size of the difference between mutants and wild types; 0 for none."
        ),
    ] = 1.0,
    # A result in two minutes.
    method: options.Method = options.Method(slice_size=32),
    work: options.Work,
):
    """Write synthetic patients to disk and run the paper's four models and the recommended one."""
    from sklidh.datasets import make_glioma_phantoms

    console.print(f"Writing {number} synthetic patients to {out / 'cohort'} ...")
    X, y = make_glioma_phantoms(out / "cohort", number, effect=effect, random_state=method.seed)
    cohort = options.Cohort(missing="raise")
    recipe = Recipe.of((), PAPER_MODALITIES, cohort, method, work.jobs)
    return run_models(
        X,
        y,
        out / "results",
        recipe,
        test_size=0.5,
        title="sklidh demo: synthetic patients",
        rerun="sklidh demo --config ../config.yaml",
        synthetic=True,
    )
