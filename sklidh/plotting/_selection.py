"""Numbers of selected features by modality and kind."""

from dataclasses import dataclass

import pandas as pd

from sklidh.plotting._axes import COLOURS, legend_below
from sklidh.plotting._display import Display


@dataclass(repr=False)
class SelectedFeaturesDisplay(Display):
    """Draw the numbers of selected features by modality and kind.

    Build it with `from_estimator` or `from_names`.

    Parameters
    ----------
    counts : DataFrame of shape (n_modalities, n_kinds)
        Numbers of features; the columns are kinds (``radiomics``, ``deep``).

    References
    ----------
    Shi et al. 2023, section II.D: 4 features of T1, 5 of T2, 7 of T1CE and 7 of FLAIR were kept.
    """

    counts: pd.DataFrame

    _size = (5.0, 3.2)

    @classmethod
    def from_estimator(cls, pipeline, *, ax=None):
        """Draw the features that reach the last step of a fitted pipeline.

        Parameters
        ----------
        pipeline : fitted Pipeline
        ax : matplotlib Axes, default=None

        Returns
        -------
        SelectedFeaturesDisplay
        """
        return cls.from_names(pipeline[:-1].get_feature_names_out(), ax=ax)

    @classmethod
    def from_names(cls, names, *, ax=None):
        """Draw a list of features named ``modality__kind__feature``.

        Parameters
        ----------
        names : sequence of str
            Names without a kind, such as ``T1__Mean``, count as radiomics.
        ax : matplotlib Axes, default=None

        Returns
        -------
        SelectedFeaturesDisplay
        """
        parts = [name.split("__") for name in names]
        if odd := [part[0] for part in parts if len(part) < 2]:
            raise ValueError(f"features must be named modality__kind__feature, got {odd[0]!r}")
        kinds = [(part[0], part[1] if len(part) > 2 else "radiomics") for part in parts]
        frame = pd.DataFrame(kinds, columns=["modality", "kind"])
        counts = pd.crosstab(frame["modality"], frame["kind"])
        return cls(counts.loc[frame["modality"].unique(), frame["kind"].unique()]).plot(ax=ax)

    def _draw(self, ax):
        start = pd.Series(0, index=self.counts.index)
        for colour, (kind, count) in zip(COLOURS, self.counts.items(), strict=False):
            bars = ax.barh(self.counts.index, count, left=start, color=colour, label=kind)
            labels = [str(n) if n else "" for n in count]
            ax.bar_label(bars, labels, label_type="center", color="white")
            start = start + count
        ax.invert_yaxis()
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="selected features", title=f"{int(start.sum())} features reach the fusion")
        legend_below(ax, ncols=2)
