"""Features of one image and mask: load them from the cache, or extract and cache them."""

import os
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

import sklidh
from sklidh import images, radiomics
from sklidh.images import (
    MARGIN,
    ImageError,
    Perturbations,
    describe_source,
    perturbed_images,
    read_case,
    read_case_regions,
)
from sklidh.radiomics import Settings, engine_of
from sklidh.utils import atomic_write, files_of, fingerprint, is_path, source_digest

LOCAL = frozenset(["Original", "Wavelet", "LoG", "Gradient"])
"""Image types whose values near the region depend on its surroundings only."""


class ExtractionError(ImageError):
    """Features cannot be extracted; the message names patient, column and path."""


@dataclass(frozen=True)
class Case:
    """One image and its mask, with their patient and column."""

    patient: object
    column: str
    image: object
    mask: object

    @property
    def path(self) -> str:
        """The image's path, or "image in memory"."""
        return os.fspath(self.image) if is_path(self.image) else "image in memory"


@dataclass(frozen=True)
class Failure:
    """The reason why a case has no features: a row of ``errors_``."""

    patient: object
    column: str
    path: str
    exception: str
    message: str

    @classmethod
    def of(cls, case: Case, error: Exception) -> "Failure":
        """Describe the error of a case."""
        return cls(case.patient, case.column, case.path, type(error).__name__, str(error))


@dataclass(frozen=True)
class Task:
    """What is extracted from every case.

    Attributes
    ----------
    settings : Settings
    names : list of str
        Of the features in one region, and of the diagnostics if there are to be any.
    engine : {"native", "pyradiomics"}
    regions : dict of str to label
        The labels of each region by its name; ``{"": label}`` for one region without a name.
    perturbations : Perturbations or None
        None extracts from the image as it is.
    """

    settings: Settings
    names: list
    engine: str
    regions: dict
    perturbations: Perturbations | None = None

    @property
    def columns(self) -> list[str]:
        """The names of all features, region by region: ``core__original_firstorder_Mean``."""
        return [
            f"{region}__{name}" if region else name
            for region in self.regions
            for name in self.names
        ]

    @property
    def shape(self) -> tuple[int, int]:
        """Of the extracted values: one row, or one per perturbation."""
        n_rows = 1 if self.perturbations is None else self.perturbations.number
        return n_rows, len(self.regions) * len(self.names)

    def measure(self, volume, region, spacing) -> tuple[list[float], int]:
        """Return the features of a region, and its number of grey levels."""
        features, levels = engine_of(self.engine).measure(volume, region, spacing, self.settings)
        if self.diagnosed:
            features |= radiomics.diagnose(volume, region)
        n_levels = levels.get("original", max(levels.values(), default=0))
        return [features[name] for name in self.names], n_levels

    @property
    def diagnosed(self) -> bool:
        """Whether the diagnostics come before the features."""
        return self.names[0] == radiomics.DIAGNOSTICS[0]

    def key(self) -> tuple:
        """Return all that decides on the values, besides the images."""
        regions = [(name, _labels(label)) for name, label in self.regions.items()]
        parts = (self.settings.as_text(), regions, self.engine, self.diagnosed, self.perturbations)
        return (*parts, sklidh.__version__)


@dataclass(frozen=True)
class Extracted:
    """One case's features.

    Attributes
    ----------
    values : ndarray of shape (1, n_columns) or (n_perturbations, n_columns)
        NaN in a region that the case lacks.
    n_levels : int
        Grey levels of the region in the unfiltered image or, if the settings leave it out, the
        maximum over all images; of several regions, the minimum. 0 if they were not counted.
    absent : list of str
        Why regions have no values, one message per region.
    """

    values: np.ndarray
    n_levels: int
    absent: list


def features_of_case(case: Case, task: Task, *, entry, on_error):
    """Extract and cache the features of one case.

    Parameters
    ----------
    case : Case
    task : Task
    entry : Path or None
        The cache file; None caches nothing.
    on_error : {"raise", "record"}

    Returns
    -------
    Extracted or Failure
        A Failure only if `on_error` is "record".

    Raises
    ------
    ImageError
        The image cannot be read, or the features cannot be extracted.
    """
    try:
        extracted = _extract(case, task)
    except Exception as error:
        if on_error == "record":
            return Failure.of(case, error)
        if isinstance(error, ImageError):
            raise  # names patient, column and path already
        raise ExtractionError(
            f"{describe_source(case.image, case.patient, case.column)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if entry is not None:
        with atomic_write(entry) as temporary:
            kept = {"values": extracted.values, "n_levels": extracted.n_levels}
            absent = np.array(extracted.absent, dtype=str)
            np.savez_compressed(temporary, names=task.columns, absent=absent, **kept)
    return extracted


def grid_options(settings: Settings) -> dict:
    """Return the settings by which `read_case` accepts or corrects a mask on another grid."""
    setting = settings.setting
    return {"correct": setting["correctMask"], "tolerance": setting["geometryTolerance"]}


def _extract(case: Case, task: Task) -> Extracted:
    where = {"patient": case.patient, "modality": case.column}
    grids = grid_options(task.settings)
    files = case.image, case.mask
    if [*task.regions] == [""]:
        image, mask = read_case(*files, label=task.regions[""], **where, **grids)
        masks, absent = {"": mask}, []
    else:
        image, masks, absent = read_case_regions(*files, task.regions, **where, **grids)
        absent = list(absent.values()) if task.perturbations is None else []
    volume, spacing = sitk.GetArrayFromImage(image), image.GetSpacing()[::-1]
    regions = {name: sitk.GetArrayViewFromImage(mask) != 0 for name, mask in masks.items()}
    values, n_levels = np.full(task.shape, np.nan), []
    for row, (voxels, inside) in enumerate(_versions(volume, regions, spacing, task)):
        for name, region in inside.items():
            try:
                features, levels = task.measure(voxels, region, spacing)
            except ValueError as error:
                if name == "" and task.perturbations is None:
                    raise
                version = "" if task.perturbations is None else f", perturbation {row + 1}"
                part = f", region {name!r}" if name else ""
                absent.append(f"{describe_source(case.image, **where)}{part}{version}: {error}")
                continue
            first = [*task.regions].index(name) * len(task.names)
            values[row, first : first + len(task.names)] = features
            n_levels.append(levels)
    return Extracted(values, min(n_levels, default=0), absent)


def _versions(volume, regions, spacing, task: Task):
    """Return the images to measure, each with its regions: the given ones, or perturbed ones."""
    if task.perturbations is None or not regions:
        return [(volume, regions)]
    types = task.settings.image_types
    margin = max([MARGIN, *(4 * sigma for sigma in types.get("LoG", {}).get("sigma", ()))])
    # Other filters, and normalisation, depend on the whole image or on a wide part of it.
    local = LOCAL.issuperset(types) and not types.get("Wavelet")
    if task.settings.setting["normalize"] or not local:
        margin = np.inf
    return perturbed_images(volume, regions, spacing, task.perturbations, margin=margin)


def kept_features(entry: Path | None, task: Task) -> Extracted | None:
    """Return the features cached in a file, or None if there are no usable ones.

    Parameters
    ----------
    entry : Path or None
    task : Task
        What the file must contain the features of.

    Warns
    -----
    UserWarning
        The file exists but cannot be used.
    """
    if entry is None or not entry.exists():
        return None
    try:
        with np.load(entry, allow_pickle=False) as kept:
            values, n_levels = kept["values"], int(kept["n_levels"])
            absent = kept["absent"].tolist()
            intact = kept["names"].tolist() == task.columns and values.shape == task.shape
            intact = intact and values.dtype == np.float64
    except (OSError, TypeError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        intact, reason = False, f"{type(error).__name__}: {error}"
    else:
        reason = "it contains something else"
    if not intact:
        warnings.warn(
            f"cached features {entry} cannot be used ({reason}); they are extracted again",
            stacklevel=2,
        )
        return None
    return Extracted(values, n_levels, absent)


def entry_of(case: Case, task: Task, *, folder) -> Path | None:
    """Return the file that caches a case's features.

    Parameters
    ----------
    case, task
        As in `features_of_case`.
    folder : Path or None
        The cache.

    Returns
    -------
    Path or None
        None without a cache, or if an image is in memory or cannot be read.
    """
    cells = (case.image, case.mask)
    if folder is None or not all(map(is_path, cells)):
        return None
    code = [source_digest(radiomics.__file__)]
    code += [] if task.perturbations is None else [source_digest(images.__file__)]
    try:
        files = [*files_of(case.image), *files_of(case.mask)]
        key = fingerprint(*files, *task.key(), *code)
    except OSError:  # reading the image gives a better message
        return None
    return folder / f"{key}.npz"


def _labels(label) -> str:
    return "above 0" if label is None else str(sorted(set(map(str, np.atleast_1d(label)))))
