"""Start from a table of feature columns instead of images."""

from pathlib import Path

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from sklidh.datasets import read_table
from sklidh.utils import CohortError, binary_target, check_cases, check_target, listed

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


def modalities_of(columns, known=("T1", "T1CE", "T2", "FLAIR")) -> tuple[str, ...]:
    """Tell which modalities a feature table holds.

    Parameters
    ----------
    columns : sequence of str
        ``MOD__name``, and others.
    known : sequence of str, default=("T1", "T1CE", "T2", "FLAIR")
        The modalities to look for, in this order.

    Returns
    -------
    tuple of str

    Raises
    ------
    CohortError
        None of them is there.
    """
    prefixes = {str(column).split("__")[0] for column in columns if "__" in str(column)}
    found = tuple(modality for modality in known if modality in prefixes)
    if not found:
        raise CohortError(
            [
                f"no column is named MOD__name with MOD one of {', '.join(known)}; the prefixes "
                f"are {', '.join(sorted(prefixes)) or 'none'}"
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
    for modality, branch, _ in pipeline["intra"].transformers:
        kinds = {name for name, _ in branch["featureunion"].transformer_list}
        columns = ModalityColumns(modality, deep=DEEP in kinds, radiomics=not kinds <= {DEEP})
        branches.append((modality, branch[1:], columns))
    intra = ColumnTransformer(branches, verbose_feature_names_out=False)
    return Pipeline(
        [("intra", intra), ("fusion", pipeline["fusion"])], memory=pipeline.memory
    ).set_output(transform="pandas")


def load_feature_table(
    path, *, target="idh", wildtype=None, modalities=("T1", "T1CE", "T2", "FLAIR")
) -> tuple[pd.DataFrame, pd.Series]:
    """Load a table of features, one row per patient.

    Parameters
    ----------
    path : str or path
        A comma-separated file. Its first column is the patient; features are named ``MOD__name``,
        deep ones ``MOD__deep__name``; other columns, such as age, are kept as they are.
    target : str, default="idh"
        The column of the IDH status.
    wildtype : str or number, default=None
        As in `sklidh.load_cohort`.
    modalities : sequence of str, default=("T1", "T1CE", "T2", "FLAIR")
        Whose features must be numbers; at least one must be there.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
        Index: patients. The table without the target.
    y : Series of int, shape (n_patients,)
        1 for mutants and 0 for wild types.

    Raises
    ------
    CohortError
        As `read_feature_table`, or the target is not one that `binary_target` takes.
    """
    X, y = read_feature_table(path, target=target, modalities=modalities)
    y = binary_target(y, wildtype=wildtype)
    check_target(y, X)
    return X, y


def read_feature_table(path, *, target, modalities) -> tuple[pd.DataFrame, pd.Series]:
    """Read a table of features, and leave the target as it is.

    Parameters
    ----------
    path : str or path
    target : str
    modalities : sequence of str
        All as in `load_feature_table`.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
        The target as the table has it.

    Raises
    ------
    CohortError
        No target, a patient listed twice, no column of a known modality, a feature that is not a
        number, or a patient without any feature.
    """
    X = read_table(Path(path), ids_first=True).set_index("patient")
    if target not in X.columns:
        others = [column for column in X.columns if "__" not in str(column)]
        raise CohortError(
            [
                f"{path}: column {target!r} is absent, the target; beside the features the table "
                f"has {listed(others)}"
            ]
        )
    y = X.pop(target)
    check_cases(X, cells=False)
    there = modalities_of(X.columns, modalities)
    features = X[[name for name in X.columns if name.split("__")[0] in there]]
    words = features.select_dtypes(exclude="number")
    if len(words.columns):
        raise CohortError(f"{path}: column {name!r} is not a number" for name in words)
    if len(empty := features.index[features.isna().all(axis=1)]):
        raise CohortError(
            f"patient {patient!r}: no feature at all, every column of {listed(there)} is empty; "
            "drop the row or extract features of one of them"
            for patient in empty
        )
    return X, y
