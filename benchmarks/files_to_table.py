"""From raw files to a table of radiomics: ``python benchmarks/files_to_table.py``.

Ten patients of 240 x 240 x 155 voxels, four sequences that are not registered, are made from the
cases of ``--cases`` (or synthetic ones), each moved at random. ``sklidh extract`` turns their files
into 3,492 features each, in fresh processes: with an empty cache, then with the one it filled.
Seconds are those of the clock and, since other programs lengthen them, of all processors together.
``--against FOLDER`` does the same in another checkout, in turns. Loops are compiled beforehand.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from images import brain_points, motion, moved  # the benchmark beside this one
from radiomics import CASES, read_cases

HERE = Path(__file__).parents[1]


def write_patients(folder, n_patients, cases):
    """Write so many patients, each sequence moved by itself, the mask with T2; return the table."""
    sources, rows = list(read_cases(cases)), {}
    for number in range(n_patients):
        _, volumes, mask, spacing = sources[number % len(sources)]
        images = {name: sitk.GetImageFromArray(volume) for name, volume in volumes.items()}
        images["mask"] = sitk.GetImageFromArray(mask.astype(np.uint8))
        rng = np.random.default_rng(number)
        centre = brain_points(images["t2"]).mean(axis=0)
        of_reference, row = motion(rng, centre), {}
        for name, image in images.items():
            image.SetSpacing(spacing[::-1])
            matrix = of_reference if name in ("t2", "mask") else motion(rng, centre)
            path = folder / f"{number}-{name}.nii.gz"
            if name == "mask":
                there = sitk.Cast(moved(image * 100.0, matrix) > 50, sitk.sitkUInt8)
            else:
                there = sitk.Cast(moved(image, matrix), sitk.sitkInt16)
            sitk.WriteImage(there, str(path))
            row[name if name == "mask" else name.upper()] = str(path)
        rows[f"patient-{number}"] = row
    table = folder / "cases.csv"
    pd.DataFrame.from_dict(rows, orient="index").rename_axis("patient").to_csv(table)
    return table


def run(checkout, table, out, cache, jobs):
    """Extract in a fresh process; return seconds of the clock and of all processors."""
    command = [sys.executable, "-m", "sklidh", "extract", table, "--out", out]
    command += ["--target", "none", "--jobs", jobs, "--overwrite"]
    before, start = os.times(), time.perf_counter()
    subprocess.run(
        [*map(str, command)],
        cwd=checkout,
        env=os.environ | {"SKLIDH_CACHE": str(cache)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    wall, after = time.perf_counter() - start, os.times()
    busy = after.children_user + after.children_system
    return wall, busy - before.children_user - before.children_system


def main():
    """Print a line per checkout and run, and whether the tables are one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cases", default=CASES, help="folder with a folder for each case")
    parser.add_argument("--against", help="another checkout")
    options = parser.parse_args()
    checkouts = [HERE, *([Path(options.against)] if options.against else [])]
    with tempfile.TemporaryDirectory() as folder:
        folder, tables = Path(folder), {}
        table = write_patients(folder, options.patients, options.cases)
        few = pd.read_csv(table).head(2)  # of both tumours: other types of levels, other loops
        few.to_csv(folder / "few.csv", index=False)
        for number, checkout in enumerate(checkouts):
            cache, out = folder / f"cache-{number}", folder / f"features-{number}.csv"
            run(checkout, folder / "few.csv", out, folder / "compiling", 1)
            for state in ("empty cache", "second run"):
                wall, busy = run(checkout, table, out, cache, options.jobs)
                tables[number, state] = pd.read_csv(out, index_col=0)
                print(f"{checkout}, {state}: {wall:.1f} s, processors {busy:.1f} s", flush=True)
        shapes = {each.shape for each in tables.values()}
        first = next(iter(tables.values()))
        apart = max(((each - first).abs() / (first.abs() + 1e-9)).max().max()
                    for each in tables.values())  # fmt: skip
    print(f"tables {shapes}; largest relative difference {apart:.1e}")


if __name__ == "__main__":
    main()
