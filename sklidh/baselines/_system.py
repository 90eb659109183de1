"""One model of the comparison: its name, builder and tuning grid."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sklearn.base import BaseEstimator
from sklearn.model_selection import StratifiedKFold

from sklidh.pipeline import MODALITIES, paper_pipeline

INNER_FOLDS = 3
"""Number of inner folds in which a nested evaluation tunes."""


@dataclass(frozen=True)
class Setting:
    """What all models of one cohort share; the parameters are those of `paper_systems`."""

    build: Callable = paper_pipeline
    deep: object = "preset"
    features_only: bool = False
    random_state: int | None = None

    @property
    def networks(self):
        """The networks of a model that needs images."""
        if self.features_only:
            raise ValueError("needs images; it cannot be trained on a table of features")
        return None if isinstance(self.deep, str) else self.deep

    @property
    def options(self) -> dict:
        return {"deep": self.deep, "features_only": self.features_only}

    @property
    def seeded(self) -> dict:
        return {**self.options, "random_state": self.random_state}


@dataclass(frozen=True)
class System:
    """One model of the comparison.

    Parameters
    ----------
    title : str
        Its name in tables, plots, tests, the audit and files.
    builder : callable
        Takes a setting and returns the estimator.
    alias : str, default=""
        Name on the command line, for ``--model``.
    grid : dict, default={}
        Parameter grid for the inner folds of a nested evaluation, as in GridSearchCV.
    modalities : tuple of str, default=("T1", "T1CE", "T2", "FLAIR")
        Modalities that the system reads.
    printed : tuple of float or None, default=None
        The paper's figures: AUC, accuracy, precision, recall and F1.
    parts : tuple of str, default=()
        The columns that Table I ticks.
    what : str, default=""
        Description of the model in this package, if its name is not enough.
    setting : object
        Set by `paper_systems`: the cohort's pipeline, networks and seed.
    """

    title: str
    builder: Callable[[Setting], BaseEstimator]
    alias: str = ""
    grid: Mapping = field(default_factory=dict)
    modalities: tuple[str, ...] = MODALITIES
    printed: tuple[float, ...] | None = None
    parts: tuple[str, ...] = ()
    what: str = ""
    setting: Setting = Setting()

    def make(self) -> BaseEstimator:
        """Build the estimator.

        Returns
        -------
        classifier

        Raises
        ------
        ValueError
            The cohort does not allow it.
        """
        return self.builder(self.setting)

    def tuned(self, *, random_state=0) -> BaseEstimator:
        """Build the estimator, wrapped in a grid search if the system has a grid.

        Parameters
        ----------
        random_state : int or None, default=0
            Seed of the search's folds.

        Returns
        -------
        classifier
        """
        model = self.make()
        return tuned(model, self.grid, random_state=random_state) if self.grid else model


def tuned(model, grid: Mapping, *, random_state=0) -> BaseEstimator:
    """Wrap a model in the grid search that all commands use.

    Parameters
    ----------
    model : classifier
    grid : dict
        As in GridSearchCV.
    random_state : int or None, default=0
        Seed of the three stratified inner folds.

    Returns
    -------
    BatchedGridSearchCV
        Search by AUC, of several classes their mean; a candidate that fails raises its error.
    """
    folds = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=random_state)
    # Imported on use: it loads torch.
    from sklidh.fusion import BatchedGridSearchCV

    return BatchedGridSearchCV(model, grid, cv=folds, scoring="roc_auc_ovr", error_score="raise")
