"""The fuzz target of the header checks, and how long it runs."""

import os

import numpy as np
import pytest
import SimpleITK as sitk

from sklidh.images import ImageError, read_image

N_HEADERS = int(os.environ.get("SKLIDH_FUZZ_HEADERS", "4000"))
"""For each of three formats: a minute in all."""


@pytest.fixture
def header_fuzz():
    """Return a function that damages a file's header at random, `N_HEADERS` times."""

    def fuzz(path):
        voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
        sitk.WriteImage(sitk.GetImageFromArray(voxels), path)
        intact = path.read_bytes()
        n_header = len(intact) - voxels.nbytes
        seed = int(os.environ.get("SKLIDH_FUZZ_SEED", "0"))
        rng = np.random.default_rng(seed)
        refused = 0
        for _ in range(N_HEADERS):
            damaged = bytearray(intact)
            for _ in range(rng.integers(1, 5)):
                at, length = rng.integers(n_header), rng.integers(1, 5)
                damaged[at : at + length] = rng.bytes(rng.integers(0, 6))
            path.write_bytes(damaged)
            try:
                image = read_image(path)
            except ImageError:
                refused += 1  # any other exception is a defect, and ends the test
            else:
                assert image.GetNumberOfPixels() * image.GetSizeOfPixelComponent() < 1000
                assert min(image.GetSpacing()) > 0
                assert np.isfinite(image.GetOrigin()).all()
        assert refused

    return fuzz
