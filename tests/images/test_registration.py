"""RigidRegistration as a transformer of tables: what it reads, leaves, writes and refuses."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from sklearn.pipeline import make_pipeline

from sklidh.datasets import make_glioma_phantoms
from sklidh.images import ImageError, RigidRegistration, read_case
from sklidh.utils import CohortError
from sklidh.utils.estimator_checks import parametrize_with_image_checks

MOVED = ["T1", "T1CE", "FLAIR"]


@pytest.fixture(scope="module")
def few(phantoms):
    """Return the first three patients."""
    X, y = phantoms
    return X.iloc[:3], y.iloc[:3]


@pytest.fixture(scope="module")
def registered(few):
    register = RigidRegistration().fit(*few)
    return register, register.transform(few[0])


def test_a_patient_who_takes_too_long_ends_the_run(few):
    register = RigidRegistration(cache=False, n_jobs=2, timeout=1e-3).fit(few[0])
    said = r"registration: a patient took longer than timeout=0\.001 s, or its worker died; no"
    with pytest.raises(TimeoutError, match=said):
        register.transform(few[0])


def voxels(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(path))


def in_memory(X):
    """Return the table with every path replaced by its image."""
    images = X.copy()
    for column in [*MOVED, "T2", "mask"]:
        images[column] = pd.Series(
            [sitk.ReadImage(path) for path in X[column]], X.index, dtype=object
        )
    return images


@parametrize_with_image_checks([RigidRegistration()])
def test_image_in_checks(estimator, check, phantoms):
    X, y = phantoms
    check(estimator, X[["T1", "T2", "mask"]].iloc[:4], y.iloc[:4])


def test_reference_mask_and_other_columns_pass_through(few, registered):
    X, _ = few
    _, table = registered
    assert list(table.columns) == list(X.columns)
    untouched = ["T2", "mask", "age", "site"]
    pd.testing.assert_frame_equal(table[untouched], X[untouched])


def test_registered_images_share_the_masks_grid_and_their_own_type(few, registered):
    X, _ = few
    _, table = registered
    for patient, row in table.iterrows():
        for modality in MOVED:
            assert row[modality] != X.loc[patient, modality]
            image, _ = read_case(row[modality], row["mask"])
            assert image.GetPixelID() == sitk.sitkInt16


def test_registered_images_look_as_if_never_moved(few, registered, tmp_path):
    X, _ = few
    _, table = registered
    still, _ = make_glioma_phantoms(tmp_path, 3, size=32, spacing=2.0, misalignment=(0, 0))

    def likeness(one, other):
        return np.corrcoef(voxels(one).ravel(), voxels(other).ravel())[0, 1]

    for modality in MOVED:
        for patient in X.index:
            truth = still.loc[patient, modality]
            before, after = (likeness(t.loc[patient, modality], truth) for t in (X, table))
            assert after > max(before, 0.97)


def test_the_report_has_a_row_per_image(few, registered):
    X, _ = few
    register, _ = registered
    assert register.modalities_ == MOVED
    expected = [(patient, modality) for patient in X.index for modality in MOVED]
    assert register.report_.index.to_list() == expected
    assert (register.report_["mutual_information"] > 0.4).all()
    assert register.report_["displacement"].between(0.5, 6).all()
    assert all(np.shape(matrix) == (4, 4) for matrix in register.report_["matrix"])


def test_images_in_memory_come_back_in_memory_with_the_same_voxels(few, registered):
    X, y = few
    _, table = registered
    images = RigidRegistration().fit_transform(in_memory(X), y)
    for patient, row in images.iterrows():
        for modality in MOVED:
            np.testing.assert_array_equal(
                sitk.GetArrayFromImage(row[modality]), voxels(table.loc[patient, modality])
            )


def test_without_a_cache_images_come_back_in_memory(few, tmp_path, monkeypatch):
    X, _ = few
    monkeypatch.setenv("SKLIDH_CACHE", str(tmp_path))
    images = RigidRegistration(cache=False).fit_transform(X.iloc[:1])
    assert isinstance(images["T1"].iloc[0], sitk.Image)
    assert images["T2"].iloc[0] == X["T2"].iloc[0]
    assert not list(tmp_path.iterdir())


def test_what_is_in_the_cache_is_not_computed_again(few, tmp_path):
    X, _ = few
    first = RigidRegistration(cache=tmp_path).fit(X)
    table = first.transform(X)
    files = sorted(tmp_path.rglob("*"))
    written = [path.stat().st_mtime_ns for path in files]
    again = RigidRegistration(cache=tmp_path).fit(X)
    pd.testing.assert_frame_equal(again.transform(X), table)
    pd.testing.assert_frame_equal(again.report_, first.report_)
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))] == written


def test_no_worker_starts_for_what_is_in_the_cache(few, tmp_path, monkeypatch):
    register = RigidRegistration(cache=tmp_path, n_jobs=2).fit(few[0])
    first = register.transform(few[0])
    report = register.report_
    monkeypatch.setattr("sklidh.images._registration.delayed", None)
    pd.testing.assert_frame_equal(register.transform(few[0]), first)
    pd.testing.assert_frame_equal(register.report_, report)


def test_the_cache_knows_content_and_parameters_not_names(few, tmp_path):
    X, _ = few
    X = X.iloc[:1][["T1", "T2", "mask"]]

    def entries():
        return set(tmp_path.rglob("*.json"))

    RigidRegistration(cache=tmp_path).fit_transform(X)
    before = entries()
    copy = tmp_path / "copy.nii.gz"
    copy.write_bytes(Path(X["T1"].iloc[0]).read_bytes())
    RigidRegistration(cache=tmp_path).fit_transform(X.assign(T1=str(copy)))
    assert entries() == before
    RigidRegistration(cache=tmp_path, n_samples=2000).fit_transform(X)
    assert len(entries()) == len(before) + 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"stays": false, "fit": {"other": 1}}'])
def test_a_record_that_cannot_be_read_is_made_anew(few, tmp_path, content):
    X = few[0].iloc[:1][["T1", "T2", "mask"]]
    table = RigidRegistration(cache=tmp_path).fit_transform(X)
    for record in tmp_path.rglob("*.json"):
        record.write_text(content)
    again = RigidRegistration(cache=tmp_path).fit(X)
    pd.testing.assert_frame_equal(again.transform(X), table)
    assert len(again.report_) == 1


@pytest.mark.parametrize("spoil", ["gone", "cut off", "another's"])
def test_a_cached_image_that_is_spoilt_is_made_anew(few, tmp_path, spoil):
    X = few[0].iloc[:1][["T1", "T2", "mask"]]
    path = Path(RigidRegistration(cache=tmp_path).fit_transform(X)["T1"].iloc[0])
    before = path.read_bytes()
    match spoil:
        case "gone":
            path.unlink()
        case "cut off":
            path.write_bytes(before[:-100])
        case "another's":
            path.write_bytes(Path(X["T2"].iloc[0]).read_bytes())
    RigidRegistration(cache=tmp_path).fit_transform(X)
    assert path.read_bytes() == before


def test_an_image_that_lies_well_already_stays_as_it_is(tmp_path):
    X, _ = make_glioma_phantoms(tmp_path, 2, size=32, spacing=2.0, misalignment=(0, 0))
    register = RigidRegistration().fit(X)
    assert register.transform(X)[MOVED].equals(X[MOVED])
    assert (register.report_["displacement"] < 1).all()
    resampled = RigidRegistration(tolerance=0).fit_transform(X)
    assert (resampled[MOVED] != X[MOVED]).all(axis=None)


def test_outside_the_field_of_view_is_background():
    rng = np.random.default_rng(0)
    head = np.full((24, 24, 24), -50.0, dtype=np.float32)
    head[6:18, 5:19, 7:17] = rng.normal(100, 20, (12, 14, 10))
    fixed = sitk.GetImageFromArray(head)
    cut = fixed[:, :, :18]
    X = pd.DataFrame({"T1": [cut], "T2": [fixed]}, index=["a"])
    (image,) = RigidRegistration(mask=None, tolerance=0, warn_below=0).fit_transform(X)["T1"]
    values = sitk.GetArrayFromImage(image)
    assert values.shape == (24, 24, 24)
    np.testing.assert_allclose(values[20:], -50, atol=1e-3)


def test_a_mask_in_another_grid_is_carried_over_with_its_labels(few, tmp_path):
    X, _ = few
    X = X.iloc[:1].copy()
    mask = sitk.ReadImage(X["mask"].iloc[0])
    fine = sitk.Expand(mask, [2, 2, 2], sitk.sitkNearestNeighbor) * 4
    sitk.WriteImage(fine, tmp_path / "mask.nii.gz")
    X["mask"] = str(tmp_path / "mask.nii.gz")
    (path,) = RigidRegistration(cache=tmp_path).fit_transform(X)["mask"]
    np.testing.assert_array_equal(voxels(path), 4 * sitk.GetArrayFromImage(mask))


@pytest.mark.parametrize("cached", [True, False])
def test_a_mask_cut_by_the_reference_is_told_with_both_volumes(few, tmp_path, cached):
    X = few[0].iloc[:2][["T1", "T2", "mask"]].copy()
    for patient in X.index:
        mask = sitk.ReadImage(X.loc[patient, "mask"])
        tumour = np.flatnonzero(sitk.GetArrayViewFromImage(mask).any((1, 2)))
        # The reference shows three quarters of the first patient's tumour.
        if patient == X.index[0]:
            last = int(tumour[0] + 0.75 * len(tumour))
            sitk.WriteImage(sitk.ReadImage(X.loc[patient, "T2"])[:, :, :last], tmp_path / "t2.nii")
            X.loc[patient, "T2"] = str(tmp_path / "t2.nii")
    register = RigidRegistration(warn_below=0, cache=tmp_path / "cache" if cached else False)
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"1 masks are partly outside .*: phantom-000 \("):
            register.fit_transform(X)
    X.loc[X.index[1], "mask"] = str(tmp_path / "mask.nii.gz")
    sitk.WriteImage(mask[:, :, : int(tumour[0]) + 1], tmp_path / "mask.nii.gz")
    mask.SetOrigin(np.add(mask.GetOrigin(), (0, 0, 40)))
    sitk.WriteImage(mask, tmp_path / "mask.nii.gz")
    with pytest.raises(ImageError, match=r"'mask'.*(of the mask's .* ml are left|no voxel)"):
        register.fit_transform(X)


def test_labels_that_were_not_asked_for_are_dropped(few, tmp_path):
    X = few[0].iloc[:1][["T1", "T2", "mask"]].copy()
    tumour = sitk.ReadImage(X["mask"].iloc[0])
    X["mask"] = str(tmp_path / "mask.nii.gz")
    sitk.WriteImage(tumour * 4 + sitk.Cast(sitk.BinaryErode(tumour), tumour.GetPixelID()) * 3,
                    tmp_path / "mask.nii.gz")  # fmt: skip
    for label, seen in ((None, {0, 4, 7}), (4, {0, 4}), ([7], {0, 7})):
        for cache in (tmp_path / "cache", False):
            register = RigidRegistration(label=label, warn_below=0, cache=cache)
            mask = register.fit_transform(X)["mask"].iloc[0]
            mask = mask if isinstance(mask, sitk.Image) else sitk.ReadImage(mask)
            assert set(np.unique(sitk.GetArrayViewFromImage(mask))) == seen
    with pytest.raises(ValueError, match="label must be"):
        RigidRegistration(label=0).fit(X)


def test_a_mask_elsewhere_is_refused(few):
    X = in_memory(few[0].iloc[:1])
    X["mask"].iloc[0].SetOrigin((1000, 0, 0))
    with pytest.raises(ImageError, match=r"'phantom-000', column 'mask'.*no voxel of the mask"):
        RigidRegistration().fit_transform(X)


def test_an_empty_cell_stays_empty_on_request(few):
    X = few[0].copy()
    X.loc["phantom-001", "T1CE"] = None
    with pytest.raises(CohortError, match="'phantom-001', column 'T1CE'"):
        RigidRegistration().fit(X)
    register = RigidRegistration(missing="nan").fit(X)
    table = register.transform(X)
    assert table["T1CE"].isna().to_list() == [False, True, False]
    assert len(register.report_) == 8


@pytest.mark.parametrize("column", ["T2", "mask"])
def test_reference_and_mask_may_never_be_empty(few, column):
    X = few[0].copy()
    X.loc["phantom-002", column] = None
    with pytest.raises(CohortError, match=f"'phantom-002', column '{column}'"):
        RigidRegistration(missing="nan").fit(X)


def test_another_modality_may_be_the_reference(few):
    X = few[0].drop(columns="T2")
    register = RigidRegistration(reference="FLAIR").fit(X)
    assert register.modalities_ == ["T1", "T1CE"]
    assert register.transform(X)["FLAIR"].equals(X["FLAIR"])


def test_only_the_modalities_asked_for_move(few):
    X = few[0].iloc[:1]
    table = RigidRegistration(modalities=["T2", "FLAIR"]).fit_transform(X)
    assert (table != X).any().to_dict() == dict.fromkeys(X.columns, False) | {"FLAIR": True}


@pytest.mark.parametrize("column", ["T2", "mask", "T1CE"])
def test_an_absent_column_is_named(few, column):
    register = RigidRegistration(modalities=MOVED)
    with pytest.raises(CohortError, match=f"column '{column}' not found"):
        register.fit(few[0].drop(columns=column))


def test_bad_labels_are_refused_before_any_image_is_read(few, tmp_path):
    X, y = few
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no image")
    X = X.assign(T1=str(broken))
    for labels in (y.iloc[:2], y * 0, y.astype(float).where(y == 0), y.iloc[::-1]):
        with pytest.raises(CohortError):
            make_pipeline(RigidRegistration()).fit(X, labels)


def test_an_image_that_cannot_be_read_is_named(few, tmp_path):
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no image")
    X = few[0].copy()
    X.loc["phantom-001", "FLAIR"] = str(broken)
    with pytest.raises(ImageError, match=r"'phantom-001', column 'FLAIR', .*broken\.nii\.gz"):
        RigidRegistration().fit_transform(X)


def test_an_image_that_cannot_be_registered_is_named(few, tmp_path):
    flat = sitk.ReadImage(few[0]["T1"].iloc[0]) * 0
    sitk.WriteImage(flat, tmp_path / "flat.nii.gz")
    X = few[0].iloc[:1].assign(T1=str(tmp_path / "flat.nii.gz"))
    message = (
        r"'phantom-000', column 'T1', .*flat\.nii\.gz: cannot be aligned with 'T2': every voxel"
    )
    with pytest.raises(ImageError, match=message):
        RigidRegistration().fit_transform(X)


def test_an_image_of_noise_is_warned_of(few):
    X = in_memory(few[0].iloc[:1])
    noise = np.random.default_rng(0).normal(size=(32, 32, 32))
    image = sitk.GetImageFromArray(noise)
    image.CopyInformation(X["T1"].iloc[0])
    X["T1"] = pd.Series([image], X.index, dtype=object)
    with pytest.warns(UserWarning, match=r"1 images agree poorly with 'T2'.*phantom-000 T1 \(0"):
        RigidRegistration(n_samples=1000).fit_transform(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RigidRegistration(warn_below=0).fit_transform(X)


def test_a_table_of_numbers_is_refused():
    with pytest.raises(TypeError, match="DataFrame"):
        RigidRegistration().fit(np.zeros((3, 2)))
