"""The native engine beside pictologics: ``python benchmarks/radiomics_pictologics.py``.

pictologics (0.9, Python 3.12) measures the unfiltered image by IBSI's definitions, so that is what
both do here: first-order, shape and texture of each image of the real cases, bins of 25, one
thread, in turns, seconds of the processor. pictologics has no MCC, which ``--mcc`` adds to the
native features. The values are not compared: PyRadiomics' definitions, which the native engine
keeps, are not IBSI's everywhere.

``--ibsi`` measures by IBSI's definitions on both sides: every family of the first part in three
dimensions, matrices merged over directions as pictologics does, 32 bins; then the values are
compared too, by IBSI's codes. ``--spatial`` adds Moran's I and Geary's C.
"""

import argparse
import statistics
from functools import partial
from pathlib import Path

import numpy as np
import pictologics
from radiomics import CASES, read_cases, seconds_of  # the benchmark beside this one
from threadpoolctl import threadpool_limits

from sklidh.radiomics import describe_ibsi_features, read_settings
from sklidh.radiomics._extract import extract

IBSI_FAMILIES = ["intensity", "morphology", "texture", "histogram", "ivh", "local_intensity"]
STEPS = [
    {"step": "discretise", "params": {"method": "FBS", "bin_width": 25, "min_val": 0}},
    {
        "step": "extract_features",
        "params": {"families": ["intensity", "morphology", "texture"]},
    },
]


def ibsi_steps(spatial):
    """Return pictologics' steps for the whole of IBSI's first part."""
    families = [*IBSI_FAMILIES, *["spatial_intensity"] * spatial]
    return [
        {"step": "discretise", "params": {"method": "FBN", "n_bins": 32}},
        {"step": "extract_features", "params": {"families": families}},
    ]


def ibsi_settings(spatial):
    """Return the native settings of the same features."""
    classes = {
        family: [name for name in names if not name.endswith("_avg")]
        for family, names in read_settings("ibsi").feature_classes.items()
    }
    if not spatial:
        classes["morph"] = [n for n in classes["morph"] if n not in ("moran_i", "geary_c")]
    return read_settings({"preset": "ibsi", "featureClass": classes})


def largest_difference(theirs, ours):
    """Compare the values by IBSI's code, but for those that differ by choice.

    Those are of the mesh, which pictologics cuts into other triangles, of the volume histogram, for
    which the native preset takes more bins, and a percentile that pictologics gives a wrong code.
    """
    codes = {
        f"original_{f.family}_{f.name}": f.ibsi
        for f in describe_ibsi_features()
        if f.family not in ("morph", "ivh") and f.ibsi != "GPMT"
    }
    ours = {codes[name]: value for name, value in ours.items() if name in codes}
    found = {name.rsplit("_", 1)[-1]: value for name, value in theirs.items()}
    off = {c: abs(found[c] - v) / max(abs(v), 1e-9) for c, v in ours.items() if c in found}
    code = max(off, key=off.get)
    return f"{len(off)} values compared; largest relative difference {off[code]:.1e} ({code})"


def pictologics_call(volume, mask, spacing, steps=STEPS):
    """Return a call that measures one image."""
    pipeline = pictologics.RadiomicsPipeline()
    pipeline.add_config("original", steps=steps)
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
    parser.add_argument("--ibsi", action="store_true")
    parser.add_argument("--spatial", action="store_true")
    options = parser.parse_args()
    pictologics.set_num_threads(1)
    settings = read_settings({"imageType": {"Original": {}}})
    if not options.mcc:
        classes = {name: list(kept) for name, kept in settings.feature_classes.items()}
        classes["glcm"].remove("MCC")
        settings = read_settings({"imageType": {"Original": {}}, "featureClass": classes})
    steps = STEPS
    if options.ibsi:
        steps, settings = ibsi_steps(options.spatial), ibsi_settings(options.spatial)
    ratios = []
    with threadpool_limits(1):
        for case, volumes, mask, spacing in read_cases(options.cases):
            for modality, volume in volumes.items():
                calls = (
                    pictologics_call(volume, mask, spacing, steps),
                    partial(extract, volume, mask, spacing, settings),
                )
                (theirs,), ours = calls[0]().values(), calls[1]()  # compiled, and in memory
                counts = len(theirs), len(ours)
                if options.ibsi:
                    print(largest_difference(theirs, ours))
                spent = [[seconds_of(call)[0] for call in calls] for _ in range(options.repeats)]
                times = [statistics.median(each) * 1e3 for each in zip(*spent, strict=True)]
                ratios.append(times[0] / times[1])
                print(f"{case:18} {modality:6} pictologics {counts[0]} values, {times[0]:.0f} ms; "
                      f"native {counts[1]} values, {times[1]:.0f} ms; ratio {ratios[-1]:.1f}",
                      flush=True)  # fmt: skip
    print(f"median ratio of {len(ratios)} images: {statistics.median(ratios):.1f}")


if __name__ == "__main__":
    main()
