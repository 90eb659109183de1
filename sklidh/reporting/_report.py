"""One run, one self-contained HTML file: figures, tables and what they were made from."""

import base64

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from sklidh.evaluation import Comparison


def render_report(
    title: str,
    comparison: Comparison,
    cohort: pd.DataFrame,
    figures: dict,
    features: pd.DataFrame,
    facts: dict,
    notes: list[str],
) -> str:
    """Render a run as HTML that needs no network and no other file.

    Parameters
    ----------
    title : str
    comparison : Comparison
        The evaluated models.
    cohort : DataFrame of shape (n_rows, n_columns)
        What is known of the patients, as a small table.
    figures : dict of str to (bytes, str)
        PNG image and caption, by name.
    features : DataFrame of shape (n_features, n_columns)
        The selected features.
    facts : dict of str to str
        Settings, seeds and versions with which the run can be repeated.
    notes : list of str
        What a reader must know before believing the figures.

    Returns
    -------
    str
        The HTML page. Every text from the cohort is escaped.
    """
    environment = Environment(
        loader=PackageLoader("sklidh.reporting"), autoescape=True, undefined=StrictUndefined
    )
    table = comparison.table
    best = {column: table[column].max() for column in table.columns}
    return environment.get_template("report.html").render(
        title=title,
        table=table,
        best=best,
        predictions=comparison.predictions,
        cohort=cohort,
        figures={
            name: (base64.b64encode(image).decode(), caption)
            for name, (image, caption) in figures.items()
        },
        features=features,
        facts=facts,
        notes=notes,
    )
