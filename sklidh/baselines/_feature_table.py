"""Use a table of feature columns instead of images."""

from pathlib import Path

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from sklidh.datasets import ExaminedCohort, check_ids, not_found, scan_table
from sklidh.pipeline import CLINICAL
from sklidh.utils import PAPER_MODALITIES, CohortError, Problem, listed

DEEP = "deep"


class ModalityColumns:
    """Select the columns of one modality: ``T1CE__deep__...``, all others, or both kinds."""

    def __init__(self, modality, *, deep, radiomics):
        self.modality = modality
        self.deep = deep
        self.radiomics = radiomics

    def __call__(self, X):
        """Return the names of the matching columns; raise CohortError if there are none."""
        names = [name for name in map(str, X.columns) if name.startswith(f"{self.modality}__")]
        chosen = [
            name for name in names if (self.deep if name.split("__")[1] == DEEP else self.radiomics)
        ]
        if not chosen:
            kind = "" if self.radiomics else f"{DEEP}__"
            prefixes = sorted({name.split("__")[0] for name in map(str, X.columns) if "__" in name})
            raise CohortError(
                [
                    f"no column named {self.modality}__{kind}...; the table has "
                    f"{len(names)} columns of {self.modality}, and the prefixes "
                    f"{', '.join(prefixes) or 'none'}"
                ]
            )
        return chosen


def modalities_of(columns, known=None) -> tuple[str, ...]:
    """Return the modalities of a feature table.

    Parameters
    ----------
    columns : sequence of str
        Column names; features are named ``MOD__name``.
    known : sequence of str, default=None
        The modalities to look for, in this order. None: the paper's T1, T1CE, T2 and FLAIR, or, if
        the table has none of them, every prefix in order of appearance.

    Returns
    -------
    tuple of str

    Raises
    ------
    CohortError
        The table has none of them.
    """
    prefixes = dict.fromkeys(str(name).split("__")[0] for name in columns if "__" in str(name))
    found = tuple(name for name in (known or PAPER_MODALITIES) if name in prefixes)
    if known is None and not found:
        found = tuple(prefixes)
    if not found:
        one = "" if known is None else f" with MOD one of {', '.join(known)}"
        raise CohortError(
            [
                f"no column named MOD__name{one}; the prefixes are "
                f"{', '.join(sorted(prefixes)) or 'none'}"
            ]
        )
    return found


def from_features(pipeline: Pipeline) -> Pipeline:
    """Convert a pipeline on images into the same pipeline on a table of features.

    Registration and extraction are removed; selection and fusion keep their parameters. Each
    modality uses the columns ``MOD__deep__name`` if the pipeline has deep features, and all other
    columns ``MOD__name`` if it has radiomics.

    Parameters
    ----------
    pipeline : Pipeline
        A pipeline built by `make_idh_pipeline`.

    Returns
    -------
    Pipeline
        Steps ``intra`` and ``fusion``. It accepts a DataFrame of shape (n_patients, n_columns) and
        ignores other columns.
    """
    branches = []
    for modality, branch, columns in pipeline["intra"].transformers:
        if modality == CLINICAL:
            # It prefixes names with the block's, which feature columns already have.
            branches.append((modality, ColumnTransformer([(modality, branch, columns)]), columns))
            continue
        kinds = {name for name, _ in branch["featureunion"].transformer_list}
        columns = ModalityColumns(modality, deep=DEEP in kinds, radiomics=not kinds <= {DEEP})
        branches.append((modality, branch[1:], columns))
    intra = ColumnTransformer(branches, verbose_feature_names_out=False)
    return Pipeline(
        [("intra", intra), ("fusion", pipeline["fusion"])], memory=pipeline.memory
    ).set_output(transform="pandas")


def load_feature_table(
    path,
    *,
    target="idh",
    wildtype=None,
    positive=None,
    modalities=None,
    columns=None,
) -> tuple[pd.DataFrame, pd.Series]:
    """Load a table of features, one row per patient.

    Parameters
    ----------
    path : str or path
        A file that `sklidh.datasets.read_table` accepts. The id column is recognised by its
        heading; otherwise it is the first column. Features are named ``MOD__name``, deep features
        ``MOD__deep__name``. Other columns, such as age, are kept.
    target : str, default="idh"
        The column of the IDH status.
    wildtype, positive : str or number, default=None
        As in `sklidh.load_cohort`.
    modalities : sequence of str, default=None
        Modalities that must have features, as numbers. None: those found by `modalities_of`.
    columns : dict of str to str, default=None
        As in `sklidh.load_cohort`.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
        Index: patient ids. The table without the target.
    y : Series of int, shape (n_patients,)
        1 for mutants and 0 for wild types; other targets as from `sklidh.load_cohort`.

    Raises
    ------
    CohortError
        All problems that `examine_feature_table` finds, in one error, or a target that
        `binary_target` rejects.
    """
    examined = examine_feature_table(path, target=target, modalities=modalities, columns=columns)
    return examined.with_classes(wildtype, positive).accepted(path)


def examine_feature_table(path, *, target, modalities, columns=None) -> ExaminedCohort:
    """Read a table of features and list all problems without raising.

    Parameters
    ----------
    path : str or path
    target : str
    modalities : sequence of str or None
    columns : dict of str to str, default=None
        All as in `load_feature_table`.

    Returns
    -------
    ExaminedCohort
        ``modalities`` are the modalities that have features. Possible problems: no target, a
        duplicate or missing patient id, no column of a known modality, a feature that is not a
        number, a patient without any feature.

    Raises
    ------
    CohortError
        The file cannot be read.
    """
    names = ("patient", target, "age", "sex", "site")
    table = scan_table(Path(path), names, columns=columns, text=[target], ids_first=True)
    frame, problems = table.frame, list(table.problems)
    others = [column for column in frame if "__" not in str(column)]
    if target not in frame:
        problems.append(not_found(target, others, of=" (the target)"))
    ids = frame["patient"].fillna("")
    problems += check_ids(ids)
    X = frame.assign(patient=ids).set_index("patient")
    y = X.pop(target) if target in X else None
    there = []
    try:
        there = list(modalities_of(X.columns, modalities))
        held = dict.fromkeys(str(name).split("__")[0] for name in X if "__" in str(name))
        problems += [
            f"no column named {name}__...; the table has features of {', '.join(held)}"
            for name in modalities or ()
            if name not in there
        ]
    except CohortError as error:
        problems += error.problems
    features = X[[name for name in X.columns if name.split("__")[0] in there]]
    for name in features.select_dtypes(exclude="number"):
        if (cells := frame[name].dropna()).empty:
            continue
        numbers = pd.to_numeric(cells, errors="coerce")
        line = (numbers.index[numbers.isna()] if numbers.isna().any() else cells.index)[0]
        problems.append(f"line {line}, column {name!r}: {cells[line]!r} is not a number")
    examined = ExaminedCohort(X, y, there, problems, table.notes, list(frame.index))
    text = (
        f"all features of {listed(there)} are empty; drop the row or extract the features of at "
        "least one modality"
    )
    empty = features.index[features.isna().all(axis=1)] if there else ()
    return examined.with_problems(Problem.of(patient, text) for patient in empty)
