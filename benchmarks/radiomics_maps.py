"""How much faster feature maps are than PyRadiomics': ``python benchmarks/radiomics_maps.py``.

One process, one thread: the native engine and PyRadiomics 3.0.1 (``voxelBased=True``) take turns on
a cube deep in the tumour of each real image, class by class and then with all classes at once. The
table gives the shortest time of each per voxel, in seconds of the processor, their ratio, and the
largest relative difference. The images are ``--cases`` (folders of t1, t1ce, t2, flair and seg
.nii.gz) or, where there are none, synthetic brains. ``--bins`` sets the number of grey levels, of
which PyRadiomics recommends 30 to 130, and ``--radius`` the ``kernelRadius``.
"""

import argparse
import importlib.util
import logging
import statistics
import sys
import warnings
from functools import partial
from pathlib import Path

# This file's folder comes first there, and PyRadiomics' module has the name of a file in it.
sys.path.remove(str(Path(__file__).resolve().parent))

import numpy as np
import SimpleITK as sitk
from radiomics.featureextractor import RadiomicsFeatureExtractor
from scipy import ndimage
from threadpoolctl import threadpool_limits

from sklidh.radiomics import feature_maps, read_settings

CLASSES = ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")


def neighbour_script(name):
    """Load the benchmark of another file in this folder."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cube_in(tumour, side):
    """Return slices of the image around the tumour's deepest voxel, and a cube there."""
    depth = ndimage.distance_transform_cdt(tumour, "chessboard")
    middle = np.unravel_index(depth.argmax(), depth.shape)
    cube = np.zeros_like(tumour)
    cube[tuple(slice(m - side // 2, m + side // 2 + 1) for m in middle)] = True
    around = tuple(slice(max(0, m - side), m + side + 1) for m in middle)
    return around, (cube & tumour)[around]


def pyradiomics_maps(volume, mask, spacing, settings):
    image, tumour = (sitk.GetImageFromArray(each) for each in (volume, mask.astype(np.uint8)))
    for grid in (image, tumour):
        grid.SetSpacing([float(step) for step in spacing[::-1]])
    extractor = RadiomicsFeatureExtractor(
        **settings.setting | settings.voxel | {"label": 1, "additionalInfo": False}
    )
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(
        **{name: list(features) for name, features in settings.feature_classes.items()}
    )
    return extractor.execute(image, tumour, voxelBased=True)


def in_region(maps, mask):
    """Return the values of either engine's maps in the region; PyRadiomics' are cropped."""
    if isinstance(next(iter(maps.values())), np.ndarray):
        return {name: values[mask] for name, values in maps.items()}
    grid = next(iter(maps.values()))
    first = np.rint(np.divide(grid.GetOrigin(), grid.GetSpacing())).astype(int)
    box = tuple(slice(f, f + n) for f, n in zip(first, grid.GetSize(), strict=True))[::-1]
    return {name: sitk.GetArrayFromImage(each)[mask[box]] for name, each in maps.items()}


def largest_difference(ours, theirs):
    """Return the largest relative difference, and the number of values that PyRadiomics lacks.

    It lacks an average where one direction has no pair, and all MCC of a region with such a voxel.
    Values up to 1e-6 are mere rounding.
    """
    largest, lacking = 0.0, 0
    for name, their in theirs.items():
        absent = np.isnan(their) & ~np.isnan(ours[name])
        if name.endswith("MCC") and not their.any():
            absent[:] = True
        lacking += int(absent.sum())
        known = ~absent & ~np.isnan(their) & (np.abs(their) > 1e-6)
        difference = np.abs(ours[name] - their)[known] / np.abs(their[known])
        largest = max(largest, difference.max(initial=0.0))
    return largest, lacking


def main():
    benchmark = neighbour_script("radiomics")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=benchmark.CASES)
    parser.add_argument("--only", default="*", help="the case of that name")
    parser.add_argument("--modalities", default="t1,t1ce,t2,flair")
    parser.add_argument("--classes", default=",".join((*CLASSES, "all")))
    parser.add_argument("--bins", type=int, default=32, help="number of grey levels")
    parser.add_argument("--radius", type=int, default=1)
    parser.add_argument("--side", type=int, default=15, help="of the cube, in voxels")
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    engines = {"PyRadiomics": pyradiomics_maps, "native": feature_maps}
    print(f"{'case':18} {'image':6} {'voxels':>6} {'class':11}{'PyRadiomics':>12} {'native':>10} "
          f"{'ratio':>6} {'difference':>11}")  # fmt: skip
    ratios = {}
    with threadpool_limits(1):
        for case, volumes, tumour, spacing in benchmark.read_cases(options.cases, options.only):
            around, mask = cube_in(tumour, options.side)
            for modality in options.modalities.split(","):
                volume = volumes[modality][around].copy()
                for name in options.classes.split(","):
                    settings = read_settings(
                        {
                            "featureClass": {each: [] for each in CLASSES if name in (each, "all")},
                            "setting": {"binCount": options.bins},
                            "voxelSetting": {"kernelRadius": options.radius, "voxelBatch": 1000},
                        },
                        maps=True,
                    )
                    feature_maps(volume, mask, spacing, settings)  # compiled, and in memory
                    taken, values = {engine: [] for engine in engines}, {}
                    # The others take milliseconds.
                    repeats = options.repeats * (1 if name in ("glcm", "all") else 7)
                    for _ in range(repeats):
                        for engine, compute in engines.items():
                            call = partial(compute, volume, mask, spacing, settings)
                            spent, values[engine] = benchmark.seconds_of(call)
                            taken[engine].append(spent)
                    theirs, ours = (1e6 * min(taken[e]) / mask.sum() for e in engines)
                    ratio = theirs / ours
                    ratios.setdefault(name, []).append(ratio)
                    found = [in_region(values[e], mask) for e in ("native", "PyRadiomics")]
                    worst, lacking = largest_difference(*found)
                    print(f"{case:18} {modality:6} {mask.sum():6} {name:11}{theirs:9.1f} us "
                          f"{ours:7.2f} us {ratio:6.0f} {worst:11.1e}"
                          + (f"  PyRadiomics lacks {lacking} values" if lacking else ""),
                          flush=True)  # fmt: skip
    print("\nper voxel; ratios, lowest and median of the images:")
    for name, found in ratios.items():
        print(f"{name:11} {min(found):6.0f} {statistics.median(found):6.0f}")


if __name__ == "__main__":
    main()
