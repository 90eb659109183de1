"""What perturbing costs: ``python benchmarks/robustness.py --mirp /path/to/python/with/mirp``.

One thread, seconds of the processor, image by image in turns, from the files to the features,
without a cache: one extraction (``transform``), that of ten perturbed copies as well
(``fit_transform``), their ratio, and the part of the time in which the copies are made.

With ``--mirp``, the interpreter of another environment with mirp (2.7), mirp extracts and perturbs
the same images in turn, with the families of the unfiltered image that both have (first-order,
morphology with its approximated spatial statistics, textures in three dimensions, 32 bins): ten
copies from five angles and two random contours each, with noise, a translation and growth by a
tenth.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from radiomics import MODALITIES, read_cases  # the benchmark beside this one
from threadpoolctl import threadpool_limits

from sklidh import RadiomicsExtractor
from sklidh.images import Perturbations, perturbed_images

UNFILTERED = {"imageType": {"Original": {}}, "setting": {"binCount": 32}}
MIRP = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import mirp
image, mask, perturbed = sys.argv[1:]
families = ["morphology", "statistics", "glcm", "glrlm", "glszm", "ngtdm", "ngldm"]
settings = dict(
    image=image, mask=mask, image_modality="mr", base_feature_families=families,
    base_discretisation_method="fixed_bin_number", base_discretisation_n_bins=32,
    crop_around_roi=True, crop_distance=25.0, no_approximation=False,
)
if perturbed == "yes":
    settings |= dict(
        perturbation_noise_repetitions=1, perturbation_rotation_angles=[-4.0, -2.0, 0.0, 2.0, 4.0],
        perturbation_translation_fraction=0.25, perturbation_roi_adapt_type="fraction",
        perturbation_roi_adapt_size=0.1, perturbation_randomise_roi_repetitions=2,
    )
start = time.process_time()
tables = mirp.extract_features(**settings)
rows = sum(len(table) for table in tables)
print(json.dumps([time.process_time() - start, rows]))
"""


def seconds_of(call, *arguments):
    start = time.process_time()
    call(*arguments)
    return time.process_time() - start


def make_copies(volume, mask, spacing):
    return list(perturbed_images(volume, {"": mask}, spacing, Perturbations()))


def mirp_seconds(python, image, mask, perturbed):
    words = [python, "-c", MIRP, str(image), str(mask), "yes" if perturbed else "no"]
    run = subprocess.run(words, capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    seconds, rows = json.loads(run.stdout.splitlines()[-1])
    if rows != (10 if perturbed else 1):
        sys.exit(f"mirp returned {rows} rows")
    return seconds


def write(folder, volume, mask, spacing):
    paths = []
    for name, voxels in {"image": volume, "mask": mask.astype(np.uint8)}.items():
        image = sitk.GetImageFromArray(voxels)
        image.SetSpacing(spacing[::-1])
        paths.append(str(Path(folder) / f"{name}.nii.gz"))
        sitk.WriteImage(image, paths[-1])
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=Path(__file__).parents[2] / "shared/data/brats-4mod")
    parser.add_argument("--modalities", default=",".join(MODALITIES))
    parser.add_argument("--mirp", help="a Python interpreter with mirp")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for case, volumes, mask, spacing in read_cases(options.cases):
        for modality in options.modalities.split(","):
            with tempfile.TemporaryDirectory() as folder:
                image, region = write(folder, volumes[modality], mask, spacing)
                X = pd.DataFrame({"image": [image], "mask": [region]}, index=[case])
                row = {"case": case, "image": modality, "voxels": int(mask.sum())}
                for name, settings in {"paper": "paper", "unfiltered": UNFILTERED}.items():
                    plain = RadiomicsExtractor(settings, cache=False).fit(X)
                    robust = RadiomicsExtractor(settings, perturbations=10, cache=False)
                    plain.transform(X)
                    row[f"{name} 1"] = seconds_of(plain.transform, X)
                    row[f"{name} 1+10"] = seconds_of(robust.fit_transform, X)
                    row[f"{name} ratio"] = row[f"{name} 1+10"] / row[f"{name} 1"]
                row["copies"] = seconds_of(make_copies, volumes[modality], mask, spacing)
                if options.mirp:
                    row["mirp 1"] = mirp_seconds(options.mirp, image, region, False)
                    row["mirp 10"] = mirp_seconds(options.mirp, image, region, True)
                    row["mirp 10 / unfiltered 1+10"] = row["mirp 10"] / row["unfiltered 1+10"]
            rows.append(row)
            print({key: round(v, 2) if isinstance(v, float) else v for key, v in row.items()})
    table = pd.DataFrame(rows).set_index(["case", "image"])
    for name in table.columns.drop("voxels"):
        print(f"{name}: median {statistics.median(table[name]):.2f}")


if __name__ == "__main__":
    with threadpool_limits(1):
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        main()
