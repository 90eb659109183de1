"""Write what a run found: tables, plots, pictures, the report and what is needed to repeat it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from sklidh.evaluation import Comparison
from sklidh.reporting._figures import draw_figures, drawn
from sklidh.reporting._fitted import description_of
from sklidh.reporting._overview import cohort_table
from sklidh.reporting._pictures import label_of, picture
from sklidh.reporting._report import render_report
from sklidh.reporting._run import Run, read_run, save_run
from sklidh.reporting._runs import folders_of_runs, write_runs
from sklidh.reporting._stability import selections_of
from sklidh.reporting._subgroups import figures_by_group
from sklidh.reporting._yardsticks import yardsticks
from sklidh.results import REPORT, RUN, package_versions
from sklidh.utils import atomic_write


def write_results(
    folder,
    title: str,
    comparison: Comparison,
    X: pd.DataFrame,
    y: pd.Series,
    *,
    pipeline,
    modalities,
    settings: Mapping,
    notes=(),
    warnings=(),
    command="",
    verbose=0,
) -> dict[str, Path]:
    """Write the tables, plots and report of one run into a folder.

    Parameters
    ----------
    folder : str or path
        Made if need be; files of an earlier run are replaced.
    title : str
    comparison : Comparison
        The evaluated models. The last is the one whose patients are shown; where it holds its
        estimators, with what its networks looked at, and how often each feature was selected.
    X : DataFrame of shape (n_patients, n_columns)
        The cases; some are pictured, the misclassified first.
    y : Series of shape (n_patients,)
    pipeline : fitted Pipeline
        The model whose selected features and training are shown: steps ``register``, ``intra``,
        ``fusion``.
    modalities : sequence of str
    settings : mapping of str to what JSON can hold
        Options and seeds of the run.
    notes : sequence of str, default=()
        What a reader must know before believing the figures.
    warnings : sequence of str, default=()
        What the run warned of.
    command : str, default=""
        What repeats the run, entered in `folder`.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    dict of str to Path
        What was written, by what it is.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    *_, shown = comparison.evaluations.values()
    models = [getattr(model, "best_estimator_", model) for model in shown.estimators]
    followed = [model for model in models if hasattr(model, "named_steps")]
    features, flow = selections_of(followed or [pipeline])
    figures = draw_figures(comparison, pipeline)
    simple = yardsticks(shown, X, y, modalities, label=label_of(pipeline), verbose=verbose)
    slices, attention = picture(pipeline, shown, X, modalities, verbose=verbose)
    run = Run(
        title=title,
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        comparison=comparison,
        cohort=cohort_table(X, y, modalities),
        groups=figures_by_group(shown, X),
        features=features,
        flow=flow,
        figures={
            name: (drawn(figure, "png"), caption) for name, (figure, caption) in figures.items()
        },
        slices=slices,
        attention=attention,
        settings=dict(settings),
        description=description_of(pipeline),
        versions=package_versions(),
        notes=list(notes),
        warnings=list(warnings),
        yardsticks=simple,
        command=command,
    )
    drawings = {name: drawn(figure, "svg") for name, (figure, _) in figures.items()}
    return save_run(folder, run, drawings) | {"report": write_report(folder)}


def write_report(folder) -> Path:
    """Render the report of a folder of results from its files, without training anything.

    Parameters
    ----------
    folder : str or path
        Written by `write_results`; or one that holds the folders of several runs, which are
        compared.

    Returns
    -------
    Path
        ``report.html`` in the folder; ``runs.html`` of several runs.

    Raises
    ------
    ResultsError
        A file is missing, or is not what `write_results` wrote.
    """
    folder = Path(folder)
    if not (folder / RUN).exists() and len(folders_of_runs(folder)) > 1:
        return write_runs(folder)
    page = render_report(read_run(folder))
    with atomic_write(folder / REPORT) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return folder / REPORT
