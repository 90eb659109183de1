"""The bad inputs of the table in docs/errors.rst: what each gives, before any work is done."""

import gzip
import re
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import make_pipeline

from sklidh import CorrelationPruner, LassoCVSelector, MannWhitneySelector, RadiomicsExtractor
from sklidh.datasets import load_cohort
from sklidh.evaluation import cross_validate
from sklidh.images import (
    CorruptImage,
    EmptyROI,
    GeometryMismatch,
    ImageTooLarge,
    ImageWarning,
    MissingLabel,
    NonFiniteVoxels,
    NonIntegerMask,
    ROITooSmall,
    WrongDimension,
    check_case,
    read_case,
    read_image,
)
from sklidh.reporting import predictions_as_csv
from sklidh.utils import CohortError, check_target

SHAPE = (8, 9, 10)
VOXELS = np.random.default_rng(0).integers(1, 900, SHAPE).astype(np.int16)
SETTINGS = {"featureClass": {"firstorder": ["Mean", "Entropy"], "glcm": ["Contrast"]}}


def tumour(value=1, where=np.s_[2:6, 2:6, 2:6], dtype=np.uint8):
    mask = np.zeros(SHAPE, dtype)
    mask[where] = value
    return mask


def with_voxel(value, where):
    voxels = VOXELS.astype(np.float32)
    voxels[where] = value
    return voxels


def nifti(voxels):
    """Return the bytes of a NIfTI file, written from the standard."""
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into(f"<{voxels.ndim + 1}h", head, 40, voxels.ndim, *voxels.shape[::-1])
    code = {"i2": 4, "f4": 16}[voxels.dtype.str[1:]]
    struct.pack_into("<2h", head, 70, code, 8 * voxels.itemsize)
    struct.pack_into("<8f", head, 76, 1, *[1] * 7)
    struct.pack_into("<2f", head, 108, 352, 1)
    head[344:348] = b"n+1\0"
    return bytes(head) + voxels.tobytes()


def patched(offset, form, *values):
    content = bytearray(nifti(VOXELS))
    struct.pack_into(form, content, offset, *values)
    return bytes(content)


def flipped(content, position):
    content = bytearray(content)
    content[position] ^= 16
    return bytes(content)


INTACT = nifti(VOXELS)
PACKED = gzip.compress(INTACT)
SHEAR = struct.pack("<12f", 1, 0.1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)

BAD_FILES = {
    "empty file": ("a.nii.gz", b"", CorruptImage, "is empty; copy it again"),
    "text renamed .nii.gz": ("a.nii.gz", b"patient,T1\n", CorruptImage, "is not a gzip file"),
    "truncated .nii": (
        "a.nii",
        INTACT[:-300],
        CorruptImage,
        r"truncated: its header declares 1792",
    ),
    "truncated .nii.gz": ("a.nii.gz", PACKED[:-300], CorruptImage, "damaged or cut off"),
    "bit-flipped .nii.gz": ("a.nii.gz", flipped(PACKED, 900), CorruptImage, "damaged or cut off"),
    "header of 32767^3 voxels": (
        "a.nii.gz",
        gzip.compress(patched(42, "<3h", 32767, 32767, 32767)),
        ImageTooLarge,
        "32767 x 32767 x 32767 voxels, .* GiB; at most 2 GiB are accepted",
    ),
    "gzip bomb": (
        "a.nii.gz",
        gzip.compress(INTACT + bytes(10**8), 1),
        CorruptImage,
        "contains more",
    ),
    "four dimensions": (
        "a.nii",
        nifti(np.stack([VOXELS, VOXELS])),
        WrongDimension,
        "has 4 dimensions",
    ),
    "two dimensions": ("a.nii", nifti(VOXELS[0]), WrongDimension, "has 2 dimensions"),
    "colour": ("a.nii", patched(70, "<2h", 128, 24), WrongDimension, "several values per voxel"),
    "spacing of 0": ("a.nii", patched(84, "<f", 0), CorruptImage, r"spacing of \(1.0, 0.0, 1.0\)"),
    "sheared axes": (
        "a.nii",
        patched(254, "<h", 1)[:280] + SHEAR + INTACT[328:],
        GeometryMismatch,
        "not at right angles",
    ),
    "unknown datatype": ("a.nii", patched(70, "<h", 4242), CorruptImage, "datatype 4242"),
}


@pytest.mark.parametrize("bad", BAD_FILES)
def test_a_bad_file_is_refused_by_name_before_its_voxels_are_used(tmp_path, bad):
    name, content, error, message = BAD_FILES[bad]
    path = tmp_path / name
    path.write_bytes(content)
    X = pd.DataFrame({"T1": [str(path)], "mask": [sitk.GetImageFromArray(tumour())]}, ["P1"])
    named = rf"^patient 'P1', column 'T1', {re.escape(str(path))}: .*{message}"
    with pytest.raises(error, match=named):
        RadiomicsExtractor(SETTINGS, cache=False).fit_transform(X)


def spaced(voxels, spacing=(1, 1, 1), origin=(0, 0, 0), direction=(1, 0, 0, 0, 1, 0, 0, 0, 1)):
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction)
    return image


TURNED = sitk.Euler3DTransform((0, 0, 0), 0, 0, 0.1).GetMatrix()
BAD_PAIRS = {
    "NaN inside the region": (with_voxel(np.nan, (3, 3, 3)), tumour(), NonFiniteVoxels, "1 of the"),
    "infinity inside the region": (
        with_voxel(-np.inf, np.s_[3, 3, :]),
        tumour(),
        NonFiniteVoxels,
        "4 of the 64 voxels",
    ),
    "other origin": (VOXELS, spaced(tumour(), origin=(0, 0, 0.1)), GeometryMismatch, "origin"),
    "other direction": (VOXELS, spaced(tumour(), direction=TURNED), GeometryMismatch, "direction"),
    "other shape": (
        VOXELS,
        spaced(tumour()[:-1], origin=(0, 0, 0.5)),
        GeometryMismatch,
        r"sizes \(10, 9, 8\) and \(10, 9, 7\)",
    ),
    "other spacing": (VOXELS, spaced(tumour(), (1, 1, 2)), GeometryMismatch, "spacing .*2"),
    "mask outside the image": (
        VOXELS,
        spaced(tumour(), origin=(0, 0, 40)),
        EmptyROI,
        "another patient",
    ),
    "mask that loses most of its volume": (
        VOXELS,
        spaced(tumour(), origin=(0, 0, 5)),
        GeometryMismatch,
        r"only 0\.016 of the mask's 0\.064 ml",
    ),
    "image in the mask's column": (VOXELS, VOXELS, NonIntegerMask, "different labels above 0"),
    "empty mask": (VOXELS, tumour(0), EmptyROI, "every voxel is 0"),
    "label that is not there": (VOXELS, tumour(2), MissingLabel, r"label 1; labels present: \[2\]"),
    "region of one voxel": (
        VOXELS,
        tumour(where=(3, 3, 3)),
        ROITooSmall,
        "has 1 voxels; at least 3",
    ),
    "region of two voxels": (VOXELS, tumour(where=np.s_[3, 3, 3:5]), ROITooSmall, "has 2 voxels"),
    "mask of fractions": (VOXELS, tumour(0.5, dtype=np.float32), NonIntegerMask, "whole numbers"),
    "mask with NaN": (VOXELS, tumour(np.nan, dtype=np.float32), NonIntegerMask, "not labels"),
    "mask with negative labels": (VOXELS, tumour(-1, dtype=np.int16), NonIntegerMask, "from -1"),
}


@pytest.mark.parametrize("bad", BAD_PAIRS)
def test_a_bad_image_or_mask_is_refused_by_name(bad):
    image, mask, error, message = BAD_PAIRS[bad]
    image, mask = (
        each if isinstance(each, sitk.Image) else sitk.GetImageFromArray(each)
        for each in (image, mask)
    )
    label = 1 if bad == "label that is not there" else None
    with pytest.raises(error, match=rf"patient 'P1', column '(T1|mask)', .*{message}"):
        read_case(image, mask, label=label, patient="P1", modality="T1")
    (problem,) = check_case(pd.Series({"T1": image, "mask": mask}, name="P1"), ["T1"], label=label)
    assert isinstance(problem, error)


FINE_PAIRS = {
    "region at the border": (VOXELS, tumour(where=np.s_[:3, -3:, :3]), None),
    "mask cropped to the tumour": (VOXELS, spaced(tumour()[1:7], origin=(0, 0, 1)), None),
    "mask that loses some of its volume": (
        VOXELS,
        spaced(tumour(), origin=(0, 0, 3)),
        r"only 0\.048 of the mask's 0\.064 ml",
    ),
    "mask that fills the image": (VOXELS, tumour(where=np.s_[:]), None),
    "constant region": (
        with_voxel(7, np.s_[2:6, 2:6, 2:6]),
        tumour(),
        "voxels of the region are 7",
    ),
    "NaN outside the region": (
        with_voxel(np.nan, np.s_[0, 0, :2]),
        tumour(),
        "2 voxels outside the region are NaN or infinite",
    ),
}


@pytest.mark.parametrize("fine", FINE_PAIRS)
def test_an_odd_image_gives_finite_features_and_a_warning(fine, recwarn):
    image, mask, message = FINE_PAIRS[fine]
    image, mask = (
        each if isinstance(each, sitk.Image) else sitk.GetImageFromArray(each)
        for each in (image, mask)
    )
    X = pd.DataFrame({"T1": [image], "mask": [mask]}, ["P1"])
    features = RadiomicsExtractor(SETTINGS, cache=False).fit_transform(X)
    assert np.isfinite(features).all(axis=None)
    told = [str(each.message) for each in recwarn if each.category is ImageWarning]
    # Of a constant region the whole column is told, too: its textures have one grey level.
    told = [text for text in told if not text.startswith("column 'T1': with binWidth")]
    assert len(told) == (message is not None)
    for text in told:
        assert re.match(rf"patient 'P1', column '(T1|mask)', image in memory: .*{message}", text)


@pytest.mark.parametrize("setting", [{"binWidth": 1e-9}, {"binCount": 10**12}])
def test_more_grey_levels_than_memory_holds_are_refused(setting):
    image = sitk.GetImageFromArray(VOXELS.astype(np.float32))
    X = pd.DataFrame({"T1": [image], "mask": [sitk.GetImageFromArray(tumour())]}, ["P1"])
    settings = {**SETTINGS, "setting": setting}
    (name,) = setting
    with pytest.raises(ValueError, match=f"'P1'.*{name}=.*(more than|above the maximum)"):
        RadiomicsExtractor(settings, cache=False).fit_transform(X)


def test_missing_files_duplicate_patients_and_empty_cells_are_listed_at_once(tmp_path):
    (tmp_path / "t1.nii").write_bytes(INTACT)
    table = "patient,T1,T2,mask,idh\nP1,t1.nii,no.nii,t1.nii,0\nP2,t1.nii,,t1.nii,1\n"
    (tmp_path / "cases.csv").write_text(table)
    with pytest.raises(CohortError) as refused:
        load_cohort(tmp_path / "cases.csv")
    first, second = refused.value.problems
    assert re.search(r"patient 'P1', column 'T2': no such file: .*no\.nii", first)
    assert re.search("patient 'P2', column 'T2': the cell is empty", second)
    (tmp_path / "cases.csv").write_text(table + "P2,t1.nii,t1.nii,t1.nii,1\n")
    with pytest.raises(CohortError, match="patient 'P2' appears in lines 3, 4"):
        load_cohort(tmp_path / "cases.csv")
    with pytest.raises(CohortError, match=r"column 'T9' \(a sequence\) not found"):
        load_cohort(tmp_path / "cases.csv", modalities=["T1", "T9"])


@pytest.mark.parametrize("patient", ["a\0b", "a\nb", "a\x1b[2J"])
def test_ids_with_control_characters_are_refused(patient):
    image = sitk.GetImageFromArray(VOXELS)
    X = pd.DataFrame({"T1": [image], "mask": [image]}, [patient])
    with pytest.raises(CohortError, match="control characters"):
        RadiomicsExtractor(SETTINGS, cache=False).fit(X)


@pytest.mark.parametrize("patient", ["../x", "/etc/x", "=1+1", "<script>alert(1)</script>"])
def test_ids_name_no_file(tmp_path, patient):
    # Such an id may stand in a table: the cache names files by content alone.
    (tmp_path / "t1.nii").write_bytes(INTACT)
    sitk.WriteImage(sitk.GetImageFromArray(tumour()), tmp_path / "m.nii")
    X = pd.DataFrame({"T1": tmp_path / "t1.nii", "mask": tmp_path / "m.nii"}, [patient])
    table = RadiomicsExtractor(SETTINGS, cache=tmp_path / "cache").fit_transform(X)
    assert table.index.to_list() == [patient]
    written = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert len(written) == 1
    assert re.fullmatch(r"[0-9a-f]{40}\.npz", *written)


@pytest.mark.parametrize("patient", ["=cmd|'/c calc'!A1", "+1", "-1", "@x"])
def test_ids_are_no_formulas_in_a_csv_file(patient):
    predictions = pd.DataFrame({"mutant": [1]}, pd.Index([patient], name="patient"))
    assert predictions_as_csv(predictions) == f"patient,mutant\n'{patient},1\n"
    named = predictions.set_axis(pd.Index(["P-1"], name="patient"))
    assert predictions_as_csv(named) == "patient,mutant\nP-1,1\n"


BAD_TARGETS = {
    "target that is missing": ([0, 1, None, 1], "patient 'P2'.*missing"),
    "target of words and numbers": ([0, "mutant", 0, 1], "mixes words and numbers"),
    "target of real numbers": ([0, 0.5, 0, 1], "patient 'P1'.*the real number 0.5"),
    "target of one class": ([1, 1, 1, 1], r"one class only, \[1\]"),
    "target of another length": ([0, 1, 1], "3 labels for 4 patients"),
}


@pytest.mark.parametrize("bad", BAD_TARGETS)
def test_a_bad_target_is_refused(bad):
    labels, message = BAD_TARGETS[bad]
    X = pd.DataFrame({"T1": range(4)}, [f"P{i}" for i in range(4)])
    with pytest.raises(CohortError, match=message):
        check_target(labels, X)


@pytest.fixture(scope="module")
def columns():
    """Return 40 patients' 6 features and their class, which the first feature follows."""
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = pd.DataFrame(rng.normal(size=(40, 6)), columns=[f"T1__f{i}" for i in range(6)])
    X["T1__f0"] += 2 * y
    return X, y


def test_fewer_patients_of_a_class_than_folds_are_an_error(columns):
    X, _ = columns
    y = np.array([1, 1] + [0] * 38)
    with pytest.raises(ValueError, match="class 1 has 2 patients, fewer than the 5 folds"):
        cross_validate(make_pipeline(SelectKBest(k=2)), X, y, cv=5)


def chain():
    return make_pipeline(
        MannWhitneySelector(alpha=0.5), CorrelationPruner(), LassoCVSelector(cv=3, random_state=0)
    ).set_output(transform="pandas")


def test_constant_columns_are_never_selected(columns):
    X, y = columns
    kept = chain().fit_transform(X.assign(T1__constant=3.0), y)
    assert "T1__f0" in kept.columns
    assert "T1__constant" not in kept.columns


def test_a_single_column_is_selected_or_warned_of(columns):
    X, y = columns
    assert list(chain().fit_transform(X[["T1__f0"]], y)) == ["T1__f0"]


@pytest.mark.parametrize("change", ["reordered", "renamed"])
def test_reordered_or_renamed_columns_are_refused(columns, change):
    X, y = columns
    fitted = chain().fit(X, y)
    other = X[X.columns[::-1]] if change == "reordered" else X.rename(columns={"T1__f0": "T1__g"})
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(other)


def test_a_file_that_is_gone_after_the_check_is_named(tmp_path):
    with pytest.raises(CorruptImage, match=r"'P1'.*gone\.nii: cannot be read: No such file"):
        read_image(tmp_path / "gone.nii", patient="P1")


def test_every_bad_input_stands_in_the_table_of_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "errors.rst").read_text()
    for bad, (*_, error, _) in (BAD_FILES | BAD_PAIRS).items():
        row = page.partition(f"* - {bad}\n")[2].partition("* -")[0]
        assert error.__name__ in row, bad
    for bad in [*FINE_PAIRS, *BAD_TARGETS]:
        assert f"* - {bad}\n" in page, bad
