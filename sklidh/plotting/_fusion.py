"""Codes of the constrained fusion, and the importance of each block."""

from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd

from sklidh.plotting._axes import COLOURS
from sklidh.plotting._display import Display, PanelsDisplay
from sklidh.utils import Target


def _split(pipeline, X):
    """Return the last step of a pipeline and its input; for a classifier, itself and X."""
    steps = getattr(pipeline, "steps", None)
    return (steps[-1][1], pipeline[:-1].transform(X)) if steps else (pipeline, X)


@dataclass(repr=False)
class CodesDisplay(PanelsDisplay):
    """Draw the fusion's codes: invariant ones, shared by all modalities, and specific ones.

    Build it with `from_estimator`.

    Parameters
    ----------
    codes : DataFrame of shape (n_patients, n_codes)
        Codes of the first member, named ``T1__invariant0``, ``T1__specific0``, ... as in the
        fusion.
    labels : ndarray of int of shape (n_patients,)
        Codes of the classes.
    classes : tuple of str
        Their words.

    References
    ----------
    Shi et al. 2023, section II.E and Fig. 5.
    """

    codes: pd.DataFrame
    labels: np.ndarray
    classes: tuple

    @classmethod
    def from_estimator(cls, classifier, X, y):
        """Draw the codes of patients.

        Parameters
        ----------
        classifier : fitted InvariantSpecificFusionClassifier
            A Pipeline that ends with one is accepted too.
        X : DataFrame of shape (n_patients, n_columns)
        y : array-like of shape (n_patients,)

        Returns
        -------
        CodesDisplay
        """
        fusion, X = _split(classifier, X)
        names = fusion.get_feature_names_out()
        codes = pd.DataFrame(np.asarray(fusion.transform(X)), columns=names)
        codes = codes[[name for name in names if "_member" not in name]]
        target, labels = Target.read(y)
        return cls(codes, np.asarray(labels), target.classes).plot()

    @property
    def _blocks(self):
        return list(dict.fromkeys(name.split("__")[0] for name in self.codes))

    @property
    def _grid(self):
        return 1, 1 + len(self._blocks)

    @property
    def _size(self):
        return 2.9 * self._grid[1], 3.3

    def _draw(self, axes):
        shared, *own = axes
        blocks = self._blocks
        for marker, block in zip("osD^vPX*" * len(blocks), blocks, strict=False):
            self._scatter(shared, f"{block}__invariant", marker)
            shared.plot([], [], marker, color="0.4", label=block)
        shared.set_title("invariant, all blocks", fontsize="medium")
        shared.legend(fontsize="x-small")
        for ax, block in zip(own, blocks, strict=True):
            self._scatter(ax, f"{block}__specific", "o")
            ax.set_title(f"specific, {block}", fontsize="medium")
        for colour, label in zip(cycle(COLOURS), self.classes, strict=False):
            own[0].plot([], [], "o", color=colour, label=label)
        own[0].legend(fontsize="x-small")

    def _scatter(self, ax, prefix, marker):
        columns = [name for name in self.codes if name.startswith(prefix)]
        first = self.codes[columns[0]]
        second = self.codes[columns[1]] if len(columns) > 1 else np.zeros(len(first))
        colours = [COLOURS[label % len(COLOURS)] for label in self.labels]
        ax.scatter(first, second, c=colours, marker=marker, s=16, alpha=0.65, linewidths=0)
        ax.set(xlabel="feature 0", ylabel="feature 1")
        ax.spines[["top", "right"]].set_visible(False)


@dataclass(repr=False)
class BlockImportanceDisplay(Display):
    """Draw the loss of AUC when the rows of a block are shuffled among the patients.

    Build it with `from_estimator`.

    Parameters
    ----------
    importance : DataFrame of shape (n_blocks, 2)
        "mean" and "std" of the loss, by block.
    """

    importance: pd.DataFrame

    @classmethod
    def from_estimator(cls, classifier, X, y, *, n_repeats=30, random_state=0, ax=None):
        """Compute the importance of each block, and draw it.

        Parameters
        ----------
        classifier : fitted fusion
            A Pipeline that ends with one is accepted too.
        X : DataFrame of shape (n_patients, n_columns)
            Patients outside the training data.
        y : array-like of shape (n_patients,)
        n_repeats : int, default=30
            Number of times each block is shuffled.
        random_state : int or None, default=0
        ax : matplotlib Axes, default=None

        Returns
        -------
        BlockImportanceDisplay
        """
        fusion, X = _split(classifier, X)
        table = fusion.block_importance(X, y, n_repeats=n_repeats, random_state=random_state)
        return cls(table).plot(ax=ax)

    @property
    def _size(self):
        return 5.0, 0.5 * len(self.importance) + 1.3

    def _draw(self, ax):
        look = {"color": COLOURS[0], "ecolor": "0.4", "height": 0.6}
        mean, spread = self.importance["mean"], self.importance["std"]
        ax.barh(self.importance.index, mean, xerr=spread, **look)
        ax.axvline(0, color="0.3", linewidth=1)
        ax.invert_yaxis()
        ax.set(xlabel="loss of AUC when the block is shuffled", title="Block importance")
