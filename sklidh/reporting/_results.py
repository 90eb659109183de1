"""Write the results of a run: tables, plots, pictures, the report and its settings."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from sklidh.evaluation import Comparison
from sklidh.plotting import LossCurveDisplay
from sklidh.reporting._figures import draw_figures, drawn
from sklidh.reporting._fitted import description_of
from sklidh.reporting._overview import cohort_table
from sklidh.reporting._page import write_page
from sklidh.reporting._pictures import label_of, picture
from sklidh.reporting._report import render_report
from sklidh.reporting._run import Run, read_run, save_run
from sklidh.reporting._runs import folders_of_runs, write_runs
from sklidh.reporting._stability import selections_of
from sklidh.reporting._subgroups import figures_by_group, with_ages
from sklidh.results import REPORT, RUN, package_versions


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
        Created if needed; files of an earlier run are replaced.
    title : str
    comparison : Comparison
        The evaluated models. The last is the main model, whose test patients are pictured. If it
        keeps its estimators, the report has saliency maps and counts how often each feature was
        selected.
    X : DataFrame of shape (n_patients, n_columns)
        The cases; some are pictured, misclassified ones first.
    y : Series of shape (n_patients,)
    pipeline : fitted Pipeline
        The pipeline whose selected features and training are shown, with steps ``register``,
        ``intra`` and ``fusion``.
    modalities : sequence of str
    settings : mapping of str to what JSON can hold
        Options and seeds of the run.
    notes : sequence of str, default=()
        Remarks that a reader needs in order to interpret the figures.
    warnings : sequence of str, default=()
        Warnings of the run.
    command : str, default=""
        The command that repeats the run from within `folder`.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    dict of str to Path
        The written files, by content.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    *_, shown = comparison.evaluations.values()
    models = [getattr(model, "best_estimator_", model) for model in shown.estimators]
    followed = [model for model in models if hasattr(model, "named_steps")]
    features, flow = selections_of(followed or [pipeline])
    displays = draw_figures(comparison, pipeline)
    curves = {n: each for n, (each, _) in displays.items() if isinstance(each, LossCurveDisplay)}
    X = with_ages(X)
    # Imported on use: it loads torch, which reading a report does not need.
    from sklidh.baselines._simple import simple_baselines, training_classes

    simple = simple_baselines(shown, X, y, modalities, label=label_of(pipeline), verbose=verbose)
    slices, attention = picture(pipeline, shown, X, modalities, verbose=verbose)
    run = Run(
        title=title,
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        comparison=comparison,
        cohort=cohort_table(X, y, modalities),
        groups=figures_by_group(shown, X),
        features=features,
        flow=flow,
        training_classes=training_classes(shown, X, y),
        learning={name: asdict(display) for name, display in curves.items()},
        figures={n: (drawn(each.figure_, "png"), text) for n, (each, text) in displays.items()},
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
    drawings = {name: drawn(each.figure_, "svg") for name, (each, _) in displays.items()}
    return save_run(folder, run, drawings) | {"report": write_report(folder)}


def write_report(folder) -> Path:
    """Render the report of a results folder from its files, without training anything.

    Parameters
    ----------
    folder : str or path
        A folder written by `write_results`, or a folder of several such folders, whose runs are
        compared.

    Returns
    -------
    Path
        ``report.html`` in the folder; for several runs, ``runs.html``.

    Raises
    ------
    ResultsError
        A file is missing or was not written by `write_results`.
    """
    folder = Path(folder)
    if not (folder / RUN).exists() and len(folders_of_runs(folder)) > 1:
        return write_runs(folder)
    return write_page(folder / REPORT, render_report(read_run(folder)))
