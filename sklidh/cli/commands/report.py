"""`sklidh report`: the report of a folder of results, rewritten from its files."""

from pathlib import Path
from typing import Annotated

import typer

from sklidh.cli.command import EVALUATE, command
from sklidh.cli.console import print_files


@command("sklidh report sklidh-run", panel=EVALUATE)
def report(
    results: Annotated[
        Path,
        typer.Argument(help="Folder of sklidh run or evaluate.", exists=True, file_okay=False),
    ],
):
    """Rewrite the report of a folder of results from its files."""
    from sklidh.reporting import write_report

    files = {"report": write_report(results)}
    print_files(files)
    return {"files": files}
