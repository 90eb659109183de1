"""Every byte of a file is verified; what is read is what SimpleITK reads from an intact one."""

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from sklidh.images import CorruptImage, ImageError, ImageTooLarge, ImageWarning, read_image
from sklidh.images._headers import Layout

TYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"]
geometries = st.fixed_dictionaries(
    {
        "size": st.tuples(*[st.integers(1, 6)] * 3),
        "spacing": st.tuples(*[st.floats(0.1, 10)] * 3),
        "origin": st.tuples(*[st.floats(-300, 300)] * 3),
        "angles": st.tuples(*[st.floats(-3, 3)] * 3),
    }
)


def image_of(geometry, dtype, seed=0):
    rng = np.random.default_rng(seed)
    voxels = rng.integers(0, 100, geometry["size"][::-1]).astype(dtype)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(geometry["spacing"])
    image.SetOrigin(geometry["origin"])
    image.SetDirection(sitk.Euler3DTransform((0, 0, 0), *geometry["angles"]).GetMatrix())
    return image


def grid(image):
    return image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()


def assert_same_image(one, other):
    np.testing.assert_array_equal(sitk.GetArrayFromImage(one), sitk.GetArrayFromImage(other))
    assert one.GetPixelID() == other.GetPixelID()
    assert_same_grid(one, other)


def assert_same_grid(one, other):
    # A NIfTI header is in single precision, and each reader makes its own axes of it; of a
    # quaternion near half a turn, the scalar part is the root of a difference near 0.
    tolerances = (0, 1e-5, 1e-5, 5e-4)
    for ours, theirs, atol in zip(grid(one), grid(other), tolerances, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=atol)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"])
@given(geometry=geometries, dtype=st.sampled_from(TYPES), compressed=st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_was_written_is_read_in_simpleitks_grid(
    tmp_path_factory, name, geometry, dtype, compressed
):
    path = tmp_path_factory.getbasetemp() / name
    written = image_of(geometry, dtype)
    sitk.WriteImage(written, path, useCompression=compressed)
    image, theirs = read_image(path), sitk.ReadImage(path)
    # The voxels as written: SimpleITK misreads slices of 1 x 1 voxels from an intact .nii.gz file.
    np.testing.assert_array_equal(*map(sitk.GetArrayFromImage, (image, written)))
    assert image.GetPixelID() == theirs.GetPixelID()
    assert_same_grid(image, theirs)


@pytest.mark.parametrize("dtype", ["i2", "i4", "f4"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_scale_and_byte_order_are_applied_as_simpleitk_does(tmp_path, order, dtype):
    voxels = np.arange(60).reshape(3, 4, 5).astype(order + dtype)
    head = nifti_header(voxels.shape[::-1], code={"i2": 4, "i4": 8, "f4": 16}[dtype], order=order)
    struct.pack_into(f"{order}2f", head, 112, 2.5, -7)
    (tmp_path / "a.nii").write_bytes(bytes(head) + voxels.tobytes())
    ours, theirs = read_image(tmp_path / "a.nii"), sitk.ReadImage(tmp_path / "a.nii")
    assert_same_image(ours, theirs)
    assert sitk.GetArrayFromImage(ours).max() == 59 * 2.5 - 7


def test_a_fourth_axis_of_one_volume_is_no_fourth_dimension(tmp_path):
    voxels = np.arange(60, dtype=np.int16)
    head = nifti_header((5, 4, 3, 1), spacing=(1, 2, 3, 0))
    (tmp_path / "a.nii").write_bytes(bytes(head) + voxels.tobytes())
    image = read_image(tmp_path / "a.nii")
    assert image.GetSize() == (5, 4, 3)
    assert image.GetSpacing() == (1, 2, 3)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).ravel(), voxels)


def nifti_header(size, *, code=4, bits=None, spacing=(1, 1, 1), order="<"):
    """Return 352 bytes written from the standard, not by the code under test."""
    head = bytearray(352)
    bits = {2: 8, 4: 16, 8: 32, 16: 32, 64: 64}.get(code, 16) if bits is None else bits
    struct.pack_into(f"{order}i", head, 0, 348)
    struct.pack_into(f"{order}{len(size) + 1}h", head, 40, len(size), *size)
    struct.pack_into(f"{order}2h", head, 70, code, bits)
    struct.pack_into(f"{order}{len(spacing) + 1}f", head, 76, 1, *spacing)
    struct.pack_into(f"{order}2f", head, 108, 352, 1)
    head[344:348] = b"n+1\0"
    return head


@pytest.fixture(scope="module")
def packed():
    """Return the bytes of an intact file .nii.gz of 60 voxels."""
    return gzip.compress(bytes(nifti_header((5, 4, 3))) + bytes(range(120)), mtime=0)


def refusal(path, content):
    path.write_bytes(content)
    with pytest.raises(ImageError) as refused:
        read_image(path, patient="P1", modality="T1")
    assert f"patient 'P1', column 'T1', {path}: " in str(refused.value)
    return refused


def test_a_stream_cut_anywhere_is_refused(tmp_path, packed):
    for length in range(len(packed)):
        assert refusal(tmp_path / "a.nii.gz", packed[:length]).type is CorruptImage


def test_a_flipped_bit_anywhere_is_refused_or_changes_nothing(tmp_path, packed):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(packed)
    intact = read_image(path)
    for position in range(len(packed)):
        flipped = bytearray(packed)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            image = read_image(path)
        except ImageError:
            continue
        # gzip's own header bears on nothing, nor does another way to repeat the same byte.
        assert_same_image(image, intact)


def test_members_of_a_gzip_file_are_one_stream(tmp_path, packed):
    raw = gzip.decompress(packed)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(raw[:200]) + gzip.compress(raw[200:]))
    assert read_image(tmp_path / "a.nii.gz").GetSize() == (5, 4, 3)


@pytest.mark.parametrize("name", ["a.nii", "a.nrrd", "a.mha"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_byte_too_few_is_refused_and_some_too_many_are_named(tmp_path, name, compressed):
    path = tmp_path / name
    voxels = np.random.default_rng(0).integers(0, 99, (5, 6, 7)).astype(np.uint16)
    sitk.WriteImage(sitk.GetImageFromArray(voxels), path, useCompression=compressed)
    content = path.read_bytes()
    assert refusal(path, content[:-1]).type is CorruptImage
    path.write_bytes(content + b"\0x" * 9)
    with pytest.warns(ImageWarning, match=rf"{name}: 18 bytes follow its voxels"):
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), voxels)
    if not compressed:  # a slice more than the header has
        assert "contains more" in str(refusal(path, content + bytes(5000)).value)


def test_nothing_is_allocated_for_what_a_file_cannot_hold(tmp_path):
    head = bytes(nifti_header((32767, 32767, 32767)))
    assert refusal(tmp_path / "a.nii", head).type is ImageTooLarge
    # 1 GiB is accepted, but not believed of a file of some hundred bytes.
    message = str(
        refusal(tmp_path / "b.nii.gz", gzip.compress(bytes(nifti_header((8192, 8192, 8)))))
    )
    assert "is truncated" in message


def test_a_bomb_is_left_after_the_bytes_that_its_header_declares(tmp_path):
    bomb = gzip.compress(bytes(nifti_header((5, 4, 3))) + bytes(2**27), compresslevel=1)
    assert "more than the 472 bytes" in str(refusal(tmp_path / "a.nii.gz", bomb).value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["image.nii", "image.nrrd", "image.mha"])
def test_a_header_of_any_bytes_is_an_image_or_an_error(tmp_path, name, header_fuzz):
    header_fuzz(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.nrrd", b"encoding: raw", b"encoding: hex"),
        ("a.nrrd", b"type: unsigned short", b"type: block"),
        ("a.nrrd", b"sizes: 7 6 5", b"sizes: 7 6 0"),
        ("a.nrrd", b"sizes: 7 6 5", b"sizes: 7 6 " + b"9" * 5000),
        ("a.nrrd", b"(1,0,0)", b"(0,0,0)"),
        ("a.nrrd", b"(1,0,0)", b"(1,1,0)"),
        ("a.nrrd", b"encoding: raw", b"data file: b.raw\nencoding: raw"),
        ("a.mha", b"ElementDataFile = LOCAL", b"ElementDataFile = b.raw"),
        ("a.mha", b"MET_USHORT", b"MET_STRING"),
        ("a.mha", b"ElementSpacing = 1 1 1", b"ElementSpacing = 1 0 1"),
        ("a.mha", b"TransformMatrix = 1 0 0", b"TransformMatrix = 1 1 0"),
        ("a.mha", b"BinaryData = True", b"BinaryData = False"),
        ("a.mha", b"DimSize = 7 6 5", b"DimSize = 7 6 x"),
        ("a.mha", b"NDims = 3", b"NDims = 331aryData"),  # SimpleITK would crash
    ],
)
def test_what_a_text_header_declares_is_checked(tmp_path, name, before, after):
    voxels = np.zeros((5, 6, 7), np.uint16)
    sitk.WriteImage(sitk.GetImageFromArray(voxels), tmp_path / name, useCompression=False)
    content = (tmp_path / name).read_bytes()
    assert before in content
    refusal(tmp_path / name, content.replace(before, after))


def test_a_layout_knows_its_bytes():
    assert Layout((2, 3, 4), np.dtype("<i2"), None, 352).n_bytes == 48
