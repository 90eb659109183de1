"""How far native values are from PyRadiomics': ``python benchmarks/radiomics_values.py``.

A table of the largest relative difference, a row for each type of intensities and a column for each
family of features, over both presets and every image type, on random volumes and, where they are
there, on the real images in ``--data``. Values below 1e-6 are rounding of zero and left out.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from sklidh.radiomics import read_settings
from sklidh.radiomics._extract import extract

DATA = Path(__file__).parents[2] / "shared" / "data"
POINTWISE = {"imageType": {"Square": {}, "SquareRoot": {}, "Logarithm": {}, "Exponential": {}}}
FAMILIES = ("firstorder", "shape", "glcm", "glrlm", "glszm", "gldm", "ngtdm")


def random_cases(n, shape=(24, 40, 36), spacing=(2.5, 0.9, 1.1)):
    """Yield volumes of every type with a lump in them."""
    for seed in range(n):
        rng = np.random.default_rng(seed)
        volume = 300 * ndimage.gaussian_filter(rng.normal(size=shape), 1.5)
        volume += rng.normal(0, 10, shape) + 120
        place = np.moveaxis(np.indices(shape), 0, -1) / np.array(shape) - 0.5
        mask = ((place / 0.35) ** 2).sum(-1) + ndimage.gaussian_filter(
            rng.normal(size=shape), 2
        ) < 1
        for dtype in (np.uint8, np.int16, np.float32, np.float64):
            stored = volume.clip(0, 255) if dtype == np.uint8 else volume
            yield "random", stored.astype(dtype), mask, spacing


def real_cases(data):
    """Yield brain1 of PyRadiomics and every BraTS image."""
    pairs = [(data / "pyradiomics" / "brain1_image.nrrd", "brain1_label.nrrd")]
    pairs += [(path, "seg.nii.gz") for path in sorted(data.glob("brats-4mod/*/[tf]*.nii.gz"))]
    for path, mask in pairs:
        if path.exists():
            image = sitk.ReadImage(path)
            tumour = sitk.GetArrayFromImage(sitk.ReadImage(path.parent / mask)) > 0
            yield "real", sitk.GetArrayFromImage(image), tumour, image.GetSpacing()[::-1]


def main():
    # This folder holds a radiomics.py, which must not be taken for PyRadiomics.
    sys.path.remove(str(Path(__file__).resolve().parent))
    from sklidh.radiomics import _reference as reference

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--random", type=int, default=2, help="random volumes of each type")
    parser.add_argument("--real", action="store_true", help="the real images too (minutes)")
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    settings = [read_settings(each) for each in ("full", "paper", POINTWISE)]
    worst = defaultdict(lambda: dict.fromkeys(FAMILIES, (0.0, "")))
    cases = [*random_cases(options.random), *(real_cases(options.data) if options.real else ())]
    compared = 0
    for source, volume, mask, spacing in cases:
        row = worst[f"{source} {volume.dtype}"]
        for each in settings if source == "random" else settings[:2]:
            ours = extract(volume, mask, spacing, each)
            for name, theirs in reference.extract(volume, mask, spacing, each).items():
                compared += 1
                assert np.isnan(theirs) == np.isnan(ours[name]), name
                if abs(theirs) > 1e-6:
                    difference = abs(ours[name] - theirs) / abs(theirs)
                    family = name.split("_")[1]
                    row[family] = max(row[family], (difference, name))
    print(f"{'':16}" + "".join(f"{family:>11}" for family in FAMILIES))
    for name, row in worst.items():
        print(f"{name:16}" + "".join(f"{row[family][0]:11.1e}" for family in FAMILIES))
    difference, name = max(value for row in worst.values() for value in row.values())
    print(f"{compared} values; the worst: {difference:.1e}, {name}")


if __name__ == "__main__":
    main()
