"""Saliency maps of self-attention networks."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.pipeline import Pipeline

from sklidh.plotting._axes import ON_MAP, show_slice
from sklidh.plotting._display import PanelsDisplay
from sklidh.plotting._nested import parts_of, without_networks


def strength(gradient, blur):
    """Smooth a map by `blur` pixels, and scale it so that its 99th percentile becomes 1.

    Single pixels mean little, since the network's first step takes the largest of four.
    """
    smooth = gaussian_filter(gradient.astype(float), blur)
    top = np.percentile(smooth, 99)
    return np.clip(smooth / top, 0, 1) if top > 0 else np.zeros_like(smooth)


def gradient_maps(estimator, X) -> dict:
    """Return the saliency maps of the networks in a fitted estimator.

    Parameters
    ----------
    estimator : fitted estimator
        An estimator with a method ``gradient_maps``, such as `SANetFeaturizer` or
        `SANetClassifier`; or a Pipeline, ColumnTransformer, FeatureUnion or search that contains
        one, at any depth.
    X : DataFrame of shape (n_patients, n_columns)
        The input of the estimator.

    Returns
    -------
    dict of patient to dict of modality to GradientMap
        The inner dicts are empty without networks; modalities that a patient lacks are absent.
    """
    if hasattr(estimator, "gradient_maps"):
        return estimator.gradient_maps(X)
    found = {patient: {} for patient in X.index}
    parts = [(part, columns) for part, columns in parts_of(estimator) if _has_networks(part)]
    if isinstance(estimator, Pipeline) and parts:
        for part, _ in parts_of(estimator):
            _add(found, gradient_maps(part, X) if _has_networks(part) else {})
            if part is parts[-1][0]:
                break
            X = part.transform(X)
    else:
        for part, columns in parts:
            _add(found, gradient_maps(part, X if columns is None else X[columns]))
    return found


def _add(found, maps):
    for patient, each in maps.items():
        found[patient] |= each


def _has_networks(estimator):
    return hasattr(estimator, "gradient_maps") or any(
        _has_networks(part) for part, _ in parts_of(estimator)
    )


@dataclass(repr=False)
class GradientMapDisplay(PanelsDisplay):
    """Draw the slices of a patient and the pixels that most influence the prediction.

    Each row is a slice and each column a modality; the tumour is outlined. Build it with
    `from_estimator`.

    Parameters
    ----------
    maps : dict of str to GradientMap
        By modality.
    title : str
    blur : float, default=1.5
        Width in pixels of the Gaussian that smooths the map for display.
    """

    maps: dict
    title: str
    blur: float = 1.5

    @classmethod
    def from_estimator(cls, estimator, X, patient):
        """Draw one patient.

        Parameters
        ----------
        estimator : fitted estimator
            A SANetFeaturizer, a SANetClassifier, or a pipeline or search that contains one.
        X : DataFrame of shape (n_patients, n_columns)
            The input of the estimator.
        patient : object
            A label of the index of X.

        Returns
        -------
        GradientMapDisplay

        Raises
        ------
        ValueError
            The patient is not in X or has no image, or the estimator has no network.
        """
        if patient not in X.index:
            raise ValueError(f"patient {patient!r} is not in the table's index")
        if not _has_networks(estimator):
            raise without_networks(estimator)
        maps = gradient_maps(estimator, X.loc[[patient]])[patient]
        if not maps:
            raise ValueError(f"patient {patient!r} has no image of a modality with a network")
        return cls(maps, str(patient)).plot()

    @property
    def _grid(self):
        return max(len(seen.slices) for seen in self.maps.values()), len(self.maps)

    @property
    def _size(self):
        rows, columns = self._grid
        return 2.4 * columns + 0.9, 2.4 * rows + 0.5

    def _draw(self, axes):
        self.axes_ = axes = np.reshape(axes, self._grid)
        for ax in axes.flat:
            ax.set_axis_off()
        for column, (modality, seen) in enumerate(self.maps.items()):
            axes[0, column].set_title(modality)
            each = zip(axes[:, column], seen.slices, seen.masks, seen.maps, strict=False)
            for ax, voxels, mask, gradient in each:
                show_slice(ax, voxels)
                seen_here = strength(gradient, self.blur)
                drawn = ax.imshow(seen_here, cmap="inferno", vmin=0, vmax=1, alpha=0.65 * seen_here)
                if mask.any() and not mask.all():
                    ax.contour(mask, levels=[0.5], colors=[ON_MAP], linewidths=1.5)
        bar = self.figure_.colorbar(drawn, ax=axes, shrink=0.8, ticks=[0, 1])
        bar.ax.set_yticklabels(["none", "most"])
        bar.set_label("influence on the prediction")
        self.figure_.suptitle(self.title, fontsize="medium")
