"""Which rows and columns of a table a command works on: those asked for, or those of the paper."""

import pandas as pd
import typer

from sklidh.cli.console import warn
from sklidh.cli.values import EVERYBODY, Where
from sklidh.datasets import ExaminedCohort, matches, near_misses, not_found
from sklidh.features import ClinicalFeatures
from sklidh.images import image_columns
from sklidh.utils import PAPER_MODALITIES, CohortError, Problem, category_text, listed


def asked_for(examined: ExaminedCohort, where: Where) -> ExaminedCohort:
    """Keep the patients that ``--where`` asks for."""
    if where == EVERYBODY:
        return examined
    X, images = examined.X, {*examined.modalities, "mask"}
    others = [name for name in X.columns if name not in images and "__" not in name]
    column = next(iter(matches(where.column, others)), None)
    if column is None:
        raise typer.BadParameter(
            f"--where {where}: no column is called {where.column!r}; available columns: "
            f"{listed(others) or 'none'}"
        )
    texts = X[column].map(category_text)
    kept = (texts == where.value).to_numpy()
    if not kept.any():
        raise typer.BadParameter(
            f"--where {where}: no patient has this value; {column!r} holds "
            f"{listed(sorted(texts.unique()), 20)}"
        )
    return examined.rows(kept)


def column_of(X: pd.DataFrame, column: str) -> pd.Series:
    """Return a column that an option names as text, without empty cells; case does not matter."""
    found = next(iter(matches(column, X.columns)), None)
    if found is None:
        raise CohortError([not_found(column, X.columns)])
    texts = X[found].map(category_text)
    if (empty := texts.index[texts == ""]).size:
        raise CohortError(Problem.of(each, "the cell is empty", found) for each in empty)
    return texts


def clinical_columns(X: pd.DataFrame, names, images, *, of: str) -> tuple[dict, list[str]]:
    """Return {name: column} of the clinical columns named, whatever their case, and problems.

    Columns of `images` are none of them; `of` states in brackets why they are needed.
    """
    others = [name for name in X.columns if name not in (*images, "mask")]
    found = {name: next(iter(matches(name, others)), None) for name in names}
    problems = [
        f"clinical column {name!r}{of} not found; available columns: {listed(others) or 'none'}"
        for name, column in found.items()
        if column is None
    ]
    return {name: column for name, column in found.items() if column is not None}, problems


def unfit_clinical(X: pd.DataFrame, columns) -> list[str]:
    """Return what is wrong with clinical columns that models are to learn from."""
    problems = []
    for column in columns:
        try:
            ClinicalFeatures().fit(X[[column]])
        except CohortError as error:
            problems += error.problems
    return problems


def paper_modalities(X: pd.DataFrame) -> tuple[str, ...]:
    """Return those of the paper's sequences that a table has, and warn of other images in it."""
    found = tuple(name for name in PAPER_MODALITIES if name in X.columns)
    unused = [name for name in image_columns(X) if name not in found]
    near = {
        heading: name
        for name in PAPER_MODALITIES
        if name not in found
        for heading in near_misses(name, unused)
    }
    if near:
        raise CohortError(
            f"column {heading!r} holds images; did you mean {name}? Rename it, give --columns "
            f"{name}={heading}, or name the sequences to use with --groups"
            for heading, name in near.items()
        )
    expected = ", ".join(PAPER_MODALITIES)
    if not found:
        raise CohortError(
            [
                f"no column is called {expected}; rename "
                f"{listed(unused) or 'the columns of images'}, map them with --columns, or name "
                "them with --groups"
            ]
        )
    if unused:
        warn(
            f"columns of images that are not used: {listed(unused)}. The sequences used are "
            f"{expected}; to use another column, name it with --groups or map it with --columns"
        )
    return found
