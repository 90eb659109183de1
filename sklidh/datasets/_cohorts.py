"""Load a cohort from a table of patients and paths or from a folder of images, or write one."""

import os
from pathlib import Path

import pandas as pd
from sklearn.utils._param_validation import StrOptions, validate_params

from sklidh.datasets._examination import examine_cohort
from sklidh.datasets._layouts import LAYOUTS
from sklidh.images import image_columns
from sklidh.utils import atomic_write, is_missing


@validate_params(
    {
        "path": [str, os.PathLike],
        "target": [str, None],
        "wildtype": [object],
        "positive": [object],
        "modalities": ["array-like", None],
        "columns": [dict, None],
        "missing": [StrOptions({"raise", "nan"})],
        "layout": [StrOptions({"auto", *LAYOUTS})],
        "patients": [str, os.PathLike, None],
    },
    prefer_skip_nested_validation=True,
)
def load_cohort(
    path,
    *,
    target="idh",
    wildtype=None,
    positive=None,
    modalities=None,
    columns=None,
    missing="raise",
    layout="auto",
    patients=None,
) -> tuple[pd.DataFrame, pd.Series]:
    """Load a cohort from its table, or from a folder of images.

    Parameters
    ----------
    path : str or path
        A table or a folder. A table is a CSV or .xlsx file, as for `read_table`, with a column
        ``patient`` (ids, read as text), a column of image paths per modality, a column ``mask``
        and the target. Common other headings ("Patient ID", "T1 Gd", "seg", "IDH status") are
        recognised, with a warning that lists them. Other columns, such as age and site, are kept.
        Paths are relative to the table's folder, or absolute. In a folder the images are found by
        name, according to `layout`.
    target : str or None, default="idh"
        The column of the IDH status, or of another target. None: there is none, and `y` is None.
    wildtype : str or number, default=None
        Target value that means wild type; all other values are mutant. None uses known words and
        0 and 1, as in `binary_target`.
    positive : str or number, default=None
        Value of another target's positive class, such as "methylated" or "codeleted". Three or more
        values of a target other than the IDH status are as many classes.
    modalities : sequence of str, default=None
        The columns that hold images. None: every column except the mask in which a cell names an
        image file (``.nii``, ``.nii.gz``, ``.mha``, ``.nrrd`` and the like) or a folder of DICOM
        files.
    columns : dict of str to str, default=None
        The heading of each column with another name: ``{"T1CE": "t1_gd", "mask": "roi2"}``.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty modality cell is an error or stays empty (NaN). A mask may never be empty.
    layout : {"auto", "brats", "tcga", "ucsf-pdgm", "bids"}, default="auto"
        Naming scheme of the images in a folder: the BraTS challenges; BraTS-TCGA-GBM and -LGG, or
        UCSF-PDGM, from The Cancer Imaging Archive; or a BIDS dataset whose tumour masks are named
        "tumor" or "lesion". "auto" chooses the one that finds the most images.
    patients : str or path, default=None
        For a folder: a table with the patients' ids, the target and any other columns. Patients not
        in it are left out. None uses ``participants.tsv`` if the folder has one.

    Returns
    -------
    X : DataFrame of shape (n_patients, n_columns)
        Index: the patients' ids. The table's columns without the target, with absolute paths.
    y : Series of shape (n_patients,) or None
        1 for mutants and 0 for wild types, with the index of `X` and the target's name. Of a target
        with other words, ordered categories: the positive class last, several in alphabetical
        order.

    Raises
    ------
    CohortError
        The table does not exist, or has problems, all listed at once with their lines in the file:
        a patient without an id or listed twice, a column that is missing or duplicated, an empty
        cell, a missing file, a target that is missing, has only one class or has values that
        `binary_target` refuses; in a folder, names of no known layout, two files for the same
        image, or a patient without images.

    Warns
    -----
    UserWarning
        About headings that were recognised and content that was handled or skipped: blank rows, a
        title, decimal commas, an encoding.

    See Also
    --------
    binary_target : Convert the IDH status in a table you read yourself.
    make_glioma_phantoms : Write a cohort of synthetic patients.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklidh.datasets import load_cohort, make_glioma_phantoms
    >>> with TemporaryDirectory() as folder:
    ...     _ = make_glioma_phantoms(folder, 5, size=16)
    ...     X, y = load_cohort(f"{folder}/cases.csv")
    >>> list(X.columns)
    ['T1', 'T1CE', 'T2', 'FLAIR', 'mask', 'age', 'site']
    >>> y.to_list()
    [0, 1, 0, 1, 0]
    """
    examined = examine_cohort(
        path,
        target=target,
        modalities=modalities,
        columns=columns,
        missing=missing,
        layout=layout,
        patients=patients,
    )
    return examined.with_classes(wildtype, positive).accepted(path)


def write_cohort(path, X: pd.DataFrame, y: pd.Series | None = None) -> Path:
    """Write a cohort as a table that `load_cohort` reads without warnings.

    Parameters
    ----------
    path : str or path
        A ``.csv`` file.
    X : DataFrame of shape (n_patients, n_columns)
        As from `load_cohort`. Paths below the table's folder are written relative to it.
    y : Series of shape (n_patients,), default=None
        1 is written as "mutant" and 0 as "wildtype"; text is unchanged.

    Returns
    -------
    Path
        The path of the file.
    """
    path = Path(path)
    folder = os.path.abspath(path.parent) + os.sep
    images = [*image_columns(X), *(["mask"] if "mask" in X else [])]
    cells = X.assign(**{name: [_relative(cell, folder) for cell in X[name]] for name in images})
    if y is not None:
        y = y.astype(object)
        words = y.map({0: "wildtype", 1: "mutant"})
        cells = cells.assign(**{str(y.name): words.where(words.notna(), y)})
    with atomic_write(path) as temporary:
        cells.rename_axis("patient").to_csv(temporary)
    return path


def _relative(cell, folder: str):
    return cell if is_missing(cell) else os.fspath(cell).removeprefix(folder)
