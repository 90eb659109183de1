"""IBSI's filters beside those of pictologics: ``python benchmarks/radiomics_filters.py``.

pictologics (0.9, Python 3.12) is the fastest other implementation of IBSI's second part. Both
filter one image of each real case, one thread, in turns, seconds of the processor. pictologics
filters the whole image (Gabor: the region's box), the native engine only the region's box, unless
``--whole`` is given. The largest difference within the box is in parts of the response's range.
"""

import argparse
import os
import statistics
from functools import partial
from pathlib import Path

import numpy as np

os.environ.setdefault("PICTOLOGICS_DISABLE_WARMUP", "1")  # it would compile what is not used here

import pictologics
from pictologics import filters
from radiomics import CASES, read_cases, seconds_of  # the benchmark beside this one
from threadpoolctl import threadpool_limits

from sklidh.radiomics import read_settings
from sklidh.radiomics._ibsi_filters import responses
from sklidh.radiomics._roi import bounding_box

INVARIANT = {"rotationInvariance": True}


def calls_of(size):
    """Return both sides' call for each filter: ours as settings, theirs as a function."""
    theirs = {"boundary": "mirror"}
    turned = theirs | {"rotation_invariant": True}
    step = {"spacing_mm": size}
    return {
        "mean 5": (
            ("Mean", {"support": [5]}),
            partial(filters.mean_filter, support=5, **theirs),
        ),
        "LoG 1.5 mm": (
            ("LaplacianOfGaussian", {"sigma": [1.5]}),
            partial(filters.laplacian_of_gaussian, sigma_mm=1.5, **step, **theirs),
        ),
        "Laws L5E5E5, energy": (
            ("Laws", {"kernels": ["L5E5E5"], "energyDistance": 7} | INVARIANT),
            partial(filters.laws_filter, kernels="L5E5E5", compute_energy=True, **turned),
        ),
        "Gabor 5 mm, 3 planes": (
            ("Gabor", {"sigma": [5.0], "wavelength": [2.0], "gamma": 1.5, "thetaStep": 22.5}),
            partial(filters.gabor_filter, sigma_mm=5.0, lambda_mm=2.0, gamma=1.5,
                    delta_theta=np.pi / 8, average_over_planes=True, **step, **turned),
        ),
        "db3 LLH, level 1": (
            ("SeparableWavelet", {"wavelet": "db3", "subBands": ["LLH"]} | INVARIANT),
            partial(filters.wavelet_transform, wavelet="db3", decomposition="LLH", **turned),
        ),
        "db3 HHH, level 2": (
            ("SeparableWavelet",
             {"wavelet": "db3", "subBands": ["HHH"], "levels": [2]} | INVARIANT),
            partial(filters.wavelet_transform, wavelet="db3", level=2, decomposition="HHH",
                    **turned),
        ),
        "Simoncelli, level 1": (
            ("NonseparableWavelet", {}),
            partial(filters.simoncelli_wavelet, level=1),
        ),
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cases", default=CASES, type=Path)
    parser.add_argument("--case", default="*")
    parser.add_argument("--modality", default="t1")
    parser.add_argument("--whole", action="store_true", help="filter the whole image on both sides")
    options = parser.parse_args()
    pictologics.set_num_threads(1)
    ratios = []
    with threadpool_limits(1):
        for case, volumes, mask, spacing in read_cases(options.cases, options.case):
            volume, box = volumes[options.modality], bounding_box(mask)
            part = tuple(slice(0, n) for n in volume.shape) if options.whole else box
            image = np.ascontiguousarray(volume.transpose(2, 1, 0), np.float64)  # theirs: (x, y, z)
            for name, (ours, theirs) in calls_of(tuple(map(float, spacing[::-1]))).items():
                if name.startswith("Gabor") and not options.whole:
                    theirs = partial(theirs, region=box[::-1])
                settings = read_settings({"imageType": dict([ours])})
                (response,) = responses(ours[0], settings.of_image_type(ours[0]), spacing)
                calls = partial(theirs, image), partial(response.compute, volume, part)
                found = [call() for call in calls]  # compiled, and in memory
                expected = found[0].T  # pictologics' Gabor filter returns only the region
                expected = expected[box] if expected.shape != found[1].shape else expected
                off = np.abs(expected - found[1]).max() / np.ptp(expected)
                spent = [[seconds_of(call)[0] for call in calls] for _ in range(options.repeats)]
                times = [statistics.median(each) for each in zip(*spent, strict=True)]
                ratios.append(times[0] / times[1])
                print(f"{case:18} {name:22} pictologics {times[0]:6.2f} s; native "
                      f"{times[1]:6.2f} s; ratio {ratios[-1]:5.1f}; difference {off:.0e}",
                      flush=True)  # fmt: skip
    print(f"median ratio of {len(ratios)} responses: {statistics.median(ratios):.1f}")


if __name__ == "__main__":
    main()
