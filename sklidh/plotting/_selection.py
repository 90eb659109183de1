"""Which features each modality kept, and of which kind."""

from dataclasses import dataclass

import pandas as pd

from sklidh.plotting._axes import COLOURS, legend_below, new_axes
from sklidh.plotting._shown import ShownMixin


@dataclass(repr=False)
class SelectedFeaturesDisplay(ShownMixin):
    """Draw how many features of each kind were selected in each modality.

    Build it with `from_estimator` or `from_names`.

    Parameters
    ----------
    counts : DataFrame of shape (n_modalities, n_kinds)
        Number of features; index: modality, columns: kind (``radiomics``, ``deep``).

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.

    References
    ----------
    Shi et al. 2023, section II.D: 4 features of T1, 5 of T2, 7 of T1CE and 7 of FLAIR were kept.
    """

    counts: pd.DataFrame

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
            Without a kind, as ``T1__Mean`` of a table of features, they count as radiomics.
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

    def plot(self, *, ax=None):
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None draws on a new figure.

        Returns
        -------
        SelectedFeaturesDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = new_axes(ax, figsize=(5.0, 3.2))
        self.figure_ = self.ax_.figure
        start = pd.Series(0, index=self.counts.index)
        for colour, (kind, count) in zip(COLOURS, self.counts.items(), strict=False):
            bars = self.ax_.barh(self.counts.index, count, left=start, color=colour, label=kind)
            labels = [str(n) if n else "" for n in count]
            self.ax_.bar_label(bars, labels, label_type="center", color="white")
            start = start + count
        self.ax_.invert_yaxis()
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.set(
            xlabel="selected features", title=f"{int(start.sum())} features reach the fusion"
        )
        legend_below(self.ax_, ncols=2)
        return self
