"""The range of a training cohort, and patients outside it or already in it."""

import numpy as np
import pandas as pd
import SimpleITK as sitk
from joblib import delayed

from sklidh.images import image_columns, inspect_case, inspection_entry, voxel_digests
from sklidh.utils import category_text, fingerprint, is_missing, listed, spread_kept

SPACING_TOLERANCE = 0.02
"""Relative tolerance of the spacing range, because headers are rounded."""

INTENSITY_TOLERANCE = 2.0
"""Factor by which an intensity range may exceed the widest or fall below the narrowest one before
it counts as another scale: within one cohort ranges vary by as much."""

ENDS = (1, 99)
"""Percentiles of an image's voxels between which its intensity range lies."""


def cohort_range(
    X: pd.DataFrame,
    y=None,
    *,
    modalities=None,
    site: str = "site",
    clinical=(),
    intensities: bool = True,
    cache=None,
    n_jobs=None,
    verbose=0,
) -> dict:
    """Describe a cohort in the terms that `outside_range` compares patients by.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
        As from `load_cohort`.
    y : Series of shape (n_patients,), default=None
        The target, to count the classes.
    modalities : sequence of str, default=None
        Columns of images; None uses every column with images, except the mask.
    site : str, default="site"
        The column with the site where a patient was imaged; it is optional.
    clinical : sequence of str, default=()
        Clinical columns used by the model.
    intensities : bool, default=True
        Whether the model depends on the scale of the intensities. Radiomics do, unless images are
        normalised first; the self-attention networks do not.
    cache : None, False, str or path, default=None
        The folder that caches the findings for each patient's images: None is ``$SKLIDH_CACHE`` or
        else ``~/.cache/sklidh``; False caches nothing.
    n_jobs : int, default=None
        Patients read in parallel.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    dict
        With JSON types only. ``patients``: their number; ``classes``: number of patients per class;
        ``sites``: their names, or None; ``clinical``: the smallest and largest value of each
        numeric column, and all values of each text column; ``modalities``: for each one the number
        of ``patients`` who have it, the smallest and largest ``spacing`` (mm) along the finest,
        middle and coarsest axis, and with `intensities` the following: each image has a range from
        its 1st to its 99th percentile, all ranges lie between the ``ends``, and the narrowest and
        widest have the ``widths``; ``fingerprints``: digests of the voxels of all images and masks,
        sorted, so that none belongs to a row. They show whether a given image was in the cohort
        but nothing about other images; ``ids``: sorted digests of the patients' ids, salted with
        the fingerprints.

    Raises
    ------
    ImageError
        An image cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklidh.datasets import cohort_range, make_glioma_phantoms
    >>> with TemporaryDirectory() as folder:
    ...     X, y = make_glioma_phantoms(folder, 3, size=16, spacing=2.0)
    ...     cohort_range(X, y, intensities=False)["modalities"]["T2"]
    {'patients': 3, 'spacing': [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]}
    """
    chosen = image_columns(X) if modalities is None else modalities
    chosen = [name for name in chosen if name != "mask"]
    seen = _seen(X, chosen, cache, n_jobs, verbose)
    covered = {}
    for modality in chosen:
        images = [of_patient[modality] for of_patient, _ in seen if modality in of_patient]
        spacings = [image["spacing"] for image in images]
        limits = [np.min(spacings, axis=0), np.max(spacings, axis=0)] if spacings else []
        covered[modality] = {
            "patients": len(images),
            "spacing": [np.round(limit, 4).tolist() for limit in limits],
        }
        if intensities and images:
            low, high = np.array([image["ends"] for image in images]).T
            covered[modality]["intensities"] = {
                "ends": [_short(low.min()), _short(high.max())],
                "widths": [_short((high - low).min()), _short((high - low).max())],
            }
    known = sorted({digest for _, digests in seen for digest in digests.values()})
    return {
        "patients": len(X),
        "classes": {} if y is None else {str(k): int(n) for k, n in y.value_counts().items()},
        "sites": sorted({*map(category_text, X[site].dropna())}) if site in X else None,
        "clinical": {name: _values(X[name]) for name in clinical},
        "modalities": covered,
        "fingerprints": known,
        "ids": sorted(fingerprint(*known, str(patient)) for patient in X.index),
    }


def outside_range(
    X: pd.DataFrame, covered: dict, *, site: str = "site", cache=None, n_jobs=None, verbose=0
) -> pd.Series:
    """List how each patient differs from a cohort, and whether the patient was in it.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    covered : dict
        From `cohort_range`: the cohort that a model was trained on. Without ``fingerprints`` no
        patient is reported as part of it.
    site : str, default="site"
        As in `cohort_range`.
    cache, n_jobs, verbose : default=None, None and 0
        As in `cohort_range`.

    Returns
    -------
    Series of list of str
        Index: that of X. One sentence per finding: an image or mask that the model was trained on,
        voxel by voxel; a site or clinical value not in the cohort, a missing sequence, a spacing
        outside the range, or intensities of another scale. Empty for a new patient whom the cohort
        covers.

    Raises
    ------
    ImageError
        An image cannot be read.
    """
    seen = _seen(X, list(covered["modalities"]), cache, n_jobs, verbose)
    return pd.Series(
        [
            _familiar(patient, digests, covered) + _differences(patient, images, covered, site)
            for (images, digests), (_, patient) in zip(seen, X.iterrows(), strict=True)
        ],
        index=X.index,
        dtype=object,
    )


def _values(cells: pd.Series) -> list:
    """Return the range of a numeric column, or the values of a text column."""
    if pd.api.types.is_numeric_dtype(cells):
        return [float(cells.min()), float(cells.max())]
    return sorted({*map(category_text, cells)} - {""})


def _seen(X, modalities, cache, n_jobs, verbose) -> list:
    """Return the result of `see` for each patient."""
    work = [delayed(see)(patient, modalities) for _, patient in X.iterrows()]
    entries = [
        inspection_entry(cache, case, [*modalities, "mask"], "range 1") for _, case in X.iterrows()
    ]
    how = {"n_jobs": n_jobs, "verbose": verbose}
    return spread_kept(work, "comparing the images", entries, **how)


def see(patient: pd.Series, modalities) -> tuple[dict[str, dict], dict[str, str]]:
    """Read one patient's images.

    Returns ``spacing`` (mm, from fine to coarse) and ``ends`` of the intensities by modality, for
    available images, and digests as from `voxel_digests`.
    """
    there = [modality for modality in modalities if not is_missing(patient.get(modality))]
    case = {"mask": "mask", "label": None, "reference": None, "missing": "nan"}
    found = inspect_case(patient, there, **case)
    # Other problems do not matter here: grids differ before registration.
    if len(found.images) < len(there):
        raise found.problems[0]
    images = {}
    for modality, image in found.images.items():
        voxels = sitk.GetArrayViewFromImage(image)
        some = voxels[::2, ::2, ::2]
        images[modality] = {
            "spacing": sorted(image.GetSpacing()),
            "ends": np.percentile(some[np.isfinite(some)], ENDS).tolist(),
        }
    return images, voxel_digests(found)


def _short(value) -> float:
    return float(f"{value:.6g}")


def _familiar(patient, digests, covered) -> list[str]:
    known = set(covered.get("fingerprints", ()))
    same = [name for name, digest in digests.items() if digest in known]
    if not same:
        # After resampling or another export, the same person's images have other voxels.
        id_ = fingerprint(*covered.get("fingerprints", ()), str(patient.name))
        same_id = id_ in covered.get("ids", ())
        return ["trained on a patient with this id, from other images"] if same_id else []
    return [
        f"trained on this patient, with the same {', '.join(same)}: the probability does not show "
        "how well the model predicts new patients"
    ]


def _differences(patient, images, covered, site) -> list[str]:
    found = []
    known, seen = covered["sites"], category_text(patient.get(site))
    if known is not None and seen and seen not in known:
        found.append(f"site {seen!r} is not among the {len(known)} of the training cohort")
    for name, values in covered.get("clinical", {}).items():
        found += _unlike(name, patient.get(name), values)
    for modality, of_cohort in covered["modalities"].items():
        if modality not in images:
            found.append(
                f"no {modality}, which {of_cohort['patients']} of {covered['patients']} training "
                "patients had"
            )
            continue
        if of_cohort["spacing"]:
            spacing = np.array(images[modality]["spacing"])
            low, high = np.array(of_cohort["spacing"])
            below = spacing < low * (1 - SPACING_TOLERANCE)
            above = spacing > high * (1 + SPACING_TOLERANCE)
            if (below | above).any():
                found.append(
                    f"{modality} with spacing {_mm(spacing)} (trained on {_mm(low, high)})"
                )
        if "intensities" in of_cohort:
            found += _other_scale(modality, images[modality]["ends"], **of_cohort["intensities"])
    return found


def _unlike(name, cell, values) -> list[str]:
    """Return the sentence for a clinical value that is absent or not in the cohort."""
    if is_missing(cell):
        return [f"no {name}: the training patients' median or most frequent word is used"]
    if all(isinstance(value, str) for value in values):
        word = category_text(cell)
        return [] if word in values else [f"{name} {word!r} (trained on {listed(values)})"]
    (low, high), cell = values, pd.to_numeric(cell, errors="coerce")
    if np.isnan(cell):
        return [f"{name} is not a number"]
    return [f"{name} {cell:g} (trained on {low:g} to {high:g})"] * (not low <= cell <= high)


def _other_scale(modality, seen, *, ends, widths) -> list[str]:
    """Return the sentence for intensities outside the cohort's range or of another width."""
    (low, high), (narrowest, widest) = seen, widths
    apart = high < ends[0] or low > ends[1]
    fits = narrowest / INTENSITY_TOLERANCE <= high - low <= widest * INTENSITY_TOLERANCE
    if fits and not apart:
        return []
    return [
        f"{modality} with intensities from {_digits(low)} to {_digits(high)} (trained on images "
        f"that span {_digits(narrowest)} to {_digits(widest)}, between {_digits(ends[0])} and "
        f"{_digits(ends[1])})"
    ]


def _digits(value) -> str:
    """Return a number with four digits, never with an exponent."""
    return np.format_float_positional(value, precision=4, fractional=False, trim="-")


def _mm(low, high=None) -> str:
    high = low if high is None else high
    axes = (f"{a:.2g}" if a == b else f"{a:.2g}-{b:.2g}" for a, b in zip(low, high, strict=True))
    return " x ".join(axes) + " mm"
