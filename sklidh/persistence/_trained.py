"""A saved model with its training cohort: predict patients, and flag those unlike the cohort."""

import warnings
from dataclasses import dataclass

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer

from sklidh.datasets import clinical_columns, not_found, outside_range
from sklidh.persistence._model_file import load_model, parts_of, read_about
from sklidh.pipeline import CLINICAL
from sklidh.utils import IDH, CohortError, ModelFileError, Target

NEEDED = ("name", "threshold", "cohort")
"""Keys of `about` in a model's file without which nothing is predicted."""


@dataclass(frozen=True, repr=False)
class TrainedModel:
    """A model, its threshold and its training cohort, as `load_trained` reads them.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    name : str
    threshold : float or None
        Probability from which a patient is predicted mutant, or the positive class of another
        target; None with more than two classes, of which the most probable is predicted.
    cohort : dict
        As from `sklidh.datasets.cohort_range`.
    clinical : list of str
        The clinical columns that the model reads.
    label : list, int, str or None
        The labels of the tumour in the masks.
    reference : str or None
        The modality on which the masks are drawn; None if the images are not registered.
    target : Target, default=IDH
        What the model predicts.
    """

    estimator: BaseEstimator
    name: str
    threshold: float | None
    cohort: dict
    clinical: list
    label: object
    reference: str | None
    target: Target = IDH

    @property
    def modalities(self) -> list[str]:
        """The columns of images that the model reads."""
        return list(self.cohort["modalities"])

    @property
    def columns(self) -> list[str]:
        """All columns that the model reads."""
        return [*self.modalities, "mask", *self.clinical]

    def matched(self, X: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        """Return a table with clinical columns as the model names them, and what it lacks.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)

        Returns
        -------
        X : DataFrame
        problems : list of str
            One line per column that is not found.
        """
        of = f" (a sequence that {self.name} was trained on)"
        absent = [name for name in self.modalities if name not in X]
        problems = [
            f"{not_found(name, X.columns, of=of)}; if no patient has it, add an empty column"
            for name in absent
        ]
        of = f" ({self.name} was trained on it)"
        found, missing = clinical_columns(X, self.clinical, self.modalities, of=of)
        X = X.rename(columns={column: name for name, column in found.items()})
        return X, problems + missing

    def predict(
        self, X: pd.DataFrame, *, threshold=None, cache=None, n_jobs=None, verbose=0
    ) -> pd.DataFrame:
        """Predict patients.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            As from `sklidh.load_cohort`. Columns that the model does not read are ignored.
        threshold : float, default=None
            None: the model's own.
        cache, n_jobs, verbose : default=None, None and 0
            As in `sklidh.datasets.cohort_range`.

        Returns
        -------
        DataFrame of shape (n_patients, 5)
            Index: patients. ``probability`` of a mutation, ``threshold``, ``class`` ("IDH mutant"
            or "IDH wild type"), ``model``, the name, and ``warnings``, a list of sentences from
            `sklidh.datasets.outside_range`. Another target has its own words. With more than two
            classes the probability is that of the predicted class, and a column ``probability
            <class>`` for each class replaces the threshold.

        Raises
        ------
        CohortError
            A column is missing, or a cell or an image cannot be used.
        ValueError
            A threshold is given for more than two classes.
        """
        if threshold is not None and not self.target.is_binary:
            raise ValueError(
                f"threshold={threshold} decides between two classes, and {self.name} predicts "
                f"{len(self.target.classes)}; use threshold=None"
            )
        X, problems = self.matched(X)
        if problems:
            raise CohortError(problems)
        how = {"cache": cache, "n_jobs": n_jobs, "verbose": verbose}
        warned = outside_range(X, self.cohort, **how)
        with warnings.catch_warnings():
            # Each patient's own sentences include these.
            warnings.filterwarnings("ignore", message="clinical columns")
            probabilities = self.estimator.predict_proba(X[self.columns])
        probabilities = probabilities[:, self.target.columns(self.estimator.classes_)]
        if self.target.is_binary:
            threshold = self.threshold if threshold is None else threshold
            probability = probabilities[:, 1]
            best = (probability >= threshold).astype(int)
            columns = {"probability": probability, "threshold": threshold}
        else:
            best = probabilities.argmax(1)
            columns = {"probability": probabilities.max(1)}
            for code, word in enumerate(self.target.classes):
                columns[f"probability {word}"] = probabilities[:, code]
        columns["class"] = [self.target.full[code] for code in best]
        columns |= {"model": self.name, "warnings": warned}
        return pd.DataFrame(columns, index=X.index.rename("patient"))

    def __repr__(self) -> str:
        return f"<TrainedModel {self.name!r}: {', '.join(self.columns)}>"


def load_trained(
    path, *, label=None, n_jobs=None, timeout=None, verbose=0, trusted=()
) -> TrainedModel:
    """Load a model with its threshold and training cohort, as `sklidh train` saves it.

    Parameters
    ----------
    path : str or path
    label : int, str or sequence of these, default=None
        The labels of the tumour in the new masks; None: as in training.
    n_jobs : int, default=None
        Number of patients that each step processes in parallel.
    timeout : float, default=None
        Maximum time in s per patient, if patients are processed in parallel.
    verbose : int, default=0
        1 shows progress bars.
    trusted : sequence of str, default=()
        As in `load_model`.

    Returns
    -------
    TrainedModel

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ModelFileError
        As `load_model`; or the file lacks name, threshold and cohort.
    """
    about = read_about(path)
    if not about.keys() >= {*NEEDED}:
        raise ModelFileError(
            f"{path}: lacks name, threshold and cohort; save it with sklidh train, or pass them "
            "to save_model(about=...)"
        )
    estimator = load_model(path, trusted=trusted)
    # Patients are processed in parallel, not modalities, each of which would start workers.
    parts = parts_of(estimator)
    branches = [part for part in parts if isinstance(part, ColumnTransformer)]
    own = [
        part
        for part in parts
        if type(part).__module__.startswith("sklidh.") and part not in branches
    ]
    wanted = {"verbose": verbose, "n_jobs": n_jobs, "timeout": timeout}
    wanted |= {} if label is None else {"label": label}
    for name, value in wanted.items():
        for part in own:
            if hasattr(part, name):
                setattr(part, name, value)
    inputs = (each for part in branches for each in part.transformers)
    clinical = next((columns for name, _, columns in inputs if name == CLINICAL), [])
    facts = {
        name: next((getattr(part, name) for part in own if hasattr(part, name)), None)
        for name in ("label", "reference")
    }
    if "target" in about:
        facts["target"] = Target(about["target"]["name"], tuple(about["target"]["classes"]))
    about = {name: about[name] for name in NEEDED}
    return TrainedModel(estimator, **about, clinical=list(clinical), **facts)
