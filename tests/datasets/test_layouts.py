"""A folder of images becomes a cohort by the names that public collections give them."""

import pandas as pd
import pytest

from sklidh.datasets import load_cohort
from sklidh.utils import CohortError

MODALITIES = ("T1", "T1CE", "T2", "FLAIR", "mask")
NAMES = {
    "brats": ["BraTS2021_0000{i}/BraTS2021_0000{i}_{part}.nii.gz", "t1", "t1ce", "t2", "flair",
              "seg"],
    "brats from 2023": ["train/BraTS-GLI-0000{i}-000/BraTS-GLI-0000{i}-000-{part}.nii.gz", "t1n",
                        "t1c", "t2w", "t2f", "seg"],
    "tcga": ["TCGA-02-000{i}/TCGA-02-000{i}_1996.08.23_{part}.nii.gz", "t1", "t1Gd", "t2", "flair",
             "GlistrBoost"],
    "ucsf-pdgm": ["UCSF-PDGM-000{i}_nifti/UCSF-PDGM-000{i}_{part}.nii.gz", "T1", "T1c", "T2",
                  "FLAIR", "tumor_segmentation"],
    "bids": ["sub-0{i}/anat/sub-0{i}_{part}.nii.gz", "T1w", "ce-gadolinium_T1w", "T2w", "FLAIR",
             "desc-tumor_mask"],
}  # fmt: skip
IDS = {
    "brats": "BraTS2021_0000{i}",
    "brats from 2023": "BraTS-GLI-0000{i}-000",
    "tcga": "TCGA-02-000{i}",
    "ucsf-pdgm": "UCSF-PDGM-000{i}",
    "bids": "sub-0{i}",
}


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def filled(folder, layout, n_patients=3):
    pattern, *parts = NAMES[layout]
    for i in range(n_patients):
        for part in parts:
            touch(folder / pattern.format(i=i, part=part))
    ids = [IDS[layout].format(i=i) for i in range(n_patients)]
    known = pd.DataFrame({"patient": ids, "idh": [0, 1] * (n_patients // 2) + [0], "age": 50})
    known.to_csv(folder / "known.csv", index=False)
    return folder, ids


def refused(path, **options):
    with pytest.raises(CohortError) as caught:
        load_cohort(path, **options)
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize("layout", NAMES)
def test_every_image_is_found_under_its_modality_without_naming_the_layout(tmp_path, layout):
    folder, ids = filled(tmp_path, layout)
    X, y = load_cohort(folder, patients=folder / "known.csv")
    assert X.index.to_list() == y.index.to_list() == ids
    assert list(X.columns) == [*MODALITIES, "age"]
    pattern, *parts = NAMES[layout]
    for column, part in zip(MODALITIES, parts, strict=True):
        assert X.loc[ids[1], column] == str(folder / pattern.format(i=1, part=part))


def test_patients_who_are_not_in_the_table_are_left_out_and_its_order_is_kept(tmp_path):
    folder, ids = filled(tmp_path, "brats")
    table = pd.read_csv(folder / "known.csv").iloc[[2, 1]]
    table.to_csv(folder / "known.csv", index=False)
    X, y = load_cohort(folder, patients=folder / "known.csv")
    assert X.index.to_list() == [ids[2], ids[1]]
    assert y.to_list() == [0, 1]


def test_a_patient_of_the_table_without_images_is_named(tmp_path):
    folder, _ = filled(tmp_path, "brats")
    with open(folder / "known.csv", "a") as file:
        file.write("nobody,1,50\n")
    assert "patient 'nobody' has no images" in refused(folder, patients=folder / "known.csv")


def test_leading_zeros_of_an_id_do_not_matter(tmp_path):
    folder, ids = filled(tmp_path, "ucsf-pdgm")
    text = (folder / "known.csv").read_text().replace("-000", "-00").replace("patient", "ID")
    (folder / "known.csv").write_text(text)
    X, _ = load_cohort(folder, patients=folder / "known.csv")
    assert X.index.to_list() == ids


def test_the_corrected_mask_of_tcga_comes_before_the_automatic_one(tmp_path):
    folder, ids = filled(tmp_path, "tcga")
    corrected = f"{ids[1]}/{ids[1]}_1996.08.23_GlistrBoost_ManuallyCorrected.nii.gz"
    touch(folder / corrected)
    X, _ = load_cohort(folder, patients=folder / "known.csv")
    assert X.loc[ids[1], "mask"] == str(folder / corrected)
    assert X.loc[ids[0], "mask"].endswith("GlistrBoost.nii.gz")


def test_participants_of_a_bids_dataset_are_known_and_its_derivatives_hold_the_masks(tmp_path):
    folder, ids = filled(tmp_path, "bids")
    for patient in ids:
        name = f"{patient}_desc-tumor_mask.nii.gz"
        (folder / patient / "anat" / name).unlink()
        touch(folder / "derivatives" / "masks" / patient / "anat" / name)
    table = pd.read_csv(folder / "known.csv").rename(columns={"patient": "participant_id"})
    table.to_csv(folder / "participants.tsv", sep="\t", index=False)
    X, y = load_cohort(folder)
    assert X["mask"].str.contains("derivatives").all()
    assert y.to_list() == [0, 1, 0]


def test_a_sequence_that_a_patient_lacks_is_an_empty_cell(tmp_path):
    folder, ids = filled(tmp_path, "brats")
    (folder / ids[1] / f"{ids[1]}_t1ce.nii.gz").unlink()
    assert f"patient {ids[1]!r}, column 'T1CE'" in refused(folder, patients=folder / "known.csv")
    X, _ = load_cohort(folder, patients=folder / "known.csv", missing="nan")
    assert X["T1CE"].isna().to_list() == [False, True, False]


def test_two_files_for_one_image_are_refused(tmp_path):
    folder, ids = filled(tmp_path, "bids")
    touch(folder / ids[0] / "anat" / f"{ids[0]}_run-2_T2w.nii.gz")
    message = refused(folder, target=None)
    assert f"patient {ids[0]!r}, column 'T2': 2 files match" in message


def test_a_folder_does_not_tell_the_target(tmp_path):
    folder, _ = filled(tmp_path, "brats")
    message = refused(folder)
    assert "does not contain 'idh'; give patients= (on the command line --patients)" in message
    assert "target=None (--target none)" in message
    X, y = load_cohort(folder, target=None)
    assert y is None
    assert len(X) == 3


def test_a_folder_of_other_names_is_refused_with_the_layouts_that_are_known(tmp_path):
    touch(tmp_path / "a" / "image_1.nii.gz")
    message = refused(tmp_path, target=None)
    assert "none of its 1 NIfTI files is named like that" in message
    assert "'ucsf-pdgm'" in message
