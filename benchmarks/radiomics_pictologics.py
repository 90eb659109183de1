"""The native engine beside pictologics: ``python benchmarks/radiomics_pictologics.py``.

pictologics (0.9, Python 3.12) measures the unfiltered image by IBSI's definitions, so that is what
both do here: first-order, shape and texture of each image of the real cases, bins of 25, one
thread, in turns, seconds of the processor. pictologics has no MCC, which ``--mcc`` adds to the
native features. The values are not compared: PyRadiomics' definitions,
which the native engine keeps, are not IBSI's everywhere.
"""

import argparse
import statistics
from functools import partial
from pathlib import Path

import numpy as np
import pictologics
from radiomics import CASES, read_cases, seconds_of  # the benchmark beside this one
from threadpoolctl import threadpool_limits

from sklidh.radiomics import read_settings
from sklidh.radiomics._extract import extract

STEPS = [
    {"step": "discretise", "params": {"method": "FBS", "bin_width": 25, "min_val": 0}},
    {
        "step": "extract_features",
        "params": {"families": ["intensity", "morphology", "texture"]},
    },
]


def pictologics_call(volume, mask, spacing):
    """Return a call that measures one image."""
    pipeline = pictologics.RadiomicsPipeline()
    pipeline.add_config("original", steps=STEPS)
    size = tuple(map(float, spacing[::-1]))
    image, region = (
        pictologics.Image(array.transpose(2, 1, 0), spacing=size, origin=(0.0, 0.0, 0.0))
        for array in (volume.astype(np.float64), mask.astype(np.uint8))
    )
    return partial(pipeline.run, image, region, config_names=["original"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cases", default=CASES, type=Path)
    parser.add_argument("--mcc", action="store_true")
    options = parser.parse_args()
    pictologics.set_num_threads(1)
    settings = read_settings({"imageType": {"Original": {}}})
    if not options.mcc:
        classes = {name: list(kept) for name, kept in settings.feature_classes.items()}
        classes["glcm"].remove("MCC")
        settings = read_settings({"imageType": {"Original": {}}, "featureClass": classes})
    ratios = []
    with threadpool_limits(1):
        for case, volumes, mask, spacing in read_cases(options.cases):
            for modality, volume in volumes.items():
                calls = (
                    pictologics_call(volume, mask, spacing),
                    partial(extract, volume, mask, spacing, settings),
                )
                (theirs,), ours = calls[0]().values(), calls[1]()  # compiled, and in memory
                counts = len(theirs), len(ours)
                spent = [[seconds_of(call)[0] for call in calls] for _ in range(options.repeats)]
                times = [statistics.median(each) * 1e3 for each in zip(*spent, strict=True)]
                ratios.append(times[0] / times[1])
                print(f"{case:18} {modality:6} pictologics {counts[0]} values, {times[0]:.0f} ms; "
                      f"native {counts[1]} values, {times[1]:.0f} ms; ratio {ratios[-1]:.1f}",
                      flush=True)  # fmt: skip
    print(f"median ratio of {len(ratios)} images: {statistics.median(ratios):.1f}")


if __name__ == "__main__":
    main()
