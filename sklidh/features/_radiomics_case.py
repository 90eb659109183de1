"""The features of one image and mask: from the cache, or read, extracted and kept."""

import os
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

import sklidh
from sklidh import radiomics
from sklidh.images import ImageError, read_case
from sklidh.radiomics import Settings, engine_of
from sklidh.utils import atomic_write, files_of, fingerprint, is_path, source_digest


class ExtractionError(ImageError):
    """An image from which no features can be had; the message names patient, column and path."""


@dataclass(frozen=True)
class Case:
    """One image and its mask, and what to call them."""

    patient: object
    column: str
    image: object
    mask: object

    @property
    def path(self) -> str:
        """The image's path, or in words that there is none."""
        return os.fspath(self.image) if is_path(self.image) else "image in memory"


@dataclass(frozen=True)
class Failure:
    """Why one case has no features: a row of ``errors_``."""

    patient: object
    column: str
    path: str
    exception: str
    message: str

    @classmethod
    def of(cls, case: Case, error: Exception) -> "Failure":
        """Describe an error that one case met with."""
        return cls(case.patient, case.column, case.path, type(error).__name__, str(error))


@dataclass(frozen=True)
class Extracted:
    """One case's features.

    Attributes
    ----------
    values : ndarray of shape (n_features,)
    n_levels : int
        Grey levels of the region in the unfiltered image; where the settings leave that out, the
        most in any image. 0 where they were not counted.
    """

    values: np.ndarray
    n_levels: int


def features_of_case(case: Case, settings: Settings, names, *, engine, label, entry, on_error):
    """Extract one case's features, and keep them.

    Parameters
    ----------
    case : Case
    settings : Settings
    names : list of str
        Of the features, and of the diagnostics if there are to be any.
    engine : {"native", "pyradiomics"}
    label : int, str, sequence of these, or None
        The labels that are tumour; None means every label above 0.
    entry : Path or None
        Where they are kept; None keeps nothing.
    on_error : {"raise", "record"}

    Returns
    -------
    Extracted or Failure
        A failure only where `on_error` is "record".

    Raises
    ------
    ImageError
        The image cannot be read or has no such features.
    """
    try:
        extracted = _extract(case, settings, engine, label, names)
    except Exception as error:
        if on_error == "record":
            return Failure.of(case, error)
        if isinstance(error, ImageError):
            raise  # names patient, column and path already
        raise ExtractionError(
            f"patient {case.patient!r}, column {case.column!r}, {case.path}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if entry is not None:
        with atomic_write(entry) as temporary:
            kept = {"values": extracted.values, "n_levels": extracted.n_levels}
            np.savez_compressed(temporary, names=names, **kept)
    return extracted


def _extract(case: Case, settings: Settings, engine: str, label, names: list[str]) -> Extracted:
    image, mask = read_case(
        case.image,
        case.mask,
        label=label,
        patient=case.patient,
        modality=case.column,
        correct=settings.setting["correctMask"],
        tolerance=settings.setting["geometryTolerance"],
    )
    volume, region = sitk.GetArrayFromImage(image), sitk.GetArrayViewFromImage(mask) != 0
    spacing = image.GetSpacing()[::-1]
    features, n_levels = engine_of(engine).measure(volume, region, spacing, settings)
    if names[0] == radiomics.DIAGNOSTICS[0]:
        features |= radiomics.diagnose(volume, region)
    values = np.array([features[name] for name in names], dtype=np.float64)
    return Extracted(values, n_levels.get("original", max(n_levels.values(), default=0)))


def kept_features(entry: Path | None, names: list[str]) -> Extracted | None:
    """Return the features that are kept in a file, or None where there are none to be used.

    Parameters
    ----------
    entry : Path or None
    names : list of str
        What they must be.

    Warns
    -----
    UserWarning
        The file is there and cannot be used.
    """
    if entry is None or not entry.exists():
        return None
    try:
        with np.load(entry, allow_pickle=False) as kept:
            values, n_levels = kept["values"], int(kept["n_levels"])
            intact = kept["names"].tolist() == names and values.shape == (len(names),)
            intact = intact and values.dtype == np.float64
    except (OSError, TypeError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        intact, reason = False, f"{type(error).__name__}: {error}"
    else:
        reason = "it holds something else"
    if not intact:
        warnings.warn(
            f"cached features {entry} cannot be used ({reason}); extracted again", stacklevel=2
        )
        return None
    return Extracted(values, n_levels)


def entry_of(case: Case, settings: Settings, names, *, engine, label, folder) -> Path | None:
    """Return the file in which a case's features are kept.

    Parameters
    ----------
    case, settings, names, engine, label
        As in `features_of_case`.
    folder : Path or None
        The cache.

    Returns
    -------
    Path or None
        None without a cache, and for images in memory or that cannot be read.
    """
    cells = (case.image, case.mask)
    if folder is None or not all(map(is_path, cells)):
        return None
    diagnosed = names[0] == radiomics.DIAGNOSTICS[0]
    parts = (settings.as_text(), _labels(label), engine, diagnosed, sklidh.__version__)
    try:
        files = [*files_of(case.image), *files_of(case.mask)]
        key = fingerprint(*files, *parts, source_digest(radiomics.__file__))
    except OSError:  # reading the image says more
        return None
    return folder / f"{key}.npz"


def _labels(label) -> str:
    return "above 0" if label is None else str(sorted(set(map(str, np.atleast_1d(label)))))
