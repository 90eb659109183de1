"""Where in a tumour features come from: their maps over a slice."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from sklidh.features import feature_map_images
from sklidh.images import read_case
from sklidh.plotting._axes import ON_MAP, show_slice
from sklidh.plotting._display import PanelsDisplay
from sklidh.radiomics import read_settings

INTENSITIES = frozenset(
    "10Percentile 90Percentile InterquartileRange Maximum Mean MeanAbsoluteDeviation Median "
    "Minimum Range RobustMeanAbsoluteDeviation RootMeanSquared StandardDeviation".split()
)


@dataclass(repr=False)
class FeatureMapDisplay(PanelsDisplay):
    """Draw maps of features over the slice with the largest tumour area, one panel per feature.

    Build it with `from_case`. Colours reach from the 1st to the 99th percentile of the slice.

    Parameters
    ----------
    maps : dict of str to array of shape (height, width)
        Values by feature, NaN outside the tumour.
    slices : dict of str to array of shape (height, width)
        Intensities of the image that each feature belongs to.
    outline : array of bool, shape (height, width)
        The tumour on that slice.
    aspect : float
        Height of a voxel over its width.
    title : str
    """

    maps: dict
    slices: dict
    outline: np.ndarray
    aspect: float
    title: str

    @classmethod
    def from_case(cls, case, features, *, settings="paper", mask="mask", label=None):
        """Compute the maps of one patient, and draw them.

        Parameters
        ----------
        case : Series
            One row of a table: paths or images in memory by column, all in one grid; its name is
            the patient.
        features : sequence of str
            Columns such as ``T1CE__radiomics__original_glcm_Contrast``.
        settings, mask, label : optional
            All as for `sklidh.features.feature_map_images`.

        Returns
        -------
        FeatureMapDisplay

        Raises
        ------
        ValueError
            A name has no map, or the patient lacks the images of all features.
        ImageError
            An image cannot be read, or has no such features.
        """
        settings = read_settings(settings, maps=True)
        label = settings.setting["label"] if label is None else label
        images = feature_map_images(case, features, settings=settings, mask=mask, label=label)
        if not images:
            raise ValueError(f"patient {case.name!r} has no image of {list(features)}")
        maps, slices = {}, {}
        for name, image in images.items():
            column = name.partition("__")[0]
            drawn, tumour = read_case(
                case[column], case[mask], label=label, patient=case.name, modality=column
            )
            voxels = sitk.GetArrayViewFromImage(tumour) != 0
            largest = int(voxels.sum(axis=(1, 2)).argmax())
            outline = voxels[largest].copy()
            slices[name] = sitk.GetArrayFromImage(drawn)[largest].astype(np.float64)
            maps[name] = np.where(outline, sitk.GetArrayViewFromImage(image)[largest], np.nan)
            aspect = drawn.GetSpacing()[1] / drawn.GetSpacing()[0]
        return cls(maps, slices, outline, aspect, str(case.name)).plot()

    @property
    def _grid(self):
        return 1, len(self.maps)

    @property
    def _size(self):
        return 3.4 * len(self.maps), 3.6

    def _draw(self, axes):
        for ax, (name, values) in zip(axes, self.maps.items(), strict=True):
            column, *_, feature = name.split("__")
            image, family, short = feature.split("_", 2)
            ax.set_title(f"{column} {image}\n{family} {short}", fontsize="small")
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            show_slice(ax, self.slices[name], self.outline, colour=ON_MAP, aspect=self.aspect)
            inside = values[np.isfinite(values)]
            lowest, highest = np.percentile(inside, [1, 99]) if inside.size else (0.0, 1.0)
            drawn = ax.imshow(values, cmap="inferno", vmin=lowest, vmax=highest, aspect=self.aspect)
            self.figure_.colorbar(drawn, ax=ax, shrink=0.7, label=_with_unit(family, short))
        self.figure_.suptitle(self.title, fontsize="medium")


def _with_unit(family, feature):
    """Return the label of a colour bar: the feature, and its unit unless it has none."""
    unit = ""
    if feature.endswith("Entropy"):
        unit = "bits"
    elif family == "firstorder":
        unit = "intensity" if feature in INTENSITIES else unit
        unit = "intensity²" if feature in ("Energy", "Variance") else unit
        unit = "intensity² mm³" if feature == "TotalEnergy" else unit
    return f"{feature} ({unit})" if unit else feature
