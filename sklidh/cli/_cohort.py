"""What `reproduce` and `audit` share: which tables, which patients, which pipeline."""

from functools import partial
from pathlib import Path

import pandas as pd
import typer

from sklidh.cli._recipe import paper_modalities


def parse_tables(text: str) -> tuple[str, ...]:
    """Read "I,III" as names of tables, or say which there are."""
    known = ("I", "II", "III", "IV", "V", "others")
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if unknown := [name for name in names if name not in known]:
        raise typer.BadParameter(
            f"--tables: {', '.join(map(repr, unknown))} is not among {','.join(known)}"
        )
    return names


def load(cases: Path | None, options: dict) -> tuple[pd.DataFrame, pd.Series, tuple[str, ...]]:
    """Read the cohort from cases, features or both, and keep the patients asked for."""
    from sklidh.baselines import load_feature_table, modalities_of
    from sklidh.datasets import load_cohort

    target, features = options["target"], options["features"]
    where_found = {name: options[name] for name in ("layout", "patients")}
    if cases is None and features is None:
        raise typer.BadParameter("name a table of cases, or a table of features by --features")
    if features is not None:
        X, y = load_feature_table(features, target=target)
        if cases is not None:
            others, _ = load_cohort(cases, target=None, missing="nan", **where_found)
            X = X.join(others[others.columns.difference(X.columns)])
        modalities = modalities_of(X.columns)
    else:
        X, y = load_cohort(cases, target=target, missing=options["missing"], **where_found)
        modalities = paper_modalities(X)
    if options["where"]:
        column, separator, value = options["where"].partition("=")
        if not separator or column not in X.columns:
            raise typer.BadParameter(
                f"--where {options['where']!r}: expected COLUMN=VALUE with a column of the table"
            )
        chosen = X[column].astype(str) == value
        if not chosen.any():
            raise typer.BadParameter(
                f"--where {options['where']!r}: no patient; {column} is one of "
                f"{', '.join(sorted(X[column].astype(str).unique())[:20])}"
            )
        X, y = X[chosen], y[chosen]
    return X, y, modalities


def recipe(modalities, options: dict):
    """Return what builds the paper's pipeline for this cohort, and its networks."""
    from sklidh.features import RadiomicsExtractor, SANetFeaturizer
    from sklidh.pipeline import make_idh_pipeline

    reference = options["reference"] or ("T2" if "T2" in modalities else "none")
    shared = {"missing": options["missing"]}
    deep = SANetFeaturizer(
        size=options["slice_size"],
        max_epochs=options["epochs"],
        train_features=options["train_features"],
        random_state=options["seed"],
        **shared,
    )
    build = partial(
        make_idh_pipeline,
        modalities,
        reference=None if reference == "none" or options["features"] else reference,
        radiomics=RadiomicsExtractor(engine=options["engine"], **shared),
        # Rows share all but their last step, and a search all but its last parameter.
        memory=str(options["out"] / "steps"),
        random_state=options["seed"],
        **shared,
    )
    return build, deep
