"""The command `sklidh extract`: a cohort in, a table of radiomics features out."""

from pathlib import Path

import pandas as pd

from sklidh.cli._cohort import read_cohort
from sklidh.cli._options import Cohort, Extraction
from sklidh.cli._output import console, print_files, warnings_told_once
from sklidh.cli._place import replaced


def extract_features(
    cases: Path, out: Path, cohort: Cohort, extraction: Extraction, *, jobs: int
) -> dict:
    """Register every patient, extract the radiomics of every modality, and write one table.

    Parameters
    ----------
    cases : Path
        Table or folder.
    out : Path
        The table: patients, the columns that hold no images, and features named ``MOD__name``.
    cohort : Cohort
    extraction : Extraction
    jobs : int
        Patients worked on at the same time.

    Returns
    -------
    dict
        ``patients``, ``features`` (their number), ``found`` and ``files``.
    """
    X, y, recipe = read_cohort(cases, cohort, extraction, jobs=jobs, target_needed=False)
    from sklearn.pipeline import make_pipeline

    from sklidh.images import image_columns
    from sklidh.pipeline import per_modality

    register = recipe.builder()(deep=None)["register"]
    branches = per_modality(recipe.extractor(), recipe.modalities)
    extraction = make_pipeline(register, branches).set_output(transform="pandas")
    with warnings_told_once():
        features = extraction.fit_transform(X[[*recipe.modalities, "mask"]])
    known = X.drop(columns=[*image_columns(X), *recipe.modalities, "mask"], errors="ignore")
    table = pd.concat([*([] if y is None else [y]), known, features], axis=1)
    with replaced(out) as temporary:
        table.rename_axis("patient").to_csv(temporary)
    console.print(f"{len(table)} patients, {features.shape[1]} features")
    files = {"features": out}
    print_files(files)
    counts = {"patients": len(table), "features": features.shape[1]}
    return {**counts, "found": recipe.found, "files": files}
