"""The results of a run, stored in a folder as files that people can read too."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sklidh.evaluation import Comparison, Evaluation
from sklidh.reporting._stability import COLUMNS
from sklidh.results import (
    FORMULA,
    MEASURES,
    REPORT,
    RUN,
    predictions_as_csv,
    read_record,
    write_run,
)
from sklidh.utils import ResultsError, Target

PICTURES = "pictures.json"
YARDSTICKS = "yardsticks.csv"
LEARNING = "learning_curves.json"


@dataclass(frozen=True, repr=False)
class Run:
    """The content of a report.

    Parameters
    ----------
    title : str
    written : str
        Date and time, ISO 8601.
    comparison : Comparison
        The evaluated models. The last is the main model, whose features and patients are shown.
    cohort : DataFrame of shape (n_classes + 1, n_columns)
        Numbers of patients by class, from `cohort_table`.
    groups : DataFrame of str, shape (n_groups, 7)
        The main model's figures by group of patients, from `figures_by_group`.
    features : DataFrame of shape (n_features, 7)
        The selected features, from `selections_of`.
    flow : dict of str to dict
        By modality: the number of features ``extracted`` of each kind, and the numbers ``left``
        after each stage, starting with "all": a list with one number per model.
    training_classes : list of int
        Numbers of patients of each class, from `sklidh.baselines`.
    learning : dict of str to dict
        Learning curves by figure, as parameters of `LossCurveDisplay`.
    figures : dict of str to (bytes, str)
        PNG image and caption, by name.
    slices, attention : dict of str to dict of str to str
        JPEG pictures in base64, by patient and modality.
    settings, description, versions : dict
        Options and seeds, a description of the pipeline, and versions of packages.
    notes, warnings : list of str
        Remarks that a reader needs in order to interpret the figures, and the run's warnings.
    yardsticks : dict of str to Evaluation
        Simple baselines in the same folds, from `sklidh.baselines`.
    command : str
        The command that repeats the run from within its folder; empty if it was run from Python.
    """

    title: str
    written: str
    comparison: Comparison
    cohort: pd.DataFrame
    groups: pd.DataFrame
    features: pd.DataFrame
    flow: Mapping[str, Mapping[str, Mapping]]
    training_classes: list[int]
    learning: Mapping[str, Mapping]
    figures: Mapping[str, tuple[bytes, str]]
    slices: Mapping[str, Mapping[str, str]]
    attention: Mapping[str, Mapping[str, str]]
    settings: Mapping
    description: Mapping[str, str]
    versions: Mapping[str, str]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    yardsticks: Mapping[str, Evaluation] = field(default_factory=dict)
    command: str = ""

    @property
    def shown(self) -> tuple[str, Evaluation]:
        """Name and evaluation of the main model."""
        return [*self.comparison.evaluations.items()][-1]

    def __repr__(self) -> str:
        return f"<Run {self.title!r}: {', '.join(self.comparison.evaluations)}>"


RECORD_FIELDS = ("title", "written", "command", "settings", "description", "versions", "notes")
RECORD_FIELDS += ("warnings", "flow", "training_classes")


def save_run(
    folder: Path, run: Run, drawings: Mapping[str, bytes] | None = None
) -> dict[str, Path]:
    """Write a run into an existing folder, replacing all files of an earlier run or none.

    If writing is interrupted, `read_run` refuses the folder. `drawings` are the figures as SVG.
    """
    tables = {
        "table": run.comparison.table.to_csv(),
        "predictions": predictions_as_csv(run.comparison.predictions),
        "evaluations": _evaluations_as_csv(run.comparison.evaluations),
        "cohort": run.cohort.to_csv(),
        "groups": run.groups.to_csv(),
        "selected_features": run.features.to_csv(index=False),
    }
    if run.yardsticks:
        tables[YARDSTICKS.removesuffix(".csv")] = _evaluations_as_csv(run.yardsticks)
    pictures = {"slices": run.slices, "attention": run.attention}
    contents = {
        **{name: (f"{name}.csv", text) for name, text in tables.items()},
        **{f"{name} (PNG)": (f"{name}.png", image) for name, (image, _) in run.figures.items()},
        **{f"{name} (SVG)": (f"{name}.svg", image) for name, image in (drawings or {}).items()},
        "pictures": (PICTURES, json.dumps(pictures) + "\n"),
        "learning curves": (LEARNING, json.dumps(run.learning, default=np.ndarray.tolist) + "\n"),
    }
    record = {name: getattr(run, name) for name in RECORD_FIELDS}
    record["yardsticks"] = [*run.yardsticks]
    record["target"] = [run.comparison.target.name, *run.comparison.target.classes]
    record["figures"] = {name: caption for name, (_, caption) in run.figures.items()}
    return write_run(folder, contents, record)


def read_run(folder: Path) -> Run:
    """Read a run that `save_run` wrote.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Run

    Raises
    ------
    ResultsError
        A file is missing or was not written by `save_run`.
    """
    record = read_record(folder / RUN).get("report")
    if record is None:
        raise ResultsError(
            f"{folder}: incomplete results folder: {RUN}, which sklidh run and evaluate write "
            "last, is missing or has no report; name the folder of a finished run, or re-run the "
            "command if its writing was interrupted"
        )
    if (folder / MEASURES).exists() and not (folder / "evaluations.csv").exists():
        raise ResultsError(
            f"{folder}: results of sklidh reproduce, whose report is already there "
            f"({folder / REPORT}); name a folder written by sklidh run or evaluate"
        )
    try:
        pictures, learning = (
            json.loads((folder / name).read_text(encoding="utf-8")) for name in (PICTURES, LEARNING)
        )
        name, *classes = record["target"]
        target = Target(name, tuple(classes))
        simple = _read_evaluations(folder / YARDSTICKS, target) if record["yardsticks"] else {}
        return Run(
            comparison=Comparison(_read_evaluations(folder / "evaluations.csv", target)),
            yardsticks=simple,
            cohort=pd.read_csv(folder / "cohort.csv", index_col=0),
            groups=pd.read_csv(
                folder / "groups.csv", index_col=0, dtype=str, keep_default_na=False
            ),
            features=pd.read_csv(
                folder / "selected_features.csv",
                usecols=COLUMNS,
                dtype={"modality": str, "kind": str, "feature": str},
                keep_default_na=False,
                na_values={"p": "", "coefficient": ""},
            ),
            figures={
                name: ((folder / f"{name}.png").read_bytes(), caption)
                for name, caption in record["figures"].items()
            },
            slices=pictures["slices"],
            attention=pictures["attention"],
            learning=learning,
            **{name: record[name] for name in RECORD_FIELDS},
        )
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        if isinstance(error, FileNotFoundError):
            reason = f"{Path(error.filename).name} is missing"
        raise ResultsError(
            f"{folder}: incomplete results folder of sklidh run or evaluate ({reason}); re-run the "
            "command"
        ) from error


def _evaluations_as_csv(evaluations: Mapping[str, Evaluation]) -> str:
    tables = [each.predictions.assign(model=name) for name, each in evaluations.items()]
    return predictions_as_csv(pd.concat(tables).rename_axis("patient"))


def _read_evaluations(path: Path, target: Target) -> dict[str, Evaluation]:
    table = pd.read_csv(
        path,
        dtype={"patient": str, "model": str},
        keep_default_na=False,
        na_values={"threshold": ""},
    )
    table["patient"] = [
        patient[1:] if patient[:1] == "'" and patient[1:2] in FORMULA else patient
        for patient in table["patient"]
    ]
    models = table.set_index("patient").groupby("model", sort=False)
    return {name: Evaluation(rows.drop(columns="model"), target=target) for name, rows in models}
