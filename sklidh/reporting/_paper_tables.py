"""Write a study as the paper's tables: CSV to calculate with, Markdown and LaTeX to print."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sklidh.evaluation import Study
from sklidh.plotting import ForestDisplay
from sklidh.reporting._folder import package_versions, predictions_as_csv, write_text
from sklidh.utils import atomic_write


def write_study(
    folder,
    study: Study,
    tables: Mapping[str, pd.DataFrame],
    titles: Mapping[str, str],
    *,
    reference: str,
    notes,
    run: Mapping,
) -> dict[str, Path]:
    """Write what a study found into a folder.

    Parameters
    ----------
    folder : str or path
        Files of an earlier run are replaced.
    study : Study
    tables : dict of str to DataFrame
        Laid out as `sklidh.baselines.paper_table` does, by the table's number.
    titles : dict of str to str
        Of each table.
    reference : str
        The model that the others are tested against; left out where it failed.
    notes : sequence of str
        What a reader must know, such as what differs from the paper.
    run : mapping of str to what JSON can hold
        The command, its settings and seeds.

    Returns
    -------
    dict of str to Path
        What was written, by what it is.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files, pages, sources = {}, [], []
    for name, table in tables.items():
        flat = table.copy()
        if table.columns.nlevels == 2:
            flat.columns = [_flat_name(*column) for column in table.columns]
        path = folder / f"table_{name}.csv"
        files[f"table {name}"] = write_text(path, flat.to_csv(float_format="%.4f"))
        printed, reasons = printed_table(table)
        heading = f"Table {name}. {titles[name]}"
        missing = [f"- {label}: {reason}" for label, reason in reasons.items()]
        pages.append("\n".join([f"## {heading}", "", markdown(printed), "", *missing]))
        sources.append(latex(printed, heading, name))
    foot = "\n".join(["## What differs from the paper", "", *(f"- {note}" for note in notes)])
    files["tables, Markdown"] = write_text(folder / "tables.md", "\n\n".join([*pages, foot]) + "\n")
    files["tables, LaTeX"] = write_text(folder / "tables.tex", "\n".join(sources))
    comparison = study.comparison
    files["all figures"] = write_text(folder / "measures.csv", comparison.measures.to_csv())
    predictions = pd.concat(
        evaluation.predictions.rename_axis("patient").assign(model=name)
        for name, evaluation in comparison.evaluations.items()
    )
    files["predictions"] = write_text(folder / "predictions.csv", predictions_as_csv(predictions))
    if reference in comparison.evaluations and len(comparison.evaluations) > 1:
        tests = comparison.tests(reference)
        files[f"tests against {reference}"] = write_text(folder / "tests.csv", tests.to_csv())
        files["forest plot"] = folder / "forest.png"
        with atomic_write(files["forest plot"]) as temporary:
            figure = ForestDisplay.from_comparison(comparison, reference=reference).figure_
            figure.savefig(temporary, dpi=150, bbox_inches="tight")
    record = {
        **run,
        "versions": package_versions(),
        "notes": list(notes),
        "failures": dict(study.failures),
        "seconds": {name: round(spent, 1) for name, spent in study.seconds.items()},
        "chosen": {name: list(facts) for name, facts in study.facts.items()},
        "warnings": {name: dict(texts) for name, texts in study.warned.items() if texts},
    }
    files["settings"] = write_text(folder / "run.json", json.dumps(record, indent=2) + "\n")
    return files


def printed_table(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Turn figures into texts as the paper prints them, the AUC with its interval.

    Parameters
    ----------
    table : DataFrame
        As `sklidh.baselines.paper_table` lays it out.

    Returns
    -------
    printed : DataFrame of str
        The paper's columns, then its own figures under "paper: ...".
    reasons : dict of str to str
        Why a row is empty, by row.
    """
    if table.columns.nlevels == 1:
        return table.map(_two_digits), {}
    printed = pd.DataFrame(index=table.index)
    for kind, heading in table.columns:
        column = table[kind, heading]
        if kind == "parts":
            printed[heading] = column
        elif kind == "here":
            printed[heading] = column.map(_two_digits)
        elif kind == "paper":
            printed[f"paper: {heading}"] = column.map(_two_digits)
    if "low" in table.columns:
        low, high = (table[end, "AUC"].map(_two_digits) for end in ("low", "high"))
        known = table["here", "AUC"].notna()
        printed.loc[known, "AUC"] += " [" + low[known] + ", " + high[known] + "]"
    reasons = table["why not", ""].dropna().to_dict() if "why not" in table.columns else {}
    return printed, reasons


def markdown(printed: pd.DataFrame) -> str:
    """Write a table of texts as Markdown."""
    rows = [[printed.index.name or "", *printed.columns]]
    rows += [
        [label, *cells] for label, cells in zip(printed.index, printed.to_numpy(), strict=True)
    ]
    lines = [
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|---" + "|---:" * len(printed.columns) + "|", *lines[1:]])


def latex(printed: pd.DataFrame, caption: str, label: str) -> str:
    """Write a table of texts as LaTeX (package booktabs; amssymb for the ticks)."""
    text = printed.to_latex(
        escape=True,
        caption=caption,
        label=f"tab:{label}",
        column_format="l" + "r" * len(printed.columns),
    )
    return text.replace("✓", r"$\checkmark$")


def _flat_name(kind, heading) -> str:
    return {"here": heading, "parts": heading, "why not": "why not"}.get(kind, f"{heading} {kind}")


def _two_digits(value) -> str:
    return "-" if pd.isna(value) else f"{value:.2f}"
