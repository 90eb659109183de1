"""Compare several runs on one page: their figures, and two runs side by side."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context

from sklidh.plotting import LossCurveDisplay
from sklidh.reporting._facts import in_words
from sklidh.reporting._figures import ONE_LOOK, drawn
from sklidh.reporting._intervals import main_figures
from sklidh.reporting._page import render_page, write_page
from sklidh.reporting._run import Run, read_run
from sklidh.results import RUN
from sklidh.utils import ResultsError

RUNS = "runs.html"
LEARNING = {"networks": "Training of the networks", "loss": "Training of the fusion"}


def folders_of_runs(folder) -> list[Path]:
    """Return the folders of results in a folder and in its subfolders, sorted by name."""
    return sorted(path.parent for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{RUN}"))


def settings_that_differ(runs: dict[str, Run]) -> pd.DataFrame:
    """Return the settings and versions that differ between runs: a row each, a column per run."""
    values = {
        name: {key: in_words(value) for key, value in (run.settings | run.versions).items()}
        for name, run in runs.items()
    }
    settings = pd.DataFrame(values).fillna("–").drop(index="jobs", errors="ignore")
    return settings[settings.nunique(axis=1) > 1]


def figures_of_runs(runs: dict[str, Run]) -> pd.DataFrame:
    """Return the figures of each run's main model."""
    figures = main_figures({name: run.shown[1] for name, run in runs.items()})
    figures.insert(0, "Model", [run.shown[0] for run in runs.values()])
    figures.insert(1, "Tested", [str(len(run.shown[1].repeats[0])) for run in runs.values()])
    return figures


def learning_pictures(runs: dict[str, Run]) -> dict[str, dict[str, bytes]]:
    """Draw the learning curves of all runs on the same axes; PNG by heading and run."""
    pictures = {}
    with rc_context(ONE_LOOK):
        for kind, heading in LEARNING.items():
            displays = {
                name: LossCurveDisplay(**run.learning[kind]).plot()
                for name, run in runs.items()
                if kind in run.learning
            }
            axes = [display.ax_ for display in displays.values()]
            limits = np.reshape([(*ax.get_xlim(), *ax.get_ylim()) for ax in axes], (-1, 2, 2))
            for ax in axes:
                low, high = limits[..., 0].min(axis=0), limits[..., 1].max(axis=0)
                ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), title="")
            if axes:
                pictures[heading] = {
                    name: drawn(display.figure_, "png") for name, display in displays.items()
                }
    return pictures


def render_runs(title: str, runs: dict[str, Run], failures: dict[str, str]) -> str:
    """Render the comparison of runs as HTML that needs no network and no other file."""
    return render_page(
        "runs.html",
        with_script=True,
        title=title,
        runs=list(runs),
        settings=settings_that_differ(runs),
        figures=figures_of_runs(runs),
        learning=learning_pictures(runs),
        cohorts={run.cohort.to_csv() for run in runs.values()},
        failures=failures,
    )


def write_runs(folder) -> Path:
    """Write ``runs.html``, which compares the runs in a folder and in its subfolders."""
    folder, runs, failures = Path(folder), {}, {}
    for path in folders_of_runs(folder):
        name = path.relative_to(folder).as_posix()
        try:
            runs[name] = read_run(path)
        except ResultsError as error:
            failures[name] = str(error)
    if len(runs) < 2:
        why = "; ".join(failures.values()) or "name a folder that holds their folders"
        raise ResultsError(f"{folder}: {len(runs)} runs to compare; two are needed: {why}")
    page = render_runs(f"{len(runs)} runs in the folder {folder.absolute().name}", runs, failures)
    return write_page(folder / RUNS, page)
