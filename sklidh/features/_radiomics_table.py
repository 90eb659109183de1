"""Cases of a table before extraction, and warnings about the extracted table."""

import warnings
from dataclasses import asdict, fields

import numpy as np
import pandas as pd

from sklidh.features._radiomics_case import Case, Extracted, Failure
from sklidh.images import ImageWarning, MissingLabel, describe_source
from sklidh.radiomics import Settings
from sklidh.utils import CohortError, check_cases, is_missing, listed

FEWEST_LEVELS = 4
"""Number of grey levels of a region below which a warning is issued."""
TEXTURES = frozenset("glcm glrlm glszm gldm ngtdm cm rlm szm dzm ngt ngl".split())
"""PyRadiomics' classes and IBSI's families that count grey levels."""


def list_cases(X: pd.DataFrame, *, missing: str) -> list[Case | Failure | None]:
    """Return a case per row; None for an allowed missing image, a Failure for an invalid row."""
    column = X.columns[0]
    cases = []
    for row, (patient, image, mask) in enumerate(X.itertuples(name=None)):
        case = Case(patient, column, image, mask)
        try:
            check_cases(X.iloc[[row]], missing=missing)
        except CohortError as error:
            cases.append(Failure.of(case, error))
        else:
            cases.append(None if is_missing(image) else case)
    return cases


def apply_missing(outcomes: list, cases: list, *, missing: str, on_error: str) -> list:
    """Treat regions that a patient's mask lacks as `missing` says.

    Parameters
    ----------
    outcomes : list of (Extracted, Failure or None)
    cases : list of (Case, Failure or None)
    missing : {"raise", "nan"}
        An error, or NaN with a warning.
    on_error : {"raise", "record"}
        What becomes of the error.

    Returns
    -------
    list of (Extracted, Failure or None)
    """
    if missing == "nan":
        warn_of_absent([each for each in outcomes if isinstance(each, Extracted)])
        return outcomes
    outcomes = list(outcomes)
    for row, outcome in enumerate(outcomes):
        if isinstance(outcome, Extracted) and outcome.absent:
            error = MissingLabel(f"{outcome.absent[0]}; missing='nan' accepts patients without it")
            if on_error == "raise":
                raise error
            outcomes[row] = Failure.of(cases[row], error)
    return outcomes


def warn_of_absent(outcomes: list) -> None:
    """Name what has no values, a region or all perturbed images, and the reason."""
    for outcome in outcomes:
        messages = outcome.absent if isinstance(outcome, Extracted) else ()
        if isinstance(outcome, Failure):
            where = describe_source(outcome.path, outcome.patient, outcome.column)
            messages = [f"{where}, perturbed: {outcome.message}"]
        for message in messages:
            warnings.warn(f"{message}; its features are NaN", ImageWarning, stacklevel=4)


def table_of_failures(failures: list[Failure]) -> pd.DataFrame:
    """Return the table ``errors_``, with one row per failure."""
    columns = [field.name for field in fields(Failure)]
    return pd.DataFrame([asdict(failure) for failure in failures], columns=columns)


def warn_of_failures(errors: pd.DataFrame, n_patients: int) -> None:
    """Warn about patients who got a row of NaN because of an error."""
    if len(errors):
        first = errors.iloc[0]
        warnings.warn(
            f"{len(errors)} of {n_patients} patients failed and have NaN for every radiomics "
            f"feature; errors_ lists them. The first: patient {first.patient!r}, column "
            f"{first.column!r}, {first.path}: {first.message}",
            stacklevel=4,
        )


def warn_of_few_levels(n_levels: pd.Series, settings: Settings, column: str) -> None:
    """Warn once about all patients with too few grey levels for meaningful textures.

    Parameters
    ----------
    n_levels : Series of int, shape (n_patients,)
        Grey levels of each patient's region; 0 if they were not counted.
    settings : Settings
    column : str
        The image's column.
    """
    few = n_levels[(n_levels > 0) & (n_levels < FEWEST_LEVELS)]
    if few.empty or TEXTURES.isdisjoint(settings.feature_classes):
        return
    setting = settings.setting
    bins = "binWidth" if setting["binCount"] is None else "binCount"
    patients = listed([f"{patient} ({n})" for patient, n in few.items()])
    warnings.warn(
        f"column {column!r}: with {bins}={setting[bins]:g} the tumours of {len(few)} of "
        f"{len(n_levels)} patients have fewer than {FEWEST_LEVELS} grey levels, so textures hardly "
        f"differ between patients: {patients}. Normalised intensities need narrower bins, such as "
        '{"preset": "paper", "setting": {"binCount": 32}}',
        ImageWarning,
        stacklevel=4,
    )


def warn_of_undefined(table: pd.DataFrame, outcomes: list, column: str) -> None:
    """Warn about features without a finite value for a valid image and region.

    Parameters
    ----------
    table : DataFrame of shape (n_patients, n_features)
    outcomes : list of (Extracted, Failure or None)
        The table's source; absent regions have their own warning.
    column : str
        The image's column.
    """
    undefined = ~np.isfinite(table.to_numpy())
    for row, outcome in enumerate(outcomes):
        if not isinstance(outcome, Extracted):
            undefined[row] = False
        elif outcome.absent:
            absent = np.isnan(table.iloc[row]).groupby(_regions_of(table.columns)).transform("all")
            undefined[row] &= ~absent.to_numpy()
    for row in np.flatnonzero(undefined.any(axis=1)):
        names = table.columns[undefined[row]]
        warnings.warn(
            f"patient {table.index[row]!r}, column {column!r}: {len(names)} radiomics features "
            f"such as {names[0]} are {table[names[0]].iloc[row]}: undefined for this tumour",
            ImageWarning,
            stacklevel=4,
        )


def _regions_of(columns) -> list[str]:
    return [name.partition("__")[0] if "__" in name else "" for name in columns]
