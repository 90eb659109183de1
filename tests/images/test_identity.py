"""One image under two names is told, and different images never are."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from sklidh.images import inspect_case, same_images, voxel_digests


def textured(seed, dtype=np.float32):
    voxels = np.random.default_rng(seed).integers(0, 99, (6, 6, 6))
    return sitk.GetImageFromArray(voxels.astype(dtype))


def drawn(seed):
    return sitk.GetImageFromArray(np.random.default_rng(seed).integers(0, 2, (6, 6, 6), np.uint8))


def box():
    voxels = np.zeros((6, 6, 6), np.uint8)
    voxels[1:4, 2:5, 1:3] = 1
    return sitk.GetImageFromArray(voxels)


def told(**patients):
    """Return what is told of patients (T1, T2, mask)."""
    digests = {}
    for name, cells in patients.items():
        case = pd.Series(dict(zip(("T1", "T2", "mask"), cells, strict=True)), name=name)
        how = {"mask": "mask", "label": None, "reference": None, "missing": "nan"}
        digests[name] = voxel_digests(inspect_case(case, ["T1", "T2"], **how))
    return same_images(digests)


def test_different_patients_share_nothing():
    assert told(A=(textured(1), textured(2), drawn(3)), B=(textured(4), None, drawn(5))) == []


@pytest.mark.parametrize(
    ("other", "columns"),
    [
        ((textured(1, np.int16), textured(6), drawn(7)), "T1"),
        ((textured(6), textured(7), drawn(3)), "mask"),
        ((textured(1), textured(2), drawn(3)), "T1, T2, mask"),
    ],
)
def test_two_patients_with_one_image_are_told_once_whatever_the_datatype(other, columns):
    (line,) = told(A=(textured(1), textured(2), drawn(3)), C=(textured(8), None, drawn(9)), B=other)
    assert line.startswith(f"patients 'A', 'B' have identical voxels in {columns};")


def test_one_file_for_two_sequences_is_told():
    (line,) = told(A=(textured(1), textured(1), drawn(3)))
    assert line.startswith("patient 'A': T1, T2 contain identical voxels")


def test_a_constant_image_and_a_box_identify_nobody():
    same = sitk.GetImageFromArray(np.full((6, 6, 6), 7, np.int16))
    assert told(A=(same, textured(1), box()), B=(same, textured(2), box())) == []
