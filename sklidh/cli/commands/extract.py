"""`sklidh extract`: registered images to a table of radiomics features."""

from pathlib import Path
from typing import Annotated

import pandas as pd

from sklidh.cli import options, values
from sklidh.cli.command import PREDICT, command
from sklidh.cli.console import say
from sklidh.cli.options import option
from sklidh.cli.patients import read_patients
from sklidh.results import replaced


@command(
    "sklidh extract cases.csv --out features.csv --radiomics params.yaml",
    "sklidh extract cases.csv --reference none --groups T1,FLAIR",
    "sklidh extract cases.csv --perturbations 10 --regions core=1+4,oedema=2",
    helps={
        "target": options.TARGET_OR_NONE,
        "wildtype": "Target value that means wild type; all other values are mutant. Default: the "
        "target is written as it is.",
        "groups": "Modalities to extract from, separated by commas. Default: T1, T1CE, T2 and "
        "FLAIR, if the table has them.",
    },
    panel=PREDICT,
)
def extract(
    cases: options.Cases,
    *,
    out: Annotated[Path, option("Table of features, CSV.", callback=values.parse_csv)] = Path(
        "features.csv"
    ),
    cohort: options.Cohort,
    extraction: options.Extraction,
    work: options.Work,
):
    """Register every patient and write the radiomics features of every modality as a table.

    Its columns are named MOD__name, as in T1CE__wavelet-LH_glcm_Idm. With --perturbations, the
    features of perturbed images are written to a second table beside it, for sklidh select.
    """
    X, y, recipe, _ = read_patients(cases, cohort, extraction, work, target_needed=False)
    from sklearn.pipeline import make_pipeline

    from sklidh.baselines import split_perturbed
    from sklidh.branches import per_modality
    from sklidh.fusion import BRNNClassifier
    from sklidh.images import image_columns

    # Only the registration is used; a classifier without networks leaves torch unloaded.
    register = recipe.builder()(deep=None, classifier=BRNNClassifier())["register"]
    branches = per_modality(recipe.extractor(), recipe.modalities)
    pipeline = make_pipeline(register, branches).set_output(transform="pandas")
    features, perturbed = split_perturbed(pipeline.fit_transform(X[[*recipe.modalities, "mask"]]))
    known = X.drop(columns=[*image_columns(X), *recipe.modalities, "mask"], errors="ignore")
    table = pd.concat([*([] if y is None else [y]), known, features], axis=1)
    with replaced(out) as temporary:
        table.rename_axis("patient").to_csv(temporary)
    files = {"features": out}
    if recipe.perturbations:
        files["perturbed features"] = out.with_suffix(".perturbed.csv")
        with replaced(files["perturbed features"]) as temporary:
            perturbed.rename_axis("patient").to_csv(temporary)
    say(f"{len(table)} patients, {features.shape[1]} features")
    counts = {"patients": len(table), "features": features.shape[1]}
    return {**counts, "found": recipe.found, "files": files}
