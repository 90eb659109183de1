"""How robust the features of each modality are against perturbed images and contours."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklidh.plotting._axes import COLOURS, legend_below
from sklidh.plotting._display import PanelsDisplay
from sklidh.plotting._nested import parts_of
from sklidh.utils import unperturbed_name


@dataclass(repr=False)
class RobustnessDisplay(PanelsDisplay):
    """Draw the ICC of all features, and how many of each class were robust enough.

    Build it with `from_estimator`.

    Parameters
    ----------
    features : DataFrame of shape (n_features, 4)
        ``modality``, ``feature``, ``icc`` and ``kept``.

    See Also
    --------
    sklidh.selection.RobustnessSelector : Keeps the robust ones.
    """

    features: pd.DataFrame

    _size = (9.0, 3.6)
    _grid = (1, 2)

    @classmethod
    def from_estimator(cls, estimator):
        """Draw what all fitted RobustnessSelectors in an estimator found.

        Parameters
        ----------
        estimator : fitted estimator
            A RobustnessSelector, or a pipeline that holds one, or one per modality.

        Returns
        -------
        RobustnessDisplay

        Raises
        ------
        ValueError
            The estimator has no RobustnessSelector.
        """
        found = assessed_features(estimator)
        if found.empty:
            raise ValueError(
                f"{type(estimator).__name__} has no fitted RobustnessSelector; make_idh_pipeline "
                "adds one if its RadiomicsExtractor has perturbations"
            )
        return cls(found).plot()

    @property
    def counts(self) -> pd.DataFrame:
        """The features of each class and modality, as in ``12 of 18`` kept."""
        classes = self.features["feature"].map(class_of)
        grouped = self.features["kept"].groupby([classes, self.features["modality"]], sort=False)
        texts = grouped.sum().astype(str) + " of " + grouped.size().astype(str)
        return texts.unstack(fill_value="").rename_axis(index="class")

    def _draw(self, axes):
        distribution, table = axes
        for colour, (modality, rows) in zip(
            COLOURS, self.features.groupby("modality", sort=False), strict=False
        ):
            icc = np.sort(rows["icc"].dropna())[::-1]
            share = np.arange(1, icc.size + 1) / len(rows)
            distribution.step(icc, share, color=colour, label=modality)
        distribution.set(xlabel="ICC", ylabel="fraction of features", xlim=(1, -0.05), ylim=(0, 1))
        distribution.set_title("Features with at least this ICC")
        legend_below(distribution, ncols=4)
        counts = self.counts
        kept = self.features["kept"]
        table.set_title(f"{kept.sum()} of {len(kept)} features are robust")
        table.set_axis_off()
        cells = table.table(
            counts.to_numpy(),
            rowLabels=list(counts.index),
            colLabels=list(counts.columns),
            cellLoc="center",
            edges="horizontal",
            bbox=(0.15, 0, 0.85, 1),
        )
        cells.auto_set_font_size(False)


def assessed_features(estimator, modality="") -> pd.DataFrame:
    """Return the features that RobustnessSelectors assessed; empty if there is no selector."""
    if hasattr(estimator, "icc_"):
        columns = {"icc": estimator.icc_, "kept": estimator.get_support()}
        table = pd.DataFrame({"feature": estimator.feature_names_in_} | columns)
        table.insert(0, "modality", modality)
        return table[table["feature"].isin(table["feature"].map(unperturbed_name))]
    found = [
        assessed_features(part, modality if columns is None else str(columns[0]).split("__")[0])
        for part, columns in parts_of(estimator)
    ]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def class_of(feature: str) -> str:
    """Return the class in a feature's name: "glcm" of "radiomics__wavelet-LH_glcm_Idm"."""
    parts = feature.rpartition("__")[2].split("_")
    return parts[1] if len(parts) > 2 else parts[0]
