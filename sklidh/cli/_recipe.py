"""From the options to a cohort and to models: what `run`, `train` and `evaluate` have in common."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import typer
from rich.markup import escape

from sklidh.cli._options import parse_groups, parse_reference
from sklidh.cli._output import console, errors, verbosity

PAPER_MODALITIES = ("T1", "T1CE", "T2", "FLAIR")


def paper_modalities(X: pd.DataFrame) -> tuple[str, ...]:
    """Return those of the paper's sequences that the table has, and tell of other images in it.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)

    Returns
    -------
    tuple of str
    """
    from sklidh.images import image_columns
    from sklidh.utils import listed

    found = tuple(name for name in PAPER_MODALITIES if name in X.columns)
    if not found:
        raise typer.BadParameter(
            f"no column is called {', '.join(PAPER_MODALITIES)}; rename the columns of images, or "
            "name them by --groups"
        )
    unused = [name for name in image_columns(X) if name not in found]
    if unused:
        errors.print(
            f"[yellow]Warning:[/] {escape(listed(unused))} holds images and is not used: the "
            f"sequences are called {', '.join(PAPER_MODALITIES)}; rename the column, or name it by "
            "--groups",
            highlight=False,
            soft_wrap=True,
        )
    return found


@dataclass(frozen=True)
class Recipe:
    """How models are built."""

    modalities: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...] | None
    reference: str | None
    radiomics: str
    engine: str
    missing: str
    jobs: int
    # What a command that trains nothing has no option for.
    slice_size: int = 72
    epochs: int = 20
    train_features: str = "in_sample"
    seed: int = 0

    def extractor(self):
        """Return the radiomics extractor."""
        from sklidh.features import RadiomicsExtractor

        return RadiomicsExtractor(
            self.radiomics,
            engine=self.engine,
            missing=self.missing,
            n_jobs=self.jobs,
            verbose=verbosity(),
        )

    def networks(self):
        """Return the self-attention featurizer."""
        from sklidh.features import SANetFeaturizer

        return SANetFeaturizer(
            size=self.slice_size,
            max_epochs=self.epochs,
            train_features=self.train_features,
            missing=self.missing,
            random_state=self.seed,
            verbose=verbosity(),
        )

    def builder(self, memory=None) -> partial:
        """Return what builds the paper's pipeline, as the functions of `baselines` take it."""
        from sklidh.pipeline import make_idh_pipeline

        return partial(
            make_idh_pipeline,
            self.modalities,
            reference=self.reference,
            groups=self.groups,
            radiomics=self.extractor(),
            missing=self.missing,
            memory=memory,
            n_jobs=self.jobs,
            random_state=self.seed,
            verbose=verbosity(),
        )

    def model(self, name: str, memory=None):
        """Return one of the paper's models: "sanet", "radiomics", "regression", "constraints"."""
        from sklidh import baselines

        build = self.builder(memory)
        if name == "radiomics":
            return baselines.radiomics_only(build, random_state=self.seed)
        if name == "regression":
            return baselines.regression_fusion(build, deep=self.networks(), random_state=self.seed)
        make = {"sanet": baselines.cnn, "constraints": baselines.constraint_fusion}[name]
        return make(build, deep=self.networks())


def read_cohort(
    cases: Path, options: dict, *, target: str | None
) -> tuple[pd.DataFrame, pd.Series | None, Recipe]:
    """Load a cohort, say how large it is, and complete the options by what it has.

    Parameters
    ----------
    cases : Path
        Table or folder.
    options : dict
        The command's options: those of `Recipe`, ``layout`` and ``patients``. ``groups`` and
        ``reference`` are texts, as written on the command line.
    target : str or None

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,) or None
    recipe : Recipe
    """
    from sklidh.datasets import load_cohort

    groups = parse_groups(options["groups"])
    named = [modality for group in groups for modality in group] or None
    X, y = load_cohort(
        cases,
        target=target,
        modalities=named,
        missing=options["missing"],
        layout=options["layout"],
        patients=options["patients"],
    )
    modalities = tuple(named) if named else paper_modalities(X)
    if not groups and len(modalities) == 4:
        groups = (("T1", "T1CE"), ("T2", "FLAIR"))
    console.print(f"{len(X)} patients, {', '.join(modalities)}", highlight=False)
    completed = {
        "modalities": modalities,
        "groups": groups or None,
        "reference": parse_reference(options["reference"], modalities),
    }
    fields = {name: options[name] for name in Recipe.__dataclass_fields__ if name in options}
    return X, y, Recipe(**fields | completed)
