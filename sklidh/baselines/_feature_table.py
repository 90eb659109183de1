"""Start from a table of feature columns instead of images."""

from pathlib import Path

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from sklidh.datasets import ExaminedCohort, check_ids, not_found, scan_table
from sklidh.pipeline import CLINICAL
from sklidh.utils import PAPER_MODALITIES, CohortError, Problem, listed

DEEP = "deep"


class ModalityColumns:
    """Choose the columns of one modality, for a ColumnTransformer.

    Parameters
    ----------
    modality : str
        The columns' names begin with it: ``T1CE__...``.
    deep : bool
        Whether columns named ``T1CE__deep__...`` are among them.
    radiomics : bool
        Whether all others are.
    """

    def __init__(self, modality, *, deep, radiomics):
        self.modality = modality
        self.deep = deep
        self.radiomics = radiomics

    def __call__(self, X):
        """Return the names of the columns.

        Raises
        ------
        CohortError
            There are none.
        """
        names = [name for name in map(str, X.columns) if name.startswith(f"{self.modality}__")]
        chosen = [
            name for name in names if (self.deep if name.split("__")[1] == DEEP else self.radiomics)
        ]
        if not chosen:
            kind = "" if self.radiomics else f"{DEEP}__"
            prefixes = sorted({name.split("__")[0] for name in map(str, X.columns) if "__" in name})
            raise CohortError(
                [
                    f"no column is named {self.modality}__{kind}...; the table has "
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
        ``MOD__name``, and others.
    known : sequence of str, default=None
        The modalities to look for, in this order. None: the paper's, T1, T1CE, T2 and FLAIR; where
        the table has none of these, every prefix in its order.

    Returns
    -------
    tuple of str

    Raises
    ------
    CohortError
        None of them is there.
    """
    prefixes = dict.fromkeys(str(name).split("__")[0] for name in columns if "__" in str(name))
    found = tuple(name for name in (known or PAPER_MODALITIES) if name in prefixes)
    if known is None and not found:
        found = tuple(prefixes)
    if not found:
        one = "" if known is None else f" with MOD one of {', '.join(known)}"
        raise CohortError(
            [
                f"no column is named MOD__name{one}; the prefixes are "
                f"{', '.join(sorted(prefixes)) or 'none'}"
            ]
        )
    return found


def from_features(pipeline: Pipeline) -> Pipeline:
    """Turn a pipeline on images into the same on a table of features.

    Registration and extraction go; selection, fusion and their parameters stay. Each modality gets
    the columns ``MOD__deep__name`` if the pipeline has deep features, and all others
    ``MOD__name`` if it has radiomics.

    Parameters
    ----------
    pipeline : Pipeline
        As `make_idh_pipeline` builds it.

    Returns
    -------
    Pipeline
        Steps ``intra`` and ``fusion``. It takes a DataFrame (n_patients, n_columns), whose other
        columns it leaves alone.
    """
    branches = []
    for modality, branch, columns in pipeline["intra"].transformers:
        if modality == CLINICAL:
            # Its names get the block's in front, which those of features have already.
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
    modalities=None,
    columns=None,
) -> tuple[pd.DataFrame, pd.Series]:
    """Load a table of features, one row per patient.

    Parameters
    ----------
    path : str or path
        A file as `sklidh.datasets.read_table` takes it. The column of ids is recognised by its
        heading, or is the first; features are named ``MOD__name``, deep ones ``MOD__deep__name``;
        other columns, such as age, are kept.
    target : str, default="idh"
        The column of the IDH status.
    wildtype : str or number, default=None
        As in `sklidh.load_cohort`.
    modalities : sequence of str, default=None
        Whose features must be there, as numbers. None: as `modalities_of` finds them.
    columns : dict of str to str, default=None
        As in `sklidh.load_cohort`.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
        Index: patient ids. The table without the target.
    y : Series of int, shape (n_patients,)
        1 for mutants and 0 for wild types.

    Raises
    ------
    CohortError
        Everything that is wrong with the table, at once, as `examine_feature_table` finds it, and
        a target that `binary_target` refuses.
    """
    examined = examine_feature_table(path, target=target, modalities=modalities, columns=columns)
    return examined.with_classes(wildtype).accepted(path)


def examine_feature_table(path, *, target, modalities, columns=None) -> ExaminedCohort:
    """Read a table of features and find everything that is wrong with it, without raising.

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
        ``modalities`` are those that have features. Its problems: no target, a patient listed twice
        or without id, no column of a known modality, a feature that is not a number, a patient
        without any feature.

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
            f"no column is named {name}__...; the table has features of {', '.join(held)}"
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
        f"no feature at all, every column of {listed(there)} is empty; drop the row or extract "
        "features of one of them"
    )
    empty = features.index[features.isna().all(axis=1)] if there else ()
    return examined.with_problems(Problem.of(patient, text) for patient in empty)
