"""Write a study as the paper's tables: CSV, Markdown, LaTeX and an HTML page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from matplotlib import rc_context

from sklidh.evaluation import Comparison, Study, figures_with_intervals
from sklidh.plotting import ForestDisplay
from sklidh.reporting._facts import in_words
from sklidh.reporting._figures import ONE_LOOK, drawn
from sklidh.reporting._intervals import number
from sklidh.reporting._page import render_page
from sklidh.reporting._paper_tables import flat_names, latex, markdown, printed_table
from sklidh.reporting._warnings import group_warnings
from sklidh.results import (
    MEASURES,
    REPORT,
    package_versions,
    predictions_as_csv,
    write_run,
)


def write_study(
    folder,
    study: Study,
    tables: Mapping[str, pd.DataFrame],
    titles: Mapping[str, str],
    *,
    reference: str,
    beside=(),
    notes,
    run: Mapping,
) -> dict[str, Path]:
    """Write the results of a study into a folder.

    Parameters
    ----------
    folder : str or path
        Files of an earlier run are replaced.
    study : Study
    tables : dict of str to DataFrame
        From `sklidh.baselines.paper_table`, by table number.
    titles : dict of str to str
        By table number.
    reference : str
        The model that the others are compared with; without tests if it failed.
    beside : sequence of str, default=()
        Simple baselines, whose p-values are not corrected (see `Comparison.tests`).
    notes : sequence of str
        Remarks for the reader, such as differences from the paper.
    run : mapping of str to what JSON can hold
        The command, its settings and seeds.

    Returns
    -------
    dict of str to Path
        The written files, by content.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    comparison = study.comparison
    record = {
        **run,
        "headline": headline_of_study(comparison, beside),
        "versions": package_versions(),
        "notes": list(notes),
        "failures": dict(study.failures),
        "seconds": {name: round(spent, 1) for name, spent in study.seconds.items()},
        "chosen": {name: list(facts) for name, facts in study.facts.items()},
        "warnings": {name: dict(texts) for name, texts in study.warned.items() if texts},
    }
    printed = [(titles[name], *printed_table(table)) for name, table in tables.items()]
    sources = [
        latex(table, heading, name)
        for name, (heading, table, _) in zip(tables, printed, strict=True)
    ]
    predictions = pd.concat(
        evaluation.predictions.rename_axis("patient").assign(model=name)
        for name, evaluation in comparison.evaluations.items()
    )
    csv = {n: flat_names(table).to_csv(float_format="%.4f") for n, table in tables.items()}
    contents = {
        **{f"table {n}": (f"table_{n.replace(' ', '_')}.csv", text) for n, text in csv.items()},
        "tables, Markdown": ("tables.md", _markdown(printed, notes)),
        "tables, LaTeX": ("tables.tex", "\n".join(sources)),
        "all figures": (MEASURES, comparison.measures.to_csv()),
        "predictions": ("predictions.csv", predictions_as_csv(predictions)),
    }
    tests, forest = None, b""
    if reference in comparison.evaluations and len(comparison.evaluations) > 1:
        tests = comparison.tests(reference, beside=beside)
        forest, drawing = _forest(comparison, reference, beside)
        contents[f"tests against {reference}"] = ("tests.csv", tests.to_csv())
        contents["forest plot"] = ("forest.png", forest)
        contents["forest plot (SVG)"] = ("forest.svg", drawing)
    page = render_study(record, printed, tests, forest, reference=reference)
    return write_run(folder, contents | {"report": (REPORT, page)}, record)


def render_study(
    record: Mapping, printed, tests: pd.DataFrame | None, forest: bytes, *, reference: str
) -> str:
    """Render a study as HTML that needs no network and no other file.

    `record` is the report's part of the record; `printed` holds headings, tables and reasons from
    `printed_table`. Without a reference, `tests` is None and `forest`, a PNG image, is empty.
    """
    warned = [
        (name, warning) for name, each in record["warnings"].items() for warning in each.items()
    ]
    return render_page(
        "study.html",
        title="The paper's tables, on your patients",
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        record=record,
        tables=printed,
        tests=None
        if tests is None
        else tests.map(lambda cell: cell if isinstance(cell, str) else number(cell, ".2g")),
        forest=forest,
        reference=reference,
        warnings=group_warnings([each for _, each in warned], models=[name for name, _ in warned]),
        in_words=in_words,
    )


def headline_of_study(comparison: Comparison, beside) -> str:
    """State the highest AUC among models and among simple baselines, and the test patients."""
    texts = figures_with_intervals(comparison.evaluations)["AUC"]
    aucs = comparison.measures["AUC"].dropna()
    is_yardstick = aucs.index.isin(list(beside))
    sentences = [
        f"{what}: {some.idxmax()}, {texts[some.idxmax()]}."
        for what, some in (
            ("Highest AUC", aucs[~is_yardstick]),
            ("Best simple baseline", aucs[is_yardstick]),
        )
        if len(some)
    ]
    true, target = next(iter(comparison.evaluations.values())).repeats[0]["true"], comparison.target
    counts = f"{int(true.sum())} of them {target.classes[1]}"
    counts = counts if target.is_binary else target.count(true)
    sentences.append(f"{len(true)} patients were tested, {counts}.")
    return " ".join(sentences)


def _markdown(printed, notes) -> str:
    pages = [
        "\n".join(
            [f"## {heading}", "", markdown(table), ""]
            + [f"- {label}: {reason}" for label, reason in reasons.items()]
        )
        for heading, table, reasons in printed
    ]
    foot = "\n".join(["## What differs from the paper", "", *(f"- {note}" for note in notes)])
    return "\n\n".join([*pages, foot]) + "\n"


def _forest(comparison: Comparison, reference: str, beside) -> tuple[bytes, bytes]:
    with rc_context(ONE_LOOK):
        display = ForestDisplay.from_comparison(comparison, reference=reference, beside=beside)
        return drawn(display.figure_, "png"), drawn(display.figure_, "svg")
