"""A folder as a collection is downloaded goes through a command as a table of the same images."""

import pandas as pd
import pytest

from sklidh import load_cohort

# Folder and file of a patient; T1, FLAIR and mask; how the clinical table writes the patient.
LAYOUTS = {
    "brats": ("{p}/{p}_{part}", ("t1", "flair", "seg"), "BraTS2021_{i:05d}", "BraTS2021_{i:05d}"),
    "tcga": (
        "Pre-operative/{p}/{p}_2001.04.{d}_{part}",
        ("t1", "flair", "GlistrBoost_ManuallyCorrected"),
        "TCGA-02-{i:04d}",
        "TCGA-02-{i:04d}",
    ),
    "ucsf-pdgm": (
        "{p}_nifti/{p}_{part}",
        ("T1", "FLAIR", "tumor_segmentation"),
        "UCSF-PDGM-{i:04d}",
        "UCSF-PDGM-{i:03d}",
    ),
    "bids": (
        "{p}/ses-01/anat/{p}_ses-01_{part}",
        ("T1w", "FLAIR", "label-lesion_roi"),
        "sub-{i:02d}",
        "sub-{i:02d}",
    ),
}


@pytest.fixture(params=LAYOUTS)
def collection(request, cases, tmp_path):
    """Return layout, folder and clinical table of five patients, and the same as a table."""
    pattern, parts, folder_id, table_id = LAYOUTS[request.param]
    folder = tmp_path / "collection"
    X, y = load_cohort(cases)
    X, y = X.iloc[:5][["T1", "FLAIR", "mask"]], y.iloc[:5]
    ids = [folder_id.format(i=i) for i in range(1, 6)]
    for i, (patient, row) in enumerate(zip(ids, X.itertuples(index=False), strict=True)):
        for part, source in zip(parts, row, strict=True):
            path = folder / (pattern.format(p=patient, part=part, d=10 + i) + ".nii.gz")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(source)
    bids = request.param == "bids"
    known = pd.DataFrame({"ID": [table_id.format(i=i) for i in range(1, 6)], "IDH": y.to_numpy()})
    known = known.rename(columns={"ID": "participant_id"}) if bids else known
    clinical = folder / "participants.tsv" if bids else tmp_path / "clinical.csv"
    known.to_csv(clinical, index=False, sep="\t" if bids else ",")
    X.set_axis(ids).assign(IDH=y.to_numpy()).to_csv(tmp_path / "t.csv", index_label="patient")
    return request.param, folder, clinical, tmp_path / "t.csv"


def test_a_downloaded_folder_gives_the_table_s_features(sklidh, collection, parameters, tmp_path):
    layout, folder, clinical, table = collection
    words = ("--radiomics", parameters, "--reference", "none", "--target", "IDH", "--jobs", 1)
    # BIDS keeps its clinical table in the folder, under a name of its own.
    patients = () if layout == "bids" else ("--patients", clinical)
    result = sklidh("extract", folder, *patients, *words, "--out", tmp_path / "there.csv")
    assert result.exit_code == 0, result.output
    assert "5 patients, T1, FLAIR" in result.output
    assert sklidh("extract", table, *words, "--out", tmp_path / "here.csv").exit_code == 0
    assert (tmp_path / "there.csv").read_text() == (tmp_path / "here.csv").read_text()


def test_another_layout_than_the_folder_s_says_that_it_finds_nothing(sklidh, collection, tmp_path):
    layout, folder, *_ = collection
    other = "tcga" if layout == "brats" else "brats"
    result = sklidh("check", folder, "--layout", other, "--target", "none")
    assert result.exit_code == 1
    assert f"no layout of '{other}': none of its 15 NIfTI files is named like that" in result.output
