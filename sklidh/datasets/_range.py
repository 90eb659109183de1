"""What a cohort covers, and who lies outside of it."""

import os

import numpy as np
import pandas as pd
import SimpleITK as sitk

from sklidh.images import image_columns, read_image
from sklidh.utils import is_missing, is_path

SPACING_TOLERANCE = 0.02
"""Relative: by so much a spacing may lie outside before it counts as another; headers round."""


def cohort_range(X: pd.DataFrame, y=None, *, modalities=None, site: str = "site") -> dict:
    """Describe a cohort by what `outside_range` compares patients with.

    Only the headers of images are read, but for DICOM series and images in memory.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
        As from `load_cohort`.
    y : Series of shape (n_patients,), default=None
        The target, to count the classes.
    modalities : sequence of str, default=None
        Columns of images; None takes every column that holds some, but for the mask.
    site : str, default="site"
        The column that tells where a patient was imaged; it need not be there.

    Returns
    -------
    dict
        As JSON can hold it. ``patients``: how many; ``classes``: how many of each; ``sites``: their
        names, or None; ``modalities``: for each one the number of ``patients`` who have it and the
        smallest and largest ``spacing`` (mm) along the finest, middle and coarsest axis.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklidh.datasets import cohort_range, make_glioma_phantoms
    >>> with TemporaryDirectory() as folder:
    ...     X, y = make_glioma_phantoms(folder, 3, size=16, spacing=2.0)
    ...     cohort_range(X, y)["modalities"]["T2"]
    {'patients': 3, 'spacing': [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]}
    """
    chosen = image_columns(X) if modalities is None else modalities
    covered = {}
    for modality in (name for name in chosen if name != "mask"):
        spacings = [spacing_of(cell) for cell in X[modality] if not is_missing(cell)]
        limits = [np.min(spacings, axis=0), np.max(spacings, axis=0)] if spacings else []
        covered[modality] = {
            "patients": len(spacings),
            "spacing": [np.round(limit, 4).tolist() for limit in limits],
        }
    return {
        "patients": len(X),
        "classes": {} if y is None else {str(k): int(n) for k, n in y.value_counts().items()},
        "sites": sorted(map(str, X[site].dropna().unique())) if site in X else None,
        "modalities": covered,
    }


def outside_range(X: pd.DataFrame, covered: dict, *, site: str = "site") -> pd.Series:
    """Tell in what each patient differs from a cohort.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    covered : dict
        From `cohort_range`: the cohort that a model was trained on.
    site : str, default="site"
        As there.

    Returns
    -------
    Series of list of str
        Index: that of X. One sentence for each difference: a site that was not among the
        cohort's, a sequence that is missing, a spacing outside its range. Empty for a patient
        whom the cohort covers.
    """
    return pd.Series(
        [_differences(patient, covered, site) for _, patient in X.iterrows()],
        index=X.index,
        dtype=object,
    )


def spacing_of(cell) -> list[float]:
    """Return an image's spacing (mm) from the finest to the coarsest axis.

    Parameters
    ----------
    cell : str, path or SimpleITK.Image

    Returns
    -------
    list of float
    """
    if is_path(cell) and os.path.isfile(cell):
        header = sitk.ImageFileReader()
        header.SetFileName(os.fspath(cell))
        header.ReadImageInformation()
        return sorted(header.GetSpacing()[:3])
    return sorted(read_image(cell).GetSpacing())


def _differences(patient, covered, site) -> list[str]:
    found = []
    known, seen = covered["sites"], patient.get(site)
    if known is not None and not is_missing(seen) and str(seen) not in known:
        found.append(f"site {str(seen)!r} is not among the {len(known)} trained on")
    for modality, of_cohort in covered["modalities"].items():
        if is_missing(patient.get(modality)):
            found.append(
                f"no {modality}: {of_cohort['patients']} of the {covered['patients']} trained on "
                "had one"
            )
        elif of_cohort["spacing"]:
            spacing = np.array(spacing_of(patient[modality]))
            low, high = np.array(of_cohort["spacing"])
            below = spacing < low * (1 - SPACING_TOLERANCE)
            above = spacing > high * (1 + SPACING_TOLERANCE)
            if (below | above).any():
                found.append(f"{modality} with spacing {_mm(spacing)}; trained on {_mm(low, high)}")
    return found


def _mm(low, high=None) -> str:
    high = low if high is None else high
    axes = (f"{a:.2g}" if a == b else f"{a:.2g}-{b:.2g}" for a, b in zip(low, high, strict=True))
    return " x ".join(axes) + " mm"
