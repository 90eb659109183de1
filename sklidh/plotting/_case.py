"""One slice per modality of a patient, with the outline of the tumour."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from sklidh.images import read_case
from sklidh.plotting._axes import show_slice
from sklidh.plotting._display import PanelsDisplay
from sklidh.utils import is_missing


@dataclass(repr=False)
class CaseDisplay(PanelsDisplay):
    """Draw the axial slice with the largest tumour area in each modality, the mask outlined.

    Build it with `from_case`.

    Parameters
    ----------
    slices : dict of str to array of shape (height, width) or None
        Intensities by modality; None if the sequence was not acquired.
    outline : array of bool, shape (height, width)
        The tumour on that slice.
    aspect : float
        Height of a voxel divided by its width.
    title : str
    """

    slices: dict
    outline: np.ndarray
    aspect: float
    title: str

    @classmethod
    def from_case(cls, case, modalities, *, mask="mask"):
        """Draw one row of a table of cases.

        Parameters
        ----------
        case : Series
            Paths or images in memory by column; its name is the patient.
        modalities : sequence of str
            Columns to draw, on the grid of the mask (see `RigidRegistration`).
        mask : str, default="mask"
            Column of the mask.

        Returns
        -------
        CaseDisplay

        Raises
        ------
        ImageError
            An image cannot be read, or is not on the grid of the mask.
        """
        slices, outline, aspect = {}, None, 1.0
        for modality in modalities:
            slices[modality] = None
            if is_missing(case[modality]):
                continue
            image, tumour = read_case(
                case[modality], case[mask], patient=case.name, modality=modality
            )
            voxels = sitk.GetArrayViewFromImage(tumour)
            largest = int(voxels.sum(axis=(1, 2)).argmax())
            outline = voxels[largest].astype(bool)
            slices[modality] = sitk.GetArrayFromImage(image)[largest].astype(np.float64)
            aspect = image.GetSpacing()[1] / image.GetSpacing()[0]
        if outline is None:
            raise ValueError(f"patient {case.name!r} has no image in {list(modalities)}")
        return cls(slices, outline, aspect, str(case.name)).plot()

    @property
    def _grid(self):
        return 1, len(self.slices)

    @property
    def _size(self):
        return 2.1 * len(self.slices), 2.5

    def _draw(self, axes):
        for ax, (modality, voxels) in zip(axes, self.slices.items(), strict=True):
            ax.set_title(modality)
            ax.set(xticks=[], yticks=[])
            if voxels is None:
                ax.set_box_aspect(1)
                ax.text(0.5, 0.5, "not acquired", ha="center", va="center", color="0.35")
                ax.spines[:].set(color="0.7", linestyle="--")
            else:
                ax.spines[:].set_visible(False)
                show_slice(ax, voxels, self.outline, aspect=self.aspect)
        self.figure_.suptitle(self.title, fontsize="medium")
