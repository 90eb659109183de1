"""DICOM: a series becomes the image that was sliced, a segmentation or contours its mask."""

import numpy as np
import pandas as pd
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from sklidh import RigidRegistration
from sklidh.datasets import load_cohort
from sklidh.images import (
    CorruptImage,
    GeometryMismatch,
    ImageError,
    ImageWarning,
    MissingLabel,
    NonIntegerMask,
    Resampling,
    WrongDimension,
    check_case,
    grid_difference,
    image_columns,
    is_dicom_folder,
    read_case,
    read_image,
    read_mask,
)
from sklidh.utils import fingerprint

SERIES = generate_uid()
NAMES = {1: "tumour", 2: "necrosis"}


def write(path, **elements):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    for name, value in elements.items():
        setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)


def holding(**elements):
    dataset = Dataset()
    for name, value in elements.items():
        setattr(dataset, name, value)
    return Sequence([dataset])


@pytest.fixture(scope="module")
def volume():
    """Return an oblique image of 6 slices of 8 rows and 7 columns."""
    voxels = np.random.default_rng(0).integers(0, 900, (6, 8, 7)).astype(np.int16)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((0.9, 1.1, 3.0))
    image.SetOrigin((-20.0, 30.0, 5.0))
    image.SetDirection(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.1, 0.3).GetMatrix())
    return image


def write_series(folder, image, **changes):
    folder.mkdir()
    voxels, axes = sitk.GetArrayFromImage(image), np.reshape(image.GetDirection(), (3, 3))
    # Names that sort otherwise than the slices lie.
    for index, name in enumerate(["c", "a", "f", "b", "e", "d"]):
        elements = {
            "Modality": "MR",
            "SeriesInstanceUID": SERIES,
            "Rows": 8,
            "Columns": 7,
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "BitsAllocated": 16,
            "BitsStored": 16,
            "HighBit": 15,
            "PixelRepresentation": 1,
            "PixelSpacing": list(image.GetSpacing()[1::-1]),
            "ImageOrientationPatient": [*axes[:, 0], *axes[:, 1]],
            "ImagePositionPatient": list(image.TransformIndexToPhysicalPoint((0, 0, index))),
            "PixelData": voxels[index].tobytes(),
        }
        write(folder / f"{name}.dcm", **elements | changes)
    return folder


@pytest.fixture(scope="module")
def series(volume, tmp_path_factory):
    return write_series(tmp_path_factory.mktemp("dicom") / "T1", volume)


@pytest.fixture(scope="module")
def segments(volume):
    """Return labels 1 and 2 on three slices."""
    labels = np.zeros((6, 8, 7), np.uint8)
    labels[2:5, 2:6, 1:4], labels[3, 3:5, 2:6] = 1, 2
    return labels


@pytest.fixture(scope="module")
def seg(volume, segments, tmp_path_factory):
    return write_seg(tmp_path_factory.mktemp("seg") / "mask.dcm", volume, segments)


def write_seg(path, image, labels, **changes):
    axes = np.reshape(image.GetDirection(), (3, 3))
    shared = holding(
        PlaneOrientationSequence=holding(ImageOrientationPatient=[*axes[:, 0], *axes[:, 1]]),
        PixelMeasuresSequence=holding(PixelSpacing=list(image.GetSpacing()[1::-1])),
    )
    groups, frames = Sequence(), []
    for segment in (1, 2):
        for index in np.flatnonzero((labels == segment).any(axis=(1, 2))):
            place = image.TransformIndexToPhysicalPoint((0, 0, int(index)))
            groups.append(
                holding(
                    PlanePositionSequence=holding(ImagePositionPatient=list(place)),
                    SegmentIdentificationSequence=holding(ReferencedSegmentNumber=segment),
                )[0]
            )
            frames.append(labels[index] == segment)
    packed = np.packbits(np.ravel(frames), bitorder="little").tobytes()
    elements = {
        "Modality": "SEG",
        "SegmentationType": "BINARY",
        "Rows": 8,
        "Columns": 7,
        "NumberOfFrames": len(frames),
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 1,
        "BitsStored": 1,
        "HighBit": 0,
        "PixelRepresentation": 0,
        "SharedFunctionalGroupsSequence": shared,
        "PerFrameFunctionalGroupsSequence": groups,
        "SegmentSequence": Sequence(
            [holding(SegmentNumber=n, SegmentLabel=name)[0] for n, name in NAMES.items()]
        ),
        "PixelData": packed + b"\0" * (len(packed) % 2),
    }
    write(path, **elements | changes)
    return path


def write_contours(path, image, polygons, geometric="CLOSED_PLANAR", **others):
    """Write polygons, as (slice, corners in pixels), as structure 5; others as 6 and so on."""
    structures, names = Sequence(), Sequence()
    for number, (name, each) in enumerate({"GTV": polygons, **others}.items(), start=5):
        structures.append(_structure(number, image, each, geometric))
        names.append(holding(ROINumber=number, ROIName=name)[0])
    elements = {"ROIContourSequence": structures, "StructureSetROISequence": names}
    write(path, Modality="RTSTRUCT", **elements)
    return path


def _structure(number, image, polygons, geometric):
    contours = Sequence()
    for index, corners in polygons:
        points = [image.TransformContinuousIndexToPhysicalPoint((x, y, index)) for x, y in corners]
        contours.append(
            holding(ContourGeometricType=geometric, ContourData=np.ravel(points).round(6).tolist())[
                0
            ]
        )
    return holding(ReferencedROINumber=number, ContourSequence=contours)[0]


def test_a_series_is_the_image_that_was_sliced(volume, series):
    image = read_image(series)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(volume))
    for what in ("GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(image, what)(), getattr(volume, what)(), atol=1e-6)


def test_scale_and_offset_of_the_scanner_are_applied(volume, tmp_path):
    folder = write_series(tmp_path / "T1", volume, RescaleSlope="2.5", RescaleIntercept="-4")
    expected = sitk.GetArrayFromImage(volume) * 2.5 - 4
    np.testing.assert_allclose(sitk.GetArrayFromImage(read_image(folder)), expected)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda f: (f / "f.dcm").unlink(), GeometryMismatch, r"they are 6\.000 mm apart"),
        (lambda f: (f / "g.dcm").write_bytes((f / "f.dcm").read_bytes()), GeometryMismatch, "one"),
        (lambda f: [(f / f"{name}.dcm").unlink() for name in "abcde"], WrongDimension, "1 slices"),
    ],
)
def test_slices_that_make_no_stack_are_refused(volume, tmp_path, damage, error, message):
    folder = write_series(tmp_path / "T1", volume)
    damage(folder)
    with pytest.raises(error, match=message):
        read_image(folder, patient="P1", modality="T1")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"PixelData": b"\0" * 110}, CorruptImage),
        ({"ImagePositionPatient": None}, CorruptImage),
        ({"PixelSpacing": [1, 0]}, CorruptImage),
        ({"SamplesPerPixel": 3}, WrongDimension),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 1, 0]}, GeometryMismatch),
    ],
)
def test_a_slice_that_says_what_cannot_be_is_refused(volume, tmp_path, changes, error):
    with pytest.raises(error):
        read_image(write_series(tmp_path / "T1", volume, **changes))


def test_a_slice_cut_off_anywhere_is_refused(volume, tmp_path):
    folder = write_series(tmp_path / "T1", volume)
    content = (folder / "b.dcm").read_bytes()
    for length in range(132, len(content) - 1, 41):
        (folder / "b.dcm").write_bytes(content[:length])
        with pytest.raises(ImageError):
            read_image(folder)


def test_two_series_in_a_folder_are_refused(volume, series, tmp_path):
    folder = write_series(tmp_path / "T1", volume)
    dataset = pydicom.dcmread(folder / "b.dcm")
    dataset.SeriesInstanceUID = generate_uid()
    dataset.save_as(folder / "b.dcm")
    with pytest.raises(GeometryMismatch, match="2 series"):
        read_image(folder)


def test_a_segmentation_is_the_mask_that_was_drawn(series, seg, segments):
    whole = segments > 0
    for label, expected in (([1, 2], whole), (1, segments == 1), ("necrosis", segments == 2)):
        _, mask = read_case(series, seg, label=label)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), expected)
    with pytest.raises(
        MissingLabel, match=r"contains 2 structures: 1 'tumour' \(0\.\d+ ml\), 2 'necr"
    ):
        read_case(series, seg)
    with pytest.raises(MissingLabel, match=r"has the label .4.; available: 1 'tumour'"):
        read_case(series, seg, label=4)


@pytest.mark.parametrize("flips", [(False, True, False), (True, True, True)])
def test_a_segmentation_lies_on_its_series_however_the_image_is_stored(
    volume, seg, segments, flips
):
    """dcm2niix stores rows from the other end, other tools other axes first."""
    stored = sitk.Flip(volume, flips)
    mask = read_mask(seg, like=stored, label=[1, 2])
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(sitk.Flip(mask, flips)), (segments > 0).astype(np.uint8)
    )
    turned = sitk.PermuteAxes(volume, (2, 0, 1))
    mask = read_mask(seg, like=turned, label=[1, 2])
    back = sitk.PermuteAxes(mask, (1, 2, 0))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), (segments > 0).astype(np.uint8))


def test_frames_beyond_the_image_are_named(volume, seg, segments):
    with pytest.warns(ImageWarning, match=r"12 of its 40 segmented voxels are outside the image"):
        read_mask(seg, like=volume[:, :, :4], label=[1, 2])
    with pytest.raises(GeometryMismatch, match="are outside the image; it was drawn on another"):
        read_mask(seg, like=volume[:, :, :3], label=[1, 2])


def test_a_segmentation_of_another_image_is_refused(volume, seg):
    other = sitk.Image(volume)
    other.SetOrigin((0, 0, 0))
    with pytest.raises(GeometryMismatch, match="drawn on another"):
        read_mask(seg, like=other, label=1)
    with pytest.raises(GeometryMismatch, match="like="):
        read_mask(seg)


def test_a_fractional_segmentation_is_refused(volume, segments, tmp_path):
    path = write_seg(tmp_path / "m.dcm", volume, segments, SegmentationType="FRACTIONAL")
    with pytest.raises(NonIntegerMask, match="FRACTIONAL"):
        read_mask(path, like=volume)


def test_contours_enclose_the_voxels_whose_centres_they_enclose(volume, tmp_path):
    outer = [(0.5, 0.5), (5.5, 0.5), (5.5, 6.5), (0.5, 6.5)]
    hole = [(2.5, 2.5), (3.5, 2.5), (3.5, 4.5), (2.5, 4.5)]
    triangle = [(0.5, 0.6), (6.2, 0.6), (0.5, 6.3)]
    path = write_contours(tmp_path / "m.dcm", volume, [(1, outer), (1, hole), (4, triangle)])
    mask = sitk.GetArrayFromImage(read_mask(path, like=volume, label=5))
    expected = np.zeros((6, 8, 7), np.uint8)
    expected[1, 1:7, 1:6], expected[1, 3:5, 3] = 1, 0
    rows, columns = np.indices((8, 7))
    expected[4] = (rows > 0.6) & (columns > 0.5) & (rows + columns < 6.8)
    np.testing.assert_array_equal(mask, expected)


def test_contours_between_slices_are_refused(volume, tmp_path):
    path = write_contours(tmp_path / "m.dcm", volume, [(1.5, [(1, 1), (4, 1), (4, 4)])])
    with pytest.raises(
        GeometryMismatch,
        match=r"contour 1 of structure 5 is between two .* at 1\.50",
    ):
        read_mask(path, like=volume)


SQUARE = [(0.5, 0.5), (4.5, 0.5), (4.5, 5.5), (0.5, 5.5)]


def test_of_several_structures_one_is_chosen_by_name_or_number(volume, tmp_path):
    brain = [(k, [(-0.5, -0.5), (6.5, -0.5), (6.5, 7.5), (-0.5, 7.5)]) for k in range(6)]
    path = write_contours(tmp_path / "m.dcm", volume, [(2, SQUARE)], BRAIN=brain)
    with pytest.raises(MissingLabel, match=r"5 'GTV' \(0\.059\d ml\), 6 'BRAIN' \(0\.998 ml\)"):
        read_mask(path, like=volume)
    for label, n_voxels in (("GTV", 20), (5, 20), ("BRAIN", 336), (["GTV", "BRAIN"], 336)):
        mask = read_mask(path, like=volume, label=label)
        assert sitk.GetArrayFromImage(mask).sum() == n_voxels
    with pytest.raises(MissingLabel, match=r"named 'Gtv'; available: 'GTV' \(5\), 'BRAIN' \(6\)"):
        read_mask(path, like=volume, label="Gtv")


def test_contours_beside_a_slice_belong_to_it_and_those_beyond_the_image_are_named(
    volume, tmp_path
):
    contours = [(1.1, SQUARE), (2.1, SQUARE), (3.1, SQUARE)]
    path = write_contours(tmp_path / "m.dcm", volume, contours)
    mask = sitk.GetArrayFromImage(read_mask(path, like=volume))
    assert np.flatnonzero(mask.any((1, 2))).tolist() == [1, 2, 3]
    path = write_contours(tmp_path / "m.dcm", volume, [*contours, (7, SQUARE)])
    with pytest.warns(ImageWarning, match=r"m\.dcm: 1 of its 4 contours are outside the image"):
        read_mask(path, like=volume)
    path = write_contours(tmp_path / "m.dcm", volume, [(7, SQUARE)])
    with pytest.raises(GeometryMismatch, match="it was drawn on another"):
        read_mask(path, like=volume)


def test_slices_that_drift_in_their_plane_are_refused_as_sheared_files_are(volume, tmp_path):
    folder = write_series(tmp_path / "T1", volume)
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        place = np.array(dataset.ImagePositionPatient, float)
        index = volume.TransformPhysicalPointToIndex(place.tolist())[2]
        rows = np.array(dataset.ImageOrientationPatient[:3], float)
        dataset.ImagePositionPatient = [f"{x:.4f}" for x in place + 0.3 * index * rows]
        dataset.save_as(file)
    with pytest.raises(GeometryMismatch, match=r"drift in their plane, 1\.5 mm over 15 mm"):
        read_image(folder)


def test_positions_with_two_decimals_are_those_of_a_straight_stack(volume, tmp_path):
    folder = write_series(tmp_path / "T1", volume)
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        place = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [f"{float(x):.2f}" for x in place]
        dataset.save_as(file)
    assert grid_difference(read_image(folder), volume) == ""


def test_two_volumes_in_one_series_are_told_by_what_they_differ_in(volume, tmp_path):
    folder = write_series(tmp_path / "T1", volume, EchoTime="10")
    for file in list(folder.iterdir()):
        dataset = pydicom.dcmread(file)
        dataset.EchoTime = "80"
        dataset.save_as(folder / f"second-{file.name}")
    with pytest.raises(
        GeometryMismatch, match=r"two images at the same position.*EchoTime 10 and 80"
    ):
        read_image(folder)


@pytest.mark.parametrize("in_folder", [True, False])
def test_the_frames_of_an_enhanced_file_are_its_slices(volume, tmp_path, in_folder):
    axes, voxels = np.reshape(volume.GetDirection(), (3, 3)), sitk.GetArrayFromImage(volume)
    order = np.random.default_rng(0).permutation(6)
    groups = Sequence()
    for k in order:
        place = volume.TransformIndexToPhysicalPoint((0, 0, int(k)))
        transform = holding(RescaleSlope=2, RescaleIntercept=int(k))
        group = holding(
            PlanePositionSequence=holding(ImagePositionPatient=list(place)),
            PixelValueTransformationSequence=transform,
        )
        groups.append(group[0])
    shared = holding(
        PlaneOrientationSequence=holding(ImageOrientationPatient=[*axes[:, 0], *axes[:, 1]]),
        PixelMeasuresSequence=holding(PixelSpacing=list(volume.GetSpacing()[1::-1])),
    )
    elements = {
        "Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.1", "SeriesInstanceUID": SERIES,
        "Rows": 8, "Columns": 7, "NumberOfFrames": 6, "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 16,
        "HighBit": 15, "PixelRepresentation": 1, "PerFrameFunctionalGroupsSequence": groups,
        "SharedFunctionalGroupsSequence": shared, "PixelData": voxels[order].tobytes(),
    }  # fmt: skip
    write(tmp_path / "enhanced.dcm", **elements)
    image = read_image(tmp_path if in_folder else tmp_path / "enhanced.dcm")
    assert grid_difference(image, volume) == ""
    expected = 2 * voxels + np.arange(6)[:, None, None]
    np.testing.assert_allclose(sitk.GetArrayFromImage(image), expected)
    del elements["PerFrameFunctionalGroupsSequence"]
    write(tmp_path / "enhanced.dcm", **elements)
    with pytest.raises(WrongDimension, match="has 6 frames without positions"):
        read_image(tmp_path / "enhanced.dcm")


def test_what_lies_beside_the_slices_of_a_series_is_left_out(volume, series, tmp_path):
    folder = write_series(tmp_path / "T1", volume)
    state = "1.2.840.10008.5.1.4.1.1.11.1"
    write(folder / "state.dcm", Modality="PR", SOPClassUID=state, SeriesInstanceUID="1.2")
    write(folder / "DICOMDIR", SOPClassUID="1.2.840.10008.1.3.10")
    assert grid_difference(read_image(folder), read_image(series)) == ""


def test_slices_without_the_preamble_are_read(volume, series, tmp_path):
    folder = write_series(tmp_path / "T1", volume)
    for file in folder.iterdir():
        content = file.read_bytes()
        length = int.from_bytes(content[140:144], "little")  # of group 2
        file.write_bytes(content[132:] if file.name == "a.dcm" else content[144 + length :])
        assert not content[132:].startswith(b"\0")
    assert is_dicom_folder(folder)
    image = read_image(folder)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(volume))


def test_other_dicom_is_no_mask(volume, series, tmp_path):
    with pytest.raises(CorruptImage, match="'MR'"):
        read_mask(series / "a.dcm", like=volume)
    (tmp_path / "m.dcm").write_bytes(b"not dicom")
    with pytest.raises(CorruptImage, match="cannot be parsed"):
        read_mask(tmp_path / "m.dcm", like=volume)


def test_a_cohort_of_dicom_goes_through_table_check_and_registration(volume, series, seg, tmp_path):
    (tmp_path / "cases.csv").write_text(
        "patient,T1,T2,mask\n" + f"P1,{series},../{series.relative_to(tmp_path.parent)},{seg}\n"
    )
    X, _ = load_cohort(tmp_path / "cases.csv", target=None)
    assert image_columns(X) == ["T1", "T2"]
    (problem,) = check_case(X.loc["P1"], ["T1", "T2"])
    assert "2 structures" in str(problem)
    assert check_case(X.loc["P1"], ["T1", "T2"], label="necrosis") == []
    register = RigidRegistration(warn_below=0, cache=tmp_path / "cache", label="necrosis")
    registered = register.fit_transform(X)
    pd.testing.assert_frame_equal(register.fit_transform(X), registered)  # from the cache
    assert registered[["T1", "T2"]].equals(X[["T1", "T2"]])
    # The mask has become an image, which the steps that follow can read by itself.
    for prepared in (registered, Resampling((1, 1, 3), cache=False).fit_transform(registered)):
        for label in (None, "necrosis", 2):
            _, mask = read_case(*prepared.loc["P1", ["T1", "mask"]], label=label)
            assert mask.GetDepth() == 6
        with pytest.raises(MissingLabel):
            read_case(*prepared.loc["P1", ["T1", "mask"]], label="tumour")


def test_the_fingerprint_of_a_folder_is_that_of_its_slices(volume, series, tmp_path):
    copy = write_series(tmp_path / "T1", volume)
    for file in series.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert fingerprint(copy) == fingerprint(series)
    (copy / "a.dcm").write_bytes(b"")
    assert fingerprint(copy) != fingerprint(series)
