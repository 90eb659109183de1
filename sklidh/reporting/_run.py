"""All that is kept of a run, in a folder of files that a person can read too."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

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
from sklidh.utils import ResultsError

PICTURES = "pictures.json"
YARDSTICKS = "yardsticks.csv"


@dataclass(frozen=True, repr=False)
class Run:
    """What a report is made from.

    Parameters
    ----------
    title : str
    written : str
        Date and time, ISO 8601.
    comparison : Comparison
        The evaluated models. The last is the one that is shown: its features, its patients.
    cohort : DataFrame of shape (n_classes + 1, n_columns)
        Patients, and those without a sequence, by class.
    groups : DataFrame of str, shape (n_groups, 7)
        The shown model's figures for groups of people, as `figures_by_group` returns them.
    features : DataFrame of shape (n_features, 7)
        The selected ones, as `selections_of` returns them.
    flow : dict of str to dict
        By modality: how many features of each kind were ``extracted``, and how many were ``left``
        after each stage, the first being "all": one number a model.
    figures : dict of str to (bytes, str)
        PNG image and caption, by name.
    slices, attention : dict of str to dict of str to str
        JPEG pictures in base64, by patient and modality.
    settings, description, versions : dict
        Options and seeds, the pipeline in words, and what computed.
    notes, warnings : list of str
        What a reader must know before believing the figures, and what the run warned of.
    yardsticks : dict of str to Evaluation
        Simple baselines in the same folds, as `yardsticks` returns them.
    command : str
        What repeats the run, entered in the folder of its results; empty if it was run from Python.
    """

    title: str
    written: str
    comparison: Comparison
    cohort: pd.DataFrame
    groups: pd.DataFrame
    features: pd.DataFrame
    flow: Mapping[str, Mapping[str, Mapping]]
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
        """Name and evaluation of the model that is shown."""
        return [*self.comparison.evaluations.items()][-1]

    def __repr__(self) -> str:
        return f"<Run {self.title!r}: {', '.join(self.comparison.evaluations)}>"


IN_JSON = ("title", "written", "flow", "settings", "description", "versions", "notes", "warnings")
IN_JSON += ("command",)


def save_run(
    folder: Path, run: Run, drawings: Mapping[str, bytes] | None = None
) -> dict[str, Path]:
    """Write a run into an existing folder; files of an earlier run are replaced, all or none.

    `read_run` refuses a folder whose writing was killed. `drawings` are the figures as SVG, by
    name.
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
    }
    record = {name: getattr(run, name) for name in IN_JSON}
    record["yardsticks"] = [*run.yardsticks]
    record["figures"] = {name: caption for name, (_, caption) in run.figures.items()}
    return write_run(folder, contents, record)


def read_run(folder: Path) -> Run:
    """Read what `save_run` wrote.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Run

    Raises
    ------
    ResultsError
        A file is missing, or is not what `save_run` wrote.
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
            f"{folder}: these are results of sklidh reproduce, whose report is written with them: "
            f"{folder / REPORT}; name a folder of sklidh run or evaluate"
        )
    try:
        pictures = json.loads((folder / PICTURES).read_text(encoding="utf-8"))
        return Run(
            comparison=Comparison(_read_evaluations(folder / "evaluations.csv")),
            yardsticks=_read_evaluations(folder / YARDSTICKS) if record["yardsticks"] else {},
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
            **{name: record[name] for name in IN_JSON},
        )
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ResultsError(
            f"{folder}: incomplete results folder of sklidh run or evaluate "
            f"({type(error).__name__}: {error}); re-run the command"
        ) from error


def _evaluations_as_csv(evaluations: Mapping[str, Evaluation]) -> str:
    tables = [each.predictions.assign(model=name) for name, each in evaluations.items()]
    return predictions_as_csv(pd.concat(tables).rename_axis("patient"))


def _read_evaluations(path: Path) -> dict[str, Evaluation]:
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
    return {name: Evaluation(rows.drop(columns="model")) for name, rows in models}
