"""Tables of features from perturbed images, or of other readers, beside a table of features."""

import warnings
from pathlib import Path

import pandas as pd

from sklidh.datasets import scan_table
from sklidh.utils import CohortError, listed, perturbed_name, unperturbed_name

PERTURBATION = "perturbation"


def split_perturbed(features: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Separate features and their perturbed values, as files hold them.

    Parameters
    ----------
    features : DataFrame of shape (n_patients, n_columns)
        As `RadiomicsExtractor.fit_transform` returns with ``perturbations``.

    Returns
    -------
    features : DataFrame of shape (n_patients, n_features)
    perturbed : DataFrame of shape (n_patients * n_perturbations, 1 + n_features)
        One row per patient and perturbation: its number in the column ``perturbation``, and the
        features under their own names.
    """
    own = {name: unperturbed_name(name) for name in features}
    numbers = {name: name.rpartition("-")[2] for name, base in own.items() if base is not None}
    parts = []
    for number in dict.fromkeys(numbers.values()):
        names = [name for name, of in numbers.items() if of == number]
        part = features[names].set_axis([own[name] for name in names], axis=1)
        part.insert(0, PERTURBATION, number)
        parts.append(part)
    plain = features[[name for name, base in own.items() if base is None]]
    return plain, pd.concat(parts).sort_index(kind="stable") if parts else plain.iloc[:0]


def join_perturbed(X: pd.DataFrame, path) -> pd.DataFrame:
    """Add perturbed values from a file to a table of features, as columns.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
        Features named ``MOD__name``; index: patient ids.
    path : str or path
        A file that `sklidh.datasets.read_table` accepts, with the columns ``patient`` and
        ``perturbation`` and features under the names in X: one row per patient and perturbation,
        as ``sklidh extract --perturbations`` writes it, or per patient and further reader.

    Returns
    -------
    DataFrame of shape (n_patients, n_columns + n_perturbed)
        With columns ``MOD__name__perturbed-1``, for `RobustnessSelector`. NaN where the file has no
        row for the patient.

    Raises
    ------
    CohortError
        A column is missing, a patient has two rows with one perturbation, a value is not a number,
        or no patient or no feature is in X.

    Warns
    -----
    UserWarning
        The file lacks patients or features of X, or has patients that X lacks.
    """
    scanned = scan_table(Path(path), ("patient",), text=[PERTURBATION], ids_first=True)
    frame, problems = scanned.frame, list(scanned.problems)
    if PERTURBATION not in frame:
        raise CohortError(
            [*problems, f"column {PERTURBATION!r} not found; it numbers the rows of a patient"],
            path,
        )
    features = [name for name in X if "__" in str(name)]
    shared = [name for name in features if name in frame]
    if not shared:
        problems.append(
            f"none of the {len(features)} features, such as {listed(features[:1])}, is in it"
        )
    rows = frame.assign(patient=frame["patient"].fillna("")).set_index(["patient", PERTURBATION])
    problems += [
        f"patient {patient!r} has two rows with perturbation {number!r}"
        for patient, number in rows.index[rows.index.duplicated()].unique()
    ]
    problems += [
        f"column {name!r} holds a value that is not a number"
        for name in rows[shared].select_dtypes(exclude="number")
    ]
    known = X.index.astype(str)
    patients = rows.index.get_level_values(0)
    strangers = patients[~patients.isin(known)].unique()
    if patients.isin(strangers).all():
        problems.append(
            f"none of its patients ({listed(strangers, 5)}) is in the table of features, whose "
            f"patients are {listed(known, 5)}"
        )
    if problems:
        raise CohortError(problems, path)
    absent = known[~known.isin(patients)]
    if len(strangers):
        warnings.warn(
            f"{path}: {len(strangers)} patients are not in the table of features and are not "
            f"used: {listed(strangers, 5)}",
            stacklevel=2,
        )
    for what, names in (
        ("patients", absent),
        ("features", [name for name in features if name not in shared]),
    ):
        if len(names):
            warnings.warn(
                f"{path}: no perturbed values of {len(names)} {what}: {listed(names, 5)}",
                stacklevel=2,
            )
    wide = rows[shared].unstack(PERTURBATION).reindex(known)
    wide.columns = [perturbed_name(name, number) for name, number in wide.columns]
    return pd.concat([X, wide.set_axis(X.index)], axis=1)
