"""
Your own cohort
===============

From a folder of images and a spreadsheet to a checked cohort.
"""

# %%
# A folder and a spreadsheet
# --------------------------
# A hospital typically provides a folder per patient, with arbitrary file names, and a spreadsheet
# of the patients. This script writes both, with two typical mistakes.

import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from sklidh import load_cohort
from sklidh.datasets import make_glioma_phantoms
from sklidh.images import check_case
from sklidh.plotting import CaseDisplay
from sklidh.utils import CohortError

folder = TemporaryDirectory()
root = Path(folder.name)
make_glioma_phantoms(root, n_patients=8, size=32, spacing=2.0)

patients = sorted(root.glob("phantom-*"))
table = pd.DataFrame({"patient": [path.name for path in patients]})
for modality in ("T1", "T1CE", "T2", "FLAIR", "mask"):
    table[modality] = [f"{path.name}/{modality}.nii.gz" for path in patients]
table["idh"] = pd.array([1, 0, 1, 0, 0, 1, 0, 1], dtype="Int64")
table["age"] = [34, 61, 45, 58, 70, 39, 66, 41]

table.loc[2, "FLAIR"] = "phantom-002/flair.nii.gz"
table.loc[5, "idh"] = None
table.to_csv(root / "cases.csv", index=False)
table[["patient", "FLAIR", "idh", "age"]]

# %%
# Loading finds all mistakes
# --------------------------
# All problems are listed at once, by patient and column, before anything is computed.

try:
    load_cohort(root / "cases.csv")
except CohortError as error:
    print(str(error).replace(folder.name, "..."))

# %%
# The corrected table loads. The index of ``X`` contains the patient ids and its cells absolute
# paths; ``y`` is the column ``idh``.

table.loc[2, "FLAIR"] = "phantom-002/FLAIR.nii.gz"
table.loc[5, "idh"] = 1
table.to_csv(root / "cases.csv", index=False)

X, y = load_cohort(root / "cases.csv")
y.value_counts().rename("patients").to_frame()

# %%
# Check the images
# ----------------
# A correct table can still refer to damaged images. ``sklidh check cases.csv`` reads all images and
# writes a page with all patients; the same works in Python.

broken = Path(X.loc["phantom-004", "T1CE"])
whole = broken.read_bytes()
broken.write_bytes(whole[: len(whole) // 2])  # an interrupted copy

for _, case in X.iterrows():
    for problem in check_case(case, ["T1", "T1CE", "T2", "FLAIR"], reference="T2"):
        print(textwrap.fill(str(problem).replace(folder.name, "...")))

_ = broken.write_bytes(whole)

# %%
# The outline is the mask, which was drawn on T2. Continue as in :doc:`quick_start`.

CaseDisplay.from_case(X.loc["phantom-004"], ["T2"])
