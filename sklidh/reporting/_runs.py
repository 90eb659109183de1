"""Several runs in one table: the settings in which they differ, and their figures."""

from pathlib import Path

import pandas as pd

from sklidh.reporting._facts import in_words
from sklidh.reporting._intervals import main_figures
from sklidh.reporting._page import render_page
from sklidh.reporting._run import Run, read_run
from sklidh.results import RUN
from sklidh.utils import ResultsError, atomic_write

RUNS = "runs.html"


def folders_of_runs(folder) -> list[Path]:
    """Return the folders of results in a folder, or in the folders of it, by name."""
    return sorted(path.parent for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{RUN}"))


def runs_table(runs: dict[str, Run]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the settings and versions in which runs differ, and the figures of their models."""
    values = {
        name: {key: in_words(value) for key, value in (run.settings | run.versions).items()}
        for name, run in runs.items()
    }
    settings = pd.DataFrame.from_dict(values, orient="index").fillna("–").loc[list(runs)]
    settings = settings.loc[:, settings.nunique() > 1].drop(columns="jobs", errors="ignore")
    figures = main_figures({name: run.shown[1] for name, run in runs.items()})
    figures.insert(0, "Model", [run.shown[0] for run in runs.values()])
    figures.insert(1, "Tested", [str(len(run.shown[1].repeats[0])) for run in runs.values()])
    return settings, figures


def write_runs(folder) -> Path:
    """Write ``runs.html``, which compares the runs in a folder, or in the folders of it."""
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
    settings, figures = runs_table(runs)
    page = render_page(
        "runs.html",
        title=f"{len(runs)} runs in {folder.absolute().name}",
        settings=settings,
        figures=figures,
        cohorts={run.cohort.to_csv() for run in runs.values()},
        failures=failures,
    )
    with atomic_write(folder / RUNS) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return folder / RUNS
