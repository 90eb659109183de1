"""How much faster the native engine is than PyRadiomics: ``python benchmarks/radiomics.py``.

One process, one thread: the two engines take turns on each image, and the table gives the median of
each and of their ratio. Seconds are those of the processor, which other programs on the machine
lengthen less than those of the clock. Then fresh processes tell the peak of memory above a loaded
image (where Linux tells it), and the time of the first image, with and without compiled loops on
disk. The images are ``--cases`` (folders of t1, t1ce, t2, flair and seg .nii.gz) or, where there
are none, synthetic brains of 240 x 240 x 155 voxels. ``--cohort 10`` writes so many synthetic
patients instead and times the estimator on their files, two workers, all four modalities.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from scipy import ndimage
from threadpoolctl import threadpool_limits

from sklidh import RadiomicsExtractor
from sklidh.radiomics import read_settings
from sklidh.radiomics._roi import Roi
from sklidh.radiomics._shape import shape_features

CASES = Path(__file__).parents[2] / "shared" / "data" / "brats-4mod"
MODALITIES = ("t1", "t1ce", "t2", "flair")


def make_case(seed, shape=(155, 240, 240)):
    """Return four modalities of a brain in 1 mm voxels, and a tumour of about 6 cm."""
    rng = np.random.default_rng(seed)
    z, y, x = np.ogrid[tuple(slice(-n / 2, n / 2) for n in shape)]
    brain = (z / 65) ** 2 + (y / 85) ** 2 + (x / 68) ** 2 < 1
    rough = ndimage.gaussian_filter(rng.normal(size=shape), 6)
    away = (z - 10) ** 2 + (y - 20) ** 2 + (x + 15) ** 2
    mask = (away < (30 + 300 * rough).clip(8) ** 2) & brain
    tissue = 400 + 8000 * ndimage.gaussian_filter(rng.normal(size=shape), 3)
    volumes = {}
    for modality, gain in zip(MODALITIES, (1.0, 1.6, 1.3, 0.8), strict=True):
        volume = gain * (tissue + 150 * mask) + rng.normal(0, 25, shape)
        volumes[modality] = np.where(brain, volume.clip(1), 0).astype(np.int16)
    return volumes, mask, (1.0, 1.0, 1.0)


def read_cases(folder, wanted="*"):
    """Yield each case: its name, its modalities, its tumour and the voxel size."""
    found = sorted(path.parent for path in Path(folder).glob(f"{wanted}/seg.nii.gz"))
    for case in found:
        images = {name: sitk.ReadImage(case / f"{name}.nii.gz") for name in MODALITIES}
        mask = sitk.GetArrayFromImage(sitk.ReadImage(case / "seg.nii.gz")) > 0
        volumes = {name: sitk.GetArrayFromImage(image) for name, image in images.items()}
        yield case.name, volumes, mask, images["t1"].GetSpacing()[::-1]
    if not found:
        for seed in (0, 1):
            yield f"synthetic {seed}", *make_case(seed)


def engine_of(name):
    from sklidh.radiomics import _extract, _reference

    return {"native": _extract, "pyradiomics": _reference}[name]


def seconds_of(call):
    """Time one call, in seconds of the processor; return them and its result."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def worst_difference(ours, theirs):
    """Return the largest relative difference, of values that are not mere rounding."""
    pairs = [(ours[name], value) for name, value in theirs.items()]
    return max(abs(a - b) / abs(b) for a, b in pairs if abs(b) > 1e-6)


def compare_speed(cases, settings, names, repeats):
    """Print a line for each image and the medians."""
    print(f"{'case':18} {'image':6} {'voxels':>7} {'PyRadiomics':>12} {'native':>8} {'ratio':>6} "
          f"{'difference':>11}")  # fmt: skip
    ratios = []
    for case, volumes, mask, spacing in cases:
        together = 0.0
        for modality, volume in volumes.items():
            taken, values = {name: [] for name in names}, {}
            engine_of("native").extract(volume, mask, spacing, settings)  # compiled, and in memory
            for _ in range(repeats):
                for name in names:
                    call = partial(engine_of(name).extract, volume, mask, spacing, settings)
                    spent, values[name] = seconds_of(call)
                    taken[name].append(spent)
            native = statistics.median(taken["native"])
            together += native
            line = f"{case:18} {modality:6} {mask.sum():7} "
            if "pyradiomics" in names:
                pairs = zip(taken["pyradiomics"], taken["native"], strict=True)
                ratios.append(statistics.median(theirs / ours for theirs, ours in pairs))
                line += f"{statistics.median(taken['pyradiomics']):10.2f} s {native * 1e3:5.0f} ms "
                line += f"{ratios[-1]:6.0f} {worst_difference(*map(values.get, names)):11.1e}"
            else:
                line += f"{'':12} {native * 1e3:5.0f} ms"
            print(line, flush=True)
        geometry = statistics.median(
            seconds_of(lambda mask=mask, spacing=spacing: shape_features(Roi(mask), spacing))[0]
            for _ in range(repeats)
        )
        print(f"{case:18} four modalities: {together:.2f} s, of which the region's geometry, done "
              f"once for each, {4 * geometry:.2f} s", flush=True)  # fmt: skip
    if ratios:
        print(f"\nmedian ratio of {len(ratios)} images: {statistics.median(ratios):.0f}")


class PeakMemory(threading.Thread):
    """Watch how far the memory of this process rises above where it is, MB."""

    def __init__(self):
        super().__init__(daemon=True)
        self.before = self.highest = self.now()
        self.over = threading.Event()

    @staticmethod
    def now():
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def run(self):
        while not self.over.wait(0.001):
            self.highest = max(self.highest, self.now())

    def risen(self):
        self.over.set()
        self.join()
        return self.highest - self.before


def measure_alone(engine, preset, saved):
    """Report what one engine costs in this process; run by `measure_fresh`."""
    start = time.perf_counter()
    settings, extract = read_settings(preset), engine_of(engine).extract
    small = (np.random.default_rng(0).normal(size=(20, 24, 22)) * 100).astype(np.int16)
    mask = np.pad(np.ones((10, 14, 12), bool), 5)
    extract(small, mask, (1, 1, 1), settings)
    first = time.perf_counter() - start
    image = np.load(saved)
    volume, mask = image["volume"], image["mask"]
    peak = PeakMemory()
    peak.start()
    extract(volume, mask, (1, 1, 1), settings)
    print(json.dumps({"first": first, "peak": peak.risen()}))


def measure_fresh(names, preset):
    """Print memory and first times, each measured in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "image.npz"
        volumes, mask, _ = make_case(0)
        np.savez(saved, volume=volumes["t1"], mask=mask)

        def report(engine, **environment):
            command = [sys.executable, __file__, "--alone", engine, "--preset", preset]
            done = subprocess.run(
                [*command, "--saved", str(saved)],
                env=os.environ | environment,
                capture_output=True,
                text=True,
                check=True,
            )
            return json.loads(done.stdout.splitlines()[-1])

        cold = report("native", NUMBA_CACHE_DIR=str(Path(folder) / "compiled"))
        warm = report("native")
        print(f"first small image, nothing compiled yet: {cold['first']:.1f} s")
        print(f"first small image, compiled before:      {warm['first']:.1f} s")
        print(f"peak memory above a 240 x 240 x 155 image: native {warm['peak']:.0f} MB", end="")
        if "pyradiomics" in names:
            print(f", PyRadiomics {report('pyradiomics')['peak']:.0f} MB", end="")
        print()


def measure_cohort(n_patients, preset, n_jobs=2):
    """Print how long the estimator takes for a cohort on disk, and what that makes for 500."""
    with tempfile.TemporaryDirectory() as folder:
        rows = {}
        for patient in range(n_patients):
            volumes, mask, _ = make_case(patient)
            rows[f"P{patient:03}"] = row = {}
            for name, volume in (volumes | {"mask": mask.astype(np.uint8)}).items():
                row[name] = str(Path(folder) / f"{patient}-{name}.nii.gz")
                sitk.WriteImage(sitk.GetImageFromArray(volume), row[name])
        X = pd.DataFrame.from_dict(rows, orient="index")
        start = time.perf_counter()
        for modality in MODALITIES:
            extractor = RadiomicsExtractor(preset, cache=Path(folder) / "cache", n_jobs=n_jobs)
            extractor.fit_transform(X[[modality, "mask"]])
        spent = time.perf_counter() - start
        one = X.iloc[:2]
        busy = sum(
            seconds_of(
                lambda modality=modality: RadiomicsExtractor(preset, cache=False).fit_transform(
                    one[[modality, "mask"]]
                )
            )[0]
            for modality in MODALITIES
        ) / len(one)
    print(f"{n_patients} patients x {len(MODALITIES)} modalities, {n_jobs} workers, {preset}: "
          f"{spent:.0f} s, so {spent / n_patients * 500 / 60:.1f} min for 500; {busy:.2f} s of one "
          f"processor for a patient, so {busy * 500 / n_jobs / 60:.1f} min on {n_jobs} of "
          "one's own")  # fmt: skip


def main():
    # This file's folder comes first there, and PyRadiomics' module has this file's name.
    sys.path.remove(str(Path(__file__).resolve().parent))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="full", choices=["full", "paper"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cases", default=CASES, help="folder with a folder for each case")
    parser.add_argument("--only", default="*", help="the case of that name")
    parser.add_argument("--native-only", action="store_true")
    parser.add_argument("--cohort", type=int, help="number of synthetic patients to time")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    parser.add_argument("--saved", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    names = ["native"] if options.native_only else ["native", "pyradiomics"]
    with threadpool_limits(1):
        if options.alone:
            measure_alone(options.alone, options.preset, options.saved)
            return
        if options.cohort:
            measure_cohort(options.cohort, options.preset)
            return
        cases = read_cases(options.cases, options.only)
        settings = read_settings(options.preset)
        compare_speed(cases, settings, names, options.repeats)
        measure_fresh(names, options.preset)


if __name__ == "__main__":
    main()
