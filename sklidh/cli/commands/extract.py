"""`sklidh extract`: registered images to a table of radiomics features."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from sklidh.cli import options, values
from sklidh.cli.command import PREDICT, command
from sklidh.cli.console import say
from sklidh.cli.options import option
from sklidh.cli.patients import read_patients
from sklidh.radiomics import read_settings
from sklidh.results import replaced


@command(
    "sklidh extract cases.csv --out features.csv --radiomics params.yaml",
    "sklidh extract cases.csv --reference none --groups T1,FLAIR",
    "sklidh extract cases.csv --perturbations 10 --regions core=1+4,oedema=2",
    "sklidh extract cases.csv --maps T1CE__original_glcm_Contrast,FLAIR__original_glcm_Idm",
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
    maps: Annotated[
        values.Names,
        option(
            "Columns to write also as maps, NIfTI files of their value around every voxel of the "
            "tumour, in a folder beside --out.",
            parser=values.parse_names,
            metavar="NAME,...",
        ),
    ] = "",
    kernel_radius: Annotated[
        int, option("Voxels of a map's neighbourhood on each side of a voxel.", min=1, max=10)
    ] = 1,
    cohort: options.Cohort,
    extraction: options.Extraction,
    work: options.Work,
):
    """Register every patient and write the radiomics features of every modality as a table.

    Its columns are named MOD__name, as in T1CE__wavelet-LH_glcm_Idm. With --perturbations, the
    features of perturbed images are written to a second table beside it, for sklidh select. --maps
    writes columns as images too, which show where in the tumour their values come from.
    """
    if kernel_radius != 1 and not maps:
        raise typer.BadParameter("--kernel-radius is that of maps; give --maps too")
    if maps and extraction.regions:
        raise typer.BadParameter(
            "--maps and --regions: a map shows one region; choose it by --label instead"
        )
    X, y, recipe, _ = read_patients(cases, cohort, extraction, work, target_needed=False)
    from sklearn.pipeline import make_pipeline

    from sklidh.baselines import split_perturbed
    from sklidh.branches import per_modality
    from sklidh.features import check_map_folders, map_columns
    from sklidh.fusion import BRNNClassifier
    from sklidh.images import image_columns

    extractor = recipe.extractor()
    map_settings = replace(read_settings(extractor.settings), voxel={"kernelRadius": kernel_radius})
    try:
        map_columns(maps, map_settings, recipe.modalities)
    except ValueError as error:
        raise typer.BadParameter(f"--maps: {error}") from None
    if maps:
        check_map_folders(X.index)
    # Only the registration is used; a classifier without networks leaves torch unloaded.
    register = recipe.builder()(deep=None, classifier=BRNNClassifier())["register"]
    branches = per_modality(extractor, recipe.modalities)
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
    if maps:
        files["maps"] = out.with_suffix(".maps.csv")
        images = pipeline[:-1].transform(X[[*recipe.modalities, "mask"]])
        write_maps(images, maps, files["maps"], map_settings, extractor)
    return {**counts, "found": recipe.found, "files": files}


def write_maps(images, names, path, settings, extractor):
    """Write maps into a folder, and a table of their paths beside it; earlier maps are removed."""
    from sklidh.features import write_feature_maps

    folder = path.with_suffix("")
    if path.exists():
        for earlier in pd.read_csv(path, index_col="patient").stack():
            file = (path.parent / earlier).resolve()
            if file.is_relative_to(folder.resolve()):
                file.unlink(missing_ok=True)
    how = {"n_jobs": extractor.n_jobs, "verbose": extractor.verbose}
    paths = write_feature_maps(
        images, names, folder, settings=settings, label=extractor.label, **how
    )
    paths = paths.map(lambda file: file and os.path.relpath(file, path.parent))
    with replaced(path) as temporary:
        paths.rename_axis("patient").to_csv(temporary)
